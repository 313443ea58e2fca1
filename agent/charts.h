/* What charts are drawn of: the signals of runs and where their segments begin, taken from the
 * records as they are judged (tw_watch_options.observed). */
#ifndef TW_CHARTS_H
#define TW_CHARTS_H

#include "chart_buckets.h"
#include "run.h"

/* Further segments of a run are not marked. */
#define TW_CHART_SEGMENTS_MAX 64

struct tw_chart_segment {
    uint64_t step; /* its first */
    enum tw_segment_cause cause;
};

struct tw_run_charts {
    char run[TW_RUN_ID_MAX + 1];
    struct tw_chart_buckets signal[TW_SIGNALS];
    size_t n_segments; /* without the first, which is no change */
    struct tw_chart_segment segments[TW_CHART_SEGMENTS_MAX];
};

/* Those of one log, zeroed to begin with. */
struct tw_charts {
    size_t n, room;
    struct tw_run_charts **at; /* owned */
    size_t newest;             /* the one that was added to last */
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
