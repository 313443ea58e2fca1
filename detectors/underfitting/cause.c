/* Why a run underfits: how far its weights go in a step, and where they have gone. */
#include "detectors/underfitting/state.h"

#include <math.h>

/* Fewer ratios say nothing. */
enum { RATIOS_MIN = 8 };
/* Blocks that a course is told from. */
enum { COURSE_BLOCKS = 8 };

double tw_underfitting_ratio(const struct tw_context *context)
{
    return context->updates.count >= RATIOS_MIN ? tw_update_sizes_median(&context->updates) : NAN;
}

double tw_underfitting_growth(const struct tw_underfitting *underfitting)
{
    return underfitting->first_weights > 0 ? underfitting->weights / underfitting->first_weights
                                           : NAN;
}

struct tw_underfitting_course tw_underfitting_recent(const struct tw_underfitting_view *view)
{
    bool is_short = view->trace->n < COURSE_BLOCKS;
    return is_short ? (struct tw_underfitting_course){0}
                    : tw_underfitting_course(view->trace, .5, 1);
}

bool tw_underfitting_is_falling(const struct tw_underfitting_view *view)
{
    struct tw_underfitting_course recent = tw_underfitting_recent(view);
    return recent.falling >= view->config->falling_probability &&
           recent.fall >= view->config->falling_share;
}

bool tw_underfitting_has_moved_little(const struct tw_underfitting *underfitting,
                                      const struct tw_underfitting_view *view)
{
    return view->context->updates.count >= RATIOS_MIN &&
           underfitting->path < view->config->short_path;
}

/* A sparse log may begin behind the blow-up: then its first loss is far over the trivial one. The
 * loss of the first step is that of the weights as they were drawn, and losses of weights that
 * stayed where they were tell of small batches. */
static bool blew_up(const struct tw_underfitting *underfitting,
                    const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_series *series = view->series;
    double ratio = view->config->blown_loss, first = series->count ? (double)series->first : 0;
    double trivial = view->has_trivial ? view->reference : 0;
    if (trivial > 0 && first >= ratio * ratio * trivial && series->first_step > 1)
        return true;
    if (tw_underfitting_growth(underfitting) < view->config->thrown_weights)
        return false;
    return tw_underfitting_early_peak(series) >= ratio * fmax(first, trivial);
}

/* Weights grow as they learn, too: further, where something has been learned. */
static bool was_thrown_out(const struct tw_underfitting *underfitting,
                           const struct tw_underfitting_view *view)
{
    double line = view->config->grown_weights;
    bool has_learned = view->level < view->config->learned_level * view->reference;
    return tw_underfitting_growth(underfitting) >= (has_learned ? line * line : line);
}

/* Without norms, only rates far outside of what anybody uses tell: UMLAUT (CHI 2021) takes 1e-7 to
 * .01 as the usual ones, and Adam's own default is 1e-3. */
static int usual_rate(const struct tw_underfitting *underfitting,
                      const struct tw_underfitting_view *view)
{
    double rate = view->context->declared_learning_rate;
    if (isnan(rate))
        rate = view->context->peak_learning_rate;
    double high = underfitting->is_adaptive ? .05 : 1,
           low = underfitting->is_adaptive ? 1e-5 : 1e-4;
    return rate >= high ? 1 : rate < low ? -1 : 0;
}

static bool is_regularised(const struct tw_underfitting *underfitting,
                           const struct tw_underfitting_view *view)
{
    bool has_decay = underfitting->weight_decay > 0 || !underfitting->has_declared;
    return (has_decay && tw_underfitting_growth(underfitting) <= view->config->shrunk_weights) ||
           underfitting->dropout >= .5;
}

/* More of the same would do. */
static bool falls_fast(const struct tw_underfitting_view *view)
{
    return tw_underfitting_is_falling(view) &&
           tw_underfitting_recent(view).fall >= view->config->fast_fall;
}

enum tw_underfitting_cause tw_underfitting_find_cause(const struct tw_underfitting *underfitting,
                                                      const struct tw_underfitting_view *view,
                                                      enum tw_underfitting_kind kind)
{
    const struct tw_underfitting_config *config = view->config;
    double ratio = tw_underfitting_ratio(view->context);
    int usual = isnan(ratio) ? usual_rate(underfitting, view) : 0;
    /* Weights that have grown large make small ratios, so that they come first. */
    if (was_thrown_out(underfitting, view))
        return TW_UNDERFITTING_BY_HIGH_RATE;
    if (ratio < config->low_ratio || usual < 0)
        return TW_UNDERFITTING_BY_LOW_RATE;
    if (is_regularised(underfitting, view))
        return TW_UNDERFITTING_BY_REGULARISATION;
    bool is_rate_high = usual_rate(underfitting, view) > 0 && kind >= TW_UNDERFITTING_CONSTANT;
    if (ratio > config->high_ratio || usual > 0 || is_rate_high || blew_up(underfitting, view))
        return TW_UNDERFITTING_BY_HIGH_RATE;
    if (kind == TW_UNDERFITTING_CRAWL)
        return isnan(ratio) ? TW_UNDERFITTING_BY_LOW_RATE : TW_UNDERFITTING_BY_BUDGET;
    if (kind < TW_UNDERFITTING_CONSTANT && falls_fast(view))
        return TW_UNDERFITTING_BY_BUDGET;
    if (tw_underfitting_has_moved_little(underfitting, view))
        return TW_UNDERFITTING_BY_LOW_RATE;
    return kind >= TW_UNDERFITTING_CONSTANT ? TW_UNDERFITTING_NOT_LEARNING
                                            : TW_UNDERFITTING_BY_CAPACITY;
}

const char *tw_underfitting_cause_name(enum tw_underfitting_cause cause)
{
    static const char *const names[] = {
        [TW_UNDERFITTING_BY_LOW_RATE] = "learning_rate_too_low",
        [TW_UNDERFITTING_BY_HIGH_RATE] = "learning_rate_too_high",
        [TW_UNDERFITTING_BY_REGULARISATION] = "regularisation",
        [TW_UNDERFITTING_BY_CAPACITY] = "capacity",
        [TW_UNDERFITTING_BY_BUDGET] = "budget",
        [TW_UNDERFITTING_NOT_LEARNING] = "not_learning",
    };
    return names[cause];
}
