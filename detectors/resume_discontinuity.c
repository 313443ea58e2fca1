/* Resume discontinuity: a run that was resumed and is not where it was.
 *
 * A run that goes on from a checkpoint with everything restored goes on at the loss it had there.
 * Where the optimizer's state, the weights, the position in the data or the learning rate were not,
 * the loss jumps, and mostly comes back: that is not divergence, and its remedy is another one.
 * What was before is taken from the losses up to the step that the run resumed at, so that losses
 * after the checkpoint, which are trained again, do not count. */
#include "detectors/detectors.h"
#include "detectors/statistics/sorted_window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct resume_config {
    double ratio, sigma, progress, recovered_ratio, rate_ratio, update_ratio, fresh_share;
    uint64_t within_steps, patience_steps, losses, min_before;
};

#define FIELD(member) offsetof(struct resume_config, member)

static const struct tw_option resume_options[] = {
    {.name = "ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(ratio),
     .initial = 1.1,
     .min = 1,
     .max = 1000,
     .help = "loss after the resume / before it, as medians, that is worth telling (losslint)"},
    {.name = "sigma",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(sigma),
     .initial = 5,
     .min = 0,
     .max = 1000,
     .help = "and so many standard errors of such medians above (our judgement)"},
    {.name = "progress",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(progress),
     .initial = .02,
     .min = 0,
     .max = 1,
     .help = "and this share of the progress since the first losses lost: near a loss of 0, ratios "
             "mean nothing (as in divergence)"},
    {.name = "recovered_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(recovered_ratio),
     .initial = 1.05,
     .min = 1,
     .max = 1000,
     .help = "over when the loss is back within this ratio (our judgement)"},
    {.name = "rate_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(rate_ratio),
     .initial = 1.25,
     .min = 1,
     .max = 1000,
     .help = "another learning rate than before by this ratio is the likely cause (our judgement)"},
    {.name = "update_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(update_ratio),
     .initial = 1.5,
     .min = 1,
     .max = 1000,
     .help =
         "updates larger than before by this ratio tell of a lost optimizer state: Adam's first "
         "steps are as large as they can be (our judgement)"},
    {.name = "fresh_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(fresh_share),
     .initial = .8,
     .min = 0,
     .max = 1,
     .help = "a loss at this share of the first ones tells of weights that were not restored "
             "(our judgement)"},
    {.name = "within_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(within_steps),
     .initial = 50,
     .min = 1,
     .max = 1e6,
     .help = "steps after a resume in which a jump belongs to it, and after which one that does "
             "not fall is a warning (losslint, mixle)"},
    {.name = "patience_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(patience_steps),
     .initial = 200,
     .min = 1,
     .max = 1e9,
     .help = "steps after which one that falls, but is not back, is a warning: so long divergence "
             "waits after a resume"},
    {.name = "losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(losses),
     .initial = 5,
     .min = 3,
     .max = 8,
     .help = "losses whose median is the level after the resume, at least"},
    {.name = "min_before",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(min_before),
     .initial = 8,
     .min = 3,
     .max = 16,
     .help = "losses before the resume without which it cannot be judged"},
};

enum { FINE = 128, COARSE = 64, LEVEL = 16, SPREAD = 64, AFTER = 16, HALF = 8 };

/* Standard errors within which a level that had jumped is back: one in 20 is further off by chance.
 */
#define BACK_SIGMA 2

/* 0: not sent */
struct resume_point {
    uint64_t step;
    float loss, rate, update;
};

/* Means of ever longer stretches, for resumes from far back. */
struct resume_block {
    uint64_t step; /* the newest in it */
    double loss;
};

enum resume_cause { BY_UNKNOWN, BY_RATE, BY_OPTIMIZER, BY_WEIGHTS, BY_DATA };

struct resume_discontinuity {
    uint8_t is_open, severity, cause; /* of the open finding */
    uint8_t is_pending;               /* resumed, and no loss since */
    uint8_t is_watching;              /* losses since the resume are compared with those before */
    uint8_t is_signed;                /* a loss was negative: differences instead of ratios */
    uint8_t has_resumed, has_judged;
    /* before the resume; 0: not known */
    uint64_t before_step; /* the newest */
    double before, spread, rate_before, update_before;
    double declared, declared_before; /* learning rates of the headers: newest, before the resume */
    /* since */
    uint64_t resume_step, after_count;
    int64_t resume_time_ms;
    double first_after, rate_after, peak; /* first loss, first rate, highest level */
    TW_SORTED_WINDOW(HALF) after;
    TW_SORTED_WINDOW(HALF) updates;
    /* the whole run */
    double initial; /* median of the first losses */
    TW_SORTED_WINDOW(HALF) first;
    uint32_t n_fine, next_fine, n_coarse, block_losses, in_block;
    double block_sum;
    struct resume_block coarse[COARSE];
    struct resume_point fine[FINE]; /* a ring */
};

struct resume_view {
    const struct resume_config *config;
    const struct tw_context *context;
    struct tw_report *report;
};

static void resume_start(void *state, const void *config)
{
    struct resume_discontinuity *resume = state;
    (void)config;
    TW_WINDOW_START(&resume->after);
    TW_WINDOW_START(&resume->updates);
    TW_WINDOW_START(&resume->first);
    resume->block_losses = 1;
}

/* ---- what was before ---- */

static const struct resume_point *fine_at(const struct resume_discontinuity *resume, uint32_t age)
{
    return &resume->fine[(resume->next_fine + FINE - 1 - age) % FINE];
}

/* Half as many blocks of twice the losses. */
static void halve_blocks(struct resume_discontinuity *resume)
{
    for (uint32_t i = 0; i < COARSE / 2; i++) {
        const struct resume_block *two = &resume->coarse[2 * i];
        resume->coarse[i] =
            (struct resume_block){.step = two[1].step, .loss = two[0].loss / 2 + two[1].loss / 2};
    }
    resume->n_coarse = COARSE / 2;
    resume->block_losses *= 2;
}

static void keep_block(struct resume_discontinuity *resume, uint64_t step, double loss)
{
    resume->block_sum += loss;
    if (++resume->in_block < resume->block_losses)
        return;
    if (resume->n_coarse == COARSE)
        halve_blocks(resume);
    resume->coarse[resume->n_coarse++] =
        (struct resume_block){.step = step, .loss = resume->block_sum / resume->in_block};
    resume->in_block = 0;
    resume->block_sum = 0;
}

static float positive(const struct tw_record *record, enum tw_signal signal)
{
    float x = (float)record->signal[signal];
    return tw_record_has(record, signal) && isfinite(x) && x > 0 ? x : 0;
}

static void keep_point(struct resume_discontinuity *resume, const struct tw_record *record,
                       uint64_t step, float loss)
{
    resume->fine[resume->next_fine] = (struct resume_point){
        .step = step,
        .loss = loss,
        .rate = positive(record, TW_SIGNAL_LEARNING_RATE),
        .update = positive(record, TW_SIGNAL_UPDATE_NORM),
    };
    resume->next_fine = (resume->next_fine + 1) % FINE;
    resume->n_fine += resume->n_fine < FINE;
    keep_block(resume, step, (double)loss);
    if (resume->first.head.count < HALF) {
        TW_WINDOW_PUSH(&resume->first, loss);
        resume->initial = TW_WINDOW_MEDIAN(&resume->first);
    }
}

/* What a run will train again did not happen. */
static void forget_from(struct resume_discontinuity *resume, uint64_t step)
{
    while (resume->n_fine && fine_at(resume, 0)->step >= step) {
        resume->next_fine = (resume->next_fine + FINE - 1) % FINE;
        resume->n_fine--;
    }
    while (resume->n_coarse && resume->coarse[resume->n_coarse - 1].step >= step)
        resume->n_coarse--;
    resume->in_block = 0;
    resume->block_sum = 0;
}

static double scaled(const struct resume_discontinuity *resume, float loss)
{
    return resume->is_signed ? (double)loss : log(fmax((double)loss, 1e-30));
}

/* The noise of log losses (of losses, once one was negative), from the differences of neighbours: a
 * loss that falls is not noisy. */
static double spread_of(const struct resume_discontinuity *resume)
{
    TW_SORTED_WINDOW(SPREAD) window;
    TW_WINDOW_START(&window);
    for (uint32_t age = 0; age + 1 < resume->n_fine && age < SPREAD; age++) {
        double change = scaled(resume, fine_at(resume, age)->loss) -
                        scaled(resume, fine_at(resume, age + 1)->loss);
        TW_WINDOW_PUSH(&window, (float)fabs(change));
    }
    return 1.4826 * TW_WINDOW_MEDIAN(&window) / sqrt(2);
}

static double fine_level(const struct resume_discontinuity *resume)
{
    TW_SORTED_WINDOW(LEVEL) losses;
    TW_WINDOW_START(&losses);
    for (uint32_t age = 0; age < resume->n_fine && age < LEVEL; age++)
        TW_WINDOW_PUSH(&losses, fine_at(resume, age)->loss);
    return TW_WINDOW_MEDIAN(&losses);
}

static double fine_update(const struct resume_discontinuity *resume)
{
    TW_SORTED_WINDOW(LEVEL) updates;
    TW_WINDOW_START(&updates);
    for (uint32_t age = 0; age < resume->n_fine && age < LEVEL; age++) {
        if (fine_at(resume, age)->update > 0)
            TW_WINDOW_PUSH(&updates, fine_at(resume, age)->update);
    }
    return TW_WINDOW_MEDIAN(&updates);
}

/* Returns whether there is something to compare with. A run that starts over from its first step is
 * compared with where it had been. */
static bool look_back(struct resume_discontinuity *resume, const struct resume_config *config,
                      uint64_t step)
{
    bool is_over = resume->n_coarse && step <= resume->coarse[0].step;
    resume->spread = spread_of(resume);
    if (!is_over)
        forget_from(resume, step);
    if (resume->n_fine >= config->min_before) {
        resume->before = fine_level(resume);
        resume->before_step = fine_at(resume, 0)->step;
        resume->rate_before = (double)fine_at(resume, 0)->rate;
        resume->update_before = fine_update(resume);
        return true;
    }
    resume->rate_before = resume->update_before = 0;
    if (resume->n_coarse * (uint64_t)resume->block_losses < config->min_before)
        return false;
    resume->before = resume->coarse[resume->n_coarse - 1].loss;
    resume->before_step = resume->coarse[resume->n_coarse - 1].step;
    return true;
}

/* ---- comparing ---- */

/* How far the level stands over that before: as a ratio, or as 1 + a share of the progress. */
static double rise_of(const struct resume_discontinuity *resume, double level)
{
    double progress = resume->initial - resume->before;
    if (!resume->is_signed && resume->before > 0)
        return level / resume->before;
    return progress > 0 ? 1 + (level - resume->before) / progress : 1;
}

static bool is_beyond(const struct resume_discontinuity *resume, const struct resume_config *config,
                      double level, uint32_t losses, double ratio, double sigma)
{
    double error =
        1.2533 * resume->spread * sqrt(1. / losses + 1. / LEVEL); /* of medians of normal values */
    double beyond = resume->is_signed                 ? level - resume->before
                    : level > 0 && resume->before > 0 ? log(level / resume->before)
                                                      : 0;
    return rise_of(resume, level) >= ratio && beyond >= sigma * error &&
           level - resume->before >= config->progress * fabs(resume->initial - resume->before);
}

static bool is_high(const struct resume_discontinuity *resume, const struct resume_config *config,
                    double level, uint32_t losses, double ratio)
{
    return is_beyond(resume, config, level, losses, ratio, config->sigma);
}

static double newest_level(const struct resume_discontinuity *resume, uint32_t n)
{
    const struct tw_window_head *head = &resume->after.head;
    TW_SORTED_WINDOW(HALF) losses;
    TW_WINDOW_START(&losses);
    for (uint32_t age = 0; age < n && age < head->count; age++)
        TW_WINDOW_PUSH(&losses, tw_window_at(head, resume->after.values, (uint16_t)age));
    return TW_WINDOW_MEDIAN(&losses);
}

/* On its way back: a third of the jump is gone. */
static bool is_falling(const struct resume_discontinuity *resume, double level)
{
    return level - resume->before <= (resume->peak - resume->before) * 2 / 3;
}

static double ratio_of(double now, double before)
{
    return now > 0 && before > 0 ? now / before : 0;
}

/* Near what the run began with, or what it would be with no learning at all. */
static bool is_unlearned(const struct resume_discontinuity *resume, const struct resume_view *view,
                         double level)
{
    double share = view->config->fresh_share;
    double reference = fmin(resume->initial, view->context->trivial_loss); /* of a NaN: the other */
    return level >= share * reference && resume->before < share * share * reference;
}

static bool is_fresh(const struct resume_discontinuity *resume, const struct resume_view *view,
                     double level)
{
    return is_unlearned(resume, view, fmax(resume->first_after, level));
}

static enum resume_cause guess_cause(const struct resume_discontinuity *resume,
                                     const struct resume_view *view, double level)
{
    const struct resume_config *config = view->config;
    double rate = ratio_of(resume->rate_after, resume->rate_before);
    double update = ratio_of(TW_WINDOW_MEDIAN(&resume->updates), resume->update_before);
    /* Weights that were restored show their old loss once; then the optimizer moves them. */
    bool was_high = is_high(resume, config, resume->first_after, 1, config->ratio);
    bool is_every_step = resume->resume_step - resume->before_step <= 1;
    if (is_fresh(resume, view, level) && (was_high || !is_every_step))
        return BY_WEIGHTS;
    if (rate > config->rate_ratio || (rate > 0 && rate < 1 / config->rate_ratio))
        return BY_RATE;
    if (was_high && is_every_step)
        return BY_DATA;
    if (update >= config->update_ratio)
        return BY_OPTIMIZER;
    if (was_high)
        return BY_DATA;
    return update > 0 ? BY_UNKNOWN : BY_OPTIMIZER;
}

/* ---- speaking ---- */

static const char *cause_name(enum resume_cause cause)
{
    static const char *const names[] = {"unknown", "learning rate", "optimizer state", "weights",
                                        "data or weights"};
    return names[cause];
}

/* Another rate that was asked for is what to change back; else the schedule is another one, and the
 * rates in use tell. */
static void add_rates(const struct resume_discontinuity *resume, const struct resume_view *view,
                      struct tw_evidence *evidence)
{
    double declared = ratio_of(view->context->declared_learning_rate, resume->declared_before);
    double ratio = view->config->rate_ratio;
    bool is_declared = declared > ratio || (declared > 0 && declared < 1 / ratio);
    if (!(resume->rate_before > 0) || !(resume->rate_after > 0))
        return;
    tw_evidence_add(evidence, "learning_rate_before",
                    is_declared ? resume->declared_before : resume->rate_before);
    tw_evidence_add(evidence, "learning_rate",
                    is_declared ? view->context->declared_learning_rate : resume->rate_after);
}

static void say(const struct resume_discontinuity *resume, const struct resume_view *view,
                enum tw_state state, double level)
{
    struct tw_condition *condition =
        tw_report_add(view->report, "run", state, (enum tw_severity)resume->severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = resume->resume_step;
    condition->onset_time_ms = resume->resume_time_ms;
    condition->confidence = state == TW_STATE_WITHDRAWN ? 0 : state == TW_STATE_OPEN ? .7 : .9;
    snprintf(evidence->statistic, sizeof evidence->statistic, "loss after / before the resume");
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = rise_of(resume, level);
    evidence->threshold =
        state == TW_STATE_OPEN ? view->config->ratio : view->config->recovered_ratio;
    evidence->baseline = resume->before;
    evidence->window_first = resume->resume_step;
    evidence->window_last = view->context->step;
    tw_evidence_add_text(evidence, "cause", cause_name((enum resume_cause)resume->cause));
    tw_evidence_add(evidence, "loss", level);
    tw_evidence_add(evidence, "before_step", (double)resume->before_step);
    tw_evidence_add(evidence, "resume_step", (double)resume->resume_step);
    add_rates(resume, view, evidence);
    if (resume->update_before > 0)
        tw_evidence_add(evidence, "update_ratio",
                        TW_WINDOW_MEDIAN(&resume->updates) / resume->update_before);
}

static void close_finding(struct resume_discontinuity *resume, const struct resume_view *view,
                          enum tw_state state, double level)
{
    if (resume->is_open)
        say(resume, view, state, level);
    resume->is_open = 0;
    resume->severity = TW_SEVERITY_INFO;
    resume->is_watching = 0;
}

/* It may still come back by itself, so that it is an information first. */
static void judge_jump(struct resume_discontinuity *resume, const struct resume_view *view)
{
    const struct resume_config *config = view->config;
    uint32_t n = (uint32_t)config->losses;
    uint64_t steps = view->context->step - resume->resume_step;
    if (resume->after_count < n)
        return;
    resume->has_judged = 1;
    double level = newest_level(resume, n);
    if (is_high(resume, config, level, n, config->ratio)) {
        resume->is_open = 1;
        resume->peak = level;
        resume->severity = TW_SEVERITY_INFO;
        resume->cause = (uint8_t)guess_cause(resume, view, level);
        say(resume, view, TW_STATE_OPEN, level);
    } else if (steps >= config->within_steps && resume->after_count >= AFTER) {
        resume->is_watching = 0; /* a clean resume */
    }
}

static void judge_return(struct resume_discontinuity *resume, const struct resume_view *view)
{
    const struct resume_config *config = view->config;
    uint64_t steps = view->context->step - resume->resume_step;
    double level = newest_level(resume, HALF);
    resume->peak = fmax(resume->peak, level);
    bool is_lost = is_unlearned(resume, view, level);
    if (!is_beyond(resume, config, level, HALF, config->recovered_ratio, BACK_SIGMA)) {
        close_finding(resume, view, TW_STATE_RECOVERED, level);
    } else if (resume->severity < TW_SEVERITY_WARNING && steps >= config->within_steps &&
               resume->after_count >= AFTER &&
               (is_lost || !is_falling(resume, level) || steps >= config->patience_steps) &&
               (is_lost || is_high(resume, config, level, HALF, config->ratio))) {
        resume->severity = TW_SEVERITY_WARNING;
        say(resume, view, TW_STATE_OPEN, level);
    }
}

/* ---- records ---- */

static bool is_judged_by_loss(enum tw_objective objective)
{
    return objective != TW_OBJECTIVE_ADVERSARIAL && objective != TW_OBJECTIVE_REINFORCEMENT &&
           objective != TW_OBJECTIVE_CONTRASTIVE;
}

static void begin_watch(struct resume_discontinuity *resume, const struct resume_view *view,
                        float loss)
{
    uint64_t step = view->context->step;
    resume->declared_before = resume->declared;
    close_finding(resume, view, TW_STATE_RECOVERED, (double)loss);
    resume->is_pending = 0;
    resume->is_watching =
        look_back(resume, view->config, step) && is_judged_by_loss(view->context->objective);
    resume->resume_step = step;
    resume->resume_time_ms = view->context->time_ms;
    resume->first_after = (double)loss;
    resume->after_count = 0;
    resume->rate_after = 0;
    TW_WINDOW_START(&resume->after);
    TW_WINDOW_START(&resume->updates);
}

static void observe_after(struct resume_discontinuity *resume, const struct resume_view *view,
                          const struct tw_record *record, float loss)
{
    float update = positive(record, TW_SIGNAL_UPDATE_NORM);
    float rate = positive(record, TW_SIGNAL_LEARNING_RATE);
    resume->after_count++;
    TW_WINDOW_PUSH(&resume->after, loss);
    if (update > 0 && resume->after_count <= HALF)
        TW_WINDOW_PUSH(&resume->updates, update);
    if (rate > 0 && !(resume->rate_after > 0))
        resume->rate_after = (double)rate;
    if (resume->is_open)
        judge_return(resume, view);
    else
        judge_jump(resume, view);
}

static void observe_loss(struct resume_discontinuity *resume, const struct resume_view *view,
                         const struct tw_record *record)
{
    float loss = (float)record->signal[TW_SIGNAL_LOSS];
    if (record->kind != TW_KIND_STEP || !tw_record_has(record, TW_SIGNAL_LOSS) || !isfinite(loss) ||
        fabsf(loss) > 1e30f)
        return;
    resume->is_signed |= loss < 0;
    if (resume->is_pending)
        begin_watch(resume, view, loss);
    if (resume->is_watching)
        observe_after(resume, view, record, loss);
    keep_point(resume, record, view->context->step, loss);
    double declared = view->context->declared_learning_rate;
    resume->declared = declared > 0 ? declared : 0;
}

static void resume_observe(void *state, const void *config, const struct tw_context *context,
                           const struct tw_context_config *shared, const struct tw_record *record,
                           struct tw_report *report)
{
    struct resume_discontinuity *resume = state;
    struct resume_view view = {.config = config, .context = context, .report = report};
    (void)shared;
    if (context->segment_is_new && context->segment_cause == TW_SEGMENT_RESUME)
        resume->is_pending = resume->has_resumed = 1;
    else if (context->segment_is_new && context->segment_cause == TW_SEGMENT_DATA_CHANGE)
        close_finding(resume, &view, TW_STATE_WITHDRAWN, resume->before);
    observe_loss(resume, &view, record);
}

static void resume_finish(void *state, const void *config, const struct tw_context *context,
                          const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

/* A run that was never resumed has nothing to check, and nothing to say of it. */
static bool resume_has_judged(const void *state, const void *config,
                              const struct tw_context *context, char *reason, size_t size)
{
    const struct resume_discontinuity *resume = state;
    (void)config;
    if (!resume->has_resumed || resume->has_judged)
        return true;
    if (!is_judged_by_loss(context->objective))
        snprintf(reason, size, "the loss of this objective need not be what it was");
    else
        snprintf(reason, size, "too few losses before or after the resume");
    return false;
}

const struct tw_detector tw_detector_resume_discontinuity = {
    .name = "resume-discontinuity",
    .title = "Resume discontinuity",
    .description = "a resumed run whose loss is not where it was",
    .secondary = true,
    .state_version = 2,
    .options = resume_options,
    .n_options = sizeof resume_options / sizeof *resume_options,
    .config_size = sizeof(struct resume_config),
    .state_size = TW_STATE_SIZES(struct resume_discontinuity),
    .start = resume_start,
    .observe = resume_observe,
    .finish = resume_finish,
    .has_judged = resume_has_judged,
};
