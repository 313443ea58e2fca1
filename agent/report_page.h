/* The report to look at: one HTML page of all runs that needs nothing but itself. Runs are written
 * one by one, in bounded memory, to a temporary file; the page is put together at the end, when it
 * is known which run is worst. */
#ifndef TW_REPORT_PAGE_H
#define TW_REPORT_PAGE_H

#include "analysis.h"
#include "run_summary.h"

#include <stdio.h>

struct tw_report_page;

/* 0, or -errno when there is no temporary file. */
int tw_report_page_open(struct tw_report_page **ret, struct tw_error *error);
void tw_report_page_close(struct tw_report_page *page); /* NULL is allowed */

/* Writes the section of a run that is over. Sections are numbered from 0 in the order of these
 * calls: tw_run_summary.section. 0, -ENOMEM or -errno. */
int tw_report_page_add(struct tw_report_page *page, const struct tw_analysis *analysis,
                       const struct tw_run *run, const struct tw_run_charts *charts,
                       const struct tw_settings *settings, struct tw_error *error);

/* Writes the page, its runs in the order of the summaries, all of which have a section. A file that
 * is there is replaced as a whole or left as it was; a device or a pipe is written to. */
int tw_report_page_write(struct tw_report_page *page, const char *path,
                         const struct tw_run_summaries *summaries,
                         const struct tw_settings *settings, struct tw_error *error);

/* The signals that pages have charts of, for tw_charts.drawn: bit i for signal i. */
uint32_t tw_report_page_signals(void);

/* ---- report_page_run.c, report_page_advice.c, report_page_charts.c: parts of a section ---- */

void tw_report_page_run(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                        const struct tw_run_charts *charts, const struct tw_settings *settings);
/* What an advisory of the run suggests. */
void tw_report_page_advice(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                           const struct tw_episode_advisory *advisory);
/* Places for the two charts that say most, and below the findings those of the others with all
 * numbers. */
void tw_report_page_first_charts(FILE *out, const struct tw_run_charts *charts);
void tw_report_page_charts(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                           const struct tw_run_charts *charts);

#endif
