/* Divergence that the newest losses alone do not show: a cut of the learning rate reveals it, only
 * evaluations see it, or the log ends right after it began. */
#include "detectors/divergence/state.h"

#include <math.h>

/* Losses in which a cut shows what it does: the level is the median of 16 of them. */
enum { CUT_LOSSES = 24, LEVEL_LOSSES = 16 };

/* ---- a cut of the learning rate ---- */

void tw_divergence_note_cut(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    struct tw_learning_rate_cut *cut = &divergence->cut;
    if (cut->count || view->is_warmup || loss->count < view->config->start_losses ||
        divergence->has_learned || loss->scale.is_linear || !tw_divergence_loss_has_initial(loss) ||
        tw_divergence_is_below_guess(divergence, view, view->config->learned_ratio))
        return;
    *cut = (struct tw_learning_rate_cut){
        .is_open = 1,
        .count = loss->count,
        .level = view->level,
    };
}

/* The loss had stood at its start, and halves once the rate is lower: the rate had been beyond what
 * the run could bear all the time. Told when it is over, because only then can it be known. */
void tw_divergence_judge_cut(struct tw_divergence *divergence,
                             const struct tw_divergence_view *view)
{
    struct tw_learning_rate_cut *cut = &divergence->cut;
    uint64_t age = divergence->loss.count - cut->count;
    if (!cut->is_open || age < LEVEL_LOSSES)
        return;
    cut->is_open = age < CUT_LOSSES;
    if (view->level - cut->level > log(view->config->cut_ratio))
        return;
    struct tw_divergence_view own = *view;
    cut->is_open = 0;
    own.rise = exp(view->level - cut->level);
    own.best = cut->level;
    own.best_step = divergence->loss.first_step;
    divergence->cause = TW_DIVERGENCE_BY_CUT;
    divergence->onset_step = divergence->loss.first_step;
    divergence->onset_time_ms = divergence->loss.first_time_ms;
    tw_divergence_open(divergence, &own, TW_SEVERITY_WARNING, view->config->cut_ratio);
    tw_divergence_say(divergence, &own, TW_STATE_RECOVERED, TW_SEVERITY_WARNING)->confidence = .9;
    tw_divergence_forget(divergence, view);
}

/* ---- evaluations ---- */

/* How far `value` is above `best` in parts of the best's size: losses may have any sign. */
static double eval_ratio(double value, double best)
{
    return 1 + fmin((value - best) / fmax(fabs(best), 1e-12), 1e12);
}

/* Near zero a falling loss cannot be told from one that stands: there it must have risen, too. */
static bool is_train_well(const struct tw_divergence *divergence,
                          const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (tw_divergence_is_near_zero(divergence, view) && tw_divergence_is_low(divergence, view))
        return true;
    double drop = loss->scale.is_linear ? .5 * loss->scale.spread : .02;
    double now = tw_level_now(&loss->level, TW_LEVEL_5);
    return !divergence->eval.has_train_at_best || now < divergence->eval.train_at_best - drop;
}

/* A best evaluation near zero doubles by chance. */
static bool is_eval_loss_large(const struct tw_divergence *divergence,
                               const struct tw_divergence_view *view)
{
    const struct tw_eval_rise *eval = &divergence->eval;
    double trivial = view->context->trivial_loss;
    double untrained = fmax(eval->first, tw_divergence_loss_untrained(&divergence->loss, trivial));
    double share = eval->best > 0 ? eval->best / untrained : NAN;
    double gained = untrained - eval->best;
    return !(gained > 0) ||
           eval->newest - eval->best >=
               gained * tw_divergence_needed_progress(view->config, share, TW_SEVERITY_WARNING);
}

/* Over the best evaluation while the training loss has not fallen since, or, in a log that has
 * none, over what the model was worth before training: else it may be overfitting. */
static bool is_eval_high(const struct tw_divergence *divergence,
                         const struct tw_divergence_view *view)
{
    const struct tw_eval_rise *eval = &divergence->eval;
    double ratio = eval_ratio(eval->newest, eval->best);
    if (divergence->loss.count == 0)
        return ratio >= view->config->start_ratio &&
               eval_ratio(eval->newest, eval->first) >= view->config->start_ratio;
    return ratio >= view->config->eval_ratio && is_eval_loss_large(divergence, view) &&
           !is_train_well(divergence, view);
}

static void note_best_eval(struct tw_divergence *divergence, double value)
{
    struct tw_eval_rise *eval = &divergence->eval;
    const struct tw_level *level = &divergence->loss.level;
    if (eval->evals++ == 0)
        eval->first = eval->best = value;
    else if (value >= eval->best)
        return;
    eval->best = value;
    eval->has_train_at_best = level->count >= 5;
    eval->train_at_best = eval->has_train_at_best ? tw_level_now(level, TW_LEVEL_5) : 0;
}

static struct tw_divergence_view eval_view(const struct tw_divergence *divergence,
                                           const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    struct tw_divergence_view own = *view;
    own.rise = eval_ratio(divergence->eval.newest, divergence->eval.best);
    if (loss->count == 0)
        own.level = own.best = 0;
    return own;
}

static void judge_open_eval(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    struct tw_divergence_view own = eval_view(divergence, view);
    if (own.rise > view->config->confirm_ratio)
        return;
    tw_divergence_say(divergence, &own, TW_STATE_RECOVERED, (enum tw_severity)divergence->severity)
        ->confidence = .9;
    tw_divergence_forget(divergence, view);
}

void tw_divergence_take_eval(struct tw_divergence *divergence,
                             const struct tw_divergence_view *view, double value)
{
    struct tw_eval_rise *eval = &divergence->eval;
    eval->newest = fmax(-1e300, fmin(1e300, value));
    note_best_eval(divergence, eval->newest);
    bool is_high = is_eval_high(divergence, view);
    if (is_high && !eval->high++) {
        eval->first_step = view->context->step;
        eval->first_time_ms = view->context->time_ms;
    }
    if (!is_high)
        eval->high = 0;
    if (divergence->stage == TW_DIVERGENCE_OPEN) {
        if (divergence->cause == TW_DIVERGENCE_BY_EVAL)
            judge_open_eval(divergence, view);
        return;
    }
    /* Without training losses they stand far above the first one: that is no matter of warm-up. */
    bool is_early = view->is_warmup && divergence->loss.count > 0;
    if (eval->high < view->config->eval_checks || view->is_muted || is_early)
        return;
    struct tw_divergence_view own = eval_view(divergence, view);
    divergence->cause = TW_DIVERGENCE_BY_EVAL;
    divergence->suspect_count = divergence->loss.count;
    divergence->onset_step = eval->first_step;
    divergence->onset_time_ms = eval->first_time_ms;
    tw_divergence_open(divergence, &own, TW_SEVERITY_WARNING, view->config->eval_ratio);
}

/* ---- the end of a short log ---- */

struct short_log {
    unsigned n, lowest; /* age of the lowest */
    double value[LEVEL_LOSSES];
};

/* Losses by age: 0 is the newest. */
static struct short_log read_log(const struct tw_divergence_loss *loss)
{
    struct short_log ret = {.n = (unsigned)loss->count};
    for (unsigned i = 0; i < ret.n; i++) {
        ret.value[i] = (double)tw_window_at(&loss->level.window16.head, loss->level.window16.values,
                                            (uint16_t)i);
        if (ret.value[i] < ret.value[ret.lowest])
            ret.lowest = i;
    }
    return ret;
}

static double middle_of(const double *three)
{
    double low = fmin(three[0], fmin(three[1], three[2]));
    double high = fmax(three[0], fmax(three[1], three[2]));
    return three[0] + three[1] + three[2] - low - high;
}

/* The newest three are above all before them, and by half. */
static bool ends_high(const struct short_log *log, double rise)
{
    double low_end = fmin(log->value[0], fmin(log->value[1], log->value[2]));
    if (log->n < 6)
        return false;
    for (unsigned i = 3; i < log->n; i++) {
        if (log->value[i] >= low_end)
            return false;
    }
    return middle_of(log->value) - middle_of(log->value + log->n - 3) >= rise;
}

/* Five losses or more, each above the one before: by chance once in 120 logs. */
static bool only_rises(const struct short_log *log, double rise)
{
    for (unsigned i = 0; i + 1 < log->n; i++) {
        if (log->value[i] <= log->value[i + 1])
            return false;
    }
    return log->n >= 5 && log->value[0] - log->value[log->n - 1] >= rise;
}

/* The newest alone: twice the lowest and far outside of the noise, or beyond any noise. */
static bool ends_far_out(const struct short_log *shown, const struct tw_divergence_config *config,
                         double noise)
{
    double over_lowest = shown->value[0] - shown->value[shown->lowest];
    double over_first = shown->value[0] - shown->value[shown->n - 1];
    if (over_lowest < log(config->blow_up_ratio) || over_first < log(config->critical_ratio))
        return false;
    return over_first >= log(config->start_sure_ratio) ||
           over_lowest >= config->short_sigma * fmax(noise, config->spread_floor);
}

void tw_divergence_judge_end(struct tw_divergence *divergence,
                             const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (divergence->stage == TW_DIVERGENCE_OPEN || loss->count < 3 ||
        loss->count >= config->min_losses || loss->count > LEVEL_LOSSES || loss->scale.is_linear ||
        view->context->segment > 0)
        return;
    struct short_log short_log = read_log(loss);
    double rise = log(config->critical_ratio);
    if (!ends_high(&short_log, rise) && !only_rises(&short_log, rise) &&
        !ends_far_out(&short_log, config, tw_level_noise(&loss->level, view->course, 1)))
        return;
    struct tw_divergence_view own = *view;
    unsigned onset = short_log.lowest ? short_log.lowest - 1 : 0;
    own.best = short_log.value[short_log.lowest];
    own.best_step = tw_level_first_step(&loss->level, view->course, short_log.lowest + 1);
    own.level = short_log.value[0];
    own.rise = tw_loss_rise(&loss->scale, own.level, own.best);
    divergence->cause = TW_DIVERGENCE_BY_END;
    divergence->suspect_count = loss->count;
    divergence->onset_step = tw_level_first_step(&loss->level, view->course, onset + 1);
    divergence->onset_time_ms = view->context->time_ms;
    tw_divergence_open(divergence, &own, TW_SEVERITY_WARNING, config->critical_ratio);
}
