/* When a rising evaluation loss is overfitting. */
#include "detectors/overfitting/state.h"

#include <math.h>

/* ---- conditions ---- */

static bool is_due(const struct tw_overfitting *overfitting, const struct tw_overfitting_view *view)
{
    const struct tw_overfitting_config *config = view->config;
    uint64_t doubled = overfitting->withdrawn < 3 ? overfitting->withdrawn : 3;
    return overfitting->evals.count >= config->min_evals &&
           overfitting->evals.since_best >= config->evals_since_best << doubled &&
           (!overfitting->has_segment || overfitting->segment_evals > config->wait_evals) &&
           overfitting->evals.n >= 3;
}

/* The median of 3 follows an excursion late, and a first one has no precedent. */
static bool has_precedent(const struct tw_overfitting *overfitting,
                          const struct tw_overfitting_view *view)
{
    const struct tw_evals *evals = &overfitting->evals;
    return view->rise <= evals->highest_rise &&
           (double)evals->since_best <
               view->config->precedent_droughts * (double)evals->longest_drought;
}

/* On its way down again: what was lost may yet come back. */
static bool is_falling(const struct tw_overfitting *overfitting,
                       const struct tw_overfitting_view *view)
{
    const struct tw_evals *evals = &overfitting->evals;
    unsigned since = tw_evals_known_since_best(evals) - 1;
    return tw_evals_rising(evals, since < 8 ? since : 8) < 1 - view->config->rising_probability;
}

static bool has_train(const struct tw_evals *evals)
{
    return tw_evals_has_train(evals) && evals->best.has_train;
}

/* The training loss is below this share of what it was at the best evaluation. */
static bool fell_below(const struct tw_evals *evals, double share)
{
    double before = evals->best.train;
    return has_train(evals) && tw_evals_train(evals) < before - (1 - share) * fabs(before);
}

/* Of the way from knowing nothing to the best evaluation, enough is lost. A loss that is near zero
 * doubles easily. */
static bool matters(const struct tw_overfitting *overfitting,
                    const struct tw_overfitting_view *view, double loss)
{
    const struct tw_evals *evals = &overfitting->evals;
    double trivial =
        view->context->trivial_loss; /* NaN when it is not known: fmax passes over it */
    double progress = fmax(evals->start, trivial) - evals->best.loss;
    return loss - evals->best.loss >= view->config->lost_progress * fmax(progress, 0);
}

/* In a long run the best evaluation is the lowest of many: 2.5 sigma below its level are nothing.
 */
static bool is_over_noise(const struct tw_overfitting *overfitting,
                          const struct tw_overfitting_view *view, double noise)
{
    const struct tw_evals *evals = &overfitting->evals;
    double from = view->is_short ? evals->best.loss : evals->around_best;
    return view->level - from > view->config->noise_sigma * noise;
}

/* Short runs have too few evaluations to tell noise from the fall before the best: there a line
 * through what came since, or a training loss that went on to a fraction, may speak too. */
static bool is_beyond_chance(const struct tw_overfitting *overfitting,
                             const struct tw_overfitting_view *view)
{
    const struct tw_evals *evals = &overfitting->evals;
    unsigned since = tw_evals_known_since_best(evals);
    bool is_over = is_over_noise(overfitting, view, view->noise);
    if (!view->is_short)
        return is_over && tw_evals_rising(evals, since - 1) > view->config->trend_probability;
    return is_over || tw_evals_rising(evals, since) > view->config->rising_probability ||
           (fell_below(evals, view->config->deep_fall) &&
            is_over_noise(overfitting, view, tw_evals_noise(evals, since)));
}

static bool is_level_high(const struct tw_overfitting *overfitting,
                          const struct tw_overfitting_view *view, double *ret_rise)
{
    const struct tw_evals *evals = &overfitting->evals;
    unsigned since = tw_evals_known_since_best(evals) - 1;
    double level = tw_evals_median(evals, since);
    *ret_rise = tw_evals_rise(evals, level);
    return since >= 6 && matters(overfitting, view, level) &&
           *ret_rise >= view->config->level_rise && fell_below(evals, view->config->level_fall);
}

/* The score's newest level is beyond what it had reached when the loss was best, and its highest is
 * of the newer half of the evaluations since: it goes on improving. */
static bool is_score_better(const struct tw_evals *evals)
{
    return evals->best.has_score && 2 * evals->since_top <= evals->since_best &&
           tw_evals_has_score(evals) &&
           tw_evals_score(evals) > evals->best_score + tw_evals_score_noise(evals);
}

static bool is_handled(const struct tw_overfitting *overfitting,
                       const struct tw_overfitting_view *view)
{
    double patience = view->context->declared_early_stopping_patience;
    return patience > 0 && (double)overfitting->evals.since_best <= patience;
}

/* ---- verdicts ---- */

static bool is_large(const struct tw_overfitting *overfitting,
                     const struct tw_overfitting_view *view)
{
    const struct tw_overfitting_config *config = view->config;
    if (view->is_short)
        return view->rise >= config->short_critical_rise;
    return view->rise >= config->critical_rise ||
           (view->rise >= config->steady_rise && overfitting->evals.rises >= config->rises_in_row);
}

/* What somebody takes care of already is worth a word only. A score that improves tells that the
 * probabilities grew too sure and the answers did not get worse: one level less grave. */
static struct tw_overfitting_verdict grade(const struct tw_overfitting *overfitting,
                                           const struct tw_overfitting_view *view,
                                           struct tw_overfitting_verdict verdict)
{
    bool is_sure =
        view->is_short ||
        tw_evals_rising(&overfitting->evals, tw_evals_known_since_best(&overfitting->evals) - 1) >
            view->config->rising_probability;
    bool is_critical = verdict.kind == TW_OVERFITTING_RISE && is_large(overfitting, view) &&
                       overfitting->evals.since_best >= view->config->critical_evals &&
                       is_over_noise(overfitting, view, view->noise) && is_sure;
    verdict.severity = is_critical ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING;
    if (is_score_better(&overfitting->evals)) {
        verdict.kind = TW_OVERFITTING_DRIFT;
        verdict.severity = is_large(overfitting, view) ? TW_SEVERITY_WARNING : TW_SEVERITY_INFO;
    }
    if (is_handled(overfitting, view)) {
        verdict.kind = TW_OVERFITTING_HANDLED;
        verdict.severity = TW_SEVERITY_INFO;
    }
    return verdict;
}

static struct tw_overfitting_verdict judge_alone(const struct tw_overfitting *overfitting,
                                                 const struct tw_overfitting_view *view)
{
    const struct tw_overfitting_config *config = view->config;
    const struct tw_evals *evals = &overfitting->evals;
    struct tw_overfitting_verdict verdict = {TW_OVERFITTING_ALONE, TW_SEVERITY_WARNING, view->rise,
                                             config->alone_rise};
    bool is_rising =
        view->rise >= config->alone_rise && evals->since_best >= config->alone_evals &&
        is_over_noise(overfitting, view, view->noise) &&
        tw_evals_rising(evals, tw_evals_known_since_best(evals)) > config->sure_probability;
    return is_rising ? grade(overfitting, view, verdict) : (struct tw_overfitting_verdict){0};
}

static struct tw_overfitting_verdict judge_pair(const struct tw_overfitting *overfitting,
                                                const struct tw_overfitting_view *view)
{
    const struct tw_overfitting_config *config = view->config;
    struct tw_overfitting_verdict none = {0};
    double line = view->is_short ? config->short_rise : config->rise, level_rise;
    if (!fell_below(&overfitting->evals, config->train_fall))
        return none;
    if (view->rise >= line && is_beyond_chance(overfitting, view)) {
        struct tw_overfitting_verdict rise = {
            .kind = TW_OVERFITTING_RISE, .value = view->rise, .threshold = line};
        return grade(overfitting, view, rise);
    }
    if (view->rise >= config->info_rise && is_over_noise(overfitting, view, view->noise) &&
        tw_evals_gap_rises(&overfitting->evals) >= config->gap_rises)
        return (struct tw_overfitting_verdict){TW_OVERFITTING_GAP, TW_SEVERITY_INFO, view->rise,
                                               config->info_rise};
    if (is_level_high(overfitting, view, &level_rise))
        return (struct tw_overfitting_verdict){TW_OVERFITTING_LEVEL, TW_SEVERITY_INFO, level_rise,
                                               config->level_rise};
    return none;
}

struct tw_overfitting_verdict tw_overfitting_judge(const struct tw_overfitting *overfitting,
                                                   const struct tw_overfitting_view *view)
{
    if (!is_due(overfitting, view) || !matters(overfitting, view, view->level) ||
        has_precedent(overfitting, view) || is_falling(overfitting, view))
        return (struct tw_overfitting_verdict){0};
    return has_train(&overfitting->evals) ? judge_pair(overfitting, view)
                                          : judge_alone(overfitting, view);
}
