/* Loss spikes: the loss jumps and comes back by itself.
 *
 * One spike is told when it is over, as an information: most runs have some. It is a warning when
 * they come in clusters, and when a jump cost the run all that it had learned. What does not
 * come back is not a spike but the divergence detector's. */
#include "detectors/detectors.h"
#include "detectors/divergence/scale.h"
#include "detectors/statistics/clip.h"
#include "detectors/statistics/loss_baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct tw_loss_spike_config {
    uint64_t baseline_losses;
    double spike_sigma, spike_ratio, spread_floor;
    double back_ratio;
    uint64_t back_losses, max_losses;
    double violent_ratio, blatant_ratio, lost_share;
    uint64_t cluster_spikes, cluster_losses, cluster_lasting;
    double cluster_ratio, jump_share;
    uint64_t spikes_told, min_losses;
};

#define FIELD(member) offsetof(struct tw_loss_spike_config, member)

static const struct tw_option loss_spike_options[] = {
    {.name = "baseline_losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(baseline_losses),
     .initial = 16,
     .min = 5,
     .max = 256,
     .help = "losses before a baseline holds (our judgement)"},
    {.name = "spike_sigma",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(spike_sigma),
     .initial = 6,
     .min = 1,
     .max = 1000,
     .help = "a spike is so many spreads over the median of the log loss; with spike_ratio 0.2 to "
             "40 spikes in 100k steps of 120 healthy public runs"},
    {.name = "spike_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(spike_ratio),
     .initial = 1.5,
     .min = 1.01,
     .max = 1000,
     .help = "and so many times the median; one healthy step in a hundred reaches 1.37, in a "
             "thousand 1.73"},
    {.name = "spread_floor",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(spread_floor),
     .initial = .005,
     .min = 1e-6,
     .max = 1,
     .help = "least spread of the log loss: half a percent"},
    {.name = "back_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(back_ratio),
     .initial = 1.1,
     .min = 1,
     .max = 100,
     .help = "it is over when losses are below so many times the median, or within two spreads"},
    {.name = "back_losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(back_losses),
     .initial = 3,
     .min = 1,
     .max = 1000,
     .help = "so many of them in a row (our judgement)"},
    {.name = "max_losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(max_losses),
     .initial = 200,
     .min = 5,
     .max = 1e6,
     .help = "what lasts longer is no spike but another level; BLOOM's spikes took 30 steps and, "
             "the longest, 500"},
    {.name = "violent_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(violent_ratio),
     .initial = 10,
     .min = 1.1,
     .max = 1e9,
     .help = "a warning when a loss was so many times the median and all progress was lost (our "
             "judgement; the largest benign jump seen is 2.07)"},
    {.name = "blatant_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(blatant_ratio),
     .initial = 100,
     .min = 2,
     .max = 1e12,
     .help = "the same without a baseline and in warm-up"},
    {.name = "lost_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(lost_share),
     .initial = .9,
     .min = 0,
     .max = 1000,
     .help = "least share of the progress since the first loss that is lost, for both (our "
             "judgement)"},
    {.name = "cluster_spikes",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(cluster_spikes),
     .initial = 5,
     .min = 2,
     .max = 8,
     .help = "a warning: so many spikes apart from each other (PaLM's run of 540B had 20 in all)"},
    {.name = "cluster_losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(cluster_losses),
     .initial = 1000,
     .min = 10,
     .max = 1e6,
     .help = "within so many losses (our judgement)"},
    {.name = "cluster_lasting",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(cluster_lasting),
     .initial = 3,
     .min = 1,
     .max = 1000,
     .help = "for a cluster a spike counts that lasts so many losses: one alone is a bad batch"},
    {.name = "cluster_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(cluster_ratio),
     .initial = 2,
     .min = 1.01,
     .max = 1000,
     .help = "or that is so many times the median: the largest benign jump seen is 2.07"},
    {.name = "jump_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(jump_share),
     .initial = .1,
     .min = 0,
     .max = 1,
     .help = "where more than this share of the newest losses (some 256) is spike_ratio from the "
             "one before, the data are of two kinds (our judgement)"},
    {.name = "spikes_told",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(spikes_told),
     .initial = 5,
     .min = 0,
     .max = 1000,
     .help = "at most so many spikes of a run are told (our judgement)"},
    {.name = "min_losses",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(min_losses),
     .initial = 16,
     .min = 3,
     .max = 10000,
     .help = "fewer finite losses cannot be judged as free of spikes"},
};

enum loss_spike_stage { QUIET, IN_SPIKE };
/* As many as a cluster may ask for. */
#define SERIOUS_MAX 8

struct spike_place { /* where a spike began; count: losses until then */
    uint64_t count, step;
    int64_t time_ms;
};

struct spike_distance { /* from the newest spike back to an older one, as far as can be kept */
    uint32_t losses, steps, time_ms;
};

struct loss_spike {
    uint8_t stage, is_cluster_open, has_previous, ever_opened;
    uint8_t n_serious;     /* spikes that count for a cluster and are kept */
    uint8_t has_nonfinite; /* losses were passed over */
    uint32_t told;
    double jump_share; /* decaying share of losses that differ so much from the one before */
    double previous;   /* loss, on the scale */
    uint64_t count;    /* losses */
    struct tw_loss_scale scale;
    struct tw_loss_baseline baseline;
    /* of the present or newest spike */
    struct spike_place onset;
    uint32_t high, back;             /* losses that were not back; newest in a row that were */
    double peak, peak_ratio, peak_z; /* on the loss's scale, over the baseline */
    double violent_line;             /* that it crossed, or 0 */
    uint64_t opened_step;            /* onset of what is open */
    int64_t opened_time_ms;
    /* spikes that count for a cluster */
    uint64_t newest_count; /* losses at the end of the newest */
    struct spike_place newest_serious;
    struct spike_distance older_serious[SERIOUS_MAX - 1]; /* the newest of them first */
};

struct view {
    const struct tw_loss_spike_config *config;
    const struct tw_context *context;
    struct tw_report *report;
    bool is_warmup, is_muted, is_resumed, has_baseline;
    double ratio, z; /* of the newest loss over the baseline */
};

static void loss_spike_start(void *state, const void *config)
{
    struct loss_spike *spike = state;
    (void)config;
    tw_loss_baseline_start(&spike->baseline);
}

/* ---- speaking ---- */

static struct tw_condition *say(const struct loss_spike *spike, const struct view *view,
                                enum tw_state state, enum tw_severity severity)
{
    double median = spike->baseline.median;
    struct tw_condition *condition = tw_report_add(view->report, "run", state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = spike->opened_step;
    condition->onset_time_ms = spike->opened_time_ms;
    condition->confidence = state == TW_STATE_WITHDRAWN ? 0 : .9;
    snprintf(evidence->statistic, sizeof evidence->statistic, "highest loss / baseline");
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = spike->peak_ratio;
    evidence->baseline = tw_loss_unscaled(&spike->scale, median);
    evidence->window_first = spike->opened_step;
    evidence->window_last = view->context->step;
    tw_evidence_add(evidence, "highest_loss", tw_loss_unscaled(&spike->scale, spike->peak));
    tw_evidence_add(evidence, "sigma", spike->peak_z);
    tw_evidence_add(evidence, "losses", (double)spike->high);
    tw_evidence_add(evidence, "initial_loss",
                    tw_loss_unscaled(&spike->scale, spike->scale.initial));
    if (!isnan(view->context->learning_rate))
        tw_evidence_add(evidence, "learning_rate", view->context->learning_rate);
    return condition;
}

/* It is over already: opened for the advice and closed at once. */
static void say_violent(const struct loss_spike *spike, const struct view *view)
{
    say(spike, view, TW_STATE_OPEN, TW_SEVERITY_WARNING)->evidence.threshold = spike->violent_line;
    say(spike, view, TW_STATE_RECOVERED, TW_SEVERITY_WARNING)->evidence.threshold =
        view->config->back_ratio;
}

/* The i-th newest serious spike; 0 is the newest. */
static struct spike_place serious_at(const struct loss_spike *spike, unsigned i)
{
    struct spike_place place = spike->newest_serious;
    if (i) {
        const struct spike_distance *back = &spike->older_serious[i - 1];
        place.count -= back->losses;
        place.step -= back->steps;
        place.time_ms = (int64_t)((uint64_t)place.time_ms - back->time_ms);
    }
    return place;
}

static uint64_t spikes_in_cluster(const struct loss_spike *spike, const struct view *view,
                                  struct spike_place *ret_first)
{
    unsigned n = 0;
    for (; n < spike->n_serious; n++) {
        struct spike_place place = serious_at(spike, n);
        if (spike->count - place.count > view->config->cluster_losses)
            break;
        *ret_first = place;
    }
    return n;
}

static void say_cluster(struct loss_spike *spike, const struct view *view, enum tw_state state,
                        double value)
{
    struct tw_condition *condition = say(spike, view, state, TW_SEVERITY_WARNING);
    struct tw_evidence *evidence = &condition->evidence;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : .6;
    snprintf(evidence->statistic, sizeof evidence->statistic, "spikes in a cluster");
    snprintf(evidence->unit, sizeof evidence->unit, "spikes");
    evidence->value = value;
    evidence->threshold = (double)view->config->cluster_spikes;
    tw_evidence_add(evidence, "cluster", 1);
}

static void open_cluster(struct loss_spike *spike, const struct view *view, uint64_t n,
                         const struct spike_place *first)
{
    spike->is_cluster_open = 1;
    spike->ever_opened = 1;
    spike->opened_step = first->step;
    spike->opened_time_ms = first->time_ms;
    say_cluster(spike, view, TW_STATE_OPEN, (double)n);
}

/* ---- the life of a spike ---- */

static void forget_spike(struct loss_spike *spike)
{
    spike->stage = QUIET;
    spike->peak = spike->peak_ratio = spike->peak_z = spike->violent_line = 0;
    spike->high = spike->back = 0;
}

static uint32_t far(uint64_t distance)
{
    return distance < UINT32_MAX ? (uint32_t)distance : UINT32_MAX;
}

static void note_serious(struct loss_spike *spike, const struct view *view)
{
    struct spike_distance *older = spike->older_serious;
    const struct spike_place *onset = &spike->onset, *before = &spike->newest_serious;
    if (spike->high < view->config->cluster_lasting &&
        spike->peak_ratio < view->config->cluster_ratio)
        return;
    struct spike_distance way = {far(onset->count - before->count), far(onset->step - before->step),
                                 far((uint64_t)onset->time_ms - (uint64_t)before->time_ms)};
    for (unsigned i = SERIOUS_MAX - 2; i > 0; i--)
        older[i] = (struct spike_distance){far((uint64_t)older[i - 1].losses + way.losses),
                                           far((uint64_t)older[i - 1].steps + way.steps),
                                           far((uint64_t)older[i - 1].time_ms + way.time_ms)};
    older[0] = way;
    spike->newest_serious = *onset;
    spike->newest_count = spike->count;
    if (spike->n_serious < SERIOUS_MAX)
        spike->n_serious++;
}

static void end_spike(struct loss_spike *spike, const struct view *view)
{
    struct spike_place first = {0};
    if (!view->is_warmup)
        note_serious(spike, view);
    uint64_t n = spikes_in_cluster(spike, view, &first);
    spike->opened_step = spike->onset.step;
    spike->opened_time_ms = spike->onset.time_ms;
    if (spike->is_cluster_open) {
        forget_spike(spike);
        return;
    }
    if (n >= view->config->cluster_spikes) {
        open_cluster(spike, view, n, &first);
    } else if (spike->violent_line > 0) {
        spike->ever_opened = 1;
        say_violent(spike, view);
    } else if (!view->is_warmup && spike->told < view->config->spikes_told) {
        spike->told++;
        say(spike, view, TW_STATE_RECOVERED, TW_SEVERITY_INFO)->evidence.threshold =
            view->config->spike_ratio;
    }
    forget_spike(spike);
}

static void begin_spike(struct loss_spike *spike, const struct view *view)
{
    forget_spike(spike);
    spike->stage = IN_SPIKE;
    spike->onset.step = view->context->step;
    spike->onset.time_ms = view->context->time_ms;
    spike->onset.count = spike->count;
}

/* Back at the median, or nine tenths of the way in logarithms: after a jump by decades a loss does
 * not come all the way at once. */
static bool is_back(const struct loss_spike *spike, const struct view *view)
{
    return view->ratio < view->config->back_ratio || view->z < 2 ||
           view->ratio < pow(spike->peak_ratio, .1);
}

/* The share of the progress since the first loss that is lost at `y`. */
static double lost_share(const struct loss_spike *spike, double y)
{
    double median = tw_loss_unscaled(&spike->scale, spike->baseline.median);
    double gained = tw_loss_unscaled(&spike->scale, spike->scale.initial) - median;
    double lost = tw_loss_unscaled(&spike->scale, y) - median;
    return gained > 0 ? lost / gained : 1;
}

/* The line that a jump by which all was lost has crossed, or 0. */
static double violent_line(const struct loss_spike *spike, const struct view *view, double y)
{
    const struct tw_loss_spike_config *config = view->config;
    if (lost_share(spike, y) < config->lost_share)
        return 0;
    if (view->ratio >= config->blatant_ratio)
        return config->blatant_ratio;
    bool is_violent =
        view->has_baseline && !view->is_warmup && view->ratio >= config->violent_ratio;
    return is_violent ? config->violent_ratio : 0;
}

static void follow_spike(struct loss_spike *spike, const struct view *view, double y)
{
    spike->back = is_back(spike, view) ? spike->back + 1 : 0;
    spike->high += !is_back(spike, view);
    if (view->ratio > spike->peak_ratio) {
        spike->peak = y;
        spike->peak_ratio = view->ratio;
        spike->peak_z = view->z;
    }
    spike->violent_line = fmax(spike->violent_line, violent_line(spike, view, y));
    if (spike->back >= view->config->back_losses) {
        end_spike(spike, view);
    } else if (spike->count - spike->onset.count >= view->config->max_losses) {
        forget_spike(spike);
        tw_loss_baseline_start(&spike->baseline);
    }
}

/* ---- one loss ---- */

static void measure(const struct loss_spike *spike, struct view *view, double y)
{
    double floor = spike->scale.is_linear
                       ? view->config->spread_floor * fmax(fabs(spike->scale.initial), 1e-9)
                       : view->config->spread_floor;
    unsigned learned = spike->baseline.count;
    view->has_baseline = learned >= view->config->baseline_losses;
    view->z = learned ? tw_clip(tw_loss_baseline_score(&spike->baseline, y, floor), 1e6) : 0;
    view->ratio = learned && (spike->stage == IN_SPIKE || !view->has_baseline ||
                              view->z >= view->config->spike_sigma)
                      ? tw_loss_rise(&spike->scale, y, spike->baseline.median)
                      : 1; /* else nobody asks */
}

/* A spike jumps once; two kinds of losses, or noise as wide as that, jump all the time. */
static void note_jump(struct loss_spike *spike, const struct view *view, double y)
{
    double weight = 1 / fmin((double)spike->count, TW_LOSS_BASELINE_VALUES);
    bool is_jump =
        spike->has_previous && tw_loss_rises(&spike->scale, fmax(y, spike->previous),
                                             fmin(y, spike->previous), view->config->spike_ratio);
    spike->jump_share += weight * (is_jump - spike->jump_share);
    spike->previous = y;
    spike->has_previous = 1;
}

static bool begins(const struct loss_spike *spike, const struct view *view)
{
    if (view->is_resumed)
        return false;
    /* Losses next to zero differ by factors of a hundred, and their spread tells it. */
    if (view->has_baseline && view->z < view->config->spike_sigma)
        return false;
    if (view->ratio >= view->config->blatant_ratio)
        return true;
    return view->has_baseline && spike->jump_share <= view->config->jump_share &&
           view->ratio >= view->config->spike_ratio &&
           (!view->is_muted || view->ratio >= view->config->violent_ratio);
}

static void take_loss(struct loss_spike *spike, struct view *view, double value)
{
    double y = view->context->course.newest;
    if (!spike->count)
        spike->scale.initial = tw_loss_scaled(&spike->scale, value);
    spike->count++;
    measure(spike, view, y);
    note_jump(spike, view, y);
    if (spike->stage == QUIET && begins(spike, view))
        begin_spike(spike, view);
    if (spike->stage == IN_SPIKE)
        follow_spike(spike, view, y);
    if (spike->stage == QUIET) {
        tw_loss_baseline_learn(&spike->baseline, &view->context->course, tw_clip(view->z, 4));
        spike->scale.spread = spike->baseline.spread;
    }
    if (spike->is_cluster_open &&
        spike->count - spike->newest_count > view->config->cluster_losses) {
        say_cluster(spike, view, TW_STATE_RECOVERED, 0);
        spike->is_cluster_open = 0;
    }
}

static void make_linear(struct loss_spike *spike, const struct tw_course *course)
{
    tw_loss_scale_make_linear(&spike->scale);
    tw_loss_baseline_make_linear(&spike->baseline, course);
    spike->scale.spread = spike->baseline.spread;
    forget_spike(spike); /* its peak is on the other scale */
    spike->has_previous = 0;
}

/* Other data have another level; after a resume it may stand anywhere. */
static void begin_segment(struct loss_spike *spike, const struct view *view)
{
    if (view->context->segment_cause != TW_SEGMENT_DATA_CHANGE &&
        view->context->segment_cause != TW_SEGMENT_RESUME)
        return;
    forget_spike(spike);
    tw_loss_baseline_start(&spike->baseline);
}

static void loss_spike_observe(void *state, const void *config, const struct tw_context *context,
                               const struct tw_context_config *shared,
                               const struct tw_record *record, struct tw_report *report)
{
    struct loss_spike *spike = state;
    struct view view = {.config = config, .context = context, .report = report};
    if (!tw_context_loss_should_fall(context))
        return;
    view.is_warmup = tw_context_in_warmup(context, shared);
    view.is_muted = tw_context_is_muted(context, shared);
    view.is_resumed = view.is_muted && context->segment_cause == TW_SEGMENT_RESUME;
    if (context->course.is_linear && !spike->scale.is_linear)
        make_linear(spike, &context->course);
    if (context->course.is_new)
        tw_loss_baseline_turn(&spike->baseline, &context->course);
    if (context->segment_is_new)
        begin_segment(spike, &view);
    if (record->kind != TW_KIND_STEP || !tw_record_has(record, TW_SIGNAL_LOSS))
        return;
    double value = record->signal[TW_SIGNAL_LOSS];
    spike->has_nonfinite |= !isfinite(value);
    if (isfinite(value) && (value != 0 || spike->scale.is_linear))
        take_loss(spike, &view, value);
}

static void loss_spike_finish(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool loss_spike_has_judged(const void *state, const void *config,
                                  const struct tw_context *context, char *reason, size_t size)
{
    const struct loss_spike *spike = state;
    const struct tw_loss_spike_config *own = config;
    uint64_t count = spike->count;
    if (!tw_context_loss_should_fall(context))
        snprintf(reason, size, "the loss of this objective need not fall");
    else if (count >= own->min_losses || spike->ever_opened)
        return true;
    else if (count)
        snprintf(reason, size, "only %" PRIu64 " losses", count);
    else
        snprintf(reason, size,
                 spike->has_nonfinite ? "no finite loss in the log" : "no loss in the log");
    return false;
}

const struct tw_detector tw_detector_loss_spike = {
    .name = "loss-spike",
    .title = "Loss spike",
    .description = "the loss jumps and comes back by itself",
    .secondary = true,
    .state_version = 4,
    .options = loss_spike_options,
    .n_options = sizeof loss_spike_options / sizeof *loss_spike_options,
    .config_size = sizeof(struct tw_loss_spike_config),
    .state_size = TW_STATE_SIZES(struct loss_spike),
    .start = loss_spike_start,
    .observe = loss_spike_observe,
    .finish = loss_spike_finish,
    .has_judged = loss_spike_has_judged,
};
