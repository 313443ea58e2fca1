/* Vanishing gradient: the first layers get next to none of it, and the run does not learn.
 *
 * The norm of the first layer's gradient over the last one's tells it, once it is small for several
 * records in a row. A run that has learned has small gradients too, in all of its layers, and some
 * architectures start with a tiny share in the first: so it is only told while the loss stands
 * near its start or has stopped falling half way. */
#include "detectors/detectors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct tw_vanishing_gradient_config {
    double first_last_ratio, first_norm, tiny_norm;
    uint64_t checks, norms;
    double learned_ratio, improved_ratio, stuck_ratio;
    uint64_t min_losses;
};

#define FIELD(member) offsetof(struct tw_vanishing_gradient_config, member)

static const struct tw_option vanishing_gradient_options[] = {
    {.name = "first_last_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(first_last_ratio),
     .initial = 1e-3,
     .min = 1e-12,
     .max = 1,
     .help = "norm of the first layer's gradient over the last one's (AUTOTRAINER, ICSE 2021)"},
    {.name = "first_norm",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(first_norm),
     .initial = 1e-4,
     .min = 1e-30,
     .max = 1e3,
     .help = "and the first layer's norm itself (AUTOTRAINER)"},
    {.name = "tiny_norm",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(tiny_norm),
     .initial = 1e-7,
     .min = 1e-30,
     .max = 1,
     .help = "or the norm of all layers together: SageMaker Debugger's line for the mean absolute "
             "gradient, which is smaller than the norm"},
    {.name = "checks",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(checks),
     .initial = 5,
     .min = 2,
     .max = 10000,
     .help = "layer records in a row (AUTOTRAINER looks once an epoch; our judgement)"},
    {.name = "norms",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(norms),
     .initial = 20,
     .min = 2,
     .max = 10000,
     .help = "global norms in a row (our judgement)"},
    {.name = "learned_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(learned_ratio),
     .initial = .9,
     .min = .01,
     .max = 1,
     .help = "the run has learned nothing while the median of 16 losses is above this share of "
             "the first ones (as in divergence)"},
    {.name = "improved_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(improved_ratio),
     .initial = .99,
     .min = .5,
     .max = 1,
     .help = "or it has stopped: above this share of the median of the 64 losses before"},
    {.name = "stuck_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(stuck_ratio),
     .initial = .5,
     .min = .01,
     .max = 1,
     .help = "and above this share of the first ones: a converged run is lower (our judgement)"},
    {.name = "min_losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(min_losses),
     .initial = 32,
     .min = 16,
     .max = 10000,
     .help = "losses before it can be told that a run does not learn (our judgement)"},
};

struct low_run { /* records in a row that are low */
    uint32_t records;
    uint64_t first_step;
    int64_t first_time_ms;
};

enum vanishing_cause { BY_NOTHING, BY_LAYERS, BY_NORM };

struct vanishing {
    uint8_t cause;
    uint8_t ever_opened;
    uint32_t calm;
    double initial; /* median of the first 5 losses */
    double norm;    /* the newest global one */
    struct low_run global;
    uint64_t onset_step;
    int64_t onset_time_ms;
    uint64_t layer_records; /* this and the rest from TW_EXTENT_LAYERS on */
    double first, last;     /* layers' newest norms */
    uint32_t first_index, last_index;
    uint64_t header_hash;
    struct low_run layers;
};

static void vanishing_start(void *state, const void *config)
{
    (void)state, (void)config;
}

/* ---- the loss ---- */

enum { FIRST = 5, LEVEL = 16, BEFORE = 64 };

static double level_now(const struct tw_context *context)
{
    return tw_course_median(&context->course, 0, LEVEL);
}

/* Not below `share` of a loss: a share for losses of any sign. */
static bool is_above_share(double level, double share, double of)
{
    return level >= of - (1 - share) * fabs(of);
}

static bool does_not_learn(const struct vanishing *vanishing,
                           const struct tw_vanishing_gradient_config *config,
                           const struct tw_context *context)
{
    if (context->course.count < config->min_losses)
        return false;
    double level = level_now(context);
    if (is_above_share(level, config->learned_ratio, vanishing->initial))
        return true;
    return context->course.count >= LEVEL + BEFORE &&
           is_above_share(level, config->improved_ratio,
                          tw_course_median(&context->course, LEVEL, BEFORE)) &&
           is_above_share(level, config->stuck_ratio, vanishing->initial);
}

/* ---- gradients ---- */

static void count_low(struct low_run *run, bool is_low, const struct tw_context *context)
{
    if (!is_low) {
        *run = (struct low_run){0};
        return;
    }
    if (!run->records++) {
        run->first_step = context->step;
        run->first_time_ms = context->time_ms;
    }
}

static void forget_runs(struct vanishing *vanishing, const struct tw_context *context)
{
    vanishing->global = (struct low_run){0};
    if (tw_context_reaches(context, TW_EXTENT_LAYERS))
        vanishing->layers = (struct low_run){0};
}

/* A norm of exactly 0 is a frozen layer's, or one of dead units; neither has a gradient that could
 * vanish. */
static bool take_layers(struct vanishing *vanishing, const struct tw_layers *layers)
{
    const float *column = layers->column[TW_LAYER_GRAD_NORM];
    uint32_t n = 0;
    for (uint32_t i = 0; column && i < layers->n; i++) {
        double x = (double)column[i];
        if (!isfinite(x) || x <= 0)
            continue;
        if (!n++) {
            vanishing->first = x;
            vanishing->first_index = i;
        }
        vanishing->last = x;
        vanishing->last_index = i;
    }
    vanishing->header_hash = layers->header_hash;
    return n >= 2;
}

/* ---- speaking ---- */

static struct tw_evidence *begin_evidence(const struct vanishing *vanishing,
                                          struct tw_condition *condition, const char *statistic,
                                          const char *unit)
{
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = vanishing->onset_step;
    condition->onset_time_ms = vanishing->onset_time_ms;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s", statistic);
    snprintf(evidence->unit, sizeof evidence->unit, "%s", unit);
    evidence->baseline = NAN;
    evidence->window_first = vanishing->onset_step;
    return evidence;
}

static void say(const struct vanishing *vanishing,
                const struct tw_vanishing_gradient_config *config, const struct tw_context *context,
                struct tw_report *report, enum tw_state state)
{
    struct tw_condition *condition = tw_report_add(report, "run", state, TW_SEVERITY_WARNING);
    struct tw_evidence *evidence;
    char scope[TW_SCOPE_MAX + 1];
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : .7;
    if (vanishing->cause == BY_LAYERS) {
        evidence =
            begin_evidence(vanishing, condition, "gradient norm of first / last layer", "ratio");
        evidence->value = vanishing->first / vanishing->last;
        evidence->threshold = config->first_last_ratio;
        tw_context_layer_scope(context, vanishing->header_hash, vanishing->first_index, scope,
                               sizeof scope);
        tw_evidence_add_text(evidence, "layer", scope + strlen("layer:"));
        tw_evidence_add(evidence, "first_norm", vanishing->first);
        tw_evidence_add(evidence, "last_norm", vanishing->last);
        tw_evidence_add(evidence, "layers_between",
                        (double)vanishing->last_index - (double)vanishing->first_index);
    } else {
        evidence = begin_evidence(vanishing, condition, "gradient norm", "");
        evidence->value = vanishing->norm;
        evidence->threshold = config->tiny_norm;
    }
    evidence->window_last = context->step;
    tw_evidence_add(evidence, "loss", level_now(context));
    tw_evidence_add(evidence, "initial_loss", vanishing->initial);
}

/* ---- judging ---- */

static void judge_open(struct vanishing *vanishing,
                       const struct tw_vanishing_gradient_config *config,
                       const struct tw_context *context, struct tw_report *report, bool is_low)
{
    vanishing->calm =
        is_low && does_not_learn(vanishing, config, context) ? 0 : vanishing->calm + 1;
    if (vanishing->calm < config->checks)
        return;
    say(vanishing, config, context, report, TW_STATE_RECOVERED);
    vanishing->cause = BY_NOTHING;
    forget_runs(vanishing, context);
}

static void judge(struct vanishing *vanishing, const struct tw_vanishing_gradient_config *config,
                  const struct tw_context *context, struct tw_report *report,
                  enum vanishing_cause cause, uint64_t needed)
{
    const struct low_run *run = cause == BY_LAYERS ? &vanishing->layers : &vanishing->global;
    if (vanishing->cause == cause) {
        judge_open(vanishing, config, context, report, run->records > 0);
        return;
    }
    if (vanishing->cause != BY_NOTHING || run->records < needed ||
        !does_not_learn(vanishing, config, context))
        return;
    vanishing->cause = (uint8_t)cause;
    vanishing->calm = 0;
    vanishing->ever_opened = 1;
    vanishing->onset_step = run->first_step;
    vanishing->onset_time_ms = run->first_time_ms;
    say(vanishing, config, context, report, TW_STATE_OPEN);
}

static void observe_layers(struct vanishing *vanishing,
                           const struct tw_vanishing_gradient_config *config,
                           const struct tw_context *context, const struct tw_layers *layers,
                           bool is_warmup, struct tw_report *report)
{
    vanishing->layer_records += layers->column[TW_LAYER_GRAD_NORM] != NULL;
    if (!take_layers(vanishing, layers))
        return;
    bool is_low = vanishing->first < config->first_last_ratio * vanishing->last &&
                  vanishing->first < config->first_norm;
    count_low(&vanishing->layers, is_low && !is_warmup, context);
    judge(vanishing, config, context, report, BY_LAYERS, config->checks);
}

static void observe_norm(struct vanishing *vanishing,
                         const struct tw_vanishing_gradient_config *config,
                         const struct tw_context *context, double norm, bool is_warmup,
                         struct tw_report *report)
{
    if (!isfinite(norm) || norm <= 0)
        return;
    vanishing->norm = norm;
    count_low(&vanishing->global, norm < config->tiny_norm && !is_warmup, context);
    judge(vanishing, config, context, report, BY_NORM, config->norms);
}

static void vanishing_observe(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared,
                              const struct tw_record *record, struct tw_report *report)
{
    struct vanishing *vanishing = state;
    bool is_warmup = tw_context_in_warmup(context, shared);
    if (context->segment_is_new)
        forget_runs(vanishing, context);
    if (context->course.is_new && context->course.count <= FIRST)
        vanishing->initial = tw_course_median(&context->course, 0, FIRST);
    if (record->kind == TW_KIND_STEP && tw_record_has(record, TW_SIGNAL_GRAD_NORM))
        observe_norm(vanishing, config, context, record->signal[TW_SIGNAL_GRAD_NORM], is_warmup,
                     report);
    if (record->layers)
        observe_layers(vanishing, config, context, record->layers, is_warmup, report);
}

static void vanishing_finish(void *state, const void *config, const struct tw_context *context,
                             const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool vanishing_has_judged(const void *state, const void *config,
                                 const struct tw_context *context, char *reason, size_t size)
{
    const struct vanishing *vanishing = state;
    const struct tw_vanishing_gradient_config *own = config;
    bool has_layers = tw_context_reaches(context, TW_EXTENT_LAYERS);
    uint64_t records = has_layers ? vanishing->layer_records : 0;
    if (vanishing->ever_opened)
        return true;
    if (!records)
        snprintf(reason, size, "no gradient norms of layers in the log");
    else if (records < own->checks)
        snprintf(reason, size, "only %" PRIu64 " records of layers", records);
    else if (context->course.count < own->min_losses)
        snprintf(reason, size, "only %" PRIu64 " losses", context->course.count);
    else
        return true;
    return false;
}

const struct tw_detector tw_detector_vanishing_gradient = {
    .name = "vanishing-gradient",
    .title = "Vanishing gradient",
    .description = "the first layers get next to no gradient and the run does not learn",
    .secondary = true,
    .state_version = 3,
    .options = vanishing_gradient_options,
    .n_options = sizeof vanishing_gradient_options / sizeof *vanishing_gradient_options,
    .config_size = sizeof(struct tw_vanishing_gradient_config),
    .state_size = TW_STATE_SIZES_FROM(struct vanishing, layer_records, layer_records),
    .start = vanishing_start,
    .observe = vanishing_observe,
    .finish = vanishing_finish,
    .has_judged = vanishing_has_judged,
};
