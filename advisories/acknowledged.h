/* Which messages of a producer the brokers have acknowledged. Messages are numbered from 1 in the
 * order in which they are sent; the brokers of several partitions acknowledge in another order.
 * What callers ask is: is everything up to that number safe? One thread. */
#ifndef TW_ACKNOWLEDGED_H
#define TW_ACKNOWLEDGED_H

#include <stddef.h>
#include <stdint.h>

struct tw_acknowledged {
    uint64_t sent; /* the number of the newest */
    uint64_t safe; /* all up to this one are acknowledged */
    unsigned char *came;
    size_t capacity; /* of `came`, a ring by number; 0 or a power of two */
};

/* Makes room for one more. 0 or -ENOMEM. Its number is `sent` + 1; count it once it is sent. */
int tw_acknowledged_reserve(struct tw_acknowledged *all);
/* The message with this number is acknowledged. */
void tw_acknowledged_note(struct tw_acknowledged *all, uint64_t number);
void tw_acknowledged_release(struct tw_acknowledged *all);

#endif
