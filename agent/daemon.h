/* The agent: feeds in, advisory log, sinks out, until it is told to stop. */
#ifndef TW_DAEMON_H
#define TW_DAEMON_H

#include "config.h"
#include "metrics.h"
#include "outage.h"

/* After so long systemd is told READY=1 even though a source still waits (for partitions that other
 * agents hold, for a broker): what waits is no failure, and a start that never ends would be killed
 * by TimeoutStartSec=, 90 s by default. */
#define TW_DAEMON_READY_SECONDS 30.0

enum tw_daemon_end {
    TW_DAEMON_STOPPED, /* SIGTERM or SIGINT: everything is durable */
    TW_DAEMON_RELOAD,  /* SIGHUP: likewise; go on with the new configuration */
    TW_DAEMON_AGAIN    /* something failed on the way; start again from what is durable */
};

struct tw_daemon_options {
    struct tw_config *config; /* a reload that touches no source changes it in place */
    struct tw_metrics *metrics;
    struct tw_outage *outage; /* lives on from one life to the next */
    /* SIGHUP: loads and checks the new file into `*ret`; not 0: refused, and that was told. */
    int (*load)(void *closure, struct tw_config *ret);
    /* Everything was started. */
    void (*begun)(void *closure);
    /* The configuration was changed in place. */
    void (*changed)(void *closure);
    void *closure;
};

/* Runs until a signal. Returns enum tw_daemon_end, or negative when it could not start. `error` is
 * set in the latter case and for TW_DAEMON_AGAIN; `*ret_next` for TW_DAEMON_RELOAD. */
int tw_daemon_run(const struct tw_daemon_options *options, struct tw_config *ret_next,
                  struct tw_error *error);

/* ---- signals (daemon_signals.c) ---- */

/* Catches SIGTERM, SIGINT and SIGHUP from now on. Call it once, before any thread starts. */
void tw_daemon_catch_signals(void);
/* True once SIGTERM or SIGINT came. */
bool tw_daemon_is_stopping(void);
/* True while a SIGHUP waits; taking it must come before the new file is read. */
bool tw_daemon_wants_reload(void);
bool tw_daemon_take_reload(void);
/* Sleeps, but not through a signal. */
void tw_daemon_pause(double seconds);

/* As many descriptors as are allowed: each followed log takes some, and the soft limit is often
 * 1,024. (daemon_parts.c) */
void tw_daemon_raise_descriptors(void);

#endif
