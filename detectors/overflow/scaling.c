/* Skips, halvings and the scale's floor. */
#include "detectors/overflow/scaling.h"

#include <math.h>
#include <string.h>

void tw_scaling_start(struct tw_scaling *scaling)
{
    memset(scaling, 0, sizeof *scaling);
}

/* ---- what one record tells ---- */

struct change {
    uint64_t steps;    /* since the last record, at least 1 */
    uint64_t skips;    /* of these */
    uint64_t halvings; /* of the scale */
    bool grew;
};

static bool flagged(const struct tw_record *record, enum tw_signal signal, double *ret)
{
    *ret = record->signal[signal];
    return tw_record_has(record, signal) && isfinite(*ret) && *ret > 0;
}

static void read_scale(struct tw_scaling *scaling, const struct tw_record *record,
                       struct change *change)
{
    double now;
    if (!flagged(record, TW_SIGNAL_LOSS_SCALE, &now))
        return;
    if (scaling->scale > 0) {
        double doublings = log2(now / scaling->scale);
        change->grew = doublings >= .9;
        change->halvings = doublings <= -.9 ? (uint64_t)fmin(64, round(-doublings)) : 0;
    }
    scaling->scale = now;
}

static struct change read_change(struct tw_scaling *scaling, const struct tw_context *context,
                                 const struct tw_record *record, bool is_nonfinite)
{
    struct change change = {.steps = 1};
    double number;
    if (scaling->has_step && context->step > scaling->step)
        change.steps = context->step - scaling->step;
    read_scale(scaling, record, &change);
    /* Few jobs tell their skips; all that log the scale tell them by halving it. */
    change.skips = change.halvings;
    if (flagged(record, TW_SIGNAL_SKIPPED_STEPS, &number))
        change.skips = number > (double)change.skips ? (uint64_t)fmin(number, 1e9) : change.skips;
    if ((flagged(record, TW_SIGNAL_OVERFLOW, &number) || is_nonfinite) && !change.skips)
        change.skips = 1;
    if (change.skips > change.steps)
        change.skips = change.steps;
    return change;
}

/* ---- what is normal ---- */

static uint64_t calibration_limit(const struct tw_scaling_config *config,
                                  const struct tw_context *context)
{
    double scale = context->initial_loss_scale;
    uint64_t needed = scale > 1 ? (uint64_t)log2(scale) + 4 : 0;
    return needed > config->calibration_skips ? needed : config->calibration_skips;
}

/* The first skips of a run bring the scale down from its guess. Returns the skips beyond that. */
static uint64_t calibrate(struct tw_scaling *scaling, const struct tw_scaling_config *config,
                          const struct tw_context *context, const struct change *change)
{
    uint64_t limit = calibration_limit(config, context), excess = 0;
    scaling->calibration_skips += change->skips;
    scaling->clean_steps = change->skips ? 0 : scaling->clean_steps + change->steps;
    if (scaling->calibration_skips > limit)
        excess = scaling->calibration_skips - limit;
    if (excess || change->grew || scaling->clean_steps >= config->calibration_clean_steps) {
        scaling->is_calibrated = 1;
        scaling->calibrated_scale = scaling->scale;
    }
    return excess < change->skips ? excess : change->skips;
}

/* One skip right after the scale was doubled is the scaler's way to find that it may not be. */
static void forgive_probe(struct tw_scaling *scaling, const struct tw_context *context,
                          struct change *change)
{
    uint64_t reach = change->steps > 2 ? change->steps : 2;
    if (change->skips && scaling->has_probe && context->step - scaling->growth_step <= reach) {
        change->skips--;
        change->halvings -= change->halvings > 0;
        scaling->probes++;
        scaling->has_probe = 0;
    }
    if (change->grew) {
        scaling->growth_step = context->step;
        scaling->has_probe = 1;
    }
}

/* ---- counting ---- */

static void count_rate(struct tw_scaling *scaling, uint64_t step, uint64_t skips)
{
    uint64_t bucket = step / TW_SKIP_BUCKET_STEPS;
    for (uint64_t gone = scaling->bucket + 1, i = 0; gone <= bucket && i < TW_SKIP_BUCKETS;
         gone++, i++)
        scaling->buckets[(bucket - i) % TW_SKIP_BUCKETS] = 0;
    scaling->bucket = bucket;
    uint16_t *slot = &scaling->buckets[bucket % TW_SKIP_BUCKETS];
    *slot = skips < (uint64_t)(UINT16_MAX - *slot) ? (uint16_t)(*slot + skips) : UINT16_MAX;
}

static void count_run(struct tw_scaling *scaling, const struct tw_context *context,
                      const struct change *change)
{
    /* Of some skips among several steps nobody knows whether they were neighbours. */
    if (change->skips < change->steps) {
        scaling->run = 0;
        return;
    }
    if (!scaling->run) {
        scaling->run_first_step = context->step;
        scaling->run_first_time_ms = context->time_ms;
    }
    scaling->run += change->skips;
}

static void count_halvings(struct tw_scaling *scaling, const struct tw_context *context,
                           uint64_t halvings)
{
    for (uint64_t i = 0; i < halvings && i < TW_HALVINGS; i++) {
        scaling->halving_steps[scaling->halvings % TW_HALVINGS] = context->step;
        scaling->halving_times_ms[scaling->halvings % TW_HALVINGS] = context->time_ms;
        scaling->halvings++;
    }
}

static void count_skips(struct tw_scaling *scaling, const struct tw_scaling_config *config,
                        const struct tw_context *context, const struct change *change)
{
    double interval = (double)config->growth_interval;
    if (context->declared_loss_scale_window >= 8)
        interval = fmin(context->declared_loss_scale_window, 1e6);
    double usual = 2. / interval;
    if (change->skips && tw_scaling_skip_rate(scaling) <= 0) {
        scaling->first_skip_step = context->step;
        scaling->first_skip_time_ms = context->time_ms;
    }
    scaling->skips += change->skips;
    count_rate(scaling, context->step, change->skips);
    count_run(scaling, context, change);
    count_halvings(scaling, context, change->halvings);
    tw_bernoulli_add(&scaling->excess, change->skips, change->steps, usual, fmin(20 * usual, .5));
}

void tw_scaling_observe(struct tw_scaling *scaling, const struct tw_scaling_config *config,
                        const struct tw_context *context, const struct tw_record *record,
                        bool is_nonfinite)
{
    struct change change = read_change(scaling, context, record, is_nonfinite);
    if (!scaling->is_calibrated) {
        change.skips = calibrate(scaling, config, context, &change);
        change.halvings = 0;
    }
    forgive_probe(scaling, context, &change);
    /* The scale may settle higher than where calibration left it. */
    if (scaling->is_calibrated && scaling->scale > scaling->calibrated_scale)
        scaling->calibrated_scale = scaling->scale;
    count_skips(scaling, config, context, &change);
    scaling->step = context->step;
    scaling->has_step = 1;
}

/* ---- judging ---- */

double tw_scaling_skip_rate(const struct tw_scaling *scaling)
{
    double skips = 0;
    for (int i = 0; i < TW_SKIP_BUCKETS; i++)
        skips += scaling->buckets[i];
    return skips / (TW_SKIP_BUCKETS * TW_SKIP_BUCKET_STEPS);
}

/* Where the present fall of the scale began: the first of the newest halvings that are near each
 * other, or the first step of a run of skips where that is earlier or no scale is logged. */
static void date_fall(const struct tw_scaling *scaling, const struct tw_scaling_config *config,
                      struct tw_scaling_verdict *verdict)
{
    for (uint64_t i = 1; i <= scaling->halvings && i <= TW_HALVINGS; i++) {
        unsigned at = (unsigned)((scaling->halvings - i) % TW_HALVINGS);
        if (scaling->step - scaling->halving_steps[at] > config->halvings_within)
            return;
        if (scaling->halving_steps[at] < verdict->onset_step) {
            verdict->onset_step = scaling->halving_steps[at];
            verdict->onset_time_ms = scaling->halving_times_ms[at];
        }
    }
}

static struct tw_scaling_verdict judge_run(const struct tw_scaling *scaling,
                                           const struct tw_scaling_config *config)
{
    bool is_critical = scaling->run >= config->critical_run;
    struct tw_scaling_verdict verdict = {
        .is_problem = scaling->run >= config->warning_run,
        .severity = is_critical ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING,
        .statistic = "optimizer steps skipped in a row",
        .unit = "steps",
        .value = (double)scaling->run,
        .threshold = (double)(is_critical ? config->critical_run : config->warning_run),
        .onset_step = scaling->run_first_step,
        .onset_time_ms = scaling->run_first_time_ms,
    };
    date_fall(scaling, config, &verdict);
    return verdict;
}

/* A floor means something only below where the run's scale once stood: a job whose loss is a sum
 * over a batch lives with a small scale. */
static struct tw_scaling_verdict judge_floor(const struct tw_scaling *scaling,
                                             const struct tw_scaling_config *config,
                                             const struct tw_context *context)
{
    /* At its floor a scaler can only skip; of a floor that was not declared this is NaN. */
    double critical_scale = fmax(config->critical_scale, context->declared_min_loss_scale);
    bool has_fallen = scaling->is_calibrated && scaling->scale > 0 &&
                      scaling->scale * config->fallen_by <= scaling->calibrated_scale;
    bool is_critical = scaling->scale <= critical_scale;
    struct tw_scaling_verdict verdict = {
        .is_problem = has_fallen && scaling->scale <= fmax(config->warning_scale, critical_scale),
        .severity = is_critical ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING,
        .statistic = "loss scale",
        .unit = "",
        .value = scaling->scale,
        .threshold = is_critical ? critical_scale : config->warning_scale,
        .onset_step = context->step,
        .onset_time_ms = context->time_ms,
    };
    date_fall(scaling, config, &verdict);
    return verdict;
}

static struct tw_scaling_verdict judge_halvings(const struct tw_scaling *scaling,
                                                const struct tw_scaling_config *config)
{
    unsigned oldest = scaling->halvings % TW_HALVINGS;
    uint64_t since = scaling->step - scaling->halving_steps[oldest];
    return (struct tw_scaling_verdict){
        .is_problem = scaling->halvings >= TW_HALVINGS && since <= config->halvings_within,
        .severity = TW_SEVERITY_CRITICAL,
        .statistic = "steps in which the loss scale halved 6 times",
        .unit = "steps",
        .value = (double)since,
        .threshold = (double)config->halvings_within,
        .onset_step = scaling->halving_steps[oldest],
        .onset_time_ms = scaling->halving_times_ms[oldest],
    };
}

static struct tw_scaling_verdict judge_rate(const struct tw_scaling *scaling,
                                            const struct tw_scaling_config *config)
{
    double rate = tw_scaling_skip_rate(scaling);
    bool is_warning = rate > config->warning_rate;
    return (struct tw_scaling_verdict){
        .is_problem = rate > config->info_rate && scaling->excess.log_e >= log(config->e_value),
        .severity = is_warning ? TW_SEVERITY_WARNING : TW_SEVERITY_INFO,
        .statistic = "share of skipped steps in the newest 1000",
        .unit = "share",
        .value = rate,
        .threshold = is_warning ? config->warning_rate : config->info_rate,
        .onset_step = scaling->first_skip_step,
        .onset_time_ms = scaling->first_skip_time_ms,
    };
}

struct tw_scaling_verdict tw_scaling_judge(const struct tw_scaling *scaling,
                                           const struct tw_scaling_config *config,
                                           const struct tw_context *context)
{
    struct tw_scaling_verdict worst = {0};
    const struct tw_scaling_verdict verdicts[] = {
        judge_run(scaling, config),
        judge_halvings(scaling, config),
        judge_floor(scaling, config, context),
        judge_rate(scaling, config),
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        if (verdicts[i].is_problem && (!worst.is_problem || verdicts[i].severity > worst.severity))
            worst = verdicts[i];
    }
    return worst;
}
