/* Documents for charts: a bucket of a run's steps, and the figures of one of its layers. They are
 * told by the second stream of the log (log.h). */
#ifndef TW_CHART_H
#define TW_CHART_H

#include "advisories/advisory.h"

/* The readings of one signal in a bucket. Those that are not finite stand in `first`, `last` and
 * `nonfinite` alone. */
struct tw_chart_signal {
    const char *name;
    double first, min, mean, max, last; /* min, mean, max: NaN where no reading is finite */
    uint64_t count, nonfinite;          /* of all readings; of those that are not finite */
};

/* Whose and where. `transition` and `pass` tell buckets of the same steps apart: how many documents
 * the run has told of its end, and how often it went back since. */
struct tw_chart_place {
    struct tw_run_identity run;
    int64_t time_ms; /* of the newest record in it */
    uint32_t transition, pass;
    uint64_t step; /* of the newest record in it */
};

struct tw_bucket_chart {
    struct tw_chart_place place;
    uint64_t bucket;            /* the first step that belongs to it: a multiple of `width` */
    uint64_t first_step, width; /* of the first record in it; steps */
    size_t n_signals;
    const struct tw_chart_signal *signals;
};

struct tw_layer_figure {
    const char *name;
    double value; /* may be infinite */
};

struct tw_layer_chart {
    struct tw_chart_place place;
    const char *name, *kind, *activation; /* the latter two may be empty */
    uint32_t index;                       /* in the order of the header */
    bool is_nonfinite;                    /* kept for what is not finite in the record */
    size_t n_figures;
    const struct tw_layer_figure *figures;
};

/* The document's `event.id`: a hash of run, attempt, transition, pass and the bucket; of a layer,
 * of the step, the layer's index and why it was kept. */
void tw_bucket_chart_id(char ret[TW_EVENT_ID_SIZE], const struct tw_bucket_chart *chart);
void tw_layer_chart_id(char ret[TW_EVENT_ID_SIZE], const struct tw_layer_chart *chart);

/* The document as one line of JSON, like those of advisories. For free(), NULL when out of memory.
 */
char *tw_bucket_chart_document(const struct tw_bucket_chart *chart);
char *tw_layer_chart_document(const struct tw_layer_chart *chart);

#endif
