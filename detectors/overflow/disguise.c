/* Zeros, 87.3365 and frozen losses, counted in a row. */
#include "detectors/overflow/disguise.h"

#include <math.h>

/* -ln(FLT_MIN): what Caffe's softmax loss shows once its input is NaN. */
#define CAFFE_LOSS 87.3365
#define CAFFE_TOLERANCE 1e-3

static void count(bool is_so, uint64_t *run, uint64_t *first_step, int64_t *first_time,
                  const struct tw_context *context)
{
    if (!is_so) {
        *run = 0;
        return;
    }
    if (!(*run)++) {
        *first_step = context->step;
        *first_time = context->time_ms;
    }
}

static double relative_change(double from, double to)
{
    double scale = fabs(from) > fabs(to) ? fabs(from) : fabs(to);
    if (scale > 1e300) /* the difference of two huge numbers would overflow */
        return fabs(to / scale - from / scale);
    return scale > 0 ? fabs(to - from) / scale : 0;
}

static void observe_norm(struct tw_disguise *disguise, const struct tw_record *record, bool is_zero)
{
    double norm = record->signal[TW_SIGNAL_GRAD_NORM];
    if (!tw_record_has(record, TW_SIGNAL_GRAD_NORM))
        return;
    bool is_stuck = disguise->has_norm && norm > 0 && norm == disguise->norm;
    disguise->bad_norms = is_zero && (!isfinite(norm) || is_stuck) ? disguise->bad_norms + 1 : 0;
    if (isfinite(norm)) {
        disguise->norm = norm;
        disguise->has_norm = 1;
    }
}

/* One unit of the last decimal that both have: a log of few decimals moves so. */
static bool is_smallest_step(double from, double to)
{
    double step = fabs(to - from);
    for (double unit = 1; unit > 5e-8; unit /= 10) {
        double tolerance = 1e-6 * unit;
        if (fabs(step - unit) < tolerance && fabs(remainder(from, unit)) < tolerance &&
            fabs(remainder(to, unit)) < tolerance)
            return true;
    }
    return false;
}

static void observe_frozen(struct tw_disguise *disguise, const struct tw_disguise_config *config,
                           const struct tw_context *context, double loss)
{
    double change = relative_change(disguise->loss, loss);
    bool is_frozen = disguise->has_loss && loss != 0 && change <= config->frozen_change;
    if (!is_frozen)
        disguise->jump = disguise->has_loss && !is_smallest_step(disguise->loss, loss) ? change : 0;
    count(is_frozen, &disguise->frozen, &disguise->frozen_step, &disguise->frozen_time_ms, context);
}

void tw_disguise_observe(struct tw_disguise *disguise, const struct tw_disguise_config *config,
                         const struct tw_context *context, const struct tw_record *record)
{
    double loss = record->signal[TW_SIGNAL_LOSS];
    count(loss == 0, &disguise->zeros, &disguise->zero_step, &disguise->zero_time_ms, context);
    count(fabs(loss - CAFFE_LOSS) <= CAFFE_TOLERANCE, &disguise->caffes, &disguise->caffe_step,
          &disguise->caffe_time_ms, context);
    observe_norm(disguise, record, loss == 0);
    observe_frozen(disguise, config, context, loss);
    if (loss != 0)
        disguise->before_zero = loss;
    disguise->loss = loss;
    disguise->has_loss = 1;
}

static struct tw_disguise_verdict judge_zeros(const struct tw_disguise *disguise,
                                              const struct tw_disguise_config *config,
                                              const struct tw_context *context)
{
    bool has_bad_norm =
        disguise->zeros >= config->zero_losses && disguise->bad_norms >= config->zero_losses;
    /* Zeros alone: a loss may reach 0, but it does not jump there. Margin losses do. */
    bool has_dropped = disguise->zeros >= config->zero_losses_alone &&
                       fabs(disguise->before_zero) >= config->zero_from &&
                       context->objective != TW_OBJECTIVE_CONTRASTIVE;
    return (struct tw_disguise_verdict){
        .is_problem = has_bad_norm || has_dropped,
        .severity = has_bad_norm ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING,
        .statistic = "losses of exactly 0 in a row",
        .name = "zero loss",
        .value = (double)disguise->zeros,
        .threshold = (double)(has_bad_norm ? config->zero_losses : config->zero_losses_alone),
        .onset_step = disguise->zero_step,
        .onset_time_ms = disguise->zero_time_ms,
    };
}

static struct tw_disguise_verdict judge_caffe(const struct tw_disguise *disguise,
                                              const struct tw_disguise_config *config)
{
    return (struct tw_disguise_verdict){
        .is_problem = disguise->caffes >= config->caffe_losses,
        .severity = TW_SEVERITY_CRITICAL,
        .statistic = "losses of 87.3365 in a row",
        .name = "-ln(FLT_MIN)",
        .value = (double)disguise->caffes,
        .threshold = (double)config->caffe_losses,
        .onset_step = disguise->caffe_step,
        .onset_time_ms = disguise->caffe_time_ms,
    };
}

/* A loss that converges freezes slowly; one whose numbers died freezes at once. */
static struct tw_disguise_verdict judge_frozen(const struct tw_disguise *disguise,
                                               const struct tw_disguise_config *config,
                                               const struct tw_context *context)
{
    return (struct tw_disguise_verdict){
        .is_problem = disguise->frozen >= config->frozen_losses &&
                      disguise->jump >= config->frozen_jump && context->learning_rate > 0,
        .severity = TW_SEVERITY_WARNING,
        .statistic = "equal losses in a row",
        .name = "frozen loss",
        .value = (double)disguise->frozen,
        .threshold = (double)config->frozen_losses,
        .onset_step = disguise->frozen_step,
        .onset_time_ms = disguise->frozen_time_ms,
    };
}

struct tw_disguise_verdict tw_disguise_judge(const struct tw_disguise *disguise,
                                             const struct tw_disguise_config *config,
                                             const struct tw_context *context)
{
    struct tw_disguise_verdict verdict = judge_caffe(disguise, config);
    if (!verdict.is_problem)
        verdict = judge_zeros(disguise, config, context);
    if (!verdict.is_problem)
        verdict = judge_frozen(disguise, config, context);
    return verdict;
}
