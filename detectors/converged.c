/* Converged: no further gain is to be expected, so the rest of the budget can be saved.
 *
 * The training loss must have been flat for a good part of the run, so surely that even at the edge
 * of what its noise allows as much training again would gain next to nothing; the evaluation loss
 * must have no new best either; and the learning rate must have stayed where it is meanwhile. A
 * schedule that is still to lower it is waited for, since that often lowers the loss again, and one
 * that is running out is no news. Only ever an information. */
#include "detectors/detectors.h"
#include "detectors/statistics/slope.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct tw_converged_config {
    double falling_probability, discard, flat_share, gain_share, learned_ratio, trivial_share;
    double budget_from, budget_used, rate_change, eval_rise, eval_share, new_best;
    uint64_t min_blocks, flat_blocks, min_evals;
};

#define FIELD(member) offsetof(struct tw_converged_config, member)

static const struct tw_option options[] = {
    {.name = "falling_probability",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(falling_probability),
     .initial = .51,
     .min = .5,
     .max = 1,
     .help = "the loss is flat as far back as it falls with less than this probability (dlib, "
             "steps without decrease)"},
    {.name = "discard",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(discard),
     .initial = .1,
     .min = 0,
     .max = .5,
     .help = "share of the highest losses that the second, robust count passes over (dlib); the "
             "smaller count holds"},
    {.name = "min_blocks",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(min_blocks),
     .initial = 48,
     .min = 8,
     .max = 128,
     .help = "fewer losses, or blocks of them, are not judged (our judgement)"},
    {.name = "flat_blocks",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(flat_blocks),
     .initial = 24,
     .min = 3,
     .max = 128,
     .help = "and at least so many must be flat (our judgement)"},
    {.name = "flat_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(flat_share),
     .initial = .33,
     .min = .01,
     .max = 1,
     .help = "share of the run that must be flat: a fixed 2,000 steps (dlib) is true of 6 to 7 % "
             "of healthy public runs"},
    {.name = "gain_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(gain_share),
     .initial = .01,
     .min = 0,
     .max = 1,
     .help = "most that the loss may fall over as long a time again, as a share of it, at two "
             "standard errors of its slope (our judgement)"},
    {.name = "learned_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(learned_ratio),
     .initial = .7,
     .min = 0,
     .max = 1,
     .help = "the loss must be below this share of the first one: what never learned has not "
             "converged (our judgement)"},
    {.name = "trivial_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(trivial_share),
     .initial = .5,
     .min = 0,
     .max = 1,
     .help = "and below this share of the loss of a model that knows nothing, where that is known; "
             "above it a flat loss is underfitting"},
    {.name = "budget_from",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(budget_from),
     .initial = .3,
     .min = 0,
     .max = 1,
     .help = "share of the declared budget up to which a flat loss may be a pause (our judgement)"},
    {.name = "budget_used",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(budget_used),
     .initial = .9,
     .min = 0,
     .max = 1,
     .help = "share of the declared budget from which on nothing is worth saving"},
    {.name = "rate_change",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(rate_change),
     .initial = .01,
     .min = 0,
     .max = 1,
     .help = "a learning rate within this share has not changed"},
    {.name = "min_evals",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(min_evals),
     .initial = 5,
     .min = 1,
     .max = 1000,
     .help = "where the run evaluates: evaluations without a new best"},
    {.name = "eval_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(eval_share),
     .initial = .2,
     .min = 0,
     .max = 1,
     .help = "and share of all evaluations that these must be"},
    {.name = "eval_rise",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(eval_rise),
     .initial = 1.02,
     .min = 1,
     .max = 100,
     .help = "evaluation loss over its best from which on it is a matter of overfitting"},
    {.name = "new_best",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(new_best),
     .initial = .02,
     .min = 0,
     .max = 1,
     .help = "a loss, or a best evaluation, lower by this share withdraws the finding: twice the "
             "gain that was held possible"},
};

struct converged {
    uint8_t is_open, has_rate, has_eval;
    uint8_t losses;     /* of the first ones that `initial` is of */
    uint32_t n_before;  /* blocks of the course before the present stretch of the run */
    uint32_t per_block; /* of the course, when `n_before` was counted */
    double initial;     /* mean of the first losses */
    double rate;
    uint64_t rate_step; /* since when the learning rate is what it is */
    double open_loss, open_best;
    uint64_t onset_step;
    int64_t onset_time_ms;
    uint64_t evals; /* this and the rest from TW_EXTENT_EVALS on, and while has_eval */
    uint64_t since_best;
    double best, newest; /* evaluation losses */
};

/* What is judged: the blocks of the course since the present stretch of the run began. */
struct stretch {
    const struct tw_trace *trace;
    unsigned n;
};

static void converged_start(void *state, const void *config)
{
    struct converged *converged = state;
    (void)config;
    converged->per_block = 1;
}

static struct stretch present_stretch(const struct converged *converged,
                                      const struct tw_context *context)
{
    const struct tw_trace *trace = &context->course.trace;
    unsigned before = converged->n_before;
    return (struct stretch){.trace = trace, .n = trace->n > before ? trace->n - before : 0};
}

/* ---- what is known ---- */

struct plateau {
    unsigned blocks; /* flat ones */
    double level;    /* of the loss now */
    double gain;     /* most that it may fall over as long a time again */
    uint64_t first_step;
};

/* One of fewer blocks than `least` is not looked at any closer. */
static struct plateau find_plateau(const struct stretch *stretch,
                                   const struct tw_converged_config *config, double least)
{
    double means[TW_TRACE_BLOCKS];
    unsigned n = stretch->n;
    tw_trace_newest(stretch->trace, n, means);
    unsigned plain = tw_slope_without_decrease(means, n, config->falling_probability, 0);
    if (plain < least)
        return (struct plateau){.blocks = plain};
    unsigned robust =
        tw_slope_without_decrease(means, n, config->falling_probability, config->discard);
    struct plateau plateau = {.blocks = plain < robust ? plain : robust};
    if (plateau.blocks < 3)
        return plateau;
    struct tw_slope line = tw_slope_fit(means + n - plateau.blocks, plateau.blocks);
    plateau.level = line.newest;
    plateau.gain = (2 * line.standard_error - line.slope) * plateau.blocks;
    plateau.first_step = tw_trace_step(stretch->trace, plateau.blocks);
    return plateau;
}

/* Mean of the newest quarter of the run. */
static double level_now(const struct stretch *stretch)
{
    double means[TW_TRACE_BLOCKS], sum = 0;
    unsigned n = stretch->n < 4 ? stretch->n : stretch->n / 4;
    tw_trace_newest(stretch->trace, n, means);
    for (unsigned i = 0; i < n; i++)
        sum += means[i];
    return n ? sum / n : 0;
}

/* ---- conditions ---- */

static double blocks_needed(const struct stretch *stretch, const struct tw_converged_config *config)
{
    return fmax((double)config->flat_blocks, config->flat_share * stretch->n);
}

static bool is_flat(const struct stretch *stretch, const struct tw_converged_config *config,
                    const struct plateau *plateau)
{
    return plateau->blocks >= blocks_needed(stretch, config) &&
           plateau->gain <= config->gain_share * fabs(plateau->level);
}

static bool has_learned(const struct converged *converged, const struct tw_converged_config *config,
                        const struct tw_context *context, const struct plateau *plateau)
{
    return plateau->level <= config->learned_ratio * converged->initial &&
           !(plateau->level >= config->trivial_share * context->trivial_loss);
}

/* The line through a plateau ends nowhere below this: each value has its weight in the end of a
 * line by least squares, those below 0 a third of all at most (half, to be safe). */
static double least_level(const struct stretch *stretch)
{
    const float *means = stretch->trace->means + stretch->trace->n - stretch->n;
    float lowest = means[0], highest = means[0];
    for (unsigned i = 1; i < stretch->n; i++) {
        lowest = means[i] < lowest ? means[i] : lowest;
        highest = means[i] > highest ? means[i] : highest;
    }
    return 1.5 * (double)lowest - .5 * (double)highest;
}

/* Evaluations that went on improving, or got worse, are another matter. */
static bool is_eval_flat(const struct converged *converged,
                         const struct tw_converged_config *config)
{
    if (!converged->has_eval)
        return true;
    double since = (double)converged->since_best;
    return since >= (double)config->min_evals &&
           since >= config->eval_share * (double)converged->evals &&
           converged->newest - converged->best <= (config->eval_rise - 1) * fabs(converged->best);
}

/* The rate is what it was when the plateau began, and no declared schedule will change it. */
static bool is_rate_settled(const struct converged *converged, const struct tw_context *context,
                            const struct plateau *plateau)
{
    bool is_at_peak = !converged->has_rate || converged->rate > .1 * context->peak_learning_rate;
    return (!converged->has_rate || converged->rate_step <= plateau->first_step) &&
           !(is_at_peak && context->has_schedule);
}

/* ---- speaking ---- */

static void say(const struct converged *converged, const struct tw_converged_config *config,
                const struct tw_context *context, const struct plateau *plateau,
                enum tw_state state, struct tw_report *report)
{
    struct tw_condition *condition = tw_report_add(report, "run", state, TW_SEVERITY_INFO);
    struct tw_evidence *evidence = &condition->evidence;
    struct stretch stretch = present_stretch(converged, context);
    uint64_t first = stretch.n ? tw_trace_step(stretch.trace, stretch.n) : context->step;
    condition->onset_step = converged->onset_step;
    condition->onset_time_ms = converged->onset_time_ms;
    condition->confidence = state == TW_STATE_WITHDRAWN ? 0 : converged->has_eval ? .7 : .5;
    snprintf(evidence->statistic, sizeof evidence->statistic,
             "steps without a decrease of the loss");
    snprintf(evidence->unit, sizeof evidence->unit, "steps");
    evidence->value = (double)(context->step - converged->onset_step);
    evidence->threshold = ceil(config->flat_share * (double)(context->step - first));
    evidence->baseline = plateau->level;
    evidence->window_first = converged->onset_step;
    evidence->window_last = context->step;
    tw_evidence_add(evidence, "possible_gain", fmax(plateau->gain, 0));
    if (converged->has_eval)
        tw_evidence_add(evidence, "evals_since_best", (double)converged->since_best);
    if (context->declared_max_steps > context->step) {
        double left = (double)(context->declared_max_steps - context->step);
        tw_evidence_add(evidence, "steps_saved", left);
        tw_evidence_add(evidence, "budget_saved", left / (double)context->declared_max_steps);
    }
}

/* ---- judging ---- */

static void open_finding(struct converged *converged, const struct tw_converged_config *config,
                         const struct tw_context *context, const struct plateau *plateau,
                         struct tw_report *report)
{
    converged->is_open = 1;
    converged->onset_step = plateau->first_step;
    converged->onset_time_ms = context->time_ms;
    converged->open_loss = plateau->level;
    converged->open_best = converged->has_eval ? converged->best : 0;
    say(converged, config, context, plateau, TW_STATE_OPEN, report);
}

/* It gained after all, or the learning rate was changed and everything is open again. */
static bool is_wrong(const struct converged *converged, const struct tw_converged_config *config,
                     double level)
{
    double loss = converged->open_loss, best = converged->open_best;
    return level < loss - config->new_best * fabs(loss) ||
           (converged->has_eval && converged->best < best - config->new_best * fabs(best)) ||
           (converged->has_rate && converged->rate_step > converged->onset_step);
}

static bool is_worth_saving(const struct tw_converged_config *config,
                            const struct tw_context *context)
{
    double used = tw_context_progress(context); /* NaN when no budget was declared */
    return isnan(used) || (used >= config->budget_from && used < config->budget_used);
}

static void judge(struct converged *converged, const struct tw_converged_config *config,
                  const struct tw_context *context, struct tw_report *report)
{
    struct stretch stretch = present_stretch(converged, context);
    if (converged->is_open) {
        double level = level_now(&stretch);
        if (!is_wrong(converged, config, level))
            return;
        struct plateau plateau = find_plateau(&stretch, config, 0);
        plateau.level = level;
        say(converged, config, context, &plateau, TW_STATE_WITHDRAWN, report);
        converged->is_open = 0;
    } else if (stretch.n >= config->min_blocks && is_eval_flat(converged, config) &&
               is_worth_saving(config, context)) {
        struct plateau least = {.level = least_level(&stretch)};
        if (!has_learned(converged, config, context, &least))
            return;
        struct plateau plateau = find_plateau(&stretch, config, blocks_needed(&stretch, config));
        if (is_flat(&stretch, config, &plateau) &&
            has_learned(converged, config, context, &plateau) &&
            is_rate_settled(converged, context, &plateau))
            open_finding(converged, config, context, &plateau, report);
    }
}

/* ---- records ---- */

static void take_rate(struct converged *converged, const struct tw_converged_config *config,
                      const struct tw_record *record, uint64_t step)
{
    double rate = record->signal[TW_SIGNAL_LEARNING_RATE];
    if (!tw_record_has(record, TW_SIGNAL_LEARNING_RATE) || !(fabs(rate) < 1e30) ||
        (converged->has_rate &&
         fabs(rate - converged->rate) <= config->rate_change * fabs(converged->rate)))
        return;
    converged->rate_step = converged->has_rate ? step : 0;
    converged->rate = rate;
    converged->has_rate = 1;
}

static void take_eval(struct converged *converged, double loss)
{
    if (!converged->has_eval)
        converged->evals = converged->since_best = 0;
    converged->evals++;
    converged->newest = loss;
    converged->since_best++;
    if (!converged->has_eval || loss < converged->best) {
        converged->best = loss;
        converged->since_best = 0;
    }
    converged->has_eval = 1;
}

static void take_loss(struct converged *converged, const struct tw_converged_config *config,
                      const struct tw_context *context, double loss, struct tw_report *report)
{
    enum { FIRST_LOSSES = 4 };
    if (converged->losses < FIRST_LOSSES)
        converged->initial += (loss - converged->initial) / ++converged->losses;
    if (context->course.block_is_new)
        judge(converged, config, context, report);
}

/* The course puts its blocks together by twos as it grows. */
static void follow_course(struct converged *converged, const struct tw_trace *trace)
{
    for (; converged->per_block < trace->per_block; converged->per_block *= 2)
        converged->n_before = (converged->n_before + 1) / 2;
}

/* Blocks of the course that hold losses from before the newest record. */
static uint32_t blocks_before(const struct tw_course *course)
{
    const struct tw_trace *trace = &course->trace;
    if (course->block_is_new)
        return trace->per_block > 1 ? trace->n : trace->n - 1;
    return trace->n + (trace->filled > course->is_new);
}

/* Another problem, or another loss: nothing before counts. */
static void begin_anew(struct converged *converged, const struct tw_converged_config *config,
                       const struct tw_context *context, struct tw_report *report)
{
    if (converged->is_open) {
        struct plateau plateau = {.level = converged->open_loss};
        say(converged, config, context, &plateau, TW_STATE_WITHDRAWN, report);
    }
    memset(converged, 0, offsetof(struct converged, evals));
    converged->n_before = blocks_before(&context->course);
    converged->per_block = context->course.trace.per_block;
}

static void converged_observe(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared,
                              const struct tw_record *record, struct tw_report *report)
{
    struct converged *converged = state;
    double loss = record->signal[TW_SIGNAL_LOSS], eval = record->signal[TW_SIGNAL_EVAL_LOSS];
    (void)shared;
    if (!tw_context_loss_should_fall(context))
        return;
    if (context->segment_is_new && (context->segment_cause == TW_SEGMENT_DATA_CHANGE ||
                                    context->segment_cause == TW_SEGMENT_RESUME ||
                                    context->segment_cause == TW_SEGMENT_BATCH_CHANGE))
        begin_anew(converged, config, context, report);
    follow_course(converged, &context->course.trace);
    take_rate(converged, config, record, context->step);
    if (tw_record_has(record, TW_SIGNAL_EVAL_LOSS) && fabs(eval) < 1e30)
        take_eval(converged, eval);
    if (context->course.is_new && fabs(loss) < 1e30)
        take_loss(converged, config, context, loss, report);
}

static void converged_finish(void *state, const void *config, const struct tw_context *context,
                             const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

/* Its silence says "go on", which is right for whatever could not be judged. */
static bool converged_has_judged(const void *state, const void *config,
                                 const struct tw_context *context, char *reason, size_t size)
{
    (void)state, (void)config, (void)context, (void)reason, (void)size;
    return true;
}

const struct tw_detector tw_detector_converged = {
    .name = "converged",
    .title = "Converged",
    .description = "no further gain is to be expected from the rest of the run",
    .secondary = true,
    .state_version = 3,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .config_size = sizeof(struct tw_converged_config),
    .state_size = TW_STATE_SIZES_FROM_EVALS(struct converged, evals),
    .start = converged_start,
    .observe = converged_observe,
    .finish = converged_finish,
    .has_judged = converged_has_judged,
};
