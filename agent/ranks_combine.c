/* Several ranks' records of one step as one. */
#include "agent/ranks_combine.h"

#include "detectors/statistics/order.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum way { MEDIAN, LARGEST, SUM };

/* Losses, norms and rates are defined over all ranks already, so that all should say the same:
 * a median is not drawn away by one rank that says something else. */
static const enum way ways[TW_SIGNALS] = {
    [TW_SIGNAL_OVERFLOW] = LARGEST,     [TW_SIGNAL_SKIPPED_STEPS] = LARGEST,
    [TW_SIGNAL_SAMPLES] = LARGEST,      [TW_SIGNAL_STEP_SECONDS] = LARGEST,
    [TW_SIGNAL_EVAL_SAMPLES] = LARGEST, [TW_SIGNAL_DROPPED_RECORDS] = SUM,
};

/* Values to be combined, and the worst of those that are not finite. */
struct values {
    double finite[TW_RANKS_PARTS_MAX];
    unsigned n;
    int worst; /* 0: none; 1: -inf, 2: inf, 3: NaN */
};

static void add_value(struct values *values, double value)
{
    int badness = isnan(value) ? 3 : isinf(value) ? (value > 0 ? 2 : 1) : 0;
    if (badness > values->worst)
        values->worst = badness;
    if (!badness && values->n < TW_RANKS_PARTS_MAX)
        values->finite[values->n++] = value;
}

static double combined_value(struct values *values, enum way way)
{
    static const double worst[] = {0, -INFINITY, INFINITY, NAN};
    double result = 0;
    if (values->worst)
        return worst[values->worst];
    if (way == MEDIAN)
        return tw_median(values->finite, values->n);
    for (unsigned i = 0; i < values->n; i++) {
        double value = values->finite[i];
        result = way == SUM ? result + value : i == 0 || value > result ? value : result;
    }
    return result;
}

static void combine_signals(const struct tw_record *parts, size_t n, struct tw_record *ret)
{
    for (int signal = 0; signal < TW_SIGNALS; signal++) {
        struct values values = {.n = 0};
        for (size_t i = 0; i < n; i++) {
            if (tw_record_has(&parts[i], (enum tw_signal)signal))
                add_value(&values, parts[i].signal[signal]);
        }
        if (values.n || values.worst)
            tw_record_set(ret, (enum tw_signal)signal, combined_value(&values, ways[signal]));
    }
}

static const struct tw_metric *find_metric(const struct tw_record *record, const char *name)
{
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        if (!strcmp(record->metrics[i].name, name))
            return &record->metrics[i];
    }
    return NULL;
}

static void combine_metric(const struct tw_record *parts, size_t n, const char *name,
                           struct tw_record *ret)
{
    struct values values = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        const struct tw_metric *metric = find_metric(&parts[i], name);
        if (metric)
            add_value(&values, metric->value);
    }
    tw_record_add_metric(ret, name, combined_value(&values, MEDIAN));
}

static void combine_metrics(const struct tw_record *parts, size_t n, struct tw_record *ret)
{
    for (size_t i = 0; i < n; i++) {
        for (uint32_t m = 0; m < parts[i].n_metrics; m++) {
            const char *name = parts[i].metrics[m].name;
            if (!find_metric(ret, name))
                combine_metric(parts, n, name, ret);
        }
    }
}

/* ---- layers ---- */

static const float *column_of(const struct tw_record *part, const struct tw_layers *like,
                              int column)
{
    const struct tw_layers *layers = part->layers;
    bool is_same = layers && layers->n == like->n && layers->header_hash == like->header_hash;
    return is_same ? layers->column[column] : NULL;
}

/* NaN says "not measured" here; the infinite is a reading. */
static float combined_figure(const float *const *columns, size_t n, uint32_t layer, enum way way)
{
    struct values values = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        if (!isnan(columns[i][layer]))
            add_value(&values, (double)columns[i][layer]);
    }
    return values.n || values.worst ? (float)combined_value(&values, way) : NAN;
}

static void combine_column(const struct tw_record *parts, size_t n, int column,
                           struct tw_layers *ret)
{
    const float *columns[TW_RANKS_PARTS_MAX];
    size_t n_columns = 0;
    for (size_t i = 0; i < n && n_columns < TW_RANKS_PARTS_MAX; i++) {
        const float *found = column_of(&parts[i], ret, column);
        if (found)
            columns[n_columns++] = found;
    }
    if (!n_columns)
        return;
    float *made = tw_layers_add_column(ret, (enum tw_layer_column)column);
    for (uint32_t layer = 0; layer < ret->n; layer++)
        made[layer] =
            combined_figure(columns, n_columns, layer, column == TW_LAYER_NONFINITE ? SUM : MEDIAN);
}

static int combine_layers(const struct tw_record *parts, size_t n, struct tw_record *ret)
{
    const struct tw_layers *first = NULL;
    for (size_t i = 0; i < n && !first; i++)
        first = parts[i].layers;
    if (!first)
        return 0;
    struct tw_layers *layers = tw_record_add_layers(ret, first->n);
    if (!layers)
        return -ENOMEM;
    layers->header_hash = first->header_hash;
    for (int column = 0; column < TW_LAYER_COLUMNS; column++)
        combine_column(parts, n, column, layers);
    return 0;
}

/* ---- the rest ---- */

static void take_part(const struct tw_record *part, struct tw_record *ret)
{
    if ((part->has & TW_HAS_TIME) && (!(ret->has & TW_HAS_TIME) || part->time_ms > ret->time_ms))
        ret->time_ms = part->time_ms;
    if ((part->has & TW_HAS_ATTEMPT) && !(ret->has & TW_HAS_ATTEMPT))
        memcpy(ret->attempt, part->attempt, sizeof ret->attempt);
    if (!ret->event[0])
        memcpy(ret->event, part->event, sizeof ret->event);
    if (ret->grad_norm_kind == TW_GRAD_NORM_UNKNOWN)
        ret->grad_norm_kind = part->grad_norm_kind;
    ret->has |= part->has & (TW_HAS_TIME | TW_HAS_ATTEMPT);
}

int tw_ranks_combine(const struct tw_record *parts, size_t n, struct tw_record *ret)
{
    if (n == 1) {
        tw_record_clear(ret);
        int result = tw_record_copy(ret, &parts[0]);
        ret->rank = 0;
        return result;
    }
    if (n > TW_RANKS_PARTS_MAX)
        n = TW_RANKS_PARTS_MAX;
    tw_record_clear(ret);
    memcpy(ret->run, parts[0].run, sizeof ret->run);
    ret->kind = parts[0].kind;
    ret->step = parts[0].step;
    ret->status = parts[0].status;
    ret->has = parts[0].has & (TW_HAS_KIND | TW_HAS_STEP);
    for (size_t i = 0; i < n; i++)
        take_part(&parts[i], ret);
    combine_signals(parts, n, ret);
    combine_metrics(parts, n, ret);
    return combine_layers(parts, n, ret);
}
