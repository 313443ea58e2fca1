/* Dead units: ReLU units that fire for no sample any more, so that no gradient reaches their
 * weights and nothing brings them back.
 *
 * A network can afford many of them: healthy ones of 512 or 1,024 units learn the handwritten
 * digits with up to 94 % dead. So dead units are only a problem while the loss has not come down,
 * and a critical one when the layer lets no gradient through. Units with a slope below zero cannot
 * die; activations that are 0 for most samples (sparse by design, as in language models) are not
 * looked at, only units that are 0 for all of the last 1,000 samples or more.
 *
 * As with saturation, there is one finding at a time, on the layer that is worst off. */
#include "detectors/detectors.h"
#include "detectors/saturation/figures.h"
#include "detectors/saturation/outcome.h"
#include "detectors/saturation/tracks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct dead_config {
    double warning_share, critical_share, rise, gradient_ratio, first_gradient, unlearned,
        lasting_share;
    uint64_t records, apart, lasting_steps;
};

#define FIELD(member) offsetof(struct dead_config, member)

static const struct tw_option dead_options[] = {
    {.name = "warning_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(warning_share),
     .initial = .5,
     .min = 0,
     .max = 1,
     .help = "share of a layer's units that are dead, for a warning (SageMaker Debugger and "
             "TheDeepChecker: half; AUTOTRAINER and DeepDiagnosis: .7)"},
    {.name = "critical_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(critical_share),
     .initial = .9,
     .min = 0,
     .max = 1,
     .help = "and for critical, with a gradient that has vanished (neuroscope: .9)"},
    {.name = "rise",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(rise),
     .initial = .1,
     .min = 0,
     .max = 1,
     .help = "the share must have risen by this since the first record, unless that was over the "
             "line already: a layer that is what it was has killed nothing (our judgement)"},
    {.name = "gradient_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(gradient_ratio),
     .initial = 1e-3,
     .min = 0,
     .max = 1,
     .help = "vanished: the layer's gradient norm is below this share of the largest norm of the "
             "layers that live (AUTOTRAINER: first to last layer 1e-3)"},
    {.name = "first_gradient",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(first_gradient),
     .initial = 1e-7,
     .min = 0,
     .max = 1,
     .help = "or the first layer's gradient norm is below this: the resolution of fp32"},
    {.name = "unlearned",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(unlearned),
     .initial = .5,
     .min = 0,
     .max = 10,
     .help = "dead units count only while the loss is above this share of the loss of a model that "
             "has learned nothing: healthy layers have up to .94 of them (60 trainings of digits)"},
    {.name = "lasting_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(lasting_share),
     .initial = .1,
     .min = 0,
     .max = 1,
     .help = "and a warning only when it has not come down by a tenth for so long a share of the "
             "declared budget (our judgement)"},
    {.name = "lasting_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(lasting_steps),
     .initial = 20,
     .min = 0,
     .max = 1e9,
     .help = "and for so many steps, a budget declared or not (our judgement)"},
    {.name = "records",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(records),
     .initial = 3,
     .min = 1,
     .max = 1000,
     .help = "layer records in a row"},
    {.name = "apart",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(apart),
     .initial = 10,
     .min = 1,
     .max = 1e6,
     .help = "steps between two records that count as two"},
};

enum dead_kind { DEAD_MANY, DEAD_ALL, DEAD_KINDS };

/* The layer that is worst off. No NaN: 0 is "not known". */
struct dead_verdict {
    uint8_t is_problem, kind, is_from_start;
    uint32_t index, layers;
    double value, first, gradient, reference;
    uint64_t onset_step;
    int64_t onset_time_ms;
};

struct dead_units { /* from TW_EXTENT_LAYERS on */
    struct tw_outcome outcome;
    uint8_t is_open, has_relu, has_share;
    uint64_t records; /* that counted */
    struct tw_track_clock clock;
    struct tw_track calm, learned; /* since the finding opened */
    uint64_t header_hash;
    char scope[TW_SCOPE_MAX + 1];
    struct dead_verdict newest, opened;
    uint8_t has_first[TW_CONTEXT_LAYERS_MAX];
    float first[TW_CONTEXT_LAYERS_MAX]; /* share of the first record */
    struct tw_track track[TW_CONTEXT_LAYERS_MAX][DEAD_KINDS];
};

/* One layers record. NaN: not measured, or not a layer that is watched. */
struct dead_view {
    const struct dead_config *config;
    const struct tw_context *context;
    struct tw_report *report;
    uint32_t n;
    double share[TW_CONTEXT_LAYERS_MAX], gradient[TW_CONTEXT_LAYERS_MAX];
    double level, reference, unlearned, learned;
};

static void dead_start(void *state, const void *config)
{
    (void)state, (void)config;
}

/* ---- one record ---- */

static bool is_relu(const struct tw_context *context, uint32_t index)
{
    return context->layer_role[index] == TW_LAYER_HIDDEN &&
           context->layer_activation[index] == TW_ACTIVATION_RELU;
}

/* Returns whether a share of dead units was sent. */
static bool read_layers(struct dead_units *dead, struct dead_view *view,
                        const struct tw_layers *layers)
{
    bool is_any = false;
    view->n = layers->n < TW_CONTEXT_LAYERS_MAX ? layers->n : TW_CONTEXT_LAYERS_MAX;
    view->reference = NAN;
    for (uint32_t i = 0; i < view->n; i++) {
        bool is_watched = is_relu(view->context, i);
        dead->has_relu |= is_watched;
        view->share[i] = is_watched ? tw_figure_share(layers, TW_LAYER_DEAD_FRACTION, i) : NAN;
        view->gradient[i] = fabs(tw_figure(layers, TW_LAYER_GRAD_NORM, i));
        is_any |= !isnan(view->share[i]);
        if (!(view->share[i] > view->config->critical_share))
            view->reference = fmax(view->reference, view->gradient[i]);
    }
    return is_any;
}

static bool has_vanished(const struct dead_view *view, uint32_t index)
{
    return tw_gradient_has_vanished(view->gradient[index], view->reference,
                                    view->config->gradient_ratio, view->gradient[0],
                                    view->config->first_gradient);
}

static void observe_layer(struct dead_units *dead, const struct dead_view *view, uint32_t index,
                          bool counts)
{
    const struct dead_config *config = view->config;
    double share = view->share[index];
    bool has_failed = isnan(view->level) || view->level >= view->unlearned;
    if (!dead->has_first[index]) {
        dead->has_first[index] = 1;
        dead->first[index] = (float)share;
    }
    double first = (double)dead->first[index];
    bool has_risen = first > config->warning_share || share >= first + config->rise;
    struct tw_track *track = dead->track[index];
    tw_track_add(&track[DEAD_MANY], has_failed && has_risen && share > config->warning_share,
                 counts, view->context);
    tw_track_add(&track[DEAD_ALL],
                 has_failed && share > config->critical_share && has_vanished(view, index), counts,
                 view->context);
}

/* ---- all layers ---- */

/* What still learns can afford them. */
static bool are_many(const struct dead_units *dead, const struct dead_view *view,
                     const struct tw_track *track)
{
    return track->records >= view->config->records &&
           tw_outcome_has_stalled(&dead->outcome, view->context, track->first_step,
                                  view->config->lasting_steps, view->config->lasting_share);
}

static struct dead_verdict judge_layer(const struct dead_units *dead, const struct dead_view *view,
                                       uint32_t index)
{
    const struct tw_track *track = dead->track[index];
    uint64_t records = view->config->records;
    bool is_all = track[DEAD_ALL].records >= records;
    const struct tw_track *begun = track[DEAD_MANY].records ? &track[DEAD_MANY] : &track[DEAD_ALL];
    return (struct dead_verdict){
        .is_problem =
            !isnan(view->share[index]) && (is_all || are_many(dead, view, &track[DEAD_MANY])),
        .kind = is_all ? DEAD_ALL : DEAD_MANY,
        .is_from_start = (double)dead->first[index] > view->config->warning_share,
        .index = index,
        .value = view->share[index],
        .first = (double)dead->first[index],
        .gradient = tw_figure_or_zero(view->gradient[index]),
        .reference = tw_figure_or_zero(view->reference),
        .onset_step = begun->first_step,
        .onset_time_ms = begun->first_time_ms,
    };
}

/* The gravest layer, of several equally grave ones that with the most dead units, then the first;
 * its onset is that of the first layer that was hit. */
static struct dead_verdict judge(const struct dead_units *dead, const struct dead_view *view)
{
    struct dead_verdict worst = {0}, first = {0};
    uint32_t layers = 0;
    for (uint32_t i = 0; i < view->n; i++) {
        struct dead_verdict own = judge_layer(dead, view, i);
        if (!own.is_problem)
            continue;
        if (!layers++ || own.onset_step < first.onset_step)
            first = own;
        if (!worst.is_problem || own.kind > worst.kind ||
            (own.kind == worst.kind && own.value > worst.value))
            worst = own;
    }
    worst.layers = layers;
    worst.onset_step = first.onset_step;
    worst.onset_time_ms = first.onset_time_ms;
    return worst;
}

/* ---- speaking ---- */

static enum tw_severity severity_of(const struct dead_verdict *verdict)
{
    return verdict->kind == DEAD_ALL ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING;
}

static void say(const struct dead_units *dead, const struct dead_view *view, enum tw_state state)
{
    const struct dead_verdict *verdict = &dead->opened;
    struct tw_condition *condition =
        tw_report_add(view->report, dead->scope, state, severity_of(verdict));
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = verdict->onset_step;
    condition->onset_time_ms = verdict->onset_time_ms;
    condition->confidence = state == TW_STATE_WITHDRAWN ? 0 : state == TW_STATE_OPEN ? .8 : .9;
    snprintf(evidence->statistic, sizeof evidence->statistic, "share of dead units in a layer");
    snprintf(evidence->unit, sizeof evidence->unit, "share");
    evidence->value = verdict->value;
    evidence->threshold =
        verdict->kind == DEAD_ALL ? view->config->critical_share : view->config->warning_share;
    evidence->baseline = verdict->first;
    evidence->window_first = verdict->onset_step;
    evidence->window_last = view->context->step;
    tw_evidence_add(evidence, "from_start", verdict->is_from_start);
    tw_evidence_add(evidence, "layers", verdict->layers);
    tw_evidence_add(evidence, "gradient_norm", verdict->gradient);
    tw_evidence_add(evidence, "reference_gradient_norm", verdict->reference);
    if (isfinite(view->context->learning_rate))
        tw_evidence_add(evidence, "learning_rate", view->context->learning_rate);
}

static void open_finding(struct dead_units *dead, const struct dead_view *view)
{
    struct dead_verdict before = dead->opened;
    dead->opened = dead->newest;
    if (!dead->is_open) {
        tw_context_layer_scope(view->context, dead->header_hash, dead->opened.index, dead->scope,
                               sizeof dead->scope);
    } else if (before.onset_step <= dead->opened.onset_step) {
        dead->opened.onset_step = before.onset_step;
        dead->opened.onset_time_ms = before.onset_time_ms;
    }
    dead->is_open = 1;
    say(dead, view, TW_STATE_OPEN);
}

static void close_finding(struct dead_units *dead, const struct dead_view *view,
                          enum tw_state state)
{
    uint32_t index = dead->opened.index;
    if (index < view->n && !isnan(view->share[index]))
        dead->opened.value = view->share[index];
    say(dead, view, state);
    dead->is_open = 0;
    memset(&dead->opened, 0, sizeof dead->opened);
    memset(&dead->calm, 0, sizeof dead->calm);
    memset(&dead->learned, 0, sizeof dead->learned);
}

/* Over when every layer is below half the line; wrong when the loss comes down all the same. */
static void observe_end(struct dead_units *dead, const struct dead_view *view, bool counts)
{
    bool is_calm = true;
    if (!dead->is_open)
        return;
    for (uint32_t i = 0; i < view->n; i++)
        is_calm &= !(view->share[i] > view->config->warning_share / 2);
    tw_track_add(&dead->calm, is_calm, counts, view->context);
    tw_track_add(&dead->learned, view->level < view->learned, counts, view->context);
}

static void speak(struct dead_units *dead, const struct dead_view *view,
                  const struct tw_context_config *shared)
{
    enum tw_severity severity = severity_of(&dead->newest);
    bool is_graver =
        dead->newest.is_problem && (!dead->is_open || severity > severity_of(&dead->opened));
    bool may_speak =
        view->context->step >= shared->warmup_min_steps &&
        (severity == TW_SEVERITY_CRITICAL || !tw_context_in_warmup(view->context, shared));
    if (is_graver && may_speak)
        open_finding(dead, view);
    else if (dead->is_open && dead->calm.records >= view->config->records)
        close_finding(dead, view, TW_STATE_RECOVERED);
    else if (dead->is_open && dead->learned.records >= view->config->records)
        close_finding(dead, view, TW_STATE_WITHDRAWN);
}

/* ---- records ---- */

static void observe_layers(struct dead_units *dead, struct dead_view *view,
                           const struct tw_layers *layers)
{
    if (!tw_context_knows_layers(view->context, layers) || !read_layers(dead, view, layers))
        return;
    bool counts = tw_track_clock_counts(&dead->clock, view->context->step, view->config->apart);
    dead->header_hash = layers->header_hash;
    dead->has_share = 1;
    dead->records += counts;
    for (uint32_t i = 0; i < view->n; i++) {
        if (!isnan(view->share[i]))
            observe_layer(dead, view, i, counts);
    }
    dead->newest = judge(dead, view);
    observe_end(dead, view, counts);
}

static void dead_observe(void *state, const void *config, const struct tw_context *context,
                         const struct tw_context_config *shared, const struct tw_record *record,
                         struct tw_report *report)
{
    struct dead_units *dead = state;
    if (!record->layers)
        return;
    struct dead_view view = {
        .config = config,
        .context = context,
        .report = report,
        .level = tw_outcome_level(context),
    };
    view.unlearned = tw_context_unlearned(context, view.config->unlearned);
    view.learned = tw_context_unlearned(context, view.config->unlearned / 2);
    tw_outcome_note(&dead->outcome, view.level, context->step);
    observe_layers(dead, &view, record->layers);
    speak(dead, &view, shared);
}

static void dead_finish(void *state, const void *config, const struct tw_context *context,
                        const struct tw_context_config *shared, struct tw_report *report)
{
    struct dead_units *dead = state;
    struct dead_view view = {.config = config, .context = context, .report = report};
    (void)shared;
    if (tw_context_reaches(context, TW_EXTENT_LAYERS) && dead->newest.is_problem && !dead->is_open)
        open_finding(dead, &view);
}

/* Where there are no ReLU units there is nothing to check, and nothing to say of it. */
static bool dead_has_judged(const void *state, const void *config, const struct tw_context *context,
                            char *reason, size_t size)
{
    const struct dead_units *dead = state;
    const struct dead_config *own = config;
    if (!tw_context_reaches(context, TW_EXTENT_LAYERS) || !dead->has_relu ||
        dead->records >= own->records)
        return true;
    if (dead->has_share)
        snprintf(reason, size, "only %" PRIu64 " records of dead units", dead->records);
    else
        snprintf(reason, size, "no share of dead units in the log");
    return false;
}

const struct tw_detector tw_detector_dead_units = {
    .name = "dead-units",
    .title = "Dead units",
    .description = "ReLU layers most of whose units fire for no sample any more",
    .secondary = true,
    .state_version = 6,
    .options = dead_options,
    .n_options = sizeof dead_options / sizeof *dead_options,
    .config_size = sizeof(struct dead_config),
    .state_size = TW_STATE_SIZES_FROM(struct dead_units, outcome, outcome),
    .start = dead_start,
    .observe = dead_observe,
    .finish = dead_finish,
    .has_judged = dead_has_judged,
};
