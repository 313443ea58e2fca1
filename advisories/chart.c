/* The documents of charts. */
#include "advisories/chart.h"

#include "advisories/envelope.h"
#include "advisories/json_text.h"

#include <jansson.h>
#include <string.h>

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *document(const struct tw_chart_place *place, const char *id)
{
    const struct tw_envelope envelope = {
        .run = &place->run, .kind = "metric", .id = id, .time_ms = place->time_ms};
    return tw_envelope_document(&envelope);
}

static json_t *add_place(json_t *document, const char *kind, const struct tw_chart_place *place)
{
    json_t *trainward = tw_envelope_add_trainward(document, kind, &place->run);
    if (!trainward || tw_json_set(trainward, "pass", integer(place->pass)) ||
        tw_json_set(trainward, "step", integer(place->step)))
        return NULL;
    return trainward;
}

/* min, mean and max have no flag: null says that there is no finite reading. */
static json_t *signal_json(const struct tw_chart_signal *signal)
{
    json_t *object = json_object();
    if (!object || tw_json_set_number(object, "first", signal->first) ||
        tw_json_set(object, "min", tw_number_json(signal->min)) ||
        tw_json_set(object, "mean", tw_number_json(signal->mean)) ||
        tw_json_set(object, "max", tw_number_json(signal->max)) ||
        tw_json_set_number(object, "last", signal->last) ||
        tw_json_set(object, "count", integer(signal->count)) ||
        tw_json_set(object, "nonfinite", integer(signal->nonfinite))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *signals_json(const struct tw_bucket_chart *chart)
{
    json_t *signals = json_object();
    for (size_t i = 0; i < chart->n_signals && signals; i++) {
        const struct tw_chart_signal *signal = &chart->signals[i];
        if (tw_json_set(signals, signal->name, signal_json(signal))) {
            json_decref(signals);
            signals = NULL;
        }
    }
    return signals;
}

char *tw_bucket_chart_document(const struct tw_bucket_chart *chart)
{
    char id[TW_EVENT_ID_SIZE];
    tw_bucket_chart_id(id, chart);
    json_t *root = document(&chart->place, id);
    json_t *trainward = add_place(root, "chart", &chart->place);
    bool is_complete = trainward &&
                       !tw_json_set(trainward, "first_step", integer(chart->first_step)) &&
                       !tw_json_set(trainward, "width", integer(chart->width)) &&
                       !tw_json_set(trainward, "signals", signals_json(chart));
    return tw_envelope_finish(root, is_complete);
}

static json_t *layer_json(const struct tw_layer_chart *chart)
{
    json_t *layer = tw_json_texts("name", chart->name, NULL, NULL);
    bool is_complete = layer && !tw_json_set(layer, "index", integer(chart->index)) &&
                       !tw_json_set_text(layer, "kind", chart->kind) &&
                       !tw_json_set_text(layer, "activation", chart->activation);
    for (size_t i = 0; i < chart->n_figures && is_complete; i++)
        is_complete = !tw_json_set_number(layer, chart->figures[i].name, chart->figures[i].value);
    if (is_complete)
        return layer;
    json_decref(layer);
    return NULL;
}

char *tw_layer_chart_document(const struct tw_layer_chart *chart)
{
    char id[TW_EVENT_ID_SIZE];
    tw_layer_chart_id(id, chart);
    json_t *root = document(&chart->place, id);
    json_t *trainward = add_place(root, "layer", &chart->place);
    bool is_complete = trainward && !tw_json_set(trainward, "layer", layer_json(chart));
    return tw_envelope_finish(root, is_complete);
}
