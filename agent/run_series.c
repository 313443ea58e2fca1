/* The run's own healthy numbers: medians of recent losses, recent norms, checkpoints. */
#include "agent/run_series.h"

#include "detectors/statistics/packed_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t tw_run_series_size(enum tw_extent extent)
{
    return extent >= TW_EXTENT_EVALS ? sizeof(struct tw_run_series)
                                     : offsetof(struct tw_run_series, eval_loss);
}

void tw_run_series_start(struct tw_run_series *series)
{
    memset(series, 0, tw_run_series_size(TW_EXTENT_STEPS));
    series->initial_loss = series->newest_loss = series->best_loss = NAN;
}

void tw_run_series_grow(struct tw_run_series *series, enum tw_extent before, enum tw_extent extent)
{
    if (before < TW_EXTENT_EVALS && extent >= TW_EXTENT_EVALS)
        series->eval_loss = series->best_eval_loss = NAN;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The q-quantile (0..1) of up to 256 floats, by linear interpolation; NaN of none. */
static double quantile(const float *values, size_t n, double q)
{
    float sorted[256];
    if (n == 0)
        return NAN;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_floats);
    double at = q * (double)(n - 1);
    size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - (double)below) * ((double)sorted[above] - sorted[below]);
}

static size_t filled(uint64_t count, size_t capacity)
{
    return count < capacity ? (size_t)count : capacity;
}

static double loss_median(const struct tw_run_series *series, const struct tw_course *course)
{
    float losses[TW_SERIES_LOSSES];
    unsigned n = tw_course_marked(&series->healthy, course, TW_SERIES_LOSSES, losses);
    return n ? tw_course_scaled_median(course, losses, n) : NAN;
}

static void observe_loss(struct tw_run_series *series, const struct tw_course *course, double loss,
                         uint64_t step, bool is_flagged)
{
    bool is_number = isfinite(loss) && fabs(loss) <= 1e30;
    if (course->is_new)
        tw_course_mark(&series->healthy, course, is_number && !is_flagged);
    if (!is_number)
        return;
    series->newest_loss = loss;
    if (isnan(series->initial_loss))
        series->initial_loss = loss;
    if (is_flagged || !course->is_new)
        return;
    /* Every sixteenth is soon enough for a median of 64. */
    if (++series->losses % 16 && series->losses > 16)
        return;
    double median = loss_median(series, course);
    if (!(median >= series->best_loss)) {
        series->best_loss = median;
        series->best_loss_step = step;
    }
}

static void observe_norm(struct tw_run_series *series, const struct tw_record *record,
                         bool is_flagged)
{
    double norm = record->signal[TW_SIGNAL_GRAD_NORM];
    if (is_flagged || !isfinite(norm) || norm > 1e30 || norm <= 0 ||
        record->grad_norm_kind == TW_GRAD_NORM_POST_CLIP)
        return;
    if (series->norms % TW_SERIES_NORM_STRIDE == 0)
        series->norm[series->norms / TW_SERIES_NORM_STRIDE % TW_SERIES_NORMS] =
            tw_pack_log(log(norm));
    series->norms++;
}

static void observe_eval(struct tw_run_series *series, double loss, uint64_t step)
{
    series->eval_loss = loss;
    if (series->evals++ == 0)
        series->first_eval_step = step;
    series->newest_eval_step = step;
    if (isfinite(loss) && !(loss >= series->best_eval_loss)) {
        series->best_eval_loss = loss;
        series->best_eval_step = step;
    }
}

static void observe_checkpoint(struct tw_run_series *series, const struct tw_course *course,
                               uint64_t step)
{
    if (series->n_checkpoints == TW_SERIES_CHECKPOINTS) {
        memmove(series->checkpoints, series->checkpoints + 1,
                (TW_SERIES_CHECKPOINTS - 1) * sizeof *series->checkpoints);
        series->n_checkpoints--;
    }
    series->checkpoints[series->n_checkpoints].step = step;
    series->checkpoints[series->n_checkpoints++].loss = loss_median(series, course);
}

void tw_run_series_observe(struct tw_run_series *series, const struct tw_record *record,
                           const struct tw_context *context, bool is_flagged)
{
    uint64_t step = context->step;
    series->rollbacks += context->step_went_back && is_flagged;
    if (tw_record_has(record, TW_SIGNAL_LOSS))
        observe_loss(series, &context->course, record->signal[TW_SIGNAL_LOSS], step, is_flagged);
    if (tw_record_has(record, TW_SIGNAL_GRAD_NORM))
        observe_norm(series, record, is_flagged);
    if (tw_record_has(record, TW_SIGNAL_EVAL_LOSS))
        observe_eval(series, record->signal[TW_SIGNAL_EVAL_LOSS], step);
    if (record->kind == TW_KIND_EVENT && !strcmp(record->event, "checkpoint"))
        observe_checkpoint(series, &context->course, step);
    double seconds = record->signal[TW_SIGNAL_STEP_SECONDS];
    if (tw_record_has(record, TW_SIGNAL_STEP_SECONDS) && isfinite(seconds)) {
        series->seconds += seconds;
        series->timed_steps++;
    }
    double skipped = record->signal[TW_SIGNAL_SKIPPED_STEPS];
    if (tw_record_has(record, TW_SIGNAL_SKIPPED_STEPS) && isfinite(skipped))
        series->skipped += skipped;
    else if (tw_record_has(record, TW_SIGNAL_OVERFLOW) && record->signal[TW_SIGNAL_OVERFLOW] > 0)
        series->skipped += 1;
}

static double declared(const struct tw_header *header, const char *name)
{
    const struct tw_hyperparameter *found = header ? tw_header_find(header, name) : NULL;
    return found && !found->is_text ? found->number : NAN;
}

static void declared_text(const struct tw_header *header, const char *name, char ret[64])
{
    const struct tw_hyperparameter *found = header ? tw_header_find(header, name) : NULL;
    if (found && found->is_text)
        memcpy(ret, found->text, sizeof found->text);
}

static void declared_facts(const struct tw_header *header, struct tw_facts *ret)
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] = {
        {"learning_rate", offsetof(struct tw_facts, declared_learning_rate)},
        {"warmup_steps", offsetof(struct tw_facts, warmup_steps)},
        {"batch_size", offsetof(struct tw_facts, batch_size)},
        {"micro_batches", offsetof(struct tw_facts, micro_batches)},
        {"weight_decay", offsetof(struct tw_facts, weight_decay)},
        {"momentum", offsetof(struct tw_facts, momentum)},
        {"beta1", offsetof(struct tw_facts, beta1)},
        {"beta2", offsetof(struct tw_facts, beta2)},
        {"epsilon", offsetof(struct tw_facts, epsilon)},
        {"max_grad_norm", offsetof(struct tw_facts, max_grad_norm)},
        {"dropout", offsetof(struct tw_facts, dropout)},
        {"max_steps", offsetof(struct tw_facts, max_steps)},
        {"max_epochs", offsetof(struct tw_facts, max_epochs)},
        {"min_loss_scale", offsetof(struct tw_facts, min_loss_scale)},
        {"loss_scale_window", offsetof(struct tw_facts, loss_scale_window)},
        {"early_stopping_patience", offsetof(struct tw_facts, early_stopping_patience)},
        {"label_smoothing", offsetof(struct tw_facts, label_smoothing)},
        {"mixup", offsetof(struct tw_facts, mixup)},
        {"train_samples", offsetof(struct tw_facts, train_samples)},
        {"init_gain", offsetof(struct tw_facts, init_gain)},
        {"init_std", offsetof(struct tw_facts, init_std)},
        {"init_bias", offsetof(struct tw_facts, init_bias)},
        {"feature_scale", offsetof(struct tw_facts, feature_scale)},
        {"batch_norm", offsetof(struct tw_facts, batch_norm)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *(double *)(void *)((char *)ret + numbers[i].offset) = declared(header, numbers[i].name);
    declared_text(header, "optimizer", ret->optimizer);
    declared_text(header, "schedule", ret->schedule);
    declared_text(header, "precision", ret->precision);
    declared_text(header, "activation", ret->activation);
    declared_text(header, "initializer", ret->initializer);
    if (header) {
        memcpy(ret->objective, header->objective, sizeof ret->objective);
        if (header->world_size)
            ret->world_size = (double)header->world_size;
        if (header->dataset_samples)
            ret->dataset_samples = (double)header->dataset_samples;
        if (header->dataset_classes)
            ret->classes = (double)header->dataset_classes;
    }
}

static void eval_facts(const struct tw_run_series *series, const struct tw_context *context,
                       struct tw_facts *ret)
{
    ret->evals = 0;
    if (!tw_context_reaches(context, TW_EXTENT_EVALS))
        return;
    ret->eval_loss = series->eval_loss;
    ret->best_eval_loss = series->best_eval_loss;
    if (isfinite(series->best_eval_loss))
        ret->best_eval_step = (double)series->best_eval_step;
    ret->evals = (double)series->evals;
    if (series->evals > 1 && series->newest_eval_step > series->first_eval_step)
        ret->steps_per_eval = (double)(series->newest_eval_step - series->first_eval_step) /
                              (double)(series->evals - 1);
}

static void norm_facts(const struct tw_run_series *series, struct tw_facts *ret)
{
    uint64_t kept = (series->norms + TW_SERIES_NORM_STRIDE - 1) / TW_SERIES_NORM_STRIDE;
    size_t n = filled(kept, TW_SERIES_NORMS), clipped = 0;
    float norm[TW_SERIES_NORMS];
    tw_unpack_logs(series->norm, (unsigned)n, norm);
    for (size_t i = 0; i < n; i++)
        norm[i] = expf(norm[i]);
    ret->grad_norm_median = quantile(norm, n, .5);
    ret->grad_norm_p90 = quantile(norm, n, .9);
    if (n == 0 || !(ret->max_grad_norm > 0))
        return;
    for (size_t i = 0; i < n; i++)
        clipped += norm[i] > ret->max_grad_norm;
    ret->clipped_fraction = (double)clipped / (double)n;
}

static void checkpoint_fact(const struct tw_run_series *series, const struct tw_finding *finding,
                            struct tw_facts *ret)
{
    for (size_t i = series->n_checkpoints; i-- > 0;) {
        if (series->checkpoints[i].step <= finding->onset_step &&
            series->checkpoints[i].loss <= series->best_loss + .02 * fabs(series->best_loss)) {
            ret->checkpoint_step = (double)series->checkpoints[i].step;
            return;
        }
    }
}

uint64_t tw_run_series_steps(const struct tw_context *context)
{
    /* A run that was joined late may be resumed from before its first record. */
    uint64_t between =
        context->step > context->first_step ? context->step - context->first_step : 0;
    return between < INT64_MAX ? between + 1 : INT64_MAX;
}

void tw_run_series_facts(const struct tw_run_series *series, const struct tw_context *context,
                         const struct tw_header *header, const struct tw_finding *finding,
                         struct tw_facts *ret)
{
    tw_facts_init(ret);
    declared_facts(header, ret);
    ret->step = (double)context->step;
    /* A schedule's present value is nothing that a person sets; the declared rate is. */
    ret->learning_rate = isfinite(ret->declared_learning_rate) ? ret->declared_learning_rate
                                                               : context->learning_rate;
    ret->peak_learning_rate = context->peak_learning_rate;
    ret->steps_seen = (double)tw_run_series_steps(context);
    if (series->timed_steps)
        ret->seconds_per_step = series->seconds / (double)series->timed_steps;
    ret->loss = series->newest_loss;
    ret->best_loss = series->best_loss;
    if (isfinite(series->best_loss))
        ret->best_loss_step = (double)series->best_loss_step;
    ret->initial_loss = series->initial_loss;
    eval_facts(series, context, ret);
    norm_facts(series, ret);
    if (tw_context_reaches(context, TW_EXTENT_EVALS))
        checkpoint_fact(series, finding, ret);
    ret->loss_scale = context->loss_scale;
    ret->initial_loss_scale = declared(header, "initial_loss_scale");
    if (!isfinite(ret->initial_loss_scale))
        ret->initial_loss_scale = context->initial_loss_scale;
    ret->skip_rate = series->skipped / ret->steps_seen;
    double warmup = ret->warmup_steps > 0 ? ret->warmup_steps : 0;
    ret->rollbacks = series->rollbacks;
    ret->onset_in_warmup = warmup > 0 && (double)finding->onset_step <= 3 * warmup;
}
