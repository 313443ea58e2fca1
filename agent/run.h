/* One watched run: its context, the detectors' states, its episodes and the series that rules take
 * amounts from. Everything but the owned blocks at the end is flat, so that a run can be saved and
 * restored byte for byte (snapshot.h). A function of the records alone. */
#ifndef TW_RUN_H
#define TW_RUN_H

#include "episodes.h"
#include "run_series.h"
#include "run_table.h"
#include "settings.h"
#include "unsaved.h"

#include "advisories/advisory.h"
#include "sources/source.h"

/* How far the sequence numbers of one process have come. */
struct tw_attempt_progress {
    char attempt[TW_ATTEMPT_MAX + 1];
    uint64_t last_seq;
};
#define TW_RUN_ATTEMPTS 4

/* The flat part. */
struct tw_run_core {
    char id[TW_RUN_ID_MAX + 1];
    char attempt[TW_ATTEMPT_MAX + 1];
    struct tw_position position; /* behind the newest record that was applied */
    uint8_t has_position, ended;
    uint8_t state_lost;        /* it was judged anew when its first records were gone */
    enum tw_end_status status; /* once ended */
    uint32_t transition;       /* number of the next run document */
    uint64_t repeats, missing, other_ranks;
    uint32_t n_attempts;
    struct tw_attempt_progress attempts[TW_RUN_ATTEMPTS]; /* newest first */
    uint32_t suspects; /* bit i: tw_detectors[i] has a suspicion */
    uint32_t findings, findings_dropped;
    uint64_t signal_counts[TW_SIGNALS];
    int64_t time_ms; /* of the newest record, or made up from `time_base` */
    struct tw_context context;
    struct tw_run_series series;
};

struct tw_run {
    struct tw_run_core core;
    unsigned char *detector_states; /* one block; see tw_run_detector_state() */
    struct tw_episodes episodes;
    struct tw_header *header;    /* the newest, or NULL */
    unsigned char *header_bytes; /* its CBOR form, to tell repeats and for snapshots */
    size_t n_header_bytes;
    bool is_dirty; /* changed since the last snapshot */

    /* Where it stands; no part of what is saved. */
    struct tw_run_links links;
    struct tw_unsaved_mark unsaved;
    int64_t first_message; /* Kafka: 1 + the offset of its first message; 0: not known */
    bool is_rebuilt; /* its snapshot did not fit, and it is judged anew from its first message */
};

/* A new run with its detectors started. NULL when out of memory. */
struct tw_run *tw_run_new(const char *id, const struct tw_settings *settings);
void tw_run_free(struct tw_run *run); /* NULL is allowed */

/* Bytes of all detectors' states together, and where detector `index` keeps its own. */
size_t tw_run_detector_states_size(void);
void *tw_run_detector_state(const struct tw_run *run, size_t index);

/* Takes a header record: returns true when it is new, false for a repeat of the one known. */
bool tw_run_take_header(struct tw_run *run, const struct tw_record *record);

/* Asks the processor for what a record of this run will touch. */
void tw_run_prefetch(const struct tw_run *run);

struct tw_run_identity tw_run_identity(const struct tw_run *run);

/* "healthy", "problem" or "unknown", by the findings so far. */
const char *tw_run_verdict(const struct tw_run *run, const struct tw_settings *settings);

/* What could not be judged so far: at most `max`, returns how many. */
size_t tw_run_not_checked(const struct tw_run *run, const struct tw_settings *settings,
                          struct tw_not_checked *ret, size_t max);

#endif
