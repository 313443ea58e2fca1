/* The clock for waiting: it never jumps, whatever is done to the time of day. */
#ifndef TW_CLOCK_H
#define TW_CLOCK_H

/* Seconds of CLOCK_MONOTONIC. Any thread. */
double tw_now_seconds(void);

#endif
