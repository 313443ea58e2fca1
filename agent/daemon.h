/* The agent: feeds in, advisory log, sinks out, until it is told to stop. */
#ifndef TW_DAEMON_H
#define TW_DAEMON_H

#include "config.h"
#include "outage.h"

enum tw_daemon_end {
    TW_DAEMON_STOPPED, /* SIGTERM or SIGINT: everything is durable */
    TW_DAEMON_RELOAD,  /* SIGHUP: likewise; the caller loads the new file */
    TW_DAEMON_AGAIN    /* something failed on the way; start again from what is durable */
};

/* Runs until a signal. Returns enum tw_daemon_end, or negative when it could not start.
 * `error` is set in the latter case and for TW_DAEMON_AGAIN. `outage` lives on between two runs. */
int tw_daemon_run(const struct tw_config *config, struct tw_outage *outage, struct tw_error *error);

/* Catches SIGTERM, SIGINT and SIGHUP from now on. Call it once, before any thread starts. */
void tw_daemon_catch_signals(void);
/* True once SIGTERM or SIGINT came. */
bool tw_daemon_is_stopping(void);
/* True while a SIGHUP waits; asking takes it, so ask before the new file is read. */
bool tw_daemon_take_reload(void);
/* Sleeps, but not through a signal. */
void tw_daemon_pause(double seconds);

#endif
