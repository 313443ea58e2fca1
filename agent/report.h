/* What `analyze` and `attach` print about a run. */
#ifndef TW_REPORT_H
#define TW_REPORT_H

#include "analysis.h"
#include "scores.h"

#include <stdio.h>

/* One line of JSON (the contract of `analyze --format json`), new string for free(). */
char *tw_report_json(const struct tw_analysis *analysis, const struct tw_run *run,
                     const struct tw_settings *settings);

/* A block of text for people. `scores` may be NULL. */
void tw_report_text(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                    const struct tw_scores *scores, const struct tw_settings *settings, bool colour,
                    unsigned width);

/* "completed", "failed" or "interrupted"; "" where the log does not tell, as few logs of other
 * programs do. */
const char *tw_report_ending(const struct tw_analysis *analysis, const struct tw_run *run);

/* What of the log goes where: "loss (1350), learning_rate <- lr-Adam (1350)", on one line. */
void tw_report_mapping(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run);

/* The name in the log that a run's signal comes from; the signal's own where the log has it. */
const char *tw_report_raw_name(const struct tw_analysis *analysis, const struct tw_run *run,
                               enum tw_signal signal);

/* Indices of the run's episodes by onset, detector, scope; new array for free(). */
size_t *tw_report_order(const struct tw_run *run);

#endif
