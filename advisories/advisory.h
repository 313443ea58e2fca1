/* The advisory: the document of one change of an episode, or of a run, that people and sinks see.
 * Names: ECS where ECS has one, `trainward.*` for ours. */
#ifndef TW_ADVISORY_H
#define TW_ADVISORY_H

#include "rules/suggestion.h"

#include "telemetry/error.h"

/* 128 bits of SHA-256 as lower-case hex, and NUL. */
#define TW_EVENT_ID_SIZE 33

/* What an episode just did. */
enum tw_action {
    TW_ACTION_OPENED,
    TW_ACTION_ESCALATED,
    TW_ACTION_RECOVERED,
    TW_ACTION_WITHDRAWN,
    TW_ACTION_STILL_OPEN /* the run ended */
};
const char *tw_action_name(enum tw_action action); /* "opened", "escalated", ... */

/* Hash of run, attempt, detector, scope and the step at which it was detected. */
void tw_episode_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt,
                   const char *detector, const char *scope, uint64_t detected_step);
/* Hash of the episode id and the transition's number (0, 1, ...). */
void tw_transition_id(char ret[TW_EVENT_ID_SIZE], const char *episode_id, uint32_t transition);
/* Hash of run, attempt and the transition's number of a run document. */
void tw_run_event_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt,
                     uint32_t transition);
/* Of a run that goes on, hash of run, attempt, transition and the document's sequence number. */
void tw_run_running_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt,
                       uint32_t transition, uint64_t sequence);
/* Hash that names one attempt of a run: where its present state is kept. */
void tw_run_state_id(char ret[TW_EVENT_ID_SIZE], const char *run, const char *attempt);

/* Hash of any list of texts: other lists have other ids. */
void tw_fields_id(char ret[TW_EVENT_ID_SIZE], size_t n, const char *const *fields);

/* Who the run is, for every document. Empty = unknown and left out. */
struct tw_run_identity {
    const char *run, *attempt, *name, *project, *group, *host, *user;
};

/* The course of a signal, for a small picture beside the words: steps ascend. */
#define TW_EPISODE_CHART_POINTS 96
struct tw_episode_chart {
    const char *signal;
    size_t n; /* 0: no chart */
    struct {
        uint64_t step;
        double value; /* finite, else null in the document */
    } points[TW_EPISODE_CHART_POINTS];
};

#define TW_CAUSES_MAX 4

struct tw_episode_advisory {
    struct tw_run_identity run;
    int64_t time_ms; /* of the record that made the change */
    uint64_t step;   /* likewise */
    enum tw_action action;
    uint32_t transition; /* counts the documents of the episode, from 0; of a run that came back
                          * after its history was dropped, from behind all that it had given */
    char episode_id[TW_EVENT_ID_SIZE];
    const struct tw_finding *finding;
    size_t n_causes;
    char causes[TW_CAUSES_MAX][TW_EVENT_ID_SIZE]; /* episode ids that this one follows from */
    const struct tw_finding *cause; /* what the first of them found, for the sentence; or NULL */
    size_t n_suggestions;
    const struct tw_suggestion *suggestions;
    struct tw_rule_name rule;             /* the rule that matched first; empty = none */
    const struct tw_episode_chart *chart; /* or NULL */
};

struct tw_not_checked {
    const char *detector;
    char reason[128];
};

struct tw_run_advisory {
    struct tw_run_identity run;
    int64_t time_ms;
    uint64_t step;
    uint32_t transition;
    uint64_t sequence;   /* of the documents of a run that goes on, from 1; else 0 */
    const char *status;  /* "running", "completed", "failed", "interrupted" */
    const char *verdict; /* "healthy", "problem", "unknown" */
    size_t n_not_checked;
    const struct tw_not_checked *not_checked;
};

/* `event.severity` is a number of our own scale, as ECS asks: 1 info, 2 warning, 3 critical. A
 * run's document has 2 when its verdict is "problem", else 1, and `event.kind` "state". */
int tw_severity_number(enum tw_severity severity);

/* The document as one line of JSON without newline, keys in a fixed order, numbers in the shortest
 * form that reads back the same, NaN and infinities as null with a flag beside them
 * (`value_nonfinite: "nan"`). New string for free(), NULL when out of memory. */
char *tw_episode_document(const struct tw_episode_advisory *advisory);
char *tw_run_document(const struct tw_run_advisory *advisory);
/* Its `event.id`. */
void tw_run_advisory_id(char ret[TW_EVENT_ID_SIZE], const struct tw_run_advisory *advisory);

/* The sentence in `message`: "<title> since step 812: <evidence>. Change learning_rate from 0.3 to
 * 0.03." Returns `buffer`. */
const char *tw_episode_message(const struct tw_episode_advisory *advisory, char *buffer,
                               size_t size);

/* Whether people are told the unit of an evidence's value: ratios and shares are bare numbers
 * ("14.88 ratio" reads badly), and what was counted stands in the statistic already ("non-finite
 * losses in a row is 3"). */
bool tw_evidence_tells_unit(const char *statistic, const char *unit);
/* How many characters of the unit stand beside `value`: "1 record", "2 records". */
int tw_evidence_unit_length(const char *unit, double value);

/* What it follows from: "divergence since step 812", "saturation in layer hidden1 since step 3";
 * empty without a cause. Returns `buffer`. */
const char *tw_episode_cause(const struct tw_episode_advisory *advisory, char *buffer, size_t size);

struct json_t; /* jansson's */
/* A finding with its suggestions as the object that `analyze` prints (contract: findings[]). New
 * reference, NULL when out of memory. */
struct json_t *tw_finding_json(const struct tw_episode_advisory *advisory);
/* How a person reads a suggestion: "Change learning_rate from 0.3 to 0.03 (x0.1)", "Multiply
 * learning_rate by 0.1", "Set precision to bf16". Returns `buffer`. */
const char *tw_suggestion_text(const struct tw_suggestion *suggestion, char *buffer, size_t size);
/* A number, or null for NaN and infinities. */
struct json_t *tw_number_json(double value);

#endif
