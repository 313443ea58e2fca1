/* Saturation: layers of tanh or sigmoid units that stand at the ends of their range, where their
 * derivative is next to nothing.
 *
 * Two stories, told apart by when they begin. Weights drawn too wide saturate a layer in the very
 * first record, when a healthy one saturates hardly any activation: that is judged by the share of
 * activations, whatever the loss does later, as such a network trains late and badly. What
 * saturates while it learns may be success (units that have made up their minds): that is judged by
 * units that hardly ever leave their end, and only while the loss has not come down.
 *
 * Layers mostly saturate together and for one reason, so that there is one finding at a time, on
 * the layer that is worst off, and its evidence counts the others. */
#include "detectors/detectors.h"
#include "detectors/saturation/figures.h"
#include "detectors/saturation/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void saturation_start(void *state, const void *config)
{
    (void)state, (void)config;
}

/* ---- one layer ---- */

static double share_of(const struct tw_saturation_layer *layer)
{
    return isnan(layer->activations) ? layer->units : layer->activations;
}

static bool is_beyond(const struct tw_saturation_layer *layer, double units, double activations)
{
    return isnan(layer->units) ? layer->activations > activations : layer->units > units;
}

static bool has_not_learned(const struct tw_saturation_view *view)
{
    return isnan(view->level) || view->level >= view->unlearned;
}

static double start_share(const struct tw_saturation_view *view, uint32_t index)
{
    bool is_sigmoid = view->context->layer_activation[index] == TW_ACTIVATION_SIGMOID;
    return is_sigmoid ? view->config->sigmoid_start_share : view->config->start_share;
}

/* Whether a layer that is saturated in this record was so from the start: only the first tells. */
static bool is_start(const struct tw_saturation *saturation, const struct tw_saturation_view *view,
                     bool counts)
{
    return counts && saturation->records == 1 &&
           (view->context->step <= view->config->start_steps || view->level >= view->unlearned);
}

static void observe_layer(struct tw_saturation *saturation, const struct tw_saturation_view *view,
                          uint32_t index, bool counts)
{
    const struct tw_saturation_config *config = view->config;
    const struct tw_saturation_layer *layer = &view->layer[index];
    struct tw_track *track = saturation->track[index];
    bool is_first = is_start(saturation, view, counts), has_failed = has_not_learned(view);
    const bool holds[TW_SATURATION_KINDS] = {
        [TW_SATURATION_START_INFO] = share_of(layer) > config->info_share &&
                                     (is_first || track[TW_SATURATION_START_INFO].records),
        [TW_SATURATION_START] = share_of(layer) > start_share(view, index) &&
                                (is_first || track[TW_SATURATION_START].records),
        [TW_SATURATION_DRIFT] =
            has_failed && is_beyond(layer, config->units_share, config->activations_share),
        [TW_SATURATION_BLOCKED] =
            has_failed && is_beyond(layer, config->critical_units, config->critical_activations) &&
            tw_saturation_has_vanished(view, index),
    };
    for (int kind = 0; kind < TW_SATURATION_KINDS; kind++)
        tw_track_add(&track[kind], holds[kind], counts, view->context);
}

/* ---- all of them ---- */

/* Units that learn in spite of it, or have only just begun, are left alone. */
static bool has_lasted(const struct tw_saturation *saturation,
                       const struct tw_saturation_view *view, const struct tw_track *track,
                       enum tw_saturation_kind kind)
{
    const struct tw_saturation_config *config = view->config;
    bool is_blocked = kind == TW_SATURATION_BLOCKED;
    if (kind < TW_SATURATION_DRIFT)
        return true;
    return tw_outcome_has_stalled(&saturation->outcome, view->context, track->first_step,
                                  is_blocked ? config->blocked_steps : config->drift_steps,
                                  is_blocked ? config->blocked_share : config->drift_share);
}

/* The gravest kind that has held long enough, or -1. */
static int gravest(const struct tw_saturation *saturation, const struct tw_saturation_view *view,
                   uint32_t index)
{
    const struct tw_track *track = saturation->track[index];
    for (int kind = TW_SATURATION_KINDS; kind-- > 0;) {
        if (track[kind].records >= view->config->records &&
            has_lasted(saturation, view, &track[kind], (enum tw_saturation_kind)kind))
            return kind;
    }
    return -1;
}

static double threshold_of(const struct tw_saturation_view *view, uint32_t index,
                           enum tw_saturation_kind kind, bool has_units)
{
    const struct tw_saturation_config *config = view->config;
    switch (kind) {
    case TW_SATURATION_START_INFO:
        return config->info_share;
    case TW_SATURATION_START:
        return start_share(view, index);
    case TW_SATURATION_DRIFT:
        return has_units ? config->units_share : config->activations_share;
    case TW_SATURATION_BLOCKED:
    case TW_SATURATION_KINDS:
        break;
    }
    return has_units ? config->critical_units : config->critical_activations;
}

static struct tw_saturation_verdict judge_layer(const struct tw_saturation *saturation,
                                                const struct tw_saturation_view *view,
                                                uint32_t index, enum tw_saturation_kind kind)
{
    const struct tw_saturation_layer *layer = &view->layer[index];
    const struct tw_track *track = saturation->track[index];
    bool is_from_start = track[TW_SATURATION_START_INFO].records >= view->config->records;
    bool has_units =
        isnan(layer->activations) || (kind >= TW_SATURATION_DRIFT && !isnan(layer->units));
    double share = has_units ? layer->units : layer->activations;
    if (!is_from_start)
        track += kind;
    return (struct tw_saturation_verdict){
        .is_problem = 1,
        .kind = (uint8_t)kind,
        .is_from_start = is_from_start,
        .has_units = has_units,
        .index = index,
        .layers = 1,
        .value = share,
        .threshold = threshold_of(view, index, kind, has_units),
        .gradient = tw_figure_or_zero(layer->gradient),
        .first_gradient = tw_figure_or_zero(view->layer[0].gradient),
        .reference = tw_figure_or_zero(view->reference),
        .init_factor = is_from_start ? tw_saturation_init_factor(share_of(layer)) : 0,
        .onset_step = track->first_step,
        .onset_time_ms = track->first_time_ms,
    };
}

/* What counts as one of the layers of a finding that is a warning or graver. */
static void count_layer(struct tw_saturation_verdict *worst,
                        const struct tw_saturation_verdict *own)
{
    if (tw_saturation_severity((enum tw_saturation_kind)own->kind) < TW_SEVERITY_WARNING)
        return;
    if (!worst->layers++ || own->onset_step < worst->onset_step) {
        worst->onset_step = own->onset_step;
        worst->onset_time_ms = own->onset_time_ms;
    }
}

/* The gravest layer, of several equally grave ones the most saturated, then the first. */
static struct tw_saturation_verdict judge(const struct tw_saturation *saturation,
                                          const struct tw_saturation_view *view)
{
    struct tw_saturation_verdict worst = {0}, all = {0};
    for (uint32_t i = 0; i < view->n; i++) {
        int kind = view->layer[i].is_watched ? gravest(saturation, view, i) : -1;
        if (kind < 0)
            continue;
        struct tw_saturation_verdict own =
            judge_layer(saturation, view, i, (enum tw_saturation_kind)kind);
        count_layer(&all, &own);
        if (!worst.is_problem || own.kind > worst.kind ||
            (own.kind == worst.kind && own.value > worst.value))
            worst = own;
    }
    if (all.layers) {
        worst.layers = all.layers;
        worst.onset_step = all.onset_step;
        worst.onset_time_ms = all.onset_time_ms;
    }
    return worst;
}

/* ---- speaking ---- */

static void open_finding(struct tw_saturation *saturation, const struct tw_saturation_view *view)
{
    struct tw_saturation_verdict before = saturation->opened;
    saturation->opened = saturation->newest;
    if (!saturation->is_open) {
        tw_context_layer_scope(view->context, saturation->header_hash, saturation->opened.index,
                               saturation->scope, sizeof saturation->scope);
    } else if (before.onset_step <= saturation->opened.onset_step) {
        saturation->opened.onset_step = before.onset_step;
        saturation->opened.onset_time_ms = before.onset_time_ms;
    }
    saturation->is_open = 1;
    tw_saturation_say(saturation, view, TW_STATE_OPEN);
}

/* Well below: half the line. */
static bool is_calm(const struct tw_saturation *saturation, const struct tw_saturation_view *view)
{
    const struct tw_saturation_config *config = view->config;
    for (uint32_t i = 0; i < view->n; i++) {
        const struct tw_saturation_layer *layer = &view->layer[i];
        if (!layer->is_watched)
            continue;
        if (saturation->opened.kind <= TW_SATURATION_START
                ? share_of(layer) > config->start_share / 2
                : is_beyond(layer, config->units_share / 2, config->activations_share / 2))
            return false;
    }
    return true;
}

static void close_finding(struct tw_saturation *saturation, const struct tw_saturation_view *view,
                          enum tw_state state)
{
    const struct tw_saturation_layer *layer = &view->layer[saturation->opened.index];
    double now = saturation->opened.has_units ? layer->units : layer->activations;
    if (saturation->opened.index < view->n && !isnan(now))
        saturation->opened.value = now;
    tw_saturation_say(saturation, view, state);
    saturation->is_open = 0;
    memset(&saturation->opened, 0, sizeof saturation->opened);
    /* A layer that recovered cannot be one that was saturated from the start any more. */
    memset(saturation->track, 0, sizeof saturation->track);
    memset(&saturation->newest, 0, sizeof saturation->newest);
    memset(&saturation->calm, 0, sizeof saturation->calm);
    memset(&saturation->learned, 0, sizeof saturation->learned);
}

/* Whether it is over, or was not what it looked like: the loss came down in spite of it. */
static void observe_end(struct tw_saturation *saturation, const struct tw_saturation_view *view,
                        bool counts)
{
    bool has_learned = !saturation->opened.is_from_start && view->level < view->learned;
    if (!saturation->is_open)
        return;
    tw_track_add(&saturation->calm, is_calm(saturation, view), counts, view->context);
    tw_track_add(&saturation->learned, has_learned, counts, view->context);
}

static bool is_graver(const struct tw_saturation *saturation)
{
    enum tw_saturation_kind newest = (enum tw_saturation_kind)saturation->newest.kind;
    enum tw_saturation_kind opened = (enum tw_saturation_kind)saturation->opened.kind;
    return saturation->newest.is_problem &&
           (!saturation->is_open ||
            tw_saturation_severity(newest) > tw_saturation_severity(opened));
}

static bool may_speak(const struct tw_saturation *saturation, const struct tw_context *context,
                      const struct tw_context_config *shared)
{
    enum tw_saturation_kind kind = (enum tw_saturation_kind)saturation->newest.kind;
    if (context->step < shared->warmup_min_steps)
        return false;
    return tw_saturation_severity(kind) == TW_SEVERITY_CRITICAL ||
           !tw_context_in_warmup(context, shared);
}

static void speak(struct tw_saturation *saturation, const struct tw_saturation_view *view,
                  const struct tw_context_config *shared)
{
    if (is_graver(saturation) && may_speak(saturation, view->context, shared))
        open_finding(saturation, view);
    else if (saturation->is_open && saturation->calm.records >= view->config->records)
        close_finding(saturation, view, TW_STATE_RECOVERED);
    else if (saturation->is_open && saturation->learned.records >= view->config->records)
        close_finding(saturation, view, TW_STATE_WITHDRAWN);
}

/* ---- records ---- */

static void observe_layers(struct tw_saturation *saturation, struct tw_saturation_view *view,
                           const struct tw_layers *layers)
{
    saturation->has_layers = 1;
    if (!tw_context_knows_layers(view->context, layers))
        return;
    saturation->header_hash = layers->header_hash;
    tw_saturation_read(view, layers);
    bool counts =
        tw_track_clock_counts(&saturation->clock, view->context->step, view->config->apart);
    bool is_any = false;
    for (uint32_t i = 0; i < view->n; i++)
        is_any |= view->layer[i].is_watched;
    if (!is_any)
        return;
    saturation->has_watched = 1;
    saturation->records += counts;
    for (uint32_t i = 0; i < view->n; i++) {
        if (view->layer[i].is_watched)
            observe_layer(saturation, view, i, counts);
    }
    saturation->newest = judge(saturation, view);
    observe_end(saturation, view, counts);
}

static void saturation_observe(void *state, const void *config, const struct tw_context *context,
                               const struct tw_context_config *shared,
                               const struct tw_record *record, struct tw_report *report)
{
    struct tw_saturation *saturation = state;
    if (!record->layers)
        return;
    struct tw_saturation_view view = {
        .config = config,
        .context = context,
        .report = report,
        .level = tw_outcome_level(context),
    };
    view.unlearned = tw_context_unlearned(context, view.config->unlearned);
    view.learned = tw_context_unlearned(context, view.config->unlearned / 2);
    tw_outcome_note(&saturation->outcome, view.level, context->step);
    observe_layers(saturation, &view, record->layers);
    speak(saturation, &view, shared);
}

/* A run that ended before it might be spoken of: warm-up is over in any case. */
static void saturation_finish(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared, struct tw_report *report)
{
    struct tw_saturation *saturation = state;
    struct tw_saturation_view view = {.config = config, .context = context, .report = report};
    (void)shared;
    if (tw_context_reaches(context, TW_EXTENT_LAYERS) && saturation->newest.is_problem &&
        !saturation->is_open)
        open_finding(saturation, &view);
}

static bool saturation_has_judged(const void *state, const void *config,
                                  const struct tw_context *context, char *reason, size_t size)
{
    const struct tw_saturation *saturation = state;
    const struct tw_saturation_config *own = config;
    bool has_layers = tw_context_reaches(context, TW_EXTENT_LAYERS) && saturation->has_layers;
    if (has_layers && saturation->records >= own->records)
        return true;
    if (!has_layers)
        snprintf(reason, size, "no figures of layers in the log");
    else if (saturation->has_watched)
        snprintf(reason, size, "only %" PRIu64 " records of the layers", saturation->records);
    else if (!context->n_layers)
        snprintf(reason, size, "no header tells the layers' activations");
    else
        snprintf(reason, size, "no hidden layer is known to be tanh or sigmoid");
    return false;
}

const struct tw_detector tw_detector_saturation = {
    .name = "saturation",
    .title = "Saturation",
    .description = "tanh or sigmoid layers whose units stand at the ends of their range",
    .state_version = 5,
    .options = tw_saturation_options,
    .n_options = TW_SATURATION_OPTIONS,
    .config_size = sizeof(struct tw_saturation_config),
    .state_size = TW_STATE_SIZES_FROM(struct tw_saturation, outcome, outcome),
    .start = saturation_start,
    .observe = saturation_observe,
    .finish = saturation_finish,
    .has_judged = saturation_has_judged,
};
