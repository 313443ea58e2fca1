/* The configuration in force, a new one on its way in, and the HTTP server that goes with it. */
#ifndef TW_CONFIGURATIONS_H
#define TW_CONFIGURATIONS_H

#include "config.h"
#include "http_server.h"
#include "metrics.h"

struct tw_configurations {
    struct tw_config now, before; /* before: of the last life, while `now` has not lived yet */
    bool has_before;
    struct tw_metrics *metrics;  /* owned */
    struct tw_http_server *http; /* owned; NULL: none */
    char *listen;                /* what it was asked to listen on */
    bool has_announced;          /* in the log: where it is, or why there is none */
    struct tw_error http_problem;
};

/* Loads the file that the command line names, tells its mistakes on standard error, and starts what
 * outlives a life: logging, metrics, the HTTP server. Not 0: that was told. */
int tw_configurations_start(struct tw_configurations *configurations);
void tw_configurations_release(struct tw_configurations *configurations);

/* Loads the file again and checks whatever can be checked while the old one works: rules, sinks,
 * directories, the address to listen on. Not 0: refused, the reasons are in the log. */
int tw_configurations_load(struct tw_configurations *configurations, struct tw_config *ret);
/* A life with `now` has begun: tells where metrics are. */
void tw_configurations_begun(struct tw_configurations *configurations);
/* `now` was changed in place. */
void tw_configurations_changed(struct tw_configurations *configurations);
/* `fresh` is in force from now on, and moved; the one before is kept until keep() or go_back(). */
void tw_configurations_replace(struct tw_configurations *configurations, struct tw_config *fresh);
/* `now` has lived: there is no way back. */
void tw_configurations_keep(struct tw_configurations *configurations);
/* `now` did not start, because of `why`: the one before is in force again. */
void tw_configurations_go_back(struct tw_configurations *configurations,
                               const struct tw_error *why);

#endif
