/* The clock for waiting, which never jumps, whatever is done to the time of day; a thread's clock
 * of its own work; and the time of day. Any thread. */
#ifndef TW_CLOCK_H
#define TW_CLOCK_H

#include <stdint.h>

/* Seconds of CLOCK_MONOTONIC. */
double tw_now_seconds(void);

/* Seconds that the calling thread has computed: what something costs, however busy the machine is.
 */
double tw_thread_seconds(void);

/* Milliseconds since 1970 by the day's clock, which may be set: for telling, not for waiting. */
int64_t tw_wall_ms(void);

#endif
