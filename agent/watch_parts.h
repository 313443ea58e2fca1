/* What agent/watch*.c share; the face is watch.h. */
#ifndef TW_WATCH_PARTS_H
#define TW_WATCH_PARTS_H

#include "watch.h"

struct tw_watch {
    struct tw_watch_options options;
    struct tw_run_table runs;
    struct tw_run *newest; /* the run of the record that came last */
    struct tw_retired *retired;
    struct tw_run *sweep; /* of the endless round; NULL: begins at the start */
    struct tw_watch_moment moment;
    int64_t time_base;
    struct tw_watch_counts counts;
};

/* ---- watch.c ---- */

/* Around all use of what watches share. */
void tw_watch_lock(const struct tw_watch *watch);
void tw_watch_unlock(const struct tw_watch *watch);

/* Judges a record that has not come before. */
int tw_watch_judge(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                   struct tw_error *error);
/* The record's time, or what stands for it. */
int64_t tw_watch_time_of(const struct tw_watch *watch, const struct tw_run *run,
                         const struct tw_record *record);

/* ---- watch_charts.c ---- */

/* Takes what is drawn of a record; only where options.chart is set. */
int tw_watch_draw(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                  struct tw_error *error);
/* The run has ended: tells the last bucket. */
int tw_watch_draw_end(struct tw_watch *watch, struct tw_run *run, struct tw_error *error);

/* ---- watch_episodes.c ---- */

/* The document of a run's state, for free(), NULL when out of memory. `sequence` counts those of
 * a run that goes on, from 1. */
char *tw_watch_run_document(const struct tw_watch *watch, const struct tw_run *run,
                            uint64_t sequence, char ret_id[TW_EVENT_ID_SIZE]);

/* All open episodes of a run come to the tally, or go. */
void tw_watch_count_in(struct tw_watch *watch, struct tw_run *run);
void tw_watch_count_out(struct tw_watch *watch, const struct tw_run *run);
/* Makes episodes and documents of what tw_detectors[detector] said. */
int tw_watch_apply(struct tw_watch *watch, struct tw_run *run, uint32_t detector,
                   const struct tw_report *report, struct tw_error *error);
/* Tells of what was said again during a cool-down that is over. */
int tw_watch_wake(struct tw_watch *watch, struct tw_run *run, struct tw_error *error);
/* A detector is suspicious, or has an open finding about the run's numbers. */
bool tw_watch_is_flagged(const struct tw_run *run);
/* The run ends so, unless it has ended. */
int tw_watch_finish(struct tw_watch *watch, struct tw_run *run, enum tw_end_status status,
                    struct tw_error *error);
/* A resumed run goes on where it ended. */
void tw_watch_go_on(struct tw_watch *watch, struct tw_run *run);
/* The place of "stalled-run" in tw_detectors. */
uint32_t tw_watch_stalled_run(void);

/* ---- watch_ranks.c ---- */

/* The run has several ranks, or the record says so. */
bool tw_watch_has_ranks(const struct tw_run *run, const struct tw_record *record);
/* Takes a record of such a run; judges what is complete by it. */
int tw_watch_judge_ranks(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                         struct tw_error *error);
/* Judges what waits for other ranks that will not come. */
int tw_watch_judge_waiting(struct tw_watch *watch, struct tw_run *run, struct tw_error *error);
/* Adds to what overflow opens which rank it was that told of what is not finite. */
void tw_watch_name_ranks(const struct tw_run *run, const struct tw_detector *detector,
                         struct tw_report *report);

/* ---- watch_silence.c ---- */

/* A record of the run has come now. */
void tw_watch_hear(const struct tw_watch *watch, struct tw_run *run);
/* What the run has told of its silent project is over. */
int tw_watch_end_project_silence(struct tw_watch *watch, struct tw_run *run,
                                 struct tw_error *error);

#endif
