/* The logs that `trainward attach` follows, and what it tells of them, for the files attach*.c. */
#ifndef TW_ATTACH_H
#define TW_ATTACH_H

#include "agent/analysis.h"
#include "agent/charts.h"
#include "agent/config.h"
#include "agent/silence.h"
#include "agent/twin_logs.h"

#include "sources/file_identity.h"

#include <stdio.h>
#include <uthash.h>

struct tw_attach;

/* A log to be followed. */
struct tw_attach_log {
    const char *path;   /* texts: valid during the call */
    const char *named;  /* what its run is named after: find_logs.h */
    const char *run;    /* (optional) the run's name, where that is told */
    const char *reason; /* (optional) why it is thought to be one, for people */
    const char *shown;  /* (optional) said in place of the path; valid until the release */
    bool is_output;     /* what a job prints: of two that tell the same, the lesser one */
    bool is_named;      /* by whoever started us: that it holds no record is an error */
    const void *owner;  /* (optional) whom tw_attach_no_more() names */
};

/* A log that is followed. */
struct tw_followed {
    struct tw_attach *attach;
    const void *owner;
    struct tw_analysis analysis; /* once it has ended, the log itself is closed */
    char *path;
    struct tw_file_identity file;
    char *whole; /* of a store: its path as realpath() has it */
    struct tw_silence silence;
    struct tw_charts charts;   /* for the scores of its summary */
    bool has_drained;          /* read to its end */
    bool is_mapped, has_ended; /* what was read as what has been told; the run is over */
    bool is_named;
    bool is_gone;              /* when it ended, nothing was at its path: what comes there is new */
    bool has_failed;           /* it could not be read to its end, or was named and is no log */
    bool has_no_more;          /* nobody writes it any more: its end is its end */
    unsigned waits;            /* while nothing could be read */
    bool is_store;             /* of any number of runs, and all below it is part of it */
    const struct tw_run *over; /* of a store: the run that the newest record ended, or NULL */
    struct tw_texts told;      /* runs that have ended, with their summaries */
    bool is_output, is_twin;   /* is_twin: it told the same as another, and was left */
    struct tw_twin_losses losses;
    size_t n_compared;       /* of these */
    char form[64];           /* of the log, once it has told any; two of one form are no twins */
    struct tw_texts held;    /* advisories from before it was told what is read as what */
    struct tw_texts changes; /* of episodes that were told or are held, by hash */
    struct tw_texts changes_before; /* likewise, of the same log under another name */
    UT_hash_handle hh;
};

struct tw_attach {
    struct tw_config config;
    struct tw_rules *rules;
    struct tw_followed **logs;
    size_t n_logs;
    struct tw_followed *by_path;
    double next_round;  /* when many logs are looked at again */
    FILE *out;          /* where everything is told */
    const char *prefix; /* of single lines: what else is written there may not be ours */
    bool is_once; /* what is there now is judged as a whole: no advisories, the summary alone */
    bool colour;
    unsigned width;
    bool wraps; /* `out` is a terminal, whose lines are broken at words */
};

/* True where it is followed already, by whatever path, or is part of a store that is. A log that
 * was renamed is not: it is followed under its new name, and left under its old one. */
bool tw_attach_knows(struct tw_attach *attach, const char *path);
/* The one that is followed by this very path, or NULL. */
struct tw_followed *tw_attach_find(const struct tw_attach *attach, const char *path);

/* Follows one more log, from its start. */
int tw_attach_add(struct tw_attach *attach, const struct tw_attach_log *wanted,
                  struct tw_error *error);

/* Takes some of what each log has, waiting up to `timeout_seconds` in all where there is nothing.
 * One that cannot be read any more is told and ended. Returns how many of them go on, or negative.
 */
long tw_attach_follow(struct tw_attach *attach, double timeout_seconds, struct tw_error *error);

/* Reads the log that was added last to its end, as though nobody wrote it any more: of thousands
 * that are judged once a few are open at a time. */
int tw_attach_read_newest(struct tw_attach *attach, bool (*is_stopping)(void),
                          struct tw_error *error);

/* Nobody writes the owner's logs any more: each ends where it has been read to its end. */
void tw_attach_no_more(struct tw_attach *attach, const void *owner);

/* Ends what is still going, with its summary. */
int tw_attach_end(struct tw_attach *attach, struct tw_error *error);

/* As that of `analyze`, the first that occurs: 2 where a log could not be read to its end, one that
 * was named is none, or none held a record; 1 where a problem stands; 3 where nothing could be
 * judged; 0. */
int tw_attach_status(const struct tw_attach *attach);
bool tw_attach_has_problem(const struct tw_attach *attach);

void tw_attach_release(struct tw_attach *attach);

#endif
