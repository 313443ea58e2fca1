/* Is the daemon's thread alive? It says so each time round its loop, and before a wait that is
 * bounded (a checkpoint, a restore) it says how long that may take. Under systemd's watchdog a
 * thread of ours pings for as long as this holds: a broker that is away is waited for, a loop that
 * hangs is not. */
#ifndef TW_HEARTBEAT_H
#define TW_HEARTBEAT_H

/* Alive now, and again within `bound_seconds`. One thread: the daemon's. Cheap. */
void tw_heartbeat(double bound_seconds);
/* Since the newest of these, any thread; 0 before the first. */
double tw_heartbeat_age(void);

/* Starts the thread that pings, where $WATCHDOG_USEC asks for it (and $WATCHDOG_PID, if it is set,
 * is ours). Call once, after the signals are caught. */
void tw_heartbeat_start(void);
void tw_heartbeat_stop(void);

/* The longest that one round of the loop takes without a bounded wait of its own: each feed's
 * share of records, an fsync on a busy disk. */
#define TW_HEARTBEAT_LOOP_SECONDS 20.0

#endif
