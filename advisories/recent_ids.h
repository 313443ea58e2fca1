/* The newest ids of a log, so that a replay after a crash writes none of them twice. */
#ifndef TW_RECENT_IDS_H
#define TW_RECENT_IDS_H

#include "advisories/advisory.h"

#include <stdbool.h>

#define TW_RECENT_IDS 4096

/* A ring in order of arrival, and a hash table over it with open addressing, half full at most.
 * Zeroed = empty. */
struct tw_recent_ids {
    size_t n, newest; /* ids held; where the next one goes */
    char id[TW_RECENT_IDS][TW_EVENT_ID_SIZE];
    uint16_t slot[2 * TW_RECENT_IDS]; /* index in `id` + 1; 0 = free */
};

bool tw_recent_ids_has(const struct tw_recent_ids *ids, const char *id);
/* Adds one that is not there, in place of the oldest when full. */
void tw_recent_ids_add(struct tw_recent_ids *ids, const char *id);
/* Takes back the newest `n`. */
void tw_recent_ids_forget(struct tw_recent_ids *ids, size_t n);

#endif
