/* One watched run: its context, the detectors' states, its episodes and the series that rules take
 * amounts from. Everything but the owned blocks at the end is flat, so that a run can be saved and
 * restored byte for byte (snapshot.h). A function of the records alone.
 *
 * A run begins with the state that step records need, a fifth of what there is; evaluations and
 * layers bring the rest (detectors/extent.h). */
#ifndef TW_RUN_H
#define TW_RUN_H

#include "episodes.h"
#include "ranks.h"
#include "run_chart.h"
#include "run_series.h"
#include "run_table.h"
#include "settings.h"
#include "unsaved.h"

#include "advisories/advisory.h"
#include "sources/source.h"

/* How far the sequence numbers of one process have come. */
struct tw_attempt_progress {
    uint64_t attempt; /* a hash of its name: of one run, no two of the newest are alike */
    uint64_t last_seq;
};
#define TW_RUN_ATTEMPTS 4

/* What has to be done to a run for its silence. It is decided by the clock, so it is saved before
 * it is done: a later agent does it again, whatever records have come by then (agent/silence.h). */
enum tw_run_due {
    TW_DUE_NOTHING,
    TW_DUE_STALL,        /* the detectors of silence are asked */
    TW_DUE_PROJECT,      /* it tells that all runs of its project are silent */
    TW_DUE_PROJECT_OVER, /* others of its project have been heard again */
    TW_DUE_RETIRE        /* finished as `interrupted` if it has not ended, and then retired */
};

/* The flat part. */
struct tw_run_core {
    char id[TW_RUN_ID_MAX + 1];
    char attempt[TW_ATTEMPT_MAX + 1];
    struct tw_position position; /* behind the newest record that was applied */
    int64_t time_ms;             /* of the newest record, or made up from `time_base` */
    uint8_t has_position, ended;
    uint8_t state_lost;        /* it was judged anew when its first records were gone */
    enum tw_end_status status; /* once ended */
    uint32_t suspects;         /* bit i: tw_detectors[i] has a suspicion */
    uint32_t n_attempts;
    struct tw_attempt_progress attempts[TW_RUN_ATTEMPTS]; /* newest first */
    /* Silence: agent/silence.h. */
    uint8_t due;                /* enum tw_run_due */
    uint8_t is_live;            /* a record of it came while it was new, not out of an old log */
    uint8_t is_retired;         /* all is told: its memory can go (agent/retired.h) */
    uint8_t is_revived;         /* it was retired before: what came before that is not known */
    uint8_t speaks_for_project; /* it has told that all runs of its project are silent */
    uint32_t project_runs;      /* how many these were */
    int64_t silent_ms; /* how long it had been silent when something became due; 0 since a record */
    uint32_t signal_counts[TW_SIGNALS];
    uint64_t missing;    /* records, by the gaps in their numbers */
    uint32_t transition; /* number of the next run document */
    uint32_t findings_dropped;
    /* Of the documents of each new episode; more than 0 in a run that was retired before, which may
     * come to a step again that it does not remember: behind all numbers that it had given. */
    uint32_t first_transition;
};

struct tw_run {
    struct tw_run_core core;
    struct tw_context *context; /* the first thing in `state` */
    struct tw_run_series *series;
    unsigned char *state;        /* these two and the detectors', all as far as context->extent */
    const uint32_t *detector_at; /* where in it each detector's begins; not owned */
    struct tw_episodes episodes;
    struct tw_header *header;    /* the newest, or NULL */
    unsigned char *header_bytes; /* its CBOR form, to tell repeats and for snapshots */
    size_t n_header_bytes;
    struct tw_ranks *ranks;     /* where there are several; else NULL */
    struct tw_run_chart *chart; /* where charts are drawn, from the first reading on; else NULL */
    bool is_dirty;              /* changed since the last snapshot */

    /* Where it stands; no part of what is saved. */
    struct tw_run_links links;
    struct tw_unsaved_mark unsaved;
    double heard;            /* when its newest record came: tw_watch_moment.listened */
    struct tw_run *next_due; /* agent/silence.c's own list */
    bool was_heard;          /* a record of it came in this life */
    bool is_held;            /* not told as stalled, since its whole project is silent */
    uint32_t may_speak_for;  /* so many runs of its project are silent, and it is to tell */
    int64_t first_message;   /* Kafka: 1 + the offset of its first message; 0: not known */
    bool is_rebuilt; /* its snapshot did not fit, and it is judged anew from its first message */
};

/* A new run with its detectors started. NULL when out of memory. */
struct tw_run *tw_run_new(const char *id, const struct tw_settings *settings);
void tw_run_free(struct tw_run *run); /* NULL is allowed */

/* Bytes of context, series and all detectors' states at an extent, and where detector `index` keeps
 * its own. */
size_t tw_run_state_size(enum tw_extent extent);
static inline void *tw_run_detector_state(const struct tw_run *run, size_t index)
{
    return run->state + run->detector_at[index];
}

/* Makes room as far as `extent`, which is more than the run has; needed before a record of that
 * tw_extent_of() is observed. States move: pointers into the old ones are dead. The run stays where
 * it is. 0 or -ENOMEM, which changes nothing. */
int tw_run_grow(struct tw_run *run, const struct tw_settings *settings, enum tw_extent extent);

/* For how many seconds the run may be silent before it is told as stalled; INFINITY: for ever. */
double tw_run_patience(const struct tw_run *run, const struct tw_settings *settings);

/* Bytes that the run takes: itself, its state, its episodes and its header's text. */
size_t tw_run_bytes(const struct tw_run *run);
/* The same of a run of that extent with neither. */
size_t tw_run_bytes_at(enum tw_extent extent);

/* Asks the processor to fetch what a step record will need. Worth it a few records ahead, where so
 * many runs take turns that each is out of the cache by its next record. */
void tw_run_prefetch(const struct tw_run *run);

/* Takes a header record: returns true when it is new, false for a repeat of the one known. */
bool tw_run_take_header(struct tw_run *run, const struct tw_record *record);

/* Who it is, for documents: "" for what its header does not say. Borrows from the run. */
struct tw_run_identity tw_run_identity(const struct tw_run *run);

/* By the findings so far. */
enum tw_run_health { TW_RUN_UNKNOWN, TW_RUN_HEALTHY, TW_RUN_PROBLEM };
enum tw_run_health tw_run_health(const struct tw_run *run, const struct tw_settings *settings);
/* The same in a word: "unknown", "healthy" or "problem". */
const char *tw_run_verdict(const struct tw_run *run, const struct tw_settings *settings);

/* What could not be judged so far: at most `max`, returns how many. */
size_t tw_run_not_checked(const struct tw_run *run, const struct tw_settings *settings,
                          struct tw_not_checked *ret, size_t max);

#endif
