/* Threads that do one thing side by side, over and over: the caller's own and some that wait for
 * it. All that was written before a tw_lanes_run() is seen by every lane, and all that the lanes
 * wrote is seen when it returns. */
#ifndef TW_LANES_H
#define TW_LANES_H

struct tw_lanes;

/* `n` lanes, the caller's included; fewer where threads cannot be had. The threads take no signals.
 * NULL: out of memory. */
struct tw_lanes *tw_lanes_open(unsigned n);
/* NULL is allowed. No run may be under way. */
void tw_lanes_close(struct tw_lanes *lanes);
unsigned tw_lanes_count(const struct tw_lanes *lanes);

/* Calls work(closure, lane) once for each lane from 0 on, that of 0 by the calling thread, and
 * returns when all have returned. */
void tw_lanes_run(struct tw_lanes *lanes, void (*work)(void *closure, unsigned lane),
                  void *closure);

/* Processors that this process may use; at least 1. */
unsigned tw_lanes_processors(void);

#endif
