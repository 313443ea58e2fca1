/* Documents for charts: a run's buckets as they are full, its layers, and how it does while it goes
 * on. They go to a stream of their own, for the sinks that draw. */
#include "agent/watch_parts.h"

#include "advisories/chart.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Documents that tell a run's state, in each doubling of its steps. */
#define STATES 8

static int tell(struct tw_watch *watch, const struct tw_run *run, const char *id, char *document,
                struct tw_error *error)
{
    if (!document)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_watch_lock(watch);
    int result = watch->options.chart(watch->options.closure, id, run->core.id, document, error);
    tw_watch_unlock(watch);
    watch->counts.charts += !result;
    free(document);
    return result;
}

static struct tw_chart_place place_of(const struct tw_run *run)
{
    struct tw_chart_place place = {
        .run = tw_run_identity(run),
        .time_ms = run->chart->time_ms,
        .transition = run->core.transition,
        .pass = run->chart->pass,
        .step = run->chart->step,
    };
    place.run.attempt = run->chart->attempt;
    return place;
}

static size_t signals_of(const struct tw_run_chart *chart,
                         struct tw_chart_signal ret[TW_RUN_CHART_SIGNALS])
{
    size_t n = 0;
    for (size_t i = 0; i < TW_RUN_CHART_SIGNALS; i++) {
        const struct tw_run_chart_signal *signal = &chart->signal[i];
        if (signal->count)
            ret[n++] = (struct tw_chart_signal){.name = tw_signal_name(tw_run_chart_signals[i]),
                                                .first = signal->first,
                                                .min = signal->min,
                                                .mean = signal->mean,
                                                .max = signal->max,
                                                .last = signal->last,
                                                .count = signal->count,
                                                .nonfinite = signal->nonfinite};
    }
    return n;
}

static int tell_bucket(struct tw_watch *watch, const struct tw_run *run, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    struct tw_chart_signal signals[TW_RUN_CHART_SIGNALS];
    const struct tw_bucket_chart chart = {
        .place = place_of(run),
        .bucket = run->chart->bucket,
        .first_step = run->chart->first_step,
        .width = run->chart->width,
        .n_signals = signals_of(run->chart, signals),
        .signals = signals,
    };
    tw_bucket_chart_id(id, &chart);
    return tell(watch, run, id, tw_bucket_chart_document(&chart), error);
}

/* Often at first and then ever less, and whenever the verdict has changed. */
static int tell_state(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    struct tw_run_chart *chart = run->chart;
    uint64_t width = tw_run_chart_width(chart->step, STATES);
    uint64_t bucket = chart->step & ~(width - 1);
    enum tw_run_health health = tw_run_health(run, watch->options.settings);
    if (chart->states && bucket <= chart->state_bucket && health == chart->health)
        return 0;
    int result =
        tell(watch, run, id, tw_watch_run_document(watch, run, chart->states + 1, id), error);
    chart->states++;
    chart->state_bucket = bucket;
    chart->health = (uint8_t)health;
    return result;
}

static int take_readings(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                         uint64_t step, struct tw_error *error)
{
    struct tw_run_chart *chart = run->chart;
    const char *attempt = run->core.attempt;
    int result = 0;
    if (tw_run_chart_is_next(chart, attempt, step)) {
        result = tell_bucket(watch, run, error);
        if (!result)
            result = tell_state(watch, run, error);
        tw_run_chart_begin(chart, attempt, step);
    } else if (!chart->records) {
        tw_run_chart_begin(chart, attempt, step);
    }
    tw_run_chart_take(chart, record, step, run->core.time_ms);
    return result;
}

/* ---- layers ---- */

/* The double whose shortest text is that of the float: 0.2844, not 0.28439998626708984. */
static double plain(float value)
{
    char text[32];
    for (int digits = 6; digits <= 9 && isfinite(value); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            return strtod(text, NULL);
    }
    return (double)value;
}

static size_t figures_of(const struct tw_layers *layers, uint32_t index,
                         struct tw_layer_figure ret[TW_LAYER_COLUMNS])
{
    size_t n = 0;
    for (size_t i = 0; i < TW_LAYER_COLUMNS; i++) {
        const float *column = layers->column[i];
        if (column && column[index] == column[index]) /* NaN: not measured */
            ret[n++] = (struct tw_layer_figure){tw_layer_column_name((enum tw_layer_column)i),
                                                plain(column[index])};
    }
    return n;
}

static int tell_layer(struct tw_watch *watch, const struct tw_run *run,
                      const struct tw_layers *layers, struct tw_layer_chart chart,
                      struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE], number[16];
    struct tw_layer_figure figures[TW_LAYER_COLUMNS];
    const struct tw_header *header = run->header;
    bool is_known = header && run->context->header_hash == layers->header_hash &&
                    chart.index < header->n_layers;
    const struct tw_layer_info *info = is_known ? &header->layers[chart.index] : NULL;
    snprintf(number, sizeof number, "#%u", (unsigned)chart.index);
    chart.name = info && info->name[0] ? info->name : number;
    chart.kind = info ? info->kind : "";
    chart.activation = info ? info->activation : "";
    chart.n_figures = figures_of(layers, chart.index, figures);
    chart.figures = figures;
    if (!chart.n_figures)
        return 0;
    tw_layer_chart_id(id, &chart);
    return tell(watch, run, id, tw_layer_chart_document(&chart), error);
}

static int take_layers(struct tw_watch *watch, struct tw_run *run, const struct tw_layers *layers,
                       uint64_t step, struct tw_error *error)
{
    struct tw_layer_chart chart = {.place = place_of(run)};
    int result = 0;
    if (!tw_run_chart_keeps_layers(run->chart, layers, step, &chart.is_nonfinite))
        return 0;
    chart.place.run.attempt = run->core.attempt;
    chart.place.time_ms = run->core.time_ms;
    chart.place.step = step;
    for (; chart.index < layers->n && !result; chart.index++)
        result = tell_layer(watch, run, layers, chart, error);
    return result;
}

/* ---- the watch's hooks ---- */

int tw_watch_draw(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                  struct tw_error *error)
{
    bool has_readings = record->signals & tw_run_chart_mask();
    uint64_t step = record->has & TW_HAS_STEP ? record->step : run->context->step;
    if (!has_readings && !record->layers)
        return 0;
    if (!run->chart && !(run->chart = calloc(1, sizeof *run->chart)))
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = has_readings ? take_readings(watch, run, record, step, error) : 0;
    if (!result && record->layers)
        result = take_layers(watch, run, record->layers, step, error);
    return result;
}

int tw_watch_draw_end(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = 0;
    if (!watch->options.chart || !run->chart)
        return 0;
    if (run->chart->records)
        result = tell_bucket(watch, run, error);
    tw_run_chart_end(run->chart);
    return result;
}
