/* Buckets of steps, one at a time. */
#include "agent/run_chart.h"

#include <math.h>
#include <string.h>

const enum tw_signal tw_run_chart_signals[TW_RUN_CHART_SIGNALS] = {
    TW_SIGNAL_LOSS,          TW_SIGNAL_EVAL_LOSS,    TW_SIGNAL_TRAIN_LOSS,  TW_SIGNAL_LEARNING_RATE,
    TW_SIGNAL_GRAD_NORM,     TW_SIGNAL_UPDATE_NORM,  TW_SIGNAL_WEIGHT_NORM, TW_SIGNAL_LOSS_SCALE,
    TW_SIGNAL_SKIPPED_STEPS, TW_SIGNAL_STEP_SECONDS,
};

uint32_t tw_run_chart_mask(void)
{
    return 1u << TW_SIGNAL_LOSS | 1u << TW_SIGNAL_EVAL_LOSS | 1u << TW_SIGNAL_TRAIN_LOSS |
           1u << TW_SIGNAL_LEARNING_RATE | 1u << TW_SIGNAL_GRAD_NORM | 1u << TW_SIGNAL_UPDATE_NORM |
           1u << TW_SIGNAL_WEIGHT_NORM | 1u << TW_SIGNAL_LOSS_SCALE |
           1u << TW_SIGNAL_SKIPPED_STEPS | 1u << TW_SIGNAL_STEP_SECONDS;
}

uint64_t tw_run_chart_width(uint64_t step, uint64_t buckets)
{
    uint64_t share = step / buckets;
    return share < 2 ? 1 : UINT64_C(1) << (63 - __builtin_clzll(share));
}

static uint64_t bucket_of(uint64_t step, uint64_t buckets)
{
    return step & ~(tw_run_chart_width(step, buckets) - 1);
}

/* The run went back, or another process of it speaks. */
static bool is_break(const struct tw_run_chart *chart, const char *attempt, uint64_t step)
{
    bool is_back = step < chart->bucket && chart->bucket - step > TW_RUN_CHART_LATE;
    return (is_back || strcmp(attempt, chart->attempt) != 0) && chart->pass < TW_RUN_CHART_PASSES;
}

bool tw_run_chart_is_next(const struct tw_run_chart *chart, const char *attempt, uint64_t step)
{
    return chart->records && (is_break(chart, attempt, step) ||
                              (step >= chart->bucket && step - chart->bucket >= chart->width));
}

void tw_run_chart_begin(struct tw_run_chart *chart, const char *attempt, uint64_t step)
{
    if (chart->records && is_break(chart, attempt, step)) {
        chart->pass++;
        chart->has_layers = 0;
        chart->state_bucket = 0;
    }
    memset(chart->signal, 0, sizeof chart->signal);
    memset(chart->attempt, 0, sizeof chart->attempt);
    strncpy(chart->attempt, attempt, sizeof chart->attempt - 1);
    chart->width = tw_run_chart_width(step, TW_RUN_CHART_BUCKETS);
    chart->bucket = bucket_of(step, TW_RUN_CHART_BUCKETS);
    chart->first_step = step;
    chart->records = 0;
}

static void take(struct tw_run_chart_signal *signal, double value)
{
    if (!signal->count++) {
        signal->first = value;
        signal->min = signal->mean = signal->max = NAN;
    }
    signal->last = value;
    if (!isfinite(value)) {
        signal->nonfinite++;
        return;
    }
    double n = signal->count - signal->nonfinite;
    signal->min = fmin(signal->min, value); /* NaN gives way */
    signal->max = fmax(signal->max, value);
    /* each part by itself: the difference of two large values may overflow */
    signal->mean = n == 1 ? value : signal->mean + (value / n - signal->mean / n);
}

void tw_run_chart_take(struct tw_run_chart *chart, const struct tw_record *record, uint64_t step,
                       int64_t time_ms)
{
    for (size_t i = 0; i < TW_RUN_CHART_SIGNALS; i++) {
        if (tw_record_has(record, tw_run_chart_signals[i]))
            take(&chart->signal[i], record->signal[tw_run_chart_signals[i]]);
    }
    chart->records++;
    chart->step = step;
    chart->time_ms = time_ms;
}

void tw_run_chart_end(struct tw_run_chart *chart)
{
    memset(chart, 0, sizeof *chart);
}

/* ---- layers ---- */

static uint64_t layer_buckets(uint32_t n_layers)
{
    uint64_t buckets = TW_RUN_CHART_LAYERS;
    while (buckets > 1 && buckets * n_layers > TW_RUN_CHART_LAYER_DOCUMENTS)
        buckets /= 2;
    return buckets;
}

static bool tells_nonfinite(const struct tw_layers *layers)
{
    const float *counts = layers->column[TW_LAYER_NONFINITE];
    for (uint32_t i = 0; counts && i < layers->n; i++) {
        if (counts[i] > 0)
            return true;
    }
    return false;
}

bool tw_run_chart_keeps_layers(struct tw_run_chart *chart, const struct tw_layers *layers,
                               uint64_t step, bool *ret_is_nonfinite)
{
    uint64_t bucket = bucket_of(step, layer_buckets(layers->n));
    bool is_new = !chart->has_layers || bucket > chart->layers_bucket;
    *ret_is_nonfinite = tells_nonfinite(layers);
    if (is_new) {
        chart->layers_bucket = bucket;
        chart->has_layers = 1;
        chart->has_nonfinite_layers = *ret_is_nonfinite;
        return true;
    }
    if (!*ret_is_nonfinite || chart->has_nonfinite_layers || bucket < chart->layers_bucket)
        return false;
    chart->has_nonfinite_layers = 1;
    return true;
}
