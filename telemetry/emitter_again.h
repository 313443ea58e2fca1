/* Messages that a producer took and did not deliver since it ended itself: kept, in the order in
 * which they were sent, for the one that takes its place. */
#ifndef TW_EMITTER_AGAIN_H
#define TW_EMITTER_AGAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_again_message {
    struct tw_again_message *next, *previous;
    uint32_t serial; /* counts messages in the order in which they were sent first; may wrap */
    uint32_t tag;
    size_t size;
    unsigned char data[];
};

struct tw_again {
    struct tw_again_message *first, *last;
    size_t bytes, bytes_max;
};

/* Keeps a copy, behind all messages of lower serials. False, and nothing kept: it would be more
 * than bytes_max, or there is no memory. */
bool tw_again_keep(struct tw_again *again, uint32_t serial, uint32_t tag, const void *data,
                   size_t size);
/* Takes the first out, for free(); NULL: there is none. */
struct tw_again_message *tw_again_take(struct tw_again *again);

#endif
