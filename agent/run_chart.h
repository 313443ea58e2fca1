/* A run's charts as they go out: signals in buckets of steps, a document each, told once a record
 * of another bucket comes. How wide a bucket is depends on its steps alone, so that the documents
 * are a function of the records, none has to be told again, and a run of n steps has about
 * 256 log2(n / 256) of them. Flat: part of the run's snapshot. (agent/charts.h has whole runs in
 * memory, for reports.) */
#ifndef TW_RUN_CHART_H
#define TW_RUN_CHART_H

#include "telemetry/record.h"

/* A bucket is one step wide until twice so many steps, then twice as wide with each doubling. */
#define TW_RUN_CHART_BUCKETS 256
/* Records of layers that are kept in each doubling: so many, and fewer for many layers. */
#define TW_RUN_CHART_LAYERS 16
#define TW_RUN_CHART_LAYER_DOCUMENTS 1024
/* A record so many steps before the present bucket is late; further back the run has gone back. */
#define TW_RUN_CHART_LATE 64
/* A run that goes back more often than this is drawn as though it did not: there is no end to it
 * otherwise. */
#define TW_RUN_CHART_PASSES 64

#define TW_RUN_CHART_SIGNALS 10
extern const enum tw_signal tw_run_chart_signals[TW_RUN_CHART_SIGNALS];

struct tw_run_chart_signal {
    double first, min, mean, max, last; /* as struct tw_chart_signal has them */
    uint32_t count, nonfinite;
};

struct tw_run_chart {
    char attempt[TW_ATTEMPT_MAX + 1]; /* of the present bucket */
    uint64_t bucket, width;           /* its first step; steps */
    uint64_t first_step, step;        /* of its first and its newest record */
    int64_t time_ms;                  /* of its newest record */
    uint32_t records;                 /* in it; 0: there is none */
    uint32_t pass;                    /* how often the run went back since it last ended */
    uint64_t layers_bucket;           /* of the newest layers record that was kept */
    uint8_t has_layers,
        has_nonfinite_layers; /* one of that bucket was kept; one that told of NaN */
    uint8_t health;           /* as it was last told, enum tw_run_health */
    uint64_t state_bucket;    /* of the newest document that told the run's state */
    uint64_t states;          /* how many did since it last ended */
    struct tw_run_chart_signal signal[TW_RUN_CHART_SIGNALS];
};

/* The signals that are drawn, as bits of tw_record.signals. */
uint32_t tw_run_chart_mask(void);

/* Steps in the bucket that `step` belongs to, where each doubling has `buckets` of them (a power of
 * two). A bucket begins at a multiple of its width. */
uint64_t tw_run_chart_width(uint64_t step, uint64_t buckets);

/* The record belongs into another bucket than the present one, which is to be told first. Then
 * begin() starts the new one. */
bool tw_run_chart_is_next(const struct tw_run_chart *chart, const char *attempt, uint64_t step);
void tw_run_chart_begin(struct tw_run_chart *chart, const char *attempt, uint64_t step);
/* Takes a record's readings into the present bucket. */
void tw_run_chart_take(struct tw_run_chart *chart, const struct tw_record *record, uint64_t step,
                       int64_t time_ms);
/* The run has ended and all is told: what comes now begins anew. */
void tw_run_chart_end(struct tw_run_chart *chart);

/* Whether this layers record is kept: the first of its bucket, and the first of it that tells of
 * NaN or infinities (`*ret_is_nonfinite`). */
bool tw_run_chart_keeps_layers(struct tw_run_chart *chart, const struct tw_layers *layers,
                               uint64_t step, bool *ret_is_nonfinite);

#endif
