/* Runs whose snapshot the brokers do not take, since it is larger than `max.message.bytes` of the
 * state topic. They are judged on; what is kept of them in the state topic is a note that they are
 * to be judged anew from their first message. One table for each feed, on its thread. */
#ifndef TW_REFUSED_STATES_H
#define TW_REFUSED_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After so long a snapshot is tried again: the topic may take more by then. */
#define TW_REFUSED_RETRY_SECONDS 600.0

struct tw_refused_states;

/* NULL: out of memory. */
struct tw_refused_states *tw_refused_states_new(void);
void tw_refused_states_free(struct tw_refused_states *states); /* NULL is allowed */
size_t tw_refused_states_count(const struct tw_refused_states *states);

/* The run was refused with so many bytes of memory (tw_run_bytes()), `now` by the caller's clock.
 * 0 or -ENOMEM. `*ret_is_new`: it was not before. */
int tw_refused_states_put(struct tw_refused_states *states, const char *run, int32_t partition,
                          size_t bytes, double now, bool *ret_is_new);

/* Whether there is no use in sending its snapshot: it was refused, not long ago, with as many bytes
 * or not many more. When false for one that was refused, the next call waits as long again. */
bool tw_refused_states_spare(struct tw_refused_states *states, const char *run, size_t bytes,
                             double now);

/* The next spare() of the run is false: how its newest message ended is not known any more. Runs
 * that were never refused are passed over. */
void tw_refused_states_retry(struct tw_refused_states *states, const char *run);

/* A snapshot of the run is message number `number` now. All whose number is durable then were
 * taken: saved() forgets them and returns how many. Runs that were never refused are passed over.
 */
void tw_refused_states_sent(struct tw_refused_states *states, const char *run, uint64_t number);
size_t tw_refused_states_saved(struct tw_refused_states *states, uint64_t durable);

/* The run is gone, or all of a partition. */
void tw_refused_states_drop(struct tw_refused_states *states, const char *run);
void tw_refused_states_drop_partition(struct tw_refused_states *states, int32_t partition);

#endif
