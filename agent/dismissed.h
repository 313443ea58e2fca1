/* The episodes that somebody called a false alarm, as far as the advisory log has been read: closed
 * for people, whatever their runs' records say on. Changed only while no watch is at work. */
#ifndef TW_DISMISSED_H
#define TW_DISMISSED_H

#include <stdbool.h>

struct tw_dismissed;

struct tw_dismissed *tw_dismissed_new(void);            /* NULL: out of memory */
void tw_dismissed_free(struct tw_dismissed *dismissed); /* NULL is allowed */

/* 0, also for one that is there, or -ENOMEM. */
int tw_dismissed_add(struct tw_dismissed *dismissed, const char *episode);
/* NULL is allowed: none is. */
bool tw_dismissed_has(const struct tw_dismissed *dismissed, const char *episode);

#endif
