/* Several runs side by side: which is worst, and what the sick ones have that the healthy ones have
 * not. */
#ifndef TW_COMPARE_RUNS_H
#define TW_COMPARE_RUNS_H

#include "run_summary.h"

#include <stdio.h>

/* A hyper-parameter whose values in the runs with a problem are others than in the healthy ones. */
struct tw_parameter_difference {
    char name[48];
    bool is_apart; /* no value is on both sides: of numbers, the ranges do not meet */
    char healthy[160], sick[160]; /* "0.001", "0.001 to 0.1", "adam, sgd" */
};

#define TW_DIFFERENCES_MAX 128

/* Writes at most TW_DIFFERENCES_MAX, those that are apart first, else by name; returns how many. 0
 * where no run is healthy or none has a problem. */
size_t tw_compare_parameters(const struct tw_run_summaries *summaries,
                             struct tw_parameter_difference *ret);

/* The metric to compare runs by: of those that tell better from worse the one that most runs have,
 * of these the one with the shortest name ("accuracy" before "balanced_accuracy"). NULL where no
 * run has any. Valid as long as the summaries. */
const char *tw_compare_metric(const struct tw_run_summaries *summaries);
/* A run's best of it; NULL where the run has none. */
const struct tw_score *tw_compare_score(const struct tw_run_summary *summary, const char *metric);

/* The table of the runs, which are sorted, and the differences, as `analyze` prints them. Where
 * the table would be wider than `width`, columns are left out, which a line below it names, and
 * long names of runs and values are cut; 0: all is printed. */
void tw_compare_print(FILE *out, const struct tw_run_summaries *summaries, unsigned width);

#endif
