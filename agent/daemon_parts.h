/* The parts of one life of the daemon, and what is told of them. For daemon*.c. */
#ifndef TW_DAEMON_PARTS_H
#define TW_DAEMON_PARTS_H

#include "daemon.h"
#include "feed.h"

#include "sinks/delivery.h"

/* A sink at work on one stream of the log. */
struct tw_daemon_delivery {
    const struct tw_configured_sink *sink;
    char name[80]; /* the sink's, or NAME.charts: the cursor's identity */
    struct tw_delivery *delivery;
};

struct tw_daemon {
    const struct tw_daemon_options *options;
    struct tw_config *config;
    struct tw_feed_services services;
    char dead_letter_dir[4200];
    struct tw_feed **feeds;
    size_t n_feeds;
    struct tw_daemon_delivery *deliveries;
    size_t n_deliveries;
    struct tw_texts chart_readers;       /* the cursors of charts; the log looks at them */
    struct tw_feedback_reader *feedback; /* NULL: the log cannot be read now */
    double next_feedback; /* when it is looked for what commands left, and what the log says */
    char feedback_trouble[200]; /* as told */
    /* telling (daemon_figures.c) */
    double begun, next_figures, next_status;
    bool is_ready, has_told_systemd;
};

/* ---- parts (daemon_parts.c) ---- */

/* State directory, rules, advisory log, feeds, then the sinks. Whatever it returns, what was
 * started is ended by tw_daemon_stop(). */
int tw_daemon_start(struct tw_daemon *daemon, struct tw_error *error);
/* One delivery thread for each sink of `config`, and one more for charts where it takes them, so
 * that advisories wait for no charts; on failure some run: stop them. */
int tw_daemon_start_deliveries(struct tw_daemon *daemon, struct tw_error *error);
/* All sinks together have until `deadline` (tw_now_seconds()) to deliver what is there. */
void tw_daemon_stop_deliveries(struct tw_daemon *daemon, double deadline);
/* The sinks likewise, then the feeds without a checkpoint, then all else. */
void tw_daemon_stop(struct tw_daemon *daemon, double deadline);

/* ---- feedback (daemon_feedback.c) ---- */

/* Each time round the loop: about once a second, takes what `trainward feedback` left for a log
 * that is a file, and reads in the log what is a false alarm. Negative: the log cannot be written.
 */
int tw_daemon_feedback(struct tw_daemon *daemon, struct tw_error *error);

/* ---- figures (daemon_figures.c) ---- */

/* Each time round the loop: publishes the figures once a second, or when somebody waits for them,
 * and tells systemd when everything is ready and, now and then, how it goes. */
void tw_daemon_tell(struct tw_daemon *daemon);
/* The same now. */
void tw_daemon_tell_now(struct tw_daemon *daemon);

#endif
