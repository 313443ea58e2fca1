/* Overflow: numbers that are not numbers any more, told apart from what dynamic loss scaling does on
 * purpose.
 *
 * With a loss scaler (fp16) single skipped steps are normal; see overflow_scaling.h for what is not.
 * Without one, the first non-finite loss or gradient is critical at once. Losses that hide their NaN
 * are in overflow_disguise.h; layers about to leave the range of fp16 are warned of before. */
#include "detectors/detectors.h"
#include "detectors/overflow_disguise.h"
#include "detectors/overflow_scaling.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct overflow_config {
    struct tw_scaling_config scaling;
    struct tw_disguise_config disguise;
    uint64_t scaled_losses, fp16_records, quiet_steps, finite_steps, finite_losses;
    uint64_t doubtful_norms, ctc_run;
    double ctc_share, near_overflow;
};

#define FIELD(member) offsetof(struct overflow_config, member)

static const struct tw_option options[] = {
    {.name = "calibration_skips", .type = TW_OPTION_COUNT,
     .offset = FIELD(scaling.calibration_skips), .initial = 20, .min = 0, .max = 10000,
     .help = "skips ignored while a scaler finds its scale after a start or resume, or "
             "log2(first scale) + 4 if that is more (from 2^32 about 16 are needed)"},
    {.name = "calibration_clean_steps", .type = TW_OPTION_COUNT,
     .offset = FIELD(scaling.calibration_clean_steps), .initial = 16, .min = 1, .max = 1e6,
     .help = "the scale is found after so many steps without a skip (our judgement)"},
    {.name = "growth_interval", .type = TW_OPTION_COUNT, .offset = FIELD(scaling.growth_interval),
     .initial = 2000, .min = 1, .max = 1e6,
     .help = "steps until a scaler doubles its scale (PyTorch 2000, DeepSpeed and Megatron 1000); "
             "two skips in each are normal"},
    {.name = "info_rate", .type = TW_OPTION_NUMBER, .offset = FIELD(scaling.info_rate),
     .initial = .01, .min = 0, .max = 1,
     .help = "share of skipped steps in 1,000 worth telling: ten times the expected"},
    {.name = "warning_rate", .type = TW_OPTION_NUMBER, .offset = FIELD(scaling.warning_rate),
     .initial = .05, .min = 0, .max = 1, .help = "share of skipped steps in 1,000 for a warning"},
    {.name = "e_value", .type = TW_OPTION_NUMBER, .offset = FIELD(scaling.e_value), .initial = 1e4,
     .min = 1, .max = 1e12, .help = "evidence needed against the normal rate: at most one false "
     "alarm in so many steps (e-process, arXiv 2203.03532)"},
    {.name = "warning_run", .type = TW_OPTION_COUNT, .offset = FIELD(scaling.warning_run),
     .initial = 3, .min = 2, .max = 1000, .help = "skipped steps in a row for a warning"},
    {.name = "critical_run", .type = TW_OPTION_COUNT, .offset = FIELD(scaling.critical_run),
     .initial = 8, .min = 2, .max = 10000, .help = "and for critical: the scale fell to 1/256"},
    {.name = "warning_scale", .type = TW_OPTION_NUMBER, .offset = FIELD(scaling.warning_scale),
     .initial = 1024, .min = 1e-9, .max = 1e12,
     .help = "loss scale for a warning: BLOOM's tr1 fell from 65536 to 4096 before its spike"},
    {.name = "critical_scale", .type = TW_OPTION_NUMBER, .offset = FIELD(scaling.critical_scale),
     .initial = 32, .min = 1e-9, .max = 1e12,
     .help = "and for critical: DeepSpeed gives up at 1, metaseq at 2^-5"},
    {.name = "fallen_by", .type = TW_OPTION_NUMBER, .offset = FIELD(scaling.fallen_by),
     .initial = 16, .min = 1, .max = 1e9,
     .help = "both only when the scale stood so many times higher: losses that are sums live with a "
             "small one"},
    {.name = "halvings_within", .type = TW_OPTION_COUNT, .offset = FIELD(scaling.halvings_within),
     .initial = 200, .min = 6, .max = 1e6,
     .help = "critical: six halvings within so many steps (pytorch issue 40497)"},
    {.name = "scaled_losses", .type = TW_OPTION_COUNT, .offset = FIELD(scaled_losses), .initial = 3,
     .min = 1, .max = 10000, .help = "critical: non-finite losses in a row though a scaler runs"},
    {.name = "fp16_records", .type = TW_OPTION_COUNT, .offset = FIELD(fp16_records), .initial = 3,
     .min = 1, .max = 1000, .help = "layer records in a row near the end of fp16's range"},
    {.name = "near_overflow", .type = TW_OPTION_NUMBER, .offset = FIELD(near_overflow),
     .initial = 3e4, .min = 1, .max = 65504, .help = "largest activation in fp16 for a warning: half "
     "of 65504, one doubling from overflow"},
    {.name = "quiet_steps", .type = TW_OPTION_COUNT, .offset = FIELD(quiet_steps), .initial = 200,
     .min = 1, .max = 1e6, .help = "a scaler's trouble is over after so many steps without a reason "
     "(rates count over 1,000 steps of their own)"},
    {.name = "finite_steps", .type = TW_OPTION_COUNT, .offset = FIELD(finite_steps), .initial = 100,
     .min = 1, .max = 1e6, .help = "non-finite numbers are over after so many finite steps"},
    {.name = "finite_losses", .type = TW_OPTION_COUNT, .offset = FIELD(finite_losses),
     .initial = 10, .min = 1, .max = 1e6, .help = "and at least so many finite losses"},
    {.name = "doubtful_norms", .type = TW_OPTION_COUNT, .offset = FIELD(doubtful_norms),
     .initial = 10, .min = 1, .max = 1e6, .help = "a non-finite gradient norm of a run that does not "
     "tell its precision is withdrawn after so many finite losses and norms: a scaler skipped it"},
    {.name = "ctc_share", .type = TW_OPTION_NUMBER, .offset = FIELD(ctc_share), .initial = .01,
     .min = 0, .max = 1, .help = "CTC losses are infinite for impossible alignments: warning above "
     "this share of losses"},
    {.name = "ctc_run", .type = TW_OPTION_COUNT, .offset = FIELD(ctc_run), .initial = 10, .min = 1,
     .max = 1e6, .help = "and critical after so many in a row"},
    {.name = "zero_losses", .type = TW_OPTION_COUNT, .offset = FIELD(disguise.zero_losses),
     .initial = 3, .min = 2, .max = 1e6, .help = "losses of exactly 0 in a row with a non-finite or "
     "stuck gradient norm: HuggingFace's logging_nan_inf_filter writes NaN so"},
    {.name = "zero_losses_alone", .type = TW_OPTION_COUNT,
     .offset = FIELD(disguise.zero_losses_alone), .initial = 5, .min = 2, .max = 1e6,
     .help = "the same without such a norm"},
    {.name = "zero_from", .type = TW_OPTION_NUMBER, .offset = FIELD(disguise.zero_from),
     .initial = .01, .min = 0, .max = 1e9, .help = "then only when the loss before was at least this: "
     "printed losses of a perfect fit reach 0 through .0001"},
    {.name = "caffe_losses", .type = TW_OPTION_COUNT, .offset = FIELD(disguise.caffe_losses),
     .initial = 3, .min = 2, .max = 1e6, .help = "losses of 87.3365 = -ln(FLT_MIN) in a row"},
    {.name = "frozen_losses", .type = TW_OPTION_COUNT, .offset = FIELD(disguise.frozen_losses),
     .initial = 20, .min = 3, .max = 1e6, .help = "equal losses in a row at a learning rate above 0"},
    {.name = "frozen_change", .type = TW_OPTION_NUMBER, .offset = FIELD(disguise.frozen_change),
     .initial = 1e-6, .min = 0, .max = .1, .help = "equal: within this relative change"},
    {.name = "frozen_jump", .type = TW_OPTION_NUMBER, .offset = FIELD(disguise.frozen_jump),
     .initial = .01, .min = 0, .max = 1e6, .help = "only when the change just before was at least "
     "this: a loss that converges freezes slowly"},
};

enum cause {
    CAUSE_NONE,
    CAUSE_NONFINITE,
    CAUSE_SCALING,
    CAUSE_SCALED_LOSS,
    CAUSE_CTC,
    CAUSE_EVAL,
    CAUSE_DISGUISE
};

enum phase { PHASE_NONE, PHASE_LOSS, PHASE_GRADIENT, PHASE_UPDATE, PHASE_WEIGHT, PHASE_LAYER };

struct near_layer { /* the layer nearest to the end of fp16's range */
    uint8_t is_open;
    uint32_t index, records, below;
    uint64_t first_step;
    int64_t first_time_ms;
    char scope[TW_SCOPE_MAX + 1];
};

struct overflow {
    uint8_t cause, severity; /* of the open run-wide finding */
    uint8_t phase, is_doubtful;
    uint8_t has_learning_rate, has_loss;
    uint64_t losses, norms, nonfinite_losses;
    uint64_t loss_run;      /* non-finite losses in a row */
    uint64_t evals, nonfinite_evals;
    uint64_t onset_step, newest_bad_step;
    int64_t onset_time_ms;
    uint64_t first_bad_step; /* of the present run of non-finite losses or norms */
    int64_t first_bad_time_ms;
    uint64_t finite_since;   /* finite records in a row */
    double loss, learning_rate; /* newest finite ones */
    char layer[64];
    struct near_layer near;
    struct tw_scaling scaling;
    struct tw_disguise disguise;
};

struct view {
    const struct overflow_config *config;
    const struct tw_context *context;
    const struct tw_record *record;
    struct tw_report *report;
    bool has_scaler;
};

static void overflow_start(void *state, const void *config)
{
    struct overflow *overflow = state;
    (void)config;
    tw_scaling_start(&overflow->scaling);
}

/* ---- speaking ---- */

static const char *phase_name(enum phase phase)
{
    static const char *const names[] = {"", "loss", "gradient", "update", "weight", "layer"};
    return names[phase];
}

static struct tw_evidence *write_evidence(struct tw_condition *condition, const char *statistic,
                                          const char *unit, double value, double threshold)
{
    struct tw_evidence *evidence = &condition->evidence;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s", statistic);
    snprintf(evidence->unit, sizeof evidence->unit, "%s", unit);
    evidence->value = value;
    evidence->threshold = threshold;
    evidence->baseline = NAN;
    return evidence;
}

static void add_last_numbers(const struct overflow *overflow, struct tw_evidence *evidence)
{
    if (overflow->has_loss)
        tw_evidence_add(evidence, "last_finite_loss", overflow->loss);
    if (overflow->has_learning_rate)
        tw_evidence_add(evidence, "learning_rate", overflow->learning_rate);
}

static void add_scaling(const struct overflow *overflow, struct tw_evidence *evidence)
{
    const struct tw_scaling *scaling = &overflow->scaling;
    if (scaling->scale > 0)
        tw_evidence_add(evidence, "loss_scale", scaling->scale);
    if (scaling->calibrated_scale > 0)
        tw_evidence_add(evidence, "calibrated_loss_scale", scaling->calibrated_scale);
    tw_evidence_add(evidence, "skips", (double)scaling->skips);
    tw_evidence_add(evidence, "halvings", (double)scaling->halvings);
    tw_evidence_add(evidence, "skip_rate", tw_scaling_skip_rate(scaling));
}

/* Opens the run-wide finding or raises its severity; a cause that is no worse changes nothing. */
static struct tw_condition *open_finding(struct overflow *overflow, const struct view *view,
                                         enum cause cause, enum tw_severity severity,
                                         uint64_t onset_step, int64_t onset_time_ms)
{
    bool is_open = overflow->cause != CAUSE_NONE;
    if (is_open && severity <= (enum tw_severity)overflow->severity)
        return NULL;
    if (!is_open || onset_step < overflow->onset_step) {
        overflow->onset_step = onset_step;
        overflow->onset_time_ms = onset_time_ms;
    }
    overflow->cause = (uint8_t)cause;
    overflow->severity = (uint8_t)severity;
    overflow->finite_since = 0;
    overflow->newest_bad_step = view->context->step;
    struct tw_condition *condition = tw_report_add(view->report, "run", TW_STATE_OPEN, severity);
    condition->onset_step = overflow->onset_step;
    condition->onset_time_ms = overflow->onset_time_ms;
    condition->evidence.window_first = overflow->onset_step;
    condition->evidence.window_last = view->context->step;
    return condition;
}

static void close_finding(struct overflow *overflow, const struct view *view, enum tw_state state,
                          const char *statistic)
{
    struct tw_condition *condition =
        tw_report_add(view->report, "run", state, (enum tw_severity)overflow->severity);
    condition->onset_step = overflow->onset_step;
    condition->onset_time_ms = overflow->onset_time_ms;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : 0;
    struct tw_evidence *evidence =
        write_evidence(condition, statistic, "steps",
                       (double)(view->context->step - overflow->newest_bad_step), 0);
    evidence->window_first = overflow->onset_step;
    evidence->window_last = view->context->step;
    add_last_numbers(overflow, evidence);
    overflow->cause = CAUSE_NONE;
    overflow->severity = TW_SEVERITY_INFO;
    overflow->phase = PHASE_NONE;
    overflow->layer[0] = '\0';
}

/* ---- non-finite numbers where no scaler expects them ---- */

static bool is_bad(const struct tw_record *record, enum tw_signal signal)
{
    return tw_record_has(record, signal) && !isfinite(record->signal[signal]);
}

/* What broke first, as far as one record tells: weights break the loss, the loss its gradient. */
static enum phase broken_phase(const struct tw_record *record)
{
    if (is_bad(record, TW_SIGNAL_WEIGHT_NORM))
        return PHASE_WEIGHT;
    if (is_bad(record, TW_SIGNAL_LOSS))
        return PHASE_LOSS;
    if (is_bad(record, TW_SIGNAL_GRAD_NORM))
        return PHASE_GRADIENT;
    return is_bad(record, TW_SIGNAL_UPDATE_NORM) ? PHASE_UPDATE : PHASE_NONE;
}

static const char *nonfinite_statistic(enum phase phase)
{
    switch (phase) {
    case PHASE_LOSS:
        return "non-finite losses in a row";
    case PHASE_GRADIENT:
        return "records with a non-finite gradient norm";
    case PHASE_UPDATE:
        return "records with a non-finite update norm";
    case PHASE_WEIGHT:
        return "records with a non-finite weight norm";
    case PHASE_LAYER:
    case PHASE_NONE:
        break;
    }
    return "layers with non-finite values";
}

static void say_nonfinite(struct overflow *overflow, const struct view *view, enum cause cause,
                          enum tw_severity severity, double value, double threshold)
{
    struct tw_condition *condition = open_finding(overflow, view, cause, severity,
                                                  overflow->first_bad_step,
                                                  overflow->first_bad_time_ms);
    if (!condition)
        return;
    /* A gradient alone may be a scaler's probe that the log does not tell of. */
    condition->confidence = overflow->is_doubtful ? .6 : .97;
    struct tw_evidence *evidence = write_evidence(
        condition, nonfinite_statistic((enum phase)overflow->phase), "records", value, threshold);
    tw_evidence_add(evidence, "first_nonfinite_step", (double)overflow->first_bad_step);
    tw_evidence_add_text(evidence, "phase", phase_name((enum phase)overflow->phase));
    if (overflow->layer[0])
        tw_evidence_add_text(evidence, "layer", overflow->layer);
    add_last_numbers(overflow, evidence);
    if (view->has_scaler)
        add_scaling(overflow, evidence);
}

static void note_bad(struct overflow *overflow, const struct view *view, enum phase phase)
{
    if (overflow->finite_since || !overflow->first_bad_step) {
        overflow->first_bad_step = view->context->step;
        overflow->first_bad_time_ms = view->context->time_ms;
    }
    overflow->finite_since = 0;
    overflow->newest_bad_step = view->context->step;
    if (overflow->cause == CAUSE_NONE)
        overflow->phase = (uint8_t)phase;
}

/* An infinite loss of an impossible alignment harms nobody; many do, and so does a dead network. */
static void judge_ctc(struct overflow *overflow, const struct view *view)
{
    const struct overflow_config *config = view->config;
    double share = (double)overflow->nonfinite_losses / (double)overflow->losses;
    if (overflow->loss_run >= config->ctc_run)
        say_nonfinite(overflow, view, CAUSE_CTC, TW_SEVERITY_CRITICAL, (double)overflow->loss_run,
                      (double)config->ctc_run);
    else if (overflow->nonfinite_losses >= 3 && share > config->ctc_share &&
             overflow->losses >= 100)
        say_nonfinite(overflow, view, CAUSE_CTC, TW_SEVERITY_WARNING,
                      (double)overflow->nonfinite_losses,
                      config->ctc_share * (double)overflow->losses);
}

static void judge_nonfinite(struct overflow *overflow, const struct view *view, enum phase phase)
{
    const struct overflow_config *config = view->config;
    bool is_loss_alone = phase == PHASE_LOSS && !is_bad(view->record, TW_SIGNAL_GRAD_NORM);
    note_bad(overflow, view, phase);
    if (view->context->objective == TW_OBJECTIVE_CTC && is_loss_alone) {
        judge_ctc(overflow, view);
    } else if (!view->has_scaler) {
        /* A step later the loss is known too, and a doubt settled. */
        overflow->is_doubtful = phase == PHASE_GRADIENT && !view->context->has_precision;
        say_nonfinite(overflow, view, CAUSE_NONFINITE, TW_SEVERITY_CRITICAL, 1, 1);
    } else if (overflow->loss_run >= config->scaled_losses || phase == PHASE_WEIGHT) {
        overflow->is_doubtful = 0;
        say_nonfinite(overflow, view, CAUSE_SCALED_LOSS, TW_SEVERITY_CRITICAL,
                      (double)overflow->loss_run, (double)config->scaled_losses);
    }
}

static bool is_about_numbers(const struct overflow *overflow)
{
    return overflow->cause == CAUSE_NONFINITE || overflow->cause == CAUSE_SCALED_LOSS ||
           overflow->cause == CAUSE_CTC;
}

static void judge_finite(struct overflow *overflow, const struct view *view)
{
    const struct overflow_config *config = view->config;
    uint64_t steps = view->context->step - overflow->newest_bad_step;
    overflow->finite_since++;
    if (!is_about_numbers(overflow))
        return;
    if (overflow->is_doubtful && overflow->finite_since >= config->doubtful_norms)
        close_finding(overflow, view, TW_STATE_WITHDRAWN, "steps with finite losses and norms");
    else if (steps >= config->finite_steps && overflow->finite_since >= config->finite_losses)
        close_finding(overflow, view, TW_STATE_RECOVERED, "steps with finite losses and norms");
}

/* ---- the scaler ---- */

static void judge_scaling(struct overflow *overflow, const struct view *view, bool is_nonfinite)
{
    const struct overflow_config *config = view->config;
    struct tw_scaling *scaling = &overflow->scaling;
    tw_scaling_observe(scaling, &config->scaling, view->context, view->record, is_nonfinite);
    struct tw_scaling_verdict verdict = tw_scaling_judge(scaling, &config->scaling);
    if (verdict.is_problem) {
        overflow->newest_bad_step = view->context->step;
        struct tw_condition *condition =
            open_finding(overflow, view, CAUSE_SCALING, verdict.severity, verdict.onset_step,
                         verdict.onset_time_ms);
        if (!condition)
            return;
        condition->confidence = verdict.severity == TW_SEVERITY_CRITICAL ? .9 : .7;
        add_scaling(overflow, write_evidence(condition, verdict.statistic, verdict.unit,
                                             verdict.value, verdict.threshold));
        add_last_numbers(overflow, &condition->evidence);
    } else if (overflow->cause == CAUSE_SCALING &&
               view->context->step - overflow->newest_bad_step >= config->quiet_steps) {
        close_finding(overflow, view, TW_STATE_RECOVERED, "steps with a normal rate of skips");
    }
}

/* ---- disguises ---- */

static void judge_disguise(struct overflow *overflow, const struct view *view)
{
    const struct tw_disguise_config *config = &view->config->disguise;
    tw_disguise_observe(&overflow->disguise, config, view->context, view->record);
    struct tw_disguise_verdict verdict =
        tw_disguise_judge(&overflow->disguise, config, view->context);
    if (verdict.is_problem) {
        overflow->newest_bad_step = view->context->step;
        struct tw_condition *condition =
            open_finding(overflow, view, CAUSE_DISGUISE, verdict.severity, verdict.onset_step,
                         verdict.onset_time_ms);
        if (!condition)
            return;
        condition->confidence = verdict.severity == TW_SEVERITY_CRITICAL ? .9 : .6;
        struct tw_evidence *evidence = write_evidence(condition, verdict.statistic, "losses",
                                                      verdict.value, verdict.threshold);
        tw_evidence_add_text(evidence, "phase", "loss");
        tw_evidence_add_text(evidence, "disguise", verdict.name);
        add_last_numbers(overflow, evidence);
    } else if (overflow->cause == CAUSE_DISGUISE &&
               view->context->step - overflow->newest_bad_step >= view->config->finite_steps) {
        close_finding(overflow, view, TW_STATE_RECOVERED, "steps with a living loss");
    }
}

/* ---- records ---- */

static void remember(struct overflow *overflow, const struct tw_record *record)
{
    double rate = record->signal[TW_SIGNAL_LEARNING_RATE];
    double loss = record->signal[TW_SIGNAL_LOSS];
    if (tw_record_has(record, TW_SIGNAL_LEARNING_RATE) && isfinite(rate)) {
        overflow->learning_rate = rate;
        overflow->has_learning_rate = 1;
    }
    overflow->norms += tw_record_has(record, TW_SIGNAL_GRAD_NORM);
    if (!tw_record_has(record, TW_SIGNAL_LOSS))
        return;
    overflow->losses++;
    if (isfinite(loss)) {
        overflow->loss = loss;
        overflow->has_loss = 1;
        overflow->loss_run = 0;
    } else {
        overflow->loss_run++;
        overflow->nonfinite_losses++;
    }
}

static void observe_step(struct overflow *overflow, const struct view *view)
{
    const struct tw_record *record = view->record;
    enum phase phase = broken_phase(record);
    bool has_numbers = tw_record_has(record, TW_SIGNAL_LOSS) ||
                       tw_record_has(record, TW_SIGNAL_GRAD_NORM);
    remember(overflow, record);
    if (phase != PHASE_NONE)
        judge_nonfinite(overflow, view, phase);
    else if (has_numbers)
        judge_finite(overflow, view);
    if (view->has_scaler)
        judge_scaling(overflow, view, phase != PHASE_NONE);
    if (tw_record_has(record, TW_SIGNAL_LOSS) && isfinite(record->signal[TW_SIGNAL_LOSS]))
        judge_disguise(overflow, view);
}

static void observe_eval(struct overflow *overflow, const struct view *view)
{
    if (!tw_record_has(view->record, TW_SIGNAL_EVAL_LOSS))
        return;
    overflow->evals++;
    if (!is_bad(view->record, TW_SIGNAL_EVAL_LOSS)) {
        if (overflow->cause == CAUSE_EVAL)
            close_finding(overflow, view, TW_STATE_RECOVERED, "steps to a finite evaluation loss");
        return;
    }
    overflow->nonfinite_evals++;
    struct tw_condition *condition = open_finding(overflow, view, CAUSE_EVAL, TW_SEVERITY_WARNING,
                                                  view->context->step, view->context->time_ms);
    if (!condition)
        return;
    condition->confidence = .7;
    struct tw_evidence *evidence = write_evidence(condition, "non-finite evaluation losses",
                                                  "records", (double)overflow->nonfinite_evals, 1);
    tw_evidence_add(evidence, "first_nonfinite_step", (double)view->context->step);
    tw_evidence_add_text(evidence, "phase", "evaluation");
    add_last_numbers(overflow, evidence);
}

/* ---- layers ---- */

/* Forward numbers go wrong from the first bad layer on. */
static void judge_layers(struct overflow *overflow, const struct view *view)
{
    const struct tw_layers *layers = view->record->layers;
    const float *counts = layers->column[TW_LAYER_NONFINITE];
    char scope[TW_SCOPE_MAX + 1];
    uint32_t bad = 0, first = 0;
    for (uint32_t i = 0; counts && i < layers->n; i++) {
        if (counts[i] > 0 && !bad++)
            first = i;
    }
    /* With a scaler, gradients that are not finite are its daily bread. */
    if (!bad || view->has_scaler || overflow->cause == CAUSE_NONFINITE)
        return;
    tw_context_layer_scope(view->context, layers->header_hash, first, scope, sizeof scope);
    snprintf(overflow->layer, sizeof overflow->layer, "%.*s", (int)sizeof overflow->layer - 1,
             scope + strlen("layer:"));
    note_bad(overflow, view, PHASE_LAYER);
    overflow->is_doubtful = 0;
    say_nonfinite(overflow, view, CAUSE_NONFINITE, TW_SEVERITY_CRITICAL, bad, 1);
}

static uint32_t largest_layer(const struct tw_layers *layers, double *ret)
{
    const float *largest = layers->column[TW_LAYER_ACTIVATION_ABS_MAX];
    uint32_t found = 0;
    *ret = 0;
    for (uint32_t i = 0; largest && i < layers->n; i++) {
        double x = (double)largest[i]; /* NaN, not measured, is never larger */
        if (isfinite(x) && x > *ret) {
            *ret = x;
            found = i;
        }
    }
    return found;
}

static void say_near(const struct overflow *overflow, const struct view *view, enum tw_state state,
                     double value)
{
    const struct near_layer *near = &overflow->near;
    struct tw_condition *condition =
        tw_report_add(view->report, near->scope, state, TW_SEVERITY_WARNING);
    condition->onset_step = near->first_step;
    condition->onset_time_ms = near->first_time_ms;
    condition->confidence = .7;
    struct tw_evidence *evidence = write_evidence(condition, "largest activation in fp16", "",
                                                  value, view->config->near_overflow);
    evidence->window_first = near->first_step;
    evidence->window_last = view->context->step;
    tw_evidence_add(evidence, "largest_fp16", 65504);
    add_last_numbers(overflow, evidence);
}

static void judge_near(struct overflow *overflow, const struct view *view)
{
    struct near_layer *near = &overflow->near;
    double value;
    uint32_t index = largest_layer(view->record->layers, &value);
    bool is_near = value >= view->config->near_overflow;
    if (near->is_open) {
        near->below = is_near ? 0 : near->below + 1;
        if (near->below >= view->config->fp16_records) {
            say_near(overflow, view, TW_STATE_RECOVERED, value);
            memset(near, 0, sizeof *near);
        }
        return;
    }
    if (!is_near) {
        near->records = 0;
        return;
    }
    if (!near->records || near->index != index) {
        near->records = 0;
        near->index = index;
        near->first_step = view->context->step;
        near->first_time_ms = view->context->time_ms;
    }
    if (++near->records < view->config->fp16_records)
        return;
    near->is_open = 1;
    tw_context_layer_scope(view->context, view->record->layers->header_hash, index, near->scope,
                           sizeof near->scope);
    say_near(overflow, view, TW_STATE_OPEN, value);
}

/* ---- the detector ---- */

/* A scale of 1 is what bf16 runs log. */
static bool has_scaler(const struct tw_context *context, const struct tw_record *record)
{
    return context->is_fp16 || context->initial_loss_scale > 1 || context->loss_scale > 1 ||
           (record->kind == TW_KIND_STEP && (tw_record_has(record, TW_SIGNAL_OVERFLOW) ||
                                             tw_record_has(record, TW_SIGNAL_SKIPPED_STEPS)) &&
            !isnan(context->loss_scale));
}

static void overflow_observe(void *state, const void *config, const struct tw_context *context,
                             const struct tw_context_config *shared,
                             const struct tw_record *record, struct tw_report *report)
{
    struct overflow *overflow = state;
    struct view view = {.config = config, .context = context, .record = record, .report = report};
    (void)shared;
    view.has_scaler = has_scaler(context, record);
    if (context->segment_is_new && context->segment_cause == TW_SEGMENT_RESUME)
        tw_scaling_restart(&overflow->scaling);
    if (record->kind == TW_KIND_STEP)
        observe_step(overflow, &view);
    else if (record->kind == TW_KIND_EVAL)
        observe_eval(overflow, &view);
    if (record->layers) {
        judge_layers(overflow, &view);
        if (context->is_fp16)
            judge_near(overflow, &view);
    }
}

static void overflow_finish(void *state, const void *config, const struct tw_context *context,
                            const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool overflow_has_judged(const void *state, const void *config,
                                const struct tw_context *context, char *reason, size_t size)
{
    const struct overflow *overflow = state;
    (void)config, (void)context;
    if (overflow->losses || overflow->norms)
        return true;
    snprintf(reason, size, "no loss or gradient norm in the log");
    return false;
}

const struct tw_detector tw_detector_overflow = {
    .name = "overflow",
    .title = "Overflow",
    .description = "numbers that are not finite, beyond what a loss scaler skips on purpose",
    .state_version = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .config_size = sizeof(struct overflow_config),
    .state_size = sizeof(struct overflow),
    .start = overflow_start,
    .observe = overflow_observe,
    .finish = overflow_finish,
    .has_judged = overflow_has_judged,
};
