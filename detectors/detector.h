/* A detector is one file ending in one struct tw_detector, listed in detectors.c. It is pure
 * arithmetic: no I/O, no clock, no allocation; its state is one flat block without pointers that
 * the caller owns, zeroes and may move, save and restore byte for byte. It judges a record before
 * it learns from it, and no NaN ever enters its state.
 *
 * A state is a struct whose members stand in the order of enum tw_extent: first what every run
 * needs, then what is for evaluations, then what is for layers. Only the part up to the run's
 * extent is there; a member beyond it must be neither read nor written, a struct that has such
 * members is never copied or cleared as a whole, and `finish` and `has_judged` are called at any
 * extent. tw_context_reaches() tells what is there; in the sight of a record, all that
 * tw_extent_of() says of it is. */
#ifndef TW_DETECTOR_H
#define TW_DETECTOR_H

#include "context.h"
#include "finding.h"

/* What a detector says of one scope at one record. It speaks when something changes: a suspicion
 * begins (SUSPECT), it is sure or its severity rose (OPEN), it is over (RECOVERED; also for a
 * suspicion that became nothing: then severity INFO makes it a finding "spike, recovered" and
 * silence is TW_STATE_WITHDRAWN), or it was wrong (WITHDRAWN). Saying the same again is harmless.
 */
struct tw_condition {
    char scope[TW_SCOPE_MAX + 1];
    enum tw_state state;
    enum tw_severity severity;
    uint64_t onset_step;
    int64_t onset_time_ms;
    double confidence;
    struct tw_evidence evidence;
};

#define TW_REPORT_CONDITIONS 8

/* The caller zeroes `n` before each call. Conditions over the limit are counted, not kept. */
struct tw_report {
    uint32_t n, n_dropped;
    struct tw_condition conditions[TW_REPORT_CONDITIONS];
};

/* Adds a zeroed condition of the given scope and state and returns it (a scratch one when full). */
struct tw_condition *tw_report_add(struct tw_report *report, const char *scope, enum tw_state state,
                                   enum tw_severity severity);

struct tw_detector {
    const char *name;        /* "divergence": in documents, rules, options */
    const char *title;       /* "Divergence": for people */
    const char *description; /* one line: what it finds */
    bool secondary;          /* not one of the six */
    uint32_t state_version;  /* raised whenever the state's layout or meaning changes */
    const struct tw_option *options;
    size_t n_options;
    size_t config_size;
    size_t state_size[TW_EXTENTS]; /* bytes at each extent, none less than the one before */

    /* `state` is zeroed, state_size[TW_EXTENT_STEPS] bytes, 8-aligned. */
    void (*start)(void *state, const void *config);
    /* The part for `extent` has just been added to the state, zeroed, and the one before it was
     * there already. NULL when zeroes are a good start. */
    void (*grow)(void *state, const void *config, enum tw_extent extent);
    /* Called for each record of the run in order, after tw_context_observe(). */
    void (*observe)(void *state, const void *config, const struct tw_context *context,
                    const struct tw_context_config *shared, const struct tw_record *record,
                    struct tw_report *report);
    /* The run ended (an end record, or the log's end). May report last conditions; open findings
     * that it leaves open become STILL_OPEN. */
    void (*finish)(void *state, const void *config, const struct tw_context *context,
                   const struct tw_context_config *shared, struct tw_report *report);
    /* True when the detector has been able to judge so far; else the reason is written, as one
     * clause for people: "no loss in the log". */
    bool (*has_judged)(const void *state, const void *config, const struct tw_context *context,
                       char *reason, size_t size);

    /* (optional, both) Silence, which is no record: for how many seconds the run may send nothing,
     * a function of what was observed; and what there is to say of it once it has sent nothing for
     * so long. Who listens to the run asks the former and calls the latter. */
    double (*patience)(const void *state, const void *config, const struct tw_context *context);
    void (*silent)(void *state, const void *config, const struct tw_context *context,
                   struct tw_report *report);
};

/* For state_size: a state that is all there from the start, and one whose parts for evaluations and
 * for layers begin with the members named; a part that a state has not begins where the next
 * does. */
#define TW_STATE_SIZES(type)                                                                       \
    {                                                                                              \
        sizeof(type), sizeof(type), sizeof(type)                                                   \
    }
#define TW_STATE_SIZES_FROM(type, evals, layers)                                                   \
    {                                                                                              \
        offsetof(type, evals), offsetof(type, layers), sizeof(type)                                \
    }
#define TW_STATE_SIZES_FROM_EVALS(type, evals)                                                     \
    {                                                                                              \
        offsetof(type, evals), sizeof(type), sizeof(type)                                          \
    }

/* Tells the detector that its state reaches from `from` to `to` now, the new part zeroed. */
void tw_detector_grow(const struct tw_detector *detector, void *state, const void *config,
                      enum tw_extent from, enum tw_extent to);

extern const struct tw_detector *const tw_detectors[]; /* NULL-terminated, in order of priority */
/* The detector called `name`, or NULL. */
const struct tw_detector *tw_detector_find(const char *name);

#endif
