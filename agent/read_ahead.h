/* A finished log read by one thread while another judges what was read before. A record takes
 * longer to judge than to read, so that reading costs next to no time where there are two
 * processors. What comes, and in which order, is what source->next() gives. */
#ifndef TW_READ_AHEAD_H
#define TW_READ_AHEAD_H

#include "sources/source.h"

struct tw_read_ahead;

/* For a source that is not followed; it is borrowed until close. NULL where there is no second
 * processor, no thread or no memory (some 2 MiB). */
struct tw_read_ahead *tw_read_ahead_open(const struct tw_source *source, void *handle);

/* Reads to the end. `take` gets what the source gave, on the calling thread: it is as long valid as
 * the call lasts, but for the bytes of a BROKEN item, which are not kept. Returns the source's last
 * word, END or an error, or the first error of `take`. */
int tw_read_ahead_run(struct tw_read_ahead *ahead,
                      int (*take)(void *closure, int next, struct tw_source_item *item,
                                  struct tw_error *error),
                      void *closure, struct tw_error *error);

/* NULL is allowed. */
void tw_read_ahead_close(struct tw_read_ahead *ahead);

#endif
