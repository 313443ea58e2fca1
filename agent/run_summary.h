/* What a table of several runs says of each, kept when the run itself is gone. */
#ifndef TW_RUN_SUMMARY_H
#define TW_RUN_SUMMARY_H

#include "charts.h"

struct tw_run_summary {
    char run[TW_RUN_ID_MAX + 1];
    const char *verdict;          /* static */
    double loss, eval_loss;       /* the newest; NaN also when there was none */
    bool has_loss, has_eval_loss; /* there was one */
    size_t n_findings;            /* those that were withdrawn are not counted */
    enum tw_severity severity;    /* the worst of them */
    const char *detector;         /* of the worst that began first; NULL without one. Static */
    uint64_t onset_step;          /* its */
    size_t n_scores;
    struct tw_score *scores; /* owned: those that have a best */
    size_t n_hyperparameters;
    struct tw_hyperparameter *hyperparameters; /* owned */
    uint64_t section;                          /* the report's own: see report_page.c */
};

/* Zeroed to begin with. */
struct tw_run_summaries {
    size_t n, room;
    struct tw_run_summary *at; /* owned */
};

/* Adds a run that is over; `charts` may be NULL. Returns it, valid until the next call; NULL when
 * out of memory, which changes nothing. */
struct tw_run_summary *tw_run_summaries_add(struct tw_run_summaries *summaries,
                                            const struct tw_run *run,
                                            const struct tw_run_charts *charts,
                                            const struct tw_settings *settings);
/* Worst first: problems by severity, then by how many, then what could not be judged, then what is
 * healthy; else in the order they came. */
void tw_run_summaries_sort(struct tw_run_summaries *summaries);
void tw_run_summaries_release(struct tw_run_summaries *summaries);

/* A number for people, four digits, of a whole one seven: "0.03125", "1.25e-05", "65536", "nan".
 * Returns `buffer`. */
const char *tw_short_number(double value, char *buffer, size_t size);

#endif
