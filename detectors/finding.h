/* What a detector says: a finding, with its evidence in numbers. Flat: may be copied and saved. */
#ifndef TW_FINDING_H
#define TW_FINDING_H

#include <stddef.h>
#include <stdint.h>

enum tw_severity { TW_SEVERITY_INFO, TW_SEVERITY_WARNING, TW_SEVERITY_CRITICAL };

/* The life of a finding. RECOVERED: it was real and is over. WITHDRAWN: it turned out wrong.
 * STILL_OPEN: open when the run ended. */
enum tw_state {
    TW_STATE_SUSPECT,
    TW_STATE_OPEN,
    TW_STATE_RECOVERED,
    TW_STATE_WITHDRAWN,
    TW_STATE_STILL_OPEN
};

#define TW_EVIDENCE_EXTRAS 8
#define TW_SCOPE_MAX 79

/* A further named number of the evidence; `text` instead of the number where it is not empty. */
struct tw_evidence_extra {
    char name[32];
    double value;
    char text[48];
};

struct tw_evidence {
    char statistic[48]; /* what was compared: "median of 16 losses / best median of 64" */
    double value;       /* what it was */
    double threshold;   /* the line it crossed */
    double baseline;    /* what was normal for this run; NaN when there is none */
    uint64_t window_first, window_last; /* steps that `value` was computed over */
    char unit[24];                      /* of value, threshold: "ratio", "sigma", "steps", ... */
    uint32_t n_extras;
    struct tw_evidence_extra extras[TW_EVIDENCE_EXTRAS];
};

struct tw_finding {
    const char *detector;         /* the detector's static name */
    char scope[TW_SCOPE_MAX + 1]; /* "run", "layer:NAME", "rank:N" */
    enum tw_severity severity;
    enum tw_state state;
    uint64_t onset_step, detected_step, closed_step; /* closed_step: only once closed */
    int64_t onset_time_ms, detected_time_ms, closed_time_ms;
    double confidence; /* 0..1: our probability that it stands at the end of the run */
    struct tw_evidence evidence;
};

/* "info", "warning", "critical"; "suspect", "open", "recovered", "withdrawn", "still_open". */
const char *tw_severity_name(enum tw_severity severity);
const char *tw_state_name(enum tw_state state);
/* 0 and *ret, or -1 when it is no such name. */
int tw_severity_parse(const char *name, enum tw_severity *ret);

/* Adds to the evidence; beyond TW_EVIDENCE_EXTRAS, nothing is added. */
void tw_evidence_add(struct tw_evidence *evidence, const char *name, double value);
void tw_evidence_add_text(struct tw_evidence *evidence, const char *name, const char *text);

#endif
