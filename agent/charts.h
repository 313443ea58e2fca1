/* What charts are drawn of: the signals and scores of runs, and where their segments begin, taken
 * from the records as they are judged (tw_watch_options.observed). */
#ifndef TW_CHARTS_H
#define TW_CHARTS_H

#include "chart_buckets.h"
#include "run.h"
#include "scores.h"

#include <uthash.h>

/* Further segments of a run are not marked. */
#define TW_CHART_SEGMENTS_MAX 64

struct tw_chart_segment {
    uint64_t step; /* its first */
    enum tw_segment_cause cause;
};

struct tw_run_charts {
    char run[TW_RUN_ID_MAX + 1];
    uint32_t has; /* bit i: newest[i] was sent */
    double newest[TW_SIGNALS];
    struct tw_chart_buckets signal[TW_SIGNALS]; /* empty for those that are not drawn */
    struct tw_scores scores;
    size_t n_segments; /* without the first, which is no change */
    struct tw_chart_segment segments[TW_CHART_SEGMENTS_MAX];
    UT_hash_handle hh; /* by `run` */
};

/* Those of one log, zeroed to begin with but for `drawn`. A full series takes 32 KiB. */
struct tw_charts {
    uint32_t drawn;               /* bit i: signal i is kept, and not only its newest reading */
    struct tw_run_charts *runs;   /* owned, a uthash table */
    struct tw_run_charts *newest; /* the one that was added to last */
};

/* Takes a record that the run's context has observed. Without memory, it is left out. */
void tw_charts_take(struct tw_charts *charts, const struct tw_run *run,
                    const struct tw_record *record);
/* Those of a run, or NULL. */
const struct tw_run_charts *tw_charts_find(const struct tw_charts *charts, const char *run);
void tw_charts_release(struct tw_charts *charts);

/* "resume", "learning rate up", ...: how people are told of a segment. */
const char *tw_segment_text(enum tw_segment_cause cause);

#endif
