/* Underfitting: the training loss stays near what a model would get that knows nothing.
 *
 * A plateau alone is never a finding, since most healthy runs have some. What is judged is the
 * level: against the trivial one, the loss of the labels' frequencies or of the targets' mean, and
 * where none is declared against the run's own start. A run that stands at the trivial level after
 * its first hundreds of steps is dead (critical); one that stands high for long, or ends high, is a
 * warning; one that will end high by the look of it, an information. Where no level is declared the
 * judgement waits for the run's end or a good part of its budget: fine-tuning starts low and gets
 * only a little lower.
 *
 * Why it underfits is told with it (underfitting/cause.c): the size of the updates against the
 * weights, and whether the weights grew or shrank. */
#include "detectors/detectors.h"
#include "detectors/statistics/slope.h"
#include "detectors/underfitting/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Beyond it, differences of floats overflow. */
#define VALUE_MAX 1e30
/* Trace blocks that a course is told from. */
enum { COURSE_BLOCKS = 8 };

static void underfitting_start(void *state, const void *config)
{
    (void)state, (void)config;
}

static void underfitting_grow(void *state, const void *config, enum tw_extent extent)
{
    struct tw_underfitting *underfitting = state;
    (void)config;
    if (extent == TW_EXTENT_EVALS)
        tw_underfitting_evals_start(&underfitting->eval);
}

/* ---- a look ---- */

static double stuck_level(const struct tw_underfitting_view *view)
{
    bool is_vocabulary = view->context->dataset_classes >= (double)view->config->vocabulary_classes;
    return is_vocabulary ? view->config->vocabulary_level
                         : tw_context_unlearned(view->context, view->config->stuck_level);
}

static bool has_evals(const struct tw_underfitting *underfitting, const struct tw_context *context)
{
    return tw_context_reaches(context, TW_EXTENT_EVALS) && underfitting->eval.series.count;
}

/* Dropout, augmentation and wrong labels hold a training loss up, and the evaluation tells what was
 * learned in spite of them. */
static bool does_eval_tell_learning(const struct tw_underfitting *underfitting,
                                    const struct tw_underfitting_view *view, double level)
{
    const struct tw_underfitting_evals *eval = &underfitting->eval;
    return view->has_trivial && has_evals(underfitting, view->context) &&
           view->series != &eval->series &&
           tw_underfitting_evals_level(eval) < level * view->reference;
}

/* At the training loss, or where there is none at the evaluations. */
static struct tw_underfitting_view look(const struct tw_underfitting *underfitting,
                                        const struct tw_underfitting_config *config,
                                        const struct tw_context *context,
                                        const struct tw_context_config *shared,
                                        struct tw_report *report)
{
    struct tw_underfitting_view view = {
        .config = config, .context = context, .shared = shared, .report = report};
    bool is_eval = !underfitting->loss.count && has_evals(underfitting, context);
    view.series = is_eval ? &underfitting->eval.series : &underfitting->loss;
    view.trace = is_eval ? &underfitting->eval.trace : &context->course.trace;
    view.initial = tw_underfitting_initial(view.series);
    view.has_trivial = context->trivial_loss > 0;
    view.reference = view.has_trivial ? context->trivial_loss : view.initial;
    view.progress = tw_context_progress(context);
    return view;
}

static void measure_level(const struct tw_underfitting *underfitting,
                          struct tw_underfitting_view *view)
{
    bool is_eval = view->series != &underfitting->loss;
    view->level = is_eval ? tw_underfitting_evals_level(&underfitting->eval)
                          : tw_underfitting_level(&underfitting->loss, &view->context->course);
}

static uint64_t steps_trained(const struct tw_underfitting_view *view)
{
    uint64_t first = view->series->first_step, warmup = view->context->declared_warmup_steps;
    uint64_t from = first > warmup ? first : warmup;
    return view->series->newest_step > from ? view->series->newest_step - from : 0;
}

/* Long enough for a first judgement: some hundred steps, an epoch, a part of the budget. */
static bool is_due(const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_config *config = view->config;
    return steps_trained(view) + 1 >= config->due_steps &&
           view->series->count >= config->min_points && !(view->context->epoch < 1) &&
           !(view->progress < config->due_share);
}

/* A run that is joined late, or goes on with trained weights, starts at a level that it learned. */
static bool is_from_start(const struct tw_underfitting_view *view)
{
    uint64_t first = view->series->first_step, newest = view->series->newest_step;
    return first <= 1 || first <= newest / 10;
}

static struct tw_underfitting_verdict verdict_since_start(const struct tw_underfitting_view *view,
                                                          enum tw_underfitting_kind kind,
                                                          enum tw_severity severity)
{
    return (struct tw_underfitting_verdict){.kind = kind,
                                            .severity = severity,
                                            .value = view->level / view->reference,
                                            .onset_step = view->series->first_step,
                                            .onset_time_ms = view->series->first_time_ms};
}

/* A run that has stood below the line could stand there: if it came back up, that is the problem.
 */
static bool has_been_below(const struct tw_underfitting_view *view, double line)
{
    return tw_underfitting_lowest(view->trace) < line;
}

/* ---- dead ---- */

static bool is_dead(const struct tw_underfitting *underfitting,
                    const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_config *config = view->config;
    bool is_unmoved = view->level >= config->dead_level * view->initial;
    bool is_near = view->level <= config->trivial_room * view->reference;
    return view->has_trivial && view->level >= config->dead_level * view->reference &&
           (is_unmoved || (is_near && !tw_underfitting_is_falling(view))) &&
           !has_been_below(view, stuck_level(view) * view->reference) &&
           !does_eval_tell_learning(underfitting, view, config->learned_level);
}

/* It ended as it was to end: after its budget, or, as it looks, by its early stopping. */
static bool has_ended_itself(const struct tw_underfitting_view *view)
{
    return view->is_end && (view->progress >= view->config->end_share ||
                            view->context->declared_early_stopping_patience > 0);
}

/* Long enough for a judgement of what it ended with. */
static bool is_due_at_end(const struct tw_underfitting_view *view)
{
    return view->is_end && view->series->count >= view->config->min_points &&
           steps_trained(view) + 1 >= view->shared->warmup_min_steps;
}

/* A short run may still be at its start when it ends, and rightly so: it counts only when it has
 * used its budget or there is a reason. */
static bool has_ended_unmoved(const struct tw_underfitting_view *view)
{
    bool has_reason = view->level >= view->config->flat_level * view->initial &&
                      !tw_underfitting_is_falling(view) &&
                      tw_underfitting_ratio(view->context) < view->config->low_ratio;
    return is_due_at_end(view) && (has_reason || has_ended_itself(view));
}

/* Networks of sigmoids and deep ones stand still at first and learn then. Where neither the rate
 * nor the weights tell a reason, half of the budget is waited for. */
static bool is_ripe(const struct tw_underfitting *underfitting,
                    const struct tw_underfitting_view *view)
{
    enum tw_underfitting_cause cause =
        tw_underfitting_find_cause(underfitting, view, TW_UNDERFITTING_DEAD);
    bool is_sure = cause != TW_UNDERFITTING_NOT_LEARNING &&
                   (cause != TW_UNDERFITTING_BY_LOW_RATE ||
                    !(tw_underfitting_ratio(view->context) >= view->config->low_ratio));
    if (!is_due(view))
        return has_ended_unmoved(view);
    if (is_sure || view->is_end)
        return true;
    return isnan(view->progress) ? steps_trained(view) + 1 >= view->config->plateau_steps
                                 : view->progress >= view->config->slow_share;
}

/* What has a reason is told early, and stops a run from the end of its first part on. */
static enum tw_severity severity_of_dead(const struct tw_underfitting_view *view)
{
    return !is_due(view) || view->progress < view->config->judged_share ? TW_SEVERITY_WARNING
                                                                        : TW_SEVERITY_CRITICAL;
}

static void judge_dead(struct tw_underfitting *underfitting,
                       const struct tw_underfitting_view *view)
{
    if (!is_dead(underfitting, view) || !is_ripe(underfitting, view))
        return;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(view, TW_UNDERFITTING_DEAD, severity_of_dead(view));
    verdict.threshold = view->config->dead_level;
    tw_underfitting_open(underfitting, view, &verdict);
}

/* ---- flat, where no trivial level is declared ---- */

/* Losses of heavily augmented samples may stand still while the evaluation shows progress. */
static bool does_eval_improve(const struct tw_underfitting *underfitting,
                              const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_evals *eval = &underfitting->eval;
    return has_evals(underfitting, view->context) && view->series != &eval->series &&
           eval->series.count >= 3 &&
           tw_underfitting_evals_level(eval) <
               view->config->learned_level * tw_underfitting_initial(&eval->series);
}

/* A run that has stood lower has learned: if it came back, it diverged. */
static bool has_been_lower(const struct tw_underfitting_view *view)
{
    return tw_underfitting_lowest(view->trace) < view->config->learned_level * view->initial;
}

/* Some runs log the losses of their first steps only. */
static bool is_representative(const struct tw_underfitting_view *view)
{
    return view->series->newest_step >= view->context->step / 2;
}

static bool may_judge_start(const struct tw_underfitting *underfitting,
                            const struct tw_underfitting_view *view)
{
    bool is_time = view->is_end || (is_due(view) && view->progress >= view->config->judged_share);
    return is_time && !view->has_trivial && !view->series->was_negative && is_from_start(view) &&
           view->series->count >= view->config->min_points && is_representative(view) &&
           !does_eval_improve(underfitting, view);
}

static void judge_flat(struct tw_underfitting *underfitting,
                       const struct tw_underfitting_view *view)
{
    double moved = view->level / view->initial;
    if (!may_judge_start(underfitting, view) || !(moved >= view->config->flat_level) ||
        moved > 2 - view->config->learned_level || has_been_lower(view) ||
        tw_underfitting_is_falling(view))
        return;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(view, TW_UNDERFITTING_FLAT, TW_SEVERITY_WARNING);
    verdict.threshold = view->config->flat_level;
    tw_underfitting_open(underfitting, view, &verdict);
}

/* ---- at the level of a constant answer ---- */

static bool stands_at(const struct tw_underfitting_view *view, double level)
{
    const struct tw_trace *trace = view->trace;
    for (unsigned i = trace->n * 3 / 4; i < trace->n; i++) {
        if (fabs((double)trace->means[i] / level - 1) > view->config->constant_room)
            return false;
    }
    return trace->n >= COURSE_BLOCKS;
}

static double constant_level(const struct tw_underfitting_view *view)
{
    static const double classes[] = {2, 3, 4, 5, 10, 100, 1000};
    if (stands_at(view, .25))
        return .25;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (stands_at(view, log(classes[i])))
            return log(classes[i]);
    }
    return NAN;
}

static void judge_constant(struct tw_underfitting *underfitting,
                           const struct tw_underfitting_view *view)
{
    double level = may_judge_start(underfitting, view) ? constant_level(view) : NAN;
    if (isnan(level))
        return;
    struct tw_underfitting_view own = *view;
    own.reference = level;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(&own, TW_UNDERFITTING_CONSTANT, TW_SEVERITY_WARNING);
    verdict.threshold = 1 + view->config->constant_room;
    tw_underfitting_open(underfitting, &own, &verdict);
}

/* ---- crawling ---- */

static void judge_crawl(struct tw_underfitting *underfitting,
                        const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_config *config = view->config;
    if (!view->is_end || view->progress < config->end_share ||
        !may_judge_start(underfitting, view) || view->trace->n < 2 * COURSE_BLOCKS ||
        view->level < (1 - config->crawl_drop) * view->initial ||
        has_been_below(view, config->learned_level * view->level))
        return;
    struct tw_underfitting_course first = tw_underfitting_course(view->trace, 0, 1. / 3);
    struct tw_underfitting_course last = tw_underfitting_course(view->trace, 2. / 3, 1);
    double pace = last.fall_per_block / first.fall_per_block;
    if (first.falling < config->falling_probability || last.falling < config->falling_probability ||
        !(pace >= config->crawl_pace))
        return;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(view, TW_UNDERFITTING_CRAWL, TW_SEVERITY_WARNING);
    verdict.value = pace;
    verdict.threshold = config->crawl_pace;
    tw_underfitting_open(underfitting, view, &verdict);
}

/* ---- stuck ---- */

/* Blocks of the trace without decrease, with the highest values and without them. */
static unsigned plateau_blocks(const struct tw_underfitting_view *view)
{
    const struct tw_trace *trace = view->trace;
    double means[TW_TRACE_BLOCKS];
    tw_trace_newest(trace, trace->n, means);
    double falling = view->config->plateau_probability;
    unsigned plain = tw_slope_without_decrease(means, trace->n, falling, 0);
    unsigned robust =
        tw_slope_without_decrease(means, trace->n, falling, view->config->plateau_discard);
    return plain < robust ? plain : robust;
}

static bool has_gap(const struct tw_underfitting *underfitting,
                    const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_evals *eval = &underfitting->eval;
    if (!tw_context_reaches(view->context, TW_EXTENT_EVALS))
        return false;
    double train = eval->newest_train > 0 ? eval->newest_train : view->level;
    return eval->newest_loss > (1 + view->config->gap) * train;
}

static void judge_stuck(struct tw_underfitting *underfitting,
                        const struct tw_underfitting_view *view)
{
    const struct tw_underfitting_config *config = view->config;
    const struct tw_context *context = view->context;
    double total = (double)(context->declared_max_steps ? context->declared_max_steps
                                                        : view->series->newest_step);
    if (!view->has_trivial || !is_due(view) || view->progress < config->judged_share ||
        view->level < stuck_level(view) * view->reference ||
        view->level > config->trivial_room * view->reference ||
        has_been_below(view, stuck_level(view) * view->reference) ||
        context->learning_rate < config->decayed_rate * context->peak_learning_rate ||
        view->trace->n < COURSE_BLOCKS || has_gap(underfitting, view) ||
        does_eval_tell_learning(underfitting, view, stuck_level(view)))
        return;
    unsigned blocks = plateau_blocks(view);
    uint64_t since = blocks ? tw_trace_step(view->trace, blocks) : 0;
    double steps = blocks ? (double)(view->series->newest_step - since) : 0;
    if (steps < fmax((double)config->plateau_steps, config->plateau_share * total))
        return;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(view, TW_UNDERFITTING_STUCK, TW_SEVERITY_WARNING);
    verdict.threshold = stuck_level(view);
    verdict.onset_step = since;
    verdict.onset_time_ms = context->time_ms;
    tw_underfitting_open(underfitting, view, &verdict);
}

/* ---- slow, and ended high ---- */

static double projected_loss(const struct tw_underfitting_view *view)
{
    double done = (double)(view->series->newest_step - view->series->first_step);
    double left = done * (1 / view->progress - 1);
    struct tw_underfitting_course last = tw_underfitting_course(view->trace, .75, 1);
    return view->level * exp(fmin(0, last.per_step * left));
}

static void judge_slow(struct tw_underfitting *underfitting,
                       const struct tw_underfitting_view *view)
{
    double line = stuck_level(view) * view->reference;
    if (!view->has_trivial || !is_due(view) || !(view->progress >= view->config->slow_share) ||
        view->level < line || view->level > view->config->trivial_room * view->reference ||
        has_been_below(view, line) || view->trace->n < 4 * COURSE_BLOCKS ||
        does_eval_tell_learning(underfitting, view, stuck_level(view)))
        return;
    double projected = projected_loss(view);
    if (projected < line)
        return;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(view, TW_UNDERFITTING_SLOW, TW_SEVERITY_INFO);
    verdict.value = projected / view->reference;
    verdict.threshold = stuck_level(view);
    tw_underfitting_open(underfitting, view, &verdict);
}

/* A loss that still falls lacks only steps. */
static enum tw_severity severity_of_end(const struct tw_underfitting *underfitting,
                                        const struct tw_underfitting_view *view)
{
    bool is_budget = tw_underfitting_find_cause(underfitting, view, TW_UNDERFITTING_END) ==
                     TW_UNDERFITTING_BY_BUDGET;
    return is_budget ? TW_SEVERITY_INFO : TW_SEVERITY_WARNING;
}

/* Some hundred steps are few: what has learned something in them is let go. */
static bool has_begun_to_learn(const struct tw_underfitting *underfitting,
                               const struct tw_underfitting_view *view)
{
    return !is_due(view) && (view->level < view->config->learned_level * view->reference ||
                             severity_of_end(underfitting, view) == TW_SEVERITY_INFO);
}

static void judge_end(struct tw_underfitting *underfitting, const struct tw_underfitting_view *view)
{
    if (!view->has_trivial || !is_due_at_end(view) || view->progress < view->config->end_share ||
        view->level < stuck_level(view) * view->reference ||
        view->level > view->config->trivial_room * view->reference ||
        has_been_below(view, stuck_level(view) * view->reference) || has_gap(underfitting, view) ||
        does_eval_tell_learning(underfitting, view, stuck_level(view)) ||
        has_begun_to_learn(underfitting, view))
        return;
    struct tw_underfitting_verdict verdict =
        verdict_since_start(view, TW_UNDERFITTING_END, severity_of_end(underfitting, view));
    verdict.threshold = stuck_level(view);
    tw_underfitting_open(underfitting, view, &verdict);
}

/* ---- all of them ---- */

static bool is_over(const struct tw_underfitting *underfitting,
                    const struct tw_underfitting_view *view)
{
    double line = view->config->learned_level * view->reference;
    if (view->has_trivial && underfitting->kind < TW_UNDERFITTING_CONSTANT)
        line *= stuck_level(view);
    return view->level < line;
}

/* What gets over it by itself was no more than slow to start; what does after a change of the rate
 * or a resume was cured. */
static void close_finding(struct tw_underfitting *underfitting,
                          const struct tw_underfitting_view *view)
{
    bool was_cured = view->context->segment != underfitting->open_segment;
    tw_underfitting_close(underfitting, view, was_cured ? TW_STATE_RECOVERED : TW_STATE_WITHDRAWN);
}

static void judge(struct tw_underfitting *underfitting, struct tw_underfitting_view *view)
{
    /* Before that, only a run's end makes anything of it. */
    if (underfitting->kind == TW_UNDERFITTING_NONE && !view->is_end && !is_due(view))
        return;
    measure_level(underfitting, view);
    if (!(view->level > 0) || !(view->reference > 0))
        return;
    if (underfitting->kind != TW_UNDERFITTING_NONE && is_over(underfitting, view))
        close_finding(underfitting, view);
    judge_dead(underfitting, view);
    judge_flat(underfitting, view);
    judge_constant(underfitting, view);
    judge_stuck(underfitting, view);
    judge_end(underfitting, view);
    judge_crawl(underfitting, view);
    judge_slow(underfitting, view);
}

/* ---- records ---- */

static double declared_number(const struct tw_header *header, const char *name)
{
    const struct tw_hyperparameter *found = tw_header_find(header, name);
    return found && !found->is_text && isfinite(found->number) ? found->number : 0;
}

static void take_width(struct tw_underfitting *underfitting, const struct tw_header *header)
{
    double narrowest = 0;
    for (size_t i = 0; i + 1 < header->n_layers; i++) {
        double units = (double)header->layers[i].units;
        if (header->layers[i].parameters && units > 0 && (!narrowest || units < narrowest))
            narrowest = units;
    }
    underfitting->is_linear = header->n_layers == 1;
    underfitting->hidden_units = narrowest;
    underfitting->inputs = header->n_layers ? (double)header->layers[0].fan_in : 0;
}

static void take_header(struct tw_underfitting *underfitting, const struct tw_header *header)
{
    const struct tw_hyperparameter *optimizer = tw_header_find(header, "optimizer");
    underfitting->has_declared = tw_header_find(header, "weight_decay") != NULL;
    underfitting->weight_decay = declared_number(header, "weight_decay");
    underfitting->dropout = declared_number(header, "dropout");
    underfitting->is_adaptive =
        optimizer && optimizer->is_text &&
        (strcasestr(optimizer->text, "ada") || strcasestr(optimizer->text, "lamb") ||
         strcasestr(optimizer->text, "rmsprop"));
    take_width(underfitting, header);
}

static bool is_usable(const struct tw_record *record, enum tw_signal signal)
{
    return tw_record_has(record, signal) && isfinite(record->signal[signal]) &&
           fabs(record->signal[signal]) < VALUE_MAX;
}

/* Steps without a record are taken to be like the next one. */
static void take_path(struct tw_underfitting *underfitting, const struct tw_context *context,
                      double ratio)
{
    uint64_t step = context->step, before = underfitting->norms_step;
    underfitting->path += fmin(ratio, 1) * (before && step > before ? (double)(step - before) : 1);
    underfitting->norms_step = step;
}

static void take_norms(struct tw_underfitting *underfitting, const struct tw_context *context,
                       const struct tw_record *record)
{
    double weights = record->signal[TW_SIGNAL_WEIGHT_NORM];
    if (!is_usable(record, TW_SIGNAL_WEIGHT_NORM) || !(weights > 1e-30))
        return;
    if (!(underfitting->first_weights > 0))
        underfitting->first_weights = weights;
    underfitting->weights = weights;
    double update = record->signal[TW_SIGNAL_UPDATE_NORM];
    if (!is_usable(record, TW_SIGNAL_UPDATE_NORM) || update < 0)
        return;
    take_path(underfitting, context, update / weights);
}

static bool take_step(struct tw_underfitting *underfitting, const struct tw_context *context,
                      const struct tw_record *record)
{
    take_norms(underfitting, context, record);
    if (!tw_record_has(record, TW_SIGNAL_LOSS))
        return false;
    if (!is_usable(record, TW_SIGNAL_LOSS)) {
        underfitting->has_nonfinite = 1;
        return false;
    }
    tw_underfitting_take_loss(&underfitting->loss, &context->course, record->signal[TW_SIGNAL_LOSS],
                              context->step, context->time_ms);
    return context->course.block_is_new;
}

static void take_eval(struct tw_underfitting *underfitting, const struct tw_context *context,
                      const struct tw_record *record)
{
    if (!is_usable(record, TW_SIGNAL_EVAL_LOSS))
        return;
    struct tw_underfitting_evals *eval = &underfitting->eval;
    eval->newest_loss = record->signal[TW_SIGNAL_EVAL_LOSS];
    eval->newest_train =
        is_usable(record, TW_SIGNAL_TRAIN_LOSS) ? record->signal[TW_SIGNAL_TRAIN_LOSS] : 0;
    tw_underfitting_take_eval(eval, eval->newest_loss, context->step, context->time_ms);
}

/* Other data are another problem, with another trivial level. */
static void begin_data(struct tw_underfitting *underfitting,
                       const struct tw_underfitting_view *view)
{
    if (underfitting->kind != TW_UNDERFITTING_NONE)
        tw_underfitting_close(underfitting, view, TW_STATE_WITHDRAWN);
    underfitting->loss = (struct tw_underfitting_series){0};
    if (tw_context_reaches(view->context, TW_EXTENT_EVALS))
        tw_underfitting_evals_start(&underfitting->eval);
}

static void underfitting_observe(void *state, const void *config, const struct tw_context *context,
                                 const struct tw_context_config *shared,
                                 const struct tw_record *record, struct tw_report *report)
{
    struct tw_underfitting *underfitting = state;
    if (!tw_context_loss_should_fall(context))
        return;
    if (record->kind == TW_KIND_HEADER && record->header)
        take_header(underfitting, record->header);
    if (context->segment_is_new && context->segment_cause == TW_SEGMENT_DATA_CHANGE) {
        struct tw_underfitting_view view = look(underfitting, config, context, shared, report);
        measure_level(underfitting, &view);
        begin_data(underfitting, &view);
    }
    if (record->kind == TW_KIND_EVAL)
        take_eval(underfitting, context, record);
    if (record->kind != TW_KIND_STEP || !take_step(underfitting, context, record))
        return;
    struct tw_underfitting_view view = look(underfitting, config, context, shared, report);
    judge(underfitting, &view);
}

static void underfitting_finish(void *state, const void *config, const struct tw_context *context,
                                const struct tw_context_config *shared, struct tw_report *report)
{
    struct tw_underfitting *underfitting = state;
    if (!tw_context_loss_should_fall(context) ||
        !(underfitting->loss.count || has_evals(underfitting, context)))
        return;
    struct tw_underfitting_view view = look(underfitting, config, context, shared, report);
    view.is_end = true;
    judge(underfitting, &view);
}

static bool underfitting_has_judged(const void *state, const void *config,
                                    const struct tw_context *context, char *reason, size_t size)
{
    const struct tw_underfitting *underfitting = state;
    const struct tw_underfitting_config *own = config;
    uint64_t count = underfitting->loss.count;
    if (!count && has_evals(underfitting, context))
        count = underfitting->eval.series.count;
    if (!tw_context_loss_should_fall(context))
        snprintf(reason, size, "the loss of %s training need not fall",
                 tw_objective_name(context->objective));
    else if (underfitting->ever_opened)
        return true;
    else if (underfitting->loss.was_negative && !(context->trivial_loss > 0))
        snprintf(reason, size, "the loss can be 0 or less, and no trivial level is declared");
    else if (count >= own->min_points)
        return true;
    else if (count)
        snprintf(reason, size, "only %llu losses", (unsigned long long)count);
    else
        snprintf(reason, size,
                 underfitting->has_nonfinite ? "no finite loss in the log" : "no loss in the log");
    return false;
}

const struct tw_detector tw_detector_underfitting = {
    .name = "underfitting",
    .title = "Underfitting",
    .description = "the training loss stays near that of a model which knows nothing",
    .state_version = 5,
    .options = tw_underfitting_options,
    .n_options = TW_UNDERFITTING_OPTIONS,
    .config_size = sizeof(struct tw_underfitting_config),
    .state_size = TW_STATE_SIZES_FROM_EVALS(struct tw_underfitting, eval),
    .start = underfitting_start,
    .grow = underfitting_grow,
    .observe = underfitting_observe,
    .finish = underfitting_finish,
    .has_judged = underfitting_has_judged,
};
