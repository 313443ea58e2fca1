/* Reading one log through a source into a watch: what `analyze`, `attach` and watched directories
 * have in common. */
#ifndef TW_ANALYSIS_H
#define TW_ANALYSIS_H

#include "watch.h"

struct tw_analysis {
    const char *path;  /* borrowed */
    const char *shown; /* (optional) borrowed: what reports say in place of the path */
    const struct tw_source *source;
    void *handle;
    struct tw_watch *watch; /* owned */
    uint64_t skipped;       /* broken lines or stretches passed over */
    char first_skip[256];   /* where and why the first was */
    uint64_t records;
    struct tw_position position; /* behind the newest record or skip */
    uint64_t rewinds;            /* times the log was cut back or replaced */
    int64_t time_base_ms;        /* of records without a time: when the log was written, at open */
    bool follow;
};

/* Probes and opens the log at `path` (a file or a run directory) and a watch for it. */
int tw_analysis_open(struct tw_analysis *analysis, const char *path, bool follow,
                     const struct tw_watch_options *options, struct tw_error *error);

/* The same, of a log whose run's id and names are told: request->path is borrowed until close. */
int tw_analysis_open_log(struct tw_analysis *analysis, const struct tw_source_request *request,
                         const struct tw_watch_options *options, struct tw_error *error);

/* Takes the next thing from the log, waiting up to `timeout_seconds`. Returns enum tw_next, or
 * negative when the source failed. A log that is followed ends when all its runs have, or when it
 * is gone. */
int tw_analysis_step(struct tw_analysis *analysis, double timeout_seconds, struct tw_error *error);

/* Nobody writes a followed log any more: its end is waited for no longer. */
void tw_analysis_no_more(struct tw_analysis *analysis);

/* Reads a finished log from here to its end and ends its runs. A log without any record is an
 * error. */
int tw_analysis_read_all(struct tw_analysis *analysis, struct tw_error *error);

/* Ends every run that has not ended. */
int tw_analysis_finish(struct tw_analysis *analysis, struct tw_error *error);

/* What was read is known on, and nothing more is read. */
void tw_analysis_close_log(struct tw_analysis *analysis);
void tw_analysis_close(struct tw_analysis *analysis);

/* "run_directory/cbor", "tensorboard": the form of the log. Returns `buffer`. */
const char *tw_analysis_format(const struct tw_analysis *analysis, char *buffer, size_t size);

#endif
