/* Divergence: the training loss leaves its best level and does not come back.
 *
 * A robust CUSUM of the log loss raises a suspicion, which is not shown. It becomes a warning when
 * the loss is still a tenth above its best a hundred steps later, critical when it is half or twice
 * as high or keeps rising; a spike that comes back by itself becomes an information. Three
 * conditions together (significance, size, persistence), because each alone fires on healthy runs.
 *
 * Runs too short for a baseline are judged by size and noise alone, and a loss that stays far above
 * the one the run began with is critical from the first steps on: worse than doing nothing. */
#include "detectors/detectors.h"
#include "detectors/divergence_loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct divergence_config {
    double cusum_drift, cusum_line, score_limit, spread_floor;
    uint64_t baseline_losses, confirm_steps, confirm_losses;
    double confirm_ratio, critical_ratio, blow_up_ratio, recovered_ratio;
    uint64_t critical_losses;
    double rising_probability, lost_progress;
    double short_ratio, short_sigma;
    uint64_t short_losses;
    double start_ratio, start_high_ratio;
    uint64_t start_losses, start_long_losses;
    double spike_ratio, spike_sigma, wobble_ratio;
    uint64_t rebaseline_after, withdraw_within, catapult_losses, min_losses;
    double swing_share, swing_sigma;
};

#define FIELD(member) offsetof(struct divergence_config, member)

static const struct tw_option options[] = {
    {.name = "cusum_drift", .type = TW_OPTION_NUMBER, .offset = FIELD(cusum_drift), .initial = .5,
     .min = .05, .max = 4, .help = "k of the CUSUM of the robust log-loss score: tuned to a lasting "
     "rise of one sigma (Page 1954)"},
    {.name = "cusum_line", .type = TW_OPTION_NUMBER, .offset = FIELD(cusum_line), .initial = 20,
     .min = 1, .max = 1000, .help = "h of the CUSUM: 0 to 0.2 false alarms per 100k steps on 120 "
     "healthy public runs; times (1+r)/(1-r) for lag-1 autocorrelation r"},
    {.name = "score_limit", .type = TW_OPTION_NUMBER, .offset = FIELD(score_limit), .initial = 4,
     .min = 1, .max = 100, .help = "scores are clipped here, so that single spikes do not alarm"},
    {.name = "spread_floor", .type = TW_OPTION_NUMBER, .offset = FIELD(spread_floor),
     .initial = .005, .min = 1e-6, .max = 1, .help = "least spread of the log loss: half a percent"},
    {.name = "baseline_losses", .type = TW_OPTION_COUNT, .offset = FIELD(baseline_losses),
     .initial = 64, .min = 16, .max = 256, .help = "losses in a segment before the CUSUM runs"},
    {.name = "confirm_steps", .type = TW_OPTION_COUNT, .offset = FIELD(confirm_steps),
     .initial = 100, .min = 1, .max = 1e6, .help = "steps from suspicion to warning: removes 94 to "
     "99 % of recovering spikes (measured on injected faults)"},
    {.name = "confirm_losses", .type = TW_OPTION_COUNT, .offset = FIELD(confirm_losses),
     .initial = 32, .min = 16, .max = 10000, .help = "but at least this many losses of a sparse log"},
    {.name = "confirm_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(confirm_ratio),
     .initial = 1.1, .min = 1.001, .max = 100, .help = "median of 16 over best median for a warning: "
     "keeps 90 to 100 % of injected divergences"},
    {.name = "critical_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(critical_ratio),
     .initial = 1.5, .min = 1.01, .max = 1000, .help = "the same for critical, without waiting: a "
     "blow-up doubling in 50 steps gets there in about 30"},
    {.name = "critical_losses", .type = TW_OPTION_COUNT, .offset = FIELD(critical_losses),
     .initial = 16, .min = 1, .max = 10000, .help = "for so many losses in a row and not falling"},
    {.name = "blow_up_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(blow_up_ratio),
     .initial = 2, .min = 1.01, .max = 1000, .help = "critical at once: largest benign one-step ratio "
     "seen is 2.07"},
    {.name = "recovered_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(recovered_ratio),
     .initial = 1.02, .min = 1, .max = 10, .help = "over when the median of 16 is back here"},
    {.name = "rising_probability", .type = TW_OPTION_NUMBER, .offset = FIELD(rising_probability),
     .initial = .999, .min = .5, .max = 1, .help = "a warning becomes critical when the loss rises on "
     "with this probability (slope over up to 250 losses, after dlib's running_gradient)"},
    {.name = "lost_progress", .type = TW_OPTION_NUMBER, .offset = FIELD(lost_progress),
     .initial = .02, .min = 0, .max = 1, .help = "least share of the progress since the start that "
     "must be lost: near a loss of 0 ratios mean nothing"},
    {.name = "short_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(short_ratio), .initial = 1.5,
     .min = 1.01, .max = 1000, .help = "without a baseline yet: level over best level"},
    {.name = "short_sigma", .type = TW_OPTION_NUMBER, .offset = FIELD(short_sigma), .initial = 3,
     .min = 0, .max = 100, .help = "and so many sigma of the noise between neighbouring losses"},
    {.name = "short_losses", .type = TW_OPTION_COUNT, .offset = FIELD(short_losses), .initial = 16,
     .min = 1, .max = 10000, .help = "for so many losses in a row and not falling"},
    {.name = "start_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(start_ratio), .initial = 2,
     .min = 1.01, .max = 1000, .help = "critical: nine in ten of the newest losses are so far above "
     "the first ones"},
    {.name = "start_losses", .type = TW_OPTION_COUNT, .offset = FIELD(start_losses), .initial = 32,
     .min = 4, .max = 10000, .help = "over so many losses when they are above start_high_ratio"},
    {.name = "start_high_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(start_high_ratio),
     .initial = 4, .min = 1.01, .max = 1e6, .help = "far above: no healthy early hump gets here"},
    {.name = "start_long_losses", .type = TW_OPTION_COUNT, .offset = FIELD(start_long_losses),
     .initial = 100, .min = 4, .max = 10000, .help = "else over so many: an early hump (catapult) "
     "halves again in 100 steps"},
    {.name = "spike_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(spike_ratio), .initial = 1.5,
     .min = 1.01, .max = 1000, .help = "a passed suspicion is worth telling when a loss was so far "
     "above the baseline"},
    {.name = "spike_sigma", .type = TW_OPTION_NUMBER, .offset = FIELD(spike_sigma), .initial = 6,
     .min = 0, .max = 1000, .help = "and so many spreads"},
    {.name = "wobble_ratio", .type = TW_OPTION_NUMBER, .offset = FIELD(wobble_ratio),
     .initial = 1.25, .min = 1.01, .max = 1000, .help = "a warning that never got here and came back "
     "soon is withdrawn"},
    {.name = "withdraw_within", .type = TW_OPTION_COUNT, .offset = FIELD(withdraw_within),
     .initial = 200, .min = 0, .max = 1e6, .help = "soon: within so many losses after the warning"},
    {.name = "rebaseline_after", .type = TW_OPTION_COUNT, .offset = FIELD(rebaseline_after),
     .initial = 800, .min = 16, .max = 1e6, .help = "a suspicion that is neither confirmed nor over "
     "after so many losses is a new level (8 times confirm_steps)"},
    {.name = "catapult_losses", .type = TW_OPTION_COUNT, .offset = FIELD(catapult_losses),
     .initial = 100, .min = 0, .max = 1e6, .help = "what began in warm-up and is over within so many "
     "losses is withdrawn as an early hump"},
    {.name = "min_losses", .type = TW_OPTION_COUNT, .offset = FIELD(min_losses), .initial = 16,
     .min = 10, .max = 10000, .help = "fewer finite losses cannot be judged"},
    {.name = "swing_share", .type = TW_OPTION_NUMBER, .offset = FIELD(swing_share), .initial = .3,
     .min = .05, .max = 1, .help = "oscillation: share of rising and of falling edges among 40 means "
     "of 25 losses (the shape is IBM's patent US11562225, the share our judgement)"},
    {.name = "swing_sigma", .type = TW_OPTION_NUMBER, .offset = FIELD(swing_sigma), .initial = 3,
     .min = .5, .max = 100, .help = "each such edge is higher than so many sigma of the noise between "
     "neighbouring losses"},
};

enum stage { STAGE_QUIET, STAGE_SUSPECT, STAGE_OPEN };
enum cause { CAUSE_CUSUM, CAUSE_SHORT, CAUSE_START, CAUSE_SWING };

struct divergence {
    uint8_t stage, cause, severity;
    uint8_t is_early;           /* opened in warm-up */
    uint8_t has_best;           /* best_step and so on are known */
    uint64_t nonfinite, zeros;  /* losses that were passed over */
    uint64_t ever_opened;
    uint64_t suspect_count, open_count; /* loss.count when the stage began */
    uint64_t high_run;          /* losses in a row above critical_ratio and not falling */
    uint64_t short_run, start_run, start_high_run;
    uint32_t start_misses, start_high_misses; /* of those, below the line */
    uint64_t onset_step;
    int64_t onset_time_ms;
    double reference, reference_ratio_peak; /* while open: the best it is compared with */
    uint64_t reference_step, best_step, best_count; /* best_count: loss.count at the newest best */
    double best_learning_rate;
    struct tw_divergence_loss loss;
};

/* What one loss is judged with. */
struct view {
    const struct divergence_config *config;
    const struct tw_context *context;
    const struct tw_context_config *shared;
    struct tw_report *report;
    double line;     /* of the CUSUM */
    double level;    /* present level, on the scale */
    double best;     /* best level, on the scale */
    uint64_t best_step;
    double rise;     /* of level over best; 1 while there is no best */
    enum tw_level_span span;
    bool has_best, is_warmup, is_muted, has_baseline;
};

static void divergence_start(void *state, const void *config)
{
    struct divergence *divergence = state;
    (void)config;
    tw_divergence_loss_start(&divergence->loss);
}

/* ---- speaking ---- */

static const char *statistic_name(const struct divergence *divergence, const struct view *view)
{
    if (divergence->cause == CAUSE_START)
        return "newest losses / initial loss";
    if (divergence->cause == CAUSE_SWING)
        return "edges among 40 means of 25 losses";
    if (view->span == TW_LEVEL_5)
        return "median of 5 losses / best median of 5";
    if (view->span == TW_LEVEL_16)
        return "median of 16 losses / best median of 16";
    return "median of 16 losses / best median of 64";
}

static void add_numbers(const struct divergence *divergence, const struct view *view,
                        struct tw_evidence *evidence)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double r = tw_baseline_autocorrelation(&loss->baseline);
    double best = divergence->stage == STAGE_OPEN ? divergence->reference : view->best;
    uint64_t best_step =
        divergence->stage == STAGE_OPEN ? divergence->reference_step : view->best_step;
    tw_evidence_add(evidence, "best_loss", tw_divergence_loss_unscaled(loss, best));
    tw_evidence_add(evidence, "best_step", (double)best_step);
    tw_evidence_add(evidence, "loss", tw_divergence_loss_unscaled(loss, view->level));
    tw_evidence_add(evidence, "initial_loss", tw_divergence_loss_unscaled(loss, loss->initial));
    tw_evidence_add(evidence, "steps_since_onset",
                    (double)(loss->newest_step - divergence->onset_step));
    if (!isnan(view->context->learning_rate))
        tw_evidence_add(evidence, "learning_rate", view->context->learning_rate);
    tw_evidence_add(evidence, "cusum", loss->cusum.sum);
    tw_evidence_add(evidence, "autocorrelation", r);
}

static struct tw_condition *say(const struct divergence *divergence, const struct view *view,
                                enum tw_state state, enum tw_severity severity)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    struct tw_condition *condition = tw_report_add(view->report, "run", state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    double best = divergence->stage == STAGE_OPEN ? divergence->reference : view->best;
    unsigned window = view->span == TW_LEVEL_5 ? 5 : 16;
    condition->onset_step = divergence->onset_step;
    condition->onset_time_ms = divergence->onset_time_ms;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s",
             statistic_name(divergence, view));
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = view->rise;
    evidence->baseline = tw_divergence_loss_unscaled(loss, best);
    evidence->window_first = tw_level_first_step(&loss->level, window);
    evidence->window_last = loss->newest_step;
    add_numbers(divergence, view, evidence);
    return condition;
}

/* Our probabilities that the finding still stands at the end of the run, from the share of
 * confirmed alarms that stood in injected and real divergences; lower where no baseline backs it. */
static double confidence_of(const struct divergence *divergence, enum tw_severity severity)
{
    switch ((enum cause)divergence->cause) {
    case CAUSE_CUSUM:
        return severity == TW_SEVERITY_CRITICAL ? .9 : .8;
    case CAUSE_SHORT:
        return severity == TW_SEVERITY_CRITICAL ? .75 : .6;
    case CAUSE_START:
        return .85;
    case CAUSE_SWING:
        return .6;
    }
    return .5;
}

static void open_finding(struct divergence *divergence, const struct view *view,
                         enum tw_severity severity, double threshold)
{
    bool is_new = divergence->stage != STAGE_OPEN;
    if (is_new) {
        divergence->stage = STAGE_OPEN;
        divergence->open_count = divergence->loss.count;
        divergence->reference = view->best;
        divergence->reference_step = view->best_step;
        divergence->reference_ratio_peak = 1;
        divergence->is_early = view->is_warmup;
        divergence->ever_opened++;
    }
    divergence->severity = (uint8_t)severity;
    struct tw_condition *condition = say(divergence, view, TW_STATE_OPEN, severity);
    condition->evidence.threshold = threshold;
    condition->confidence = confidence_of(divergence, severity);
}

static void forget_suspicion(struct divergence *divergence)
{
    divergence->stage = STAGE_QUIET;
    divergence->severity = TW_SEVERITY_INFO;
    divergence->high_run = 0;
    divergence->short_run = 0;
    divergence->loss.peak = 0;
    divergence->loss.peak_z = 0;
    tw_cusum_start(&divergence->loss.cusum);
}

/* ---- segments ---- */

static void forget_levels(struct divergence *divergence)
{
    tw_level_start(&divergence->loss.level);
    tw_blocks_start(&divergence->loss.blocks);
}

static void forget_start(struct divergence *divergence)
{
    divergence->loss.n_first = 0;
    divergence->loss.initial = 0;
    divergence->start_run = 0;
    divergence->start_high_run = 0;
}

/* Levels survive where the loss is still comparable: a lower learning rate only lowers the loss.
 * After a resume, a higher rate or another batch size a run may stand higher for good, and is
 * compared with the best since then; other data are another problem altogether. */
static void begin_segment(struct divergence *divergence, const struct view *view)
{
    enum tw_segment_cause cause = view->context->segment_cause;
    if (divergence->stage == STAGE_SUSPECT ||
        (divergence->stage == STAGE_OPEN && cause == TW_SEGMENT_DATA_CHANGE &&
         divergence->severity < TW_SEVERITY_CRITICAL)) {
        say(divergence, view, TW_STATE_WITHDRAWN, (enum tw_severity)divergence->severity);
        forget_suspicion(divergence);
    }
    tw_baseline_start(&divergence->loss.baseline);
    tw_cusum_start(&divergence->loss.cusum);
    if (cause == TW_SEGMENT_LR_DOWN || (cause == TW_SEGMENT_LR_UP && view->is_warmup))
        return;
    divergence->high_run = 0;
    divergence->short_run = 0;
    forget_levels(divergence);
    divergence->has_best = 0;
    if (cause == TW_SEGMENT_DATA_CHANGE)
        forget_start(divergence);
}

/* ---- the judgement ---- */

/* How many losses the hundred steps of confirmation are in this log. */
static uint64_t confirm_losses(const struct divergence *divergence, const struct view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double steps = (double)(loss->newest_step - loss->first_step);
    double stride = loss->count > 1 ? steps / (double)(loss->count - 1) : 1;
    double losses = (double)view->config->confirm_steps / fmax(stride, 1);
    return losses > (double)view->config->confirm_losses ? (uint64_t)losses
                                                         : view->config->confirm_losses;
}

static bool is_falling(const struct divergence *divergence)
{
    /* 3 %, or what the same means on a linear scale: more than noise moves medians of eight. */
    const struct tw_divergence_loss *loss = &divergence->loss;
    double trend = tw_level_trend(&loss->level);
    if (loss->is_linear)
        return trend < -.5 * loss->baseline.spread;
    return trend < -.03;
}

static bool matters(const struct divergence *divergence, const struct view *view)
{
    return tw_divergence_loss_lost_progress(&divergence->loss, view->level, view->best) >=
           view->config->lost_progress;
}

/* A learning rate well above that of the best level explains a somewhat higher loss. */
static bool rate_explains(const struct divergence *divergence, const struct view *view)
{
    return divergence->best_learning_rate > 0 &&
           view->context->learning_rate >
               view->shared->lr_jump_ratio * divergence->best_learning_rate;
}

/* Severity by size alone, or INFO when it is not enough. */
static enum tw_severity severity_by_size(const struct divergence *divergence,
                                         const struct view *view)
{
    bool is_high = view->rise >= view->config->blow_up_ratio && !is_falling(divergence);
    bool is_lasting = divergence->high_run >= view->config->critical_losses;
    if ((is_high || is_lasting) && matters(divergence, view))
        return TW_SEVERITY_CRITICAL;
    return TW_SEVERITY_INFO;
}

static void begin_suspicion(struct divergence *divergence, const struct view *view)
{
    divergence->stage = STAGE_SUSPECT;
    divergence->cause = CAUSE_CUSUM;
    divergence->severity = TW_SEVERITY_INFO;
    divergence->suspect_count = divergence->loss.count;
    divergence->onset_step = divergence->loss.cusum.onset_step;
    divergence->onset_time_ms = divergence->loss.cusum.onset_time_ms;
    struct tw_condition *condition = say(divergence, view, TW_STATE_SUSPECT, TW_SEVERITY_INFO);
    snprintf(condition->evidence.statistic, sizeof condition->evidence.statistic,
             "CUSUM of the robust log-loss score");
    snprintf(condition->evidence.unit, sizeof condition->evidence.unit, "sigma");
    condition->evidence.value = divergence->loss.cusum.sum;
    condition->evidence.threshold = view->line;
    condition->confidence = .2;
}

/* The suspicion came to nothing: told as a recovered spike when anybody can see it in the chart. */
static void end_suspicion(struct divergence *divergence, const struct view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double peak = loss->is_linear ? 1 : exp(fmin(loss->peak, 50));
    bool is_visible = loss->peak_z >= view->config->spike_sigma &&
                      (loss->is_linear || peak >= view->config->spike_ratio);
    struct tw_condition *condition =
        say(divergence, view, is_visible ? TW_STATE_RECOVERED : TW_STATE_WITHDRAWN,
            TW_SEVERITY_INFO);
    struct tw_evidence *evidence = &condition->evidence;
    condition->confidence = is_visible ? .9 : 0;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s",
             loss->is_linear ? "highest loss above the baseline" : "highest loss / baseline");
    snprintf(evidence->unit, sizeof evidence->unit, "%s", loss->is_linear ? "sigma" : "ratio");
    evidence->value = loss->is_linear ? loss->peak_z : peak;
    evidence->threshold = loss->is_linear ? view->config->spike_sigma : view->config->spike_ratio;
    evidence->window_first = divergence->onset_step;
    forget_suspicion(divergence);
}

static void judge_suspicion(struct divergence *divergence, const struct view *view)
{
    const struct divergence_config *config = view->config;
    uint64_t age = divergence->loss.count - divergence->suspect_count;
    bool is_back = age >= 16 && view->rise <= config->recovered_ratio;
    if (divergence->loss.cusum.sum <= 0 || is_back) {
        end_suspicion(divergence, view);
    } else if (severity_by_size(divergence, view) == TW_SEVERITY_CRITICAL) {
        bool is_high = view->rise >= config->blow_up_ratio;
        open_finding(divergence, view, TW_SEVERITY_CRITICAL,
                     is_high ? config->blow_up_ratio : config->critical_ratio);
    } else if (age >= confirm_losses(divergence, view) && view->rise >= config->confirm_ratio &&
               divergence->loss.cusum.sum >= view->line && matters(divergence, view) &&
               !view->is_warmup && !rate_explains(divergence, view)) {
        open_finding(divergence, view, TW_SEVERITY_WARNING, config->confirm_ratio);
    } else if (age >= config->rebaseline_after) {
        say(divergence, view, TW_STATE_WITHDRAWN, TW_SEVERITY_INFO);
        forget_suspicion(divergence);
        tw_baseline_start(&divergence->loss.baseline);
    }
}

static bool is_still_rising(const struct divergence *divergence, const struct view *view)
{
    uint64_t blocks = (divergence->loss.count - divergence->suspect_count) / TW_BLOCK_VALUES;
    /* Once a block, and only over blocks since the suspicion: the rise itself is known. */
    if (divergence->cause != CAUSE_CUSUM || divergence->loss.blocks.filled || blocks < 4)
        return false;
    return tw_blocks_rising_probability(&divergence->loss.blocks,
                                        blocks < 10 ? (unsigned)blocks : 10) >
           view->config->rising_probability;
}

static void close_finding(struct divergence *divergence, const struct view *view)
{
    uint64_t age = divergence->loss.count - divergence->open_count;
    bool was_hump = divergence->is_early && age <= view->config->catapult_losses;
    bool was_wobble = divergence->severity < TW_SEVERITY_CRITICAL &&
                      divergence->reference_ratio_peak < view->config->wobble_ratio &&
                      age <= view->config->withdraw_within;
    enum tw_state state = was_hump || was_wobble ? TW_STATE_WITHDRAWN : TW_STATE_RECOVERED;
    struct tw_condition *condition =
        say(divergence, view, state, (enum tw_severity)divergence->severity);
    condition->evidence.threshold = view->config->recovered_ratio;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : 0;
    forget_suspicion(divergence);
    tw_baseline_start(&divergence->loss.baseline);
}

static void judge_open(struct divergence *divergence, const struct view *view)
{
    struct view own = *view; /* compared with the best as it was when the finding opened */
    own.best = divergence->reference;
    own.best_step = divergence->reference_step;
    own.rise = tw_divergence_loss_rise(&divergence->loss, view->level, own.best);
    if (own.rise > divergence->reference_ratio_peak)
        divergence->reference_ratio_peak = own.rise;
    if (divergence->loss.level.count >= 16 && own.rise <= view->config->recovered_ratio) {
        close_finding(divergence, &own);
    } else if (divergence->severity < TW_SEVERITY_CRITICAL &&
               (severity_by_size(divergence, &own) == TW_SEVERITY_CRITICAL ||
                is_still_rising(divergence, &own))) {
        open_finding(divergence, &own, TW_SEVERITY_CRITICAL, view->config->critical_ratio);
    }
}

/* ---- runs without a baseline yet ---- */

static bool is_above_noise(const struct divergence *divergence, const struct view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double noise = tw_level_noise(&loss->level, view->span == TW_LEVEL_5 ? 8 : 16);
    double floor = loss->is_linear ? 1e-12 : view->config->spread_floor;
    return view->level - view->best >= view->config->short_sigma * fmax(noise, floor);
}

static void judge_short(struct divergence *divergence, const struct view *view)
{
    const struct divergence_config *config = view->config;
    bool is_high = view->rise >= config->short_ratio && !is_falling(divergence);
    uint64_t needed = view->span == TW_LEVEL_5 ? config->short_losses / 2 : config->short_losses;
    divergence->short_run = is_high ? divergence->short_run + 1 : 0;
    if (divergence->short_run < needed || !matters(divergence, view) ||
        !is_above_noise(divergence, view))
        return;
    bool is_critical = view->rise >= config->blow_up_ratio;
    if (!is_critical && (view->is_warmup || rate_explains(divergence, view)))
        return;
    divergence->cause = CAUSE_SHORT;
    divergence->suspect_count = divergence->loss.count;
    divergence->onset_step = divergence->loss.normal_step;
    divergence->onset_time_ms = divergence->loss.normal_time_ms;
    open_finding(divergence, view, is_critical ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING,
                 is_critical ? config->blow_up_ratio : config->short_ratio);
}

/* Counts losses above a line, forgiving one in ten. */
static void count_above(uint64_t *run, uint32_t *misses, bool is_above)
{
    ++*run;
    *misses += !is_above;
    if (*misses * 10 > *run) {
        *run = 0;
        *misses = 0;
    }
}

static void judge_start(struct divergence *divergence, const struct view *view, double y)
{
    const struct divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    double above = tw_divergence_loss_rise(loss, y, loss->initial);
    if (!tw_divergence_loss_has_initial(loss) || (loss->is_linear && loss->initial <= 0))
        return;
    if (loss->is_linear)
        above = y / loss->initial;
    count_above(&divergence->start_run, &divergence->start_misses, above >= config->start_ratio);
    count_above(&divergence->start_high_run, &divergence->start_high_misses,
                above >= config->start_high_ratio);
    bool is_high = divergence->start_high_run >= config->start_losses;
    if (divergence->stage == STAGE_OPEN ||
        (!is_high && divergence->start_run < config->start_long_losses))
        return;
    struct view own = *view;
    own.best = loss->initial;
    own.best_step = loss->first_step;
    own.rise = tw_divergence_loss_rise(loss, view->level, own.best);
    divergence->cause = CAUSE_START;
    divergence->suspect_count = loss->count;
    divergence->onset_step = loss->normal_step;
    divergence->onset_time_ms = loss->normal_time_ms;
    open_finding(divergence, &own, TW_SEVERITY_CRITICAL,
                 is_high ? config->start_high_ratio : config->start_ratio);
}

/* Oscillation: the loss swings up and down by far more than its noise and gets nowhere. */
static void judge_swing(struct divergence *divergence, const struct view *view)
{
    const struct divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (loss->blocks.filled || loss->blocks.count < TW_BLOCKS || !view->has_best ||
        view->is_warmup)
        return;
    double noise = fmax(tw_level_noise(&loss->level, 0), view->config->spread_floor);
    struct tw_swing swing = tw_blocks_swing(&loss->blocks, config->swing_sigma * noise);
    if (loss->is_linear || swing.rising < config->swing_share ||
        swing.falling < config->swing_share ||
        loss->count < divergence->best_count + TW_BLOCKS * TW_BLOCK_VALUES)
        return;
    divergence->cause = CAUSE_SWING;
    divergence->suspect_count = loss->count;
    divergence->onset_step = divergence->loss.level.best[view->span].best_step;
    divergence->onset_time_ms = view->context->time_ms;
    open_finding(divergence, view, TW_SEVERITY_WARNING, config->swing_share);
}

/* ---- one loss ---- */

static struct view look(const struct divergence *divergence, const struct divergence_config *config,
                        const struct tw_context *context, const struct tw_context_config *shared,
                        struct tw_report *report)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    struct view view = {.config = config, .context = context, .shared = shared, .report = report};
    view.is_warmup = tw_context_in_warmup(context, shared);
    view.is_muted = tw_context_is_muted(context, shared);
    view.has_baseline = tw_baseline_count(&loss->baseline) >= config->baseline_losses;
    view.line =
        tw_cusum_line(config->cusum_line, tw_baseline_autocorrelation(&loss->baseline));
    return view;
}

static void measure_level(const struct divergence *divergence, struct view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    view->span = tw_level_best_span(&loss->level);
    view->has_best = view->span != TW_LEVEL_SPANS;
    view->level = tw_level_now(&loss->level, view->span);
    view->best = view->has_best ? loss->level.best[view->span].best : view->level;
    view->best_step = view->has_best ? loss->level.best[view->span].best_step : loss->newest_step;
    view->rise = tw_divergence_loss_rise(loss, view->level, view->best);
}

static void remember_level(struct divergence *divergence, const struct view *view)
{
    bool is_high = view->rise >= view->config->critical_ratio && !is_falling(divergence);
    divergence->high_run = is_high ? divergence->high_run + 1 : 0;
    if (divergence->has_best && view->best_step == divergence->best_step)
        return;
    divergence->has_best = 1;
    divergence->best_step = view->best_step;
    divergence->best_count = divergence->loss.count;
    divergence->best_learning_rate =
        isnan(view->context->learning_rate) ? 0 : view->context->learning_rate;
}

static void note_normal(struct divergence *divergence, const struct view *view, double y)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double best = view->has_best ? view->best : loss->initial;
    if (loss->count > 1 && tw_divergence_loss_rise(loss, y, best) > view->config->confirm_ratio)
        return;
    loss->normal_step = loss->newest_step;
    loss->normal_time_ms = view->context->time_ms;
}

static void add_to_cusum(struct divergence *divergence, const struct view *view, double y)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double limit = view->config->score_limit;
    double floor = loss->is_linear
                       ? view->config->spread_floor * fmax(fabs(loss->initial), 1e-9)
                       : view->config->spread_floor;
    double z = tw_baseline_score(&loss->baseline, y, floor);
    loss->newest_z = fmax(-1e6, fmin(1e6, z));
    if (!view->has_baseline || view->is_muted)
        return;
    tw_cusum_add(&loss->cusum, fmax(-limit, fmin(limit, z)), view->config->cusum_drift,
                 view->line, loss->newest_step, view->context->time_ms);
    if (loss->cusum.sum <= 0) {
        loss->peak = 0;
        loss->peak_z = 0;
    } else {
        loss->peak = fmax(loss->peak, y - tw_baseline_median(&loss->baseline));
        loss->peak_z = fmax(loss->peak_z, loss->newest_z);
    }
}

/* Flagged losses stay out of the baseline: those of a suspicion or a finding, those of an excursion
 * that is half way to one, and single spikes. */
static void learn(struct divergence *divergence, const struct view *view, double y)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double limit = view->config->score_limit;
    bool is_spike = view->has_baseline && loss->newest_z >= view->config->spike_sigma;
    if (divergence->stage != STAGE_QUIET || loss->cusum.sum >= .5 * view->line ||
        (is_spike && loss->cusum.sum > 0))
        return;
    tw_baseline_learn(&loss->baseline, y, fmax(-limit, fmin(limit, loss->newest_z)));
}

static void judge(struct divergence *divergence, const struct view *view, double y)
{
    if (divergence->stage == STAGE_OPEN) {
        judge_open(divergence, view);
    } else if (divergence->stage == STAGE_SUSPECT) {
        judge_suspicion(divergence, view);
    } else if (view->has_best && !view->is_muted) {
        if (view->has_baseline && divergence->loss.cusum.sum > view->line)
            begin_suspicion(divergence, view);
        else if (!view->has_baseline)
            judge_short(divergence, view);
    }
    if (divergence->stage == STAGE_QUIET)
        judge_swing(divergence, view);
    if (!view->is_muted || view->context->segment_cause != TW_SEGMENT_RESUME)
        judge_start(divergence, view, y);
}

static void take_loss(struct divergence *divergence, struct view *view, double value)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    if (value < 0)
        tw_divergence_loss_make_linear(loss);
    double y = tw_divergence_loss_scaled(loss, value);
    loss->newest = value;
    loss->newest_step = view->context->step;
    tw_divergence_loss_note_first(loss, value, loss->newest_step);
    loss->count++;
    add_to_cusum(divergence, view, y);
    tw_level_push(&loss->level, y, loss->newest_step);
    tw_blocks_push(&loss->blocks, y);
    measure_level(divergence, view);
    remember_level(divergence, view);
    note_normal(divergence, view, y);
    judge(divergence, view, y);
    learn(divergence, view, y);
}

static bool is_judged_objective(enum tw_objective objective)
{
    return objective != TW_OBJECTIVE_ADVERSARIAL && objective != TW_OBJECTIVE_REINFORCEMENT &&
           objective != TW_OBJECTIVE_CONTRASTIVE;
}

static void divergence_observe(void *state, const void *config, const struct tw_context *context,
                               const struct tw_context_config *shared,
                               const struct tw_record *record, struct tw_report *report)
{
    struct divergence *divergence = state;
    if (!is_judged_objective(context->objective))
        return;
    struct view view = look(divergence, config, context, shared, report);
    measure_level(divergence, &view);
    if (context->segment_is_new)
        begin_segment(divergence, &view);
    if (record->kind != TW_KIND_STEP || !tw_record_has(record, TW_SIGNAL_LOSS))
        return;
    double value = record->signal[TW_SIGNAL_LOSS];
    if (!isfinite(value))
        divergence->nonfinite++; /* the overflow detector's business; nothing of it is kept */
    else if (value == 0 && !divergence->loss.is_linear)
        divergence->zeros++; /* no logarithm; a lasting zero is a disguise that overflow knows */
    else
        take_loss(divergence, &view, value);
}

static void divergence_finish(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool divergence_has_judged(const void *state, const void *config,
                                  const struct tw_context *context, char *reason, size_t size)
{
    const struct divergence *divergence = state;
    const struct divergence_config *own = config;
    uint64_t count = divergence->loss.count;
    if (!is_judged_objective(context->objective))
        snprintf(reason, size, "the loss of %s training need not fall",
                 context->objective == TW_OBJECTIVE_ADVERSARIAL     ? "adversarial"
                 : context->objective == TW_OBJECTIVE_REINFORCEMENT ? "reinforcement"
                                                                    : "contrastive");
    else if (count >= own->min_losses || divergence->ever_opened)
        return true;
    else if (count)
        snprintf(reason, size, "only %llu losses", (unsigned long long)count);
    else if (divergence->nonfinite)
        snprintf(reason, size, "no finite loss in the log");
    else
        snprintf(reason, size, "no loss in the log");
    return false;
}

const struct tw_detector tw_detector_divergence = {
    .name = "divergence",
    .title = "Divergence",
    .description = "the training loss leaves its best level and does not come back",
    .state_version = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .config_size = sizeof(struct divergence_config),
    .state_size = sizeof(struct divergence),
    .start = divergence_start,
    .observe = divergence_observe,
    .finish = divergence_finish,
    .has_judged = divergence_has_judged,
};
