/* Resume discontinuity: a run that was resumed and is not where it was.
 *
 * A run that goes on from a checkpoint with everything restored goes on at the loss it had there.
 * Where the optimizer's state, the weights, the position in the data or the learning rate were not,
 * the loss jumps, and mostly comes back: that is not divergence, and its remedy is another one.
 * What was before is taken from the losses up to the step that the run resumed at, so that losses
 * after the checkpoint, which are trained again, do not count. */
#include "detectors/detectors.h"
#include "detectors/statistics/order.h"
#include "detectors/statistics/recent.h"

#include <math.h>
#include <stdio.h>

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

enum { FINE = 128, LEVEL = 16, SPREAD = 64, AFTER = 16, HALF = 8 };
/* Groups of losses of which rates and updates are kept. */
enum { GROUP = 16, GROUPS = FINE / GROUP };

/* Standard errors within which a level that had jumped is back: one in 20 is further off by chance.
 */
#define BACK_SIGMA 2
/* On a log scale a loss counts as 1e-30 at least. */
#define LEAST_LOG (-69.07755F)

/* At the last loss of a group; 0: not sent. */
struct resume_group {
    float rate, update; /* update: median of the newest 16 */
};

/* Losses from one number up to below another. */
struct resume_skip {
    uint64_t from, to;
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
    TW_RECENT(HALF) updates;
    /* the whole run */
    double initial; /* median of the first losses */
    float rate;     /* newest; 0: not sent */
    TW_RECENT(LEVEL) recent_updates;
    struct resume_group groups[GROUPS]; /* a ring */
    /* Losses of the course by their number, from 0: those below `oldest` are of no use any more,
     * and those of two stretches were trained again. */
    uint64_t oldest;
    struct resume_skip skips[2]; /* the newest first; empty: none */
};

struct resume_view {
    const struct resume_config *config;
    const struct tw_context *context;
    struct tw_report *report;
};

static void resume_start(void *state, const void *config)
{
    (void)state, (void)config;
}

/* ---- what was before ---- */

static float positive(const struct tw_record *record, enum tw_signal signal)
{
    float x = (float)record->signal[signal];
    return tw_record_has(record, signal) && isfinite(x) && x > 0 ? x : 0;
}

static double median_of(const float *values, unsigned n)
{
    double sorted[SPREAD];
    for (unsigned i = 0; i < n; i++)
        sorted[i] = (double)values[i];
    return tw_median(sorted, n);
}

/* What comes with the newest loss, once it was judged. */
static void keep_point(struct resume_discontinuity *resume, const struct tw_course *course,
                       const struct tw_record *record)
{
    float update = positive(record, TW_SIGNAL_UPDATE_NORM);
    resume->rate = positive(record, TW_SIGNAL_LEARNING_RATE);
    if (update > 0)
        TW_RECENT_PUSH(&resume->recent_updates, update);
    if (course->count % GROUP == 0)
        resume->groups[(course->count / GROUP - 1) % GROUPS] = (struct resume_group){
            .rate = resume->rate, .update = (float)TW_RECENT_MEDIAN(&resume->recent_updates)};
    if (course->count <= HALF)
        resume->initial = tw_course_median(course, 0, HALF);
}

/* ---- losses by their number ---- */

static unsigned age_of(const struct tw_course *course, uint64_t number)
{
    return (unsigned)(course->count - 1 - number);
}

/* The loss before this one that is still of use, or UINT64_MAX. */
static uint64_t before(const struct resume_discontinuity *resume, const struct tw_course *course,
                       uint64_t number)
{
    for (int i = 0; i < 2; i++) {
        if (number > resume->skips[i].from && number <= resume->skips[i].to)
            number = resume->skips[i].from;
    }
    bool is_gone =
        number == 0 || number <= resume->oldest || course->count - number >= tw_course_kept(course);
    return is_gone ? UINT64_MAX : number - 1;
}

/* Up to `n` losses on the scale, the newest of them the one called `number`. */
static unsigned read_back(const struct resume_discontinuity *resume, const struct tw_course *course,
                          uint64_t number, unsigned n, float *ret)
{
    unsigned found = 0;
    for (; found < n && number != UINT64_MAX; number = before(resume, course, number))
        ret[found++] = tw_course_at(course, age_of(course, number));
    return found;
}

/* The newest of use below `step`, or UINT64_MAX. What a run will train again did not happen. */
static uint64_t newest_below(const struct resume_discontinuity *resume,
                             const struct tw_course *course, uint64_t number, uint64_t step)
{
    for (unsigned n = 0; n < FINE && number != UINT64_MAX; n++) {
        if (tw_course_step(course, age_of(course, number)) < step)
            return number;
        number = before(resume, course, number);
    }
    return UINT64_MAX;
}

/* From now on, what came after `number` up to the newest loss is passed over. */
static void forget_after(struct resume_discontinuity *resume, const struct tw_course *course,
                         uint64_t number)
{
    uint64_t newest = course->count - 1;
    if (number == UINT64_MAX) {
        resume->oldest = newest;
        return;
    }
    struct resume_skip *skips = resume->skips;
    if (number >= skips[0].to) {
        if (skips[1].to > resume->oldest)
            resume->oldest = skips[1].to;
        skips[1] = skips[0];
    } else if (number < skips[1].from) {
        skips[1] = (struct resume_skip){0};
    }
    skips[0] = (struct resume_skip){number + 1, newest};
}

/* ---- what was before ---- */

/* The noise of log losses (of losses, once one was negative), from the differences of neighbours: a
 * loss that falls is not noisy. */
static double spread_of(const struct resume_discontinuity *resume, const struct tw_course *course,
                        uint64_t newest)
{
    float losses[SPREAD + 1], changes[SPREAD];
    unsigned n = read_back(resume, course, newest, SPREAD + 1, losses);
    for (unsigned i = 0; i + 1 < n; i++)
        changes[i] = fabsf(fmaxf(losses[i], LEAST_LOG) - fmaxf(losses[i + 1], LEAST_LOG));
    return 1.4826 * median_of(changes, n ? n - 1 : 0) / sqrt(2);
}

static double level_at(const float *losses, unsigned n, const struct tw_course *course)
{
    float values[LEVEL];
    for (unsigned i = 0; i < n; i++)
        values[i] = (float)tw_course_loss(course, (double)losses[i]);
    return median_of(values, n);
}

/* The group that ends `n` groups from the run's start; what is newest, where that has not ended. */
static struct resume_group group_at(const struct resume_discontinuity *resume,
                                    const struct tw_course *course, uint64_t n)
{
    uint64_t ended = (course->count - 1) / GROUP;
    if (n > ended)
        return (struct resume_group){.rate = resume->rate,
                                     .update = (float)TW_RECENT_MEDIAN(&resume->recent_updates)};
    bool is_kept = n > 0 && ended - n < GROUPS;
    return is_kept ? resume->groups[(n - 1) % GROUPS] : (struct resume_group){0};
}

/* The rate and the updates at the loss of this number: a rate between two that are known lies on
 * the line through them. */
static void look_back_at_updates(struct resume_discontinuity *resume,
                                 const struct tw_course *course, uint64_t number)
{
    uint64_t n = (number + 1) / GROUP, from = n * GROUP, to = from + GROUP;
    struct resume_group old = group_at(resume, course, n), next = group_at(resume, course, n + 1);
    if (to > course->count - 1)
        to = course->count - 1;
    double part = to > from ? (double)(number + 1 - from) / (double)(to - from) : 0;
    float rate = old.rate > 0 ? old.rate : next.rate;
    resume->rate_before = (double)rate + part * ((double)next.rate - (double)rate);
    resume->update_before = (double)(part < .5 && old.update > 0 ? old.update : next.update);
}

/* The mean of a stretch of the whole run that ended before `step`, for resumes from far back. */
static bool look_far_back(struct resume_discontinuity *resume, const struct resume_config *config,
                          const struct tw_course *course, uint64_t step)
{
    const struct tw_trace *trace = &course->trace;
    for (unsigned back = 1; back < trace->n; back++) {
        uint64_t first = tw_trace_step(trace, back + 1), end = tw_trace_step(trace, back);
        uint64_t losses = (uint64_t)(trace->n - back) * trace->per_block;
        if (end > step || end < first || losses < config->min_before)
            continue;
        resume->before = (double)trace->means[trace->n - 1 - back];
        resume->before_step = end - (end - first) / trace->per_block;
        return true;
    }
    return false;
}

/* A run that starts over from its first step is compared with where it had been. */
static bool starts_over(const struct tw_course *course, uint64_t step)
{
    enum { PART = 64 };
    uint64_t losses = course->count - 1, first = course->trace.marks[0], stretch = 1;
    if (!losses || !course->trace.n)
        return false;
    while (stretch * PART < losses)
        stretch *= 2;
    uint64_t newest = tw_course_step(course, 1);
    double steps = newest > first ? (double)(newest - first) / (double)losses : 0;
    return (double)step <= (double)first + steps * (double)(stretch - 1);
}

/* Returns whether there is something to compare with. */
static bool look_back(struct resume_discontinuity *resume, const struct resume_config *config,
                      const struct tw_course *course, uint64_t step)
{
    float losses[LEVEL];
    uint64_t newest = before(resume, course, course->count - 1);
    resume->spread = spread_of(resume, course, newest);
    if (!starts_over(course, step)) {
        newest = newest_below(resume, course, newest, step);
        forget_after(resume, course, newest);
    }
    unsigned n = read_back(resume, course, newest, LEVEL, losses);
    resume->rate_before = resume->update_before = 0;
    if (n < config->min_before)
        return look_far_back(resume, config, course, step);
    resume->before = level_at(losses, n, course);
    resume->before_step = tw_course_step(course, age_of(course, newest));
    look_back_at_updates(resume, course, newest);
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

static double newest_level(const struct resume_discontinuity *resume,
                           const struct tw_course *course, uint32_t n)
{
    return tw_course_median(course, 0, n < resume->after_count ? n : (uint32_t)resume->after_count);
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
    double update = ratio_of(TW_RECENT_MEDIAN(&resume->updates), resume->update_before);
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
                        TW_RECENT_MEDIAN(&resume->updates) / resume->update_before);
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
    double level = newest_level(resume, &view->context->course, n);
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
    double level = newest_level(resume, &view->context->course, HALF);
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
    resume->is_watching = look_back(resume, view->config, &view->context->course, step) &&
                          is_judged_by_loss(view->context->objective);
    resume->resume_step = step;
    resume->resume_time_ms = view->context->time_ms;
    resume->first_after = (double)loss;
    resume->after_count = 0;
    resume->rate_after = 0;
    TW_RECENT_CLEAR(&resume->updates);
}

static void observe_after(struct resume_discontinuity *resume, const struct resume_view *view,
                          const struct tw_record *record)
{
    float update = positive(record, TW_SIGNAL_UPDATE_NORM);
    float rate = positive(record, TW_SIGNAL_LEARNING_RATE);
    resume->after_count++;
    if (update > 0 && resume->after_count <= HALF)
        TW_RECENT_PUSH(&resume->updates, update);
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
        observe_after(resume, view, record);
    keep_point(resume, &view->context->course, record);
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
    .state_version = 3,
    .options = resume_options,
    .n_options = sizeof resume_options / sizeof *resume_options,
    .config_size = sizeof(struct resume_config),
    .state_size = TW_STATE_SIZES(struct resume_discontinuity),
    .start = resume_start,
    .observe = resume_observe,
    .finish = resume_finish,
    .has_judged = resume_has_judged,
};
