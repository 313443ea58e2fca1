/* Learning rate: a rate that is none, a schedule that does not run or ends early, a warm-up longer
 * than the run, and updates of an unusual size.
 *
 * What the run declared is compared with what it does; a rate of zero alone is no finding, since
 * logs round and schedules end there. */
#include "detectors/detectors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum kind { /* in order of gravity */
            KIND_NONE,
            KIND_SMALL_UPDATES,
            KIND_LARGE_UPDATES,
            KIND_EARLY_END,
            KIND_NOT_SCHEDULED,
            KIND_LONG_WARMUP,
            KIND_NO_RATE
};

struct config {
    uint64_t min_records, ratio_steps;
    double bad_share, ended_share, natural_end, constant_share;
    double low_ratio, high_ratio;
};

struct state {
    uint8_t kind, is_decaying; /* of the open finding; the declared schedule lowers the rate */
    uint64_t records;          /* that told a rate, after the warm-up */
    uint64_t bad, bad_run;     /* rates that are none; in a row */
    uint64_t bad_step;         /* where the row, or the first one, began */
    int64_t bad_time_ms;
    double lowest, highest, newest_good; /* of the rates after the warm-up */
    uint64_t first_step;
    int64_t first_time_ms;
    /* Of the newest sizes of updates, those below low_ratio and those above high_ratio. */
    uint8_t n_low, n_high;
};

#define FIELD(member) offsetof(struct config, member)

static const struct tw_option options[] = {
    {.name = "min_records",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(min_records),
     .initial = 100,
     .min = 10,
     .max = 1e9,
     .help = "records with a learning rate, after the warm-up, before any is judged"},
    {.name = "bad_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(bad_share),
     .initial = .1,
     .min = .001,
     .max = 1,
     .help = "share of rates that are zero with no update, negative or not a number, for a "
             "warning (trainproof: a tenth of the steps after warm-up)"},
    {.name = "ended_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(ended_share),
     .initial = .9,
     .min = 0,
     .max = 1,
     .help = "a schedule may reach zero after this share of the budget (our judgement)"},
    {.name = "natural_end",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(natural_end),
     .initial = .05,
     .min = 0,
     .max = 1,
     .help = "a rate that went to zero from below this share of its peak came there by its "
             "schedule; from higher up the log may round (our judgement)"},
    {.name = "constant_share",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(constant_share),
     .initial = .75,
     .min = .01,
     .max = 1,
     .help = "a declared schedule that has not moved the rate by this share of the budget does "
             "not run: cosine and linear ones are at 15 and 25 % of the peak by then"},
    {.name = "ratio_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(ratio_steps),
     .initial = 500,
     .min = 1,
     .max = 1e9,
     .help = "steps before the size of the updates is judged"},
    {.name = "low_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(low_ratio),
     .initial = -5,
     .min = -20,
     .max = 0,
     .help = "information when the median log10 of update over weight norm is below this: "
             "TheDeepChecker says -4, where fine-tuning works too"},
    {.name = "high_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(high_ratio),
     .initial = -1,
     .min = -20,
     .max = 5,
     .help = "or above this (TheDeepChecker: -1)"},
};
enum { N_OPTIONS = sizeof options / sizeof *options };

static void learning_rate_start(void *opaque, const void *config)
{
    (void)opaque, (void)config;
}

struct view {
    const struct config *config;
    const struct tw_context *context;
    const struct tw_record *record;
    struct tw_report *report;
};

/* ---- speaking ---- */

struct verdict {
    enum kind kind;
    enum tw_severity severity;
    const char *statistic, *unit;
    double value, threshold, confidence;
    uint64_t onset_step;
    int64_t onset_time_ms;
};

static const char *kind_name(enum kind kind)
{
    static const char *const names[] = {
        [KIND_NONE] = "",
        [KIND_SMALL_UPDATES] = "small_updates",
        [KIND_LARGE_UPDATES] = "large_updates",
        [KIND_EARLY_END] = "early_end",
        [KIND_NOT_SCHEDULED] = "not_scheduled",
        [KIND_LONG_WARMUP] = "long_warmup",
        [KIND_NO_RATE] = "no_rate",
    };
    return names[kind];
}

static void add_known(struct tw_evidence *evidence, const char *name, double value)
{
    if (isfinite(value))
        tw_evidence_add(evidence, name, value);
}

static void open_finding(struct state *state, const struct view *view,
                         const struct verdict *verdict)
{
    if (verdict->kind <= (enum kind)state->kind)
        return;
    state->kind = (uint8_t)verdict->kind;
    struct tw_condition *condition =
        tw_report_add(view->report, "run", TW_STATE_OPEN, verdict->severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = verdict->onset_step;
    condition->onset_time_ms = verdict->onset_time_ms;
    condition->confidence = verdict->confidence;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s", verdict->statistic);
    snprintf(evidence->unit, sizeof evidence->unit, "%s", verdict->unit);
    evidence->value = verdict->value;
    evidence->threshold = verdict->threshold;
    evidence->baseline = NAN;
    evidence->window_first = state->first_step;
    evidence->window_last = view->context->step;
    tw_evidence_add_text(evidence, "cause", kind_name(verdict->kind));
    add_known(evidence, "learning_rate", view->context->learning_rate);
    add_known(evidence, "peak_learning_rate", view->context->peak_learning_rate);
    add_known(evidence, "progress", tw_context_progress(view->context));
}

static void close_finding(struct state *state, const struct view *view, enum tw_severity severity)
{
    struct tw_condition *condition =
        tw_report_add(view->report, "run", TW_STATE_RECOVERED, severity);
    condition->onset_step = state->first_step;
    condition->onset_time_ms = state->first_time_ms;
    condition->confidence = .9;
    snprintf(condition->evidence.statistic, sizeof condition->evidence.statistic,
             "records with a usual rate since");
    snprintf(condition->evidence.unit, sizeof condition->evidence.unit, "records");
    condition->evidence.value = 1;
    condition->evidence.threshold = 1;
    condition->evidence.baseline = NAN;
    condition->evidence.window_first = condition->evidence.window_last = view->context->step;
    tw_evidence_add_text(&condition->evidence, "cause", kind_name((enum kind)state->kind));
    state->kind = KIND_NONE;
}

/* ---- rates that are none ---- */

/* Zero is one only where nothing moves: logs round, and some log the rate of the step before. */
static bool is_none(const struct tw_record *record)
{
    double rate = record->signal[TW_SIGNAL_LEARNING_RATE];
    bool moves =
        tw_record_has(record, TW_SIGNAL_UPDATE_NORM) && record->signal[TW_SIGNAL_UPDATE_NORM] > 0;
    return !(fabs(rate) < 1e30) || rate < 0 || (rate == 0 && !moves);
}

static void count_none(struct state *state, const struct view *view)
{
    if (!state->bad_run) {
        state->bad_step = view->context->step;
        state->bad_time_ms = view->context->time_ms;
    }
    state->bad++;
    state->bad_run++;
}

static bool is_rounded(const struct state *state, const struct view *view)
{
    bool is_zero = view->record->signal[TW_SIGNAL_LEARNING_RATE] == 0;
    bool is_seen = tw_record_has(view->record, TW_SIGNAL_UPDATE_NORM);
    return is_zero && !is_seen &&
           !(state->newest_good < view->config->natural_end * view->context->peak_learning_rate);
}

static void judge_none(struct state *state, const struct view *view)
{
    double share = (double)state->bad / (double)state->records;
    double progress = tw_context_progress(view->context);
    if (!state->bad_run || state->records < view->config->min_records ||
        share < view->config->bad_share || progress >= view->config->ended_share ||
        is_rounded(state, view))
        return;
    bool has_ended =
        view->record->signal[TW_SIGNAL_LEARNING_RATE] == 0 && state->newest_good > 0 &&
        state->newest_good < view->config->natural_end * view->context->peak_learning_rate;
    open_finding(state, view,
                 &(struct verdict){.kind = has_ended ? KIND_EARLY_END : KIND_NO_RATE,
                                   .severity = TW_SEVERITY_WARNING,
                                   .statistic = "share of records without a learning rate",
                                   .unit = "share",
                                   .value = share,
                                   .threshold = view->config->bad_share,
                                   .confidence = .8,
                                   .onset_step = state->bad_step,
                                   .onset_time_ms = state->bad_time_ms});
}

/* ---- schedules ---- */

static bool lowers_the_rate(const char *schedule)
{
    static const char *const words[] = {"cos", "linear", "poly", "exp", "inverse", "cycle", "sqrt"};
    if (strcasestr(schedule, "constant"))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasestr(schedule, words[i]))
            return true;
    }
    return false;
}

static void judge_schedule(struct state *state, const struct view *view)
{
    double progress = tw_context_progress(view->context);
    if (!state->is_decaying || state->records < view->config->min_records || state->bad ||
        !(progress >= view->config->constant_share) || state->lowest < state->highest)
        return;
    open_finding(state, view,
                 &(struct verdict){.kind = KIND_NOT_SCHEDULED,
                                   .severity = TW_SEVERITY_WARNING,
                                   .statistic = "lowest / highest learning rate",
                                   .unit = "ratio",
                                   .value = 1,
                                   .threshold = 1,
                                   .confidence = .8,
                                   .onset_step = state->first_step,
                                   .onset_time_ms = state->first_time_ms});
}

static void judge_warmup(struct state *state, const struct view *view)
{
    const struct tw_context *context = view->context;
    if (!context->declared_max_steps ||
        context->declared_warmup_steps < context->declared_max_steps)
        return;
    open_finding(state, view,
                 &(struct verdict){.kind = KIND_LONG_WARMUP,
                                   .severity = TW_SEVERITY_INFO,
                                   .statistic = "warm-up / length of the run",
                                   .unit = "ratio",
                                   .value = (double)context->declared_warmup_steps /
                                            (double)context->declared_max_steps,
                                   .threshold = 1,
                                   .confidence = .9,
                                   .onset_step = context->step,
                                   .onset_time_ms = context->time_ms});
}

/* ---- sizes of the updates ---- */

/* A step that was skipped has no size. */
static bool is_low(double size, const struct config *config)
{
    return size < config->low_ratio && size > TW_UPDATE_SIZE_MIN;
}

static void count_sizes(struct state *state, const struct view *view)
{
    const struct tw_update_sizes *updates = &view->context->updates;
    double newest = tw_update_sizes_newest(updates), gone = tw_update_sizes_replaced(updates);
    state->n_low += is_low(newest, view->config);
    state->n_high += newest > view->config->high_ratio;
    if (updates->count <= TW_UPDATE_SIZES)
        return;
    state->n_low -= is_low(gone, view->config);
    state->n_high -= gone > view->config->high_ratio;
}

/* A median is beyond a line when more than half of the values are; where it is exactly half, it
 * lies between the two in the middle. */
static bool is_usual(const struct state *state)
{
    return state->n_low < TW_UPDATE_SIZES / 2 && state->n_high < TW_UPDATE_SIZES / 2;
}

static bool is_told(const struct state *state)
{
    return (state->n_low > TW_UPDATE_SIZES / 2 && state->kind >= KIND_SMALL_UPDATES) ||
           (state->n_high > TW_UPDATE_SIZES / 2 && state->kind >= KIND_LARGE_UPDATES);
}

static void judge_ratio(struct state *state, const struct view *view)
{
    const struct config *config = view->config;
    const struct tw_update_sizes *updates = &view->context->updates;
    if (updates->is_new)
        count_sizes(state, view);
    if (updates->count < TW_UPDATE_SIZES || view->context->step < config->ratio_steps)
        return;
    bool is_open = state->kind == KIND_SMALL_UPDATES || state->kind == KIND_LARGE_UPDATES;
    if (is_told(state) || (is_usual(state) && !is_open))
        return;
    double ratio = tw_update_sizes_median(updates);
    bool is_small = ratio<config->low_ratio, is_large = ratio> config->high_ratio;
    if (!is_small && !is_large) {
        if (state->kind == KIND_SMALL_UPDATES || state->kind == KIND_LARGE_UPDATES)
            close_finding(state, view, TW_SEVERITY_INFO);
        return;
    }
    open_finding(state, view,
                 &(struct verdict){.kind = is_small ? KIND_SMALL_UPDATES : KIND_LARGE_UPDATES,
                                   .severity = TW_SEVERITY_INFO,
                                   .statistic = "median log10 of update / weight norm",
                                   .unit = "log10",
                                   .value = ratio,
                                   .threshold = is_small ? config->low_ratio : config->high_ratio,
                                   .confidence = .6,
                                   .onset_step = state->first_step,
                                   .onset_time_ms = state->first_time_ms});
}

/* ---- records ---- */

static void take_rate(struct state *state, const struct view *view)
{
    double rate = view->record->signal[TW_SIGNAL_LEARNING_RATE];
    if (!state->records++) {
        state->first_step = view->context->step;
        state->first_time_ms = view->context->time_ms;
    }
    if (is_none(view->record)) {
        count_none(state, view);
        return;
    }
    state->bad_run = 0;
    if (state->kind == KIND_NO_RATE || state->kind == KIND_EARLY_END)
        close_finding(state, view, TW_SEVERITY_WARNING);
    if (rate > 0)
        state->newest_good = rate;
    state->lowest = state->highest > 0 ? fmin(state->lowest, rate) : rate;
    state->highest = fmax(state->highest, rate);
}

static void take_header(struct state *state, const struct tw_header *header)
{
    const struct tw_hyperparameter *schedule = tw_header_find(header, "schedule");
    state->is_decaying = schedule && schedule->is_text && lowers_the_rate(schedule->text);
}

static void learning_rate_observe(void *opaque, const void *config,
                                  const struct tw_context *context,
                                  const struct tw_context_config *shared,
                                  const struct tw_record *record, struct tw_report *report)
{
    struct state *state = opaque;
    struct view view = {.config = config, .context = context, .record = record, .report = report};
    (void)shared;
    if (record->kind == TW_KIND_HEADER && record->header)
        take_header(state, record->header);
    if (record->kind != TW_KIND_STEP)
        return;
    judge_warmup(state, &view);
    judge_ratio(state, &view);
    if (!tw_record_has(record, TW_SIGNAL_LEARNING_RATE) ||
        context->step < context->declared_warmup_steps)
        return;
    take_rate(state, &view);
    judge_none(state, &view);
    judge_schedule(state, &view);
}

static void learning_rate_finish(void *opaque, const void *config, const struct tw_context *context,
                                 const struct tw_context_config *shared, struct tw_report *report)
{
    (void)opaque, (void)config, (void)context, (void)shared, (void)report;
}

/* Most foreign logs tell no rate: nothing worth a word. */
static bool learning_rate_has_judged(const void *opaque, const void *config,
                                     const struct tw_context *context, char *reason, size_t size)
{
    (void)opaque, (void)config, (void)context, (void)reason, (void)size;
    return true;
}

const struct tw_detector tw_detector_learning_rate = {
    .name = "learning-rate",
    .title = "Learning rate",
    .description = "a learning rate that is none, that does not follow its schedule, or that moves "
                   "the weights by an unusual amount",
    .secondary = true,
    .state_version = 2,
    .options = options,
    .n_options = N_OPTIONS,
    .config_size = sizeof(struct config),
    .state_size = TW_STATE_SIZES(struct state),
    .start = learning_rate_start,
    .observe = learning_rate_observe,
    .finish = learning_rate_finish,
    .has_judged = learning_rate_has_judged,
};
