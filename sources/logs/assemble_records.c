/* One row of a run to its step record and its eval record. */
#include "sources/logs/assemble_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void begin(struct tw_assembled_run *run, const struct tw_made_item *item, enum tw_kind kind,
                  struct tw_record *ret)
{
    bool has_other_step = kind == TW_KIND_STEP && !isnan(item->step);
    double step = has_other_step ? item->step : item->row->step;
    ret->kind = kind;
    ret->step = step > 0 ? (uint64_t)step : 0;
    ret->has |= TW_HAS_KIND | TW_HAS_STEP;
    if (item->row->time_ms >= 0) {
        ret->time_ms = item->row->time_ms;
        ret->has |= TW_HAS_TIME;
    }
    (void)run;
}

static void add(struct tw_record *record, enum tw_signal signal, double value)
{
    double now = tw_record_has(record, signal) ? record->signal[signal] : 0;
    tw_record_set(record, signal, now + value);
}

/* NaN is a reading that no other hides. */
static void raise(struct tw_record *record, enum tw_signal signal, double value)
{
    double now = tw_record_has(record, signal) ? record->signal[signal] : -INFINITY;
    tw_record_set(record, signal, isnan(now) || now > value ? now : value);
}

static bool is_of_eval(enum tw_signal signal)
{
    return signal == TW_SIGNAL_EVAL_LOSS || signal == TW_SIGNAL_TRAIN_LOSS;
}

/* False: it is none. */
static bool value_of(const struct tw_seen_name *name, double value, double *ret)
{
    bool is_exponential = tw_seen_name_is_exponential(name);
    *ret = is_exponential ? log(value) : value;
    return !is_exponential || !(value <= 0);
}

/* Steps that a loss is the mean of: as told, or (0, NaN) all since the last one. */
static void count_steps(struct tw_assembled_run *run, struct tw_record *record)
{
    double step = (double)record->step;
    double since = isinf(run->last_loss_step) ? step : step - run->last_loss_step;
    run->last_loss_step = step;
    if (!tw_record_has(record, TW_SIGNAL_LOSS_AVERAGED_OVER))
        return;
    double told = record->signal[TW_SIGNAL_LOSS_AVERAGED_OVER];
    if (!(told >= 1 && isfinite(told)))
        tw_record_set(record, TW_SIGNAL_LOSS_AVERAGED_OVER, since >= 1 ? since : 1);
}

/* A loss may be read before its epoch is: it counts for the epoch before and for the next one. */
static void note_loss(struct tw_assembled_run *run, const struct tw_record *record, double epoch)
{
    run->last_loss = record->signal[TW_SIGNAL_LOSS];
    run->losses_in_epoch++;
    run->losses_without_epoch++;
    if (isnan(epoch))
        return;
    if (floor(epoch) != run->loss_epoch)
        run->losses_in_epoch = run->losses_without_epoch;
    run->loss_epoch = floor(epoch);
    run->losses_without_epoch = 0;
}

bool tw_assemble_may_be_step(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        const struct tw_seen_name *name = run->names[row->cells[i].name];
        bool is_signal =
            name->role == TW_ROLE_SIGNAL || name->role == TW_ROLE_ADD || name->role == TW_ROLE_MOST;
        if (name->role == TW_ROLE_NAN_COUNT || (is_signal && !is_of_eval(name->signal)))
            return true;
    }
    return false;
}

bool tw_assemble_step_record(struct tw_assembled_run *run, const struct tw_made_item *item,
                             struct tw_record *ret)
{
    const struct tw_held_row *row = item->row;
    bool has_nan = false;
    begin(run, item, TW_KIND_STEP, ret);
    for (uint32_t i = 0; i < row->n; i++) {
        const struct tw_seen_name *name = run->names[row->cells[i].name];
        double value;
        has_nan |= name->role == TW_ROLE_NAN_COUNT && row->cells[i].value > 0;
        if (is_of_eval(name->signal) || !value_of(name, row->cells[i].value, &value))
            continue;
        if (name->role == TW_ROLE_SIGNAL)
            tw_record_set(ret, name->signal, value);
        else if (name->role == TW_ROLE_ADD)
            add(ret, name->signal, value);
        else if (name->role == TW_ROLE_MOST)
            raise(ret, name->signal, value);
    }
    if (has_nan && !tw_record_has(ret, TW_SIGNAL_LOSS))
        tw_record_set(ret, TW_SIGNAL_LOSS, NAN); /* left out of the log because it was NaN */
    bool has_loss = tw_record_has(ret, TW_SIGNAL_LOSS);
    if (!has_loss)
        ret->signals &= ~(1u << TW_SIGNAL_LOSS_AVERAGED_OVER);
    if (!ret->signals)
        return false;
    if (has_loss)
        count_steps(run, ret);
    if (has_loss)
        note_loss(run, ret, row->epoch);
    if (tw_record_has(ret, TW_SIGNAL_GRAD_NORM))
        ret->grad_norm_kind = run->grad_norm_kind;
    if (!isnan(row->epoch))
        tw_record_set(ret, TW_SIGNAL_EPOCH, row->epoch);
    return true;
}

/* The training loss that stands beside an evaluation: where a row is an epoch, its loss is the
 * epoch's; and where one loss an epoch is all that is told, at the epochs' ends, too. */
static void add_train_loss(const struct tw_assembled_run *run, const struct tw_held_row *row,
                           bool has_loss, struct tw_record *record)
{
    if (tw_record_has(record, TW_SIGNAL_TRAIN_LOSS))
        return;
    bool is_of_epoch = !isnan(row->epoch) && row->epoch == run->loss_epoch &&
                       floor(row->epoch) == row->epoch && run->losses_in_epoch == 1;
    if ((has_loss && run->axis == TW_AXIS_EPOCH) || is_of_epoch)
        tw_record_set(record, TW_SIGNAL_TRAIN_LOSS, run->last_loss);
}

bool tw_assemble_may_be_eval(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        const struct tw_seen_name *name = run->names[row->cells[i].name];
        if (name->role == TW_ROLE_METRIC ||
            (name->role != TW_ROLE_NONE && name->signal == TW_SIGNAL_EVAL_LOSS))
            return true;
    }
    return false;
}

/* A perplexity that is the loss is a metric, too. */
static bool is_metric(const struct tw_seen_name *name)
{
    return name->role == TW_ROLE_METRIC ||
           (name->role == TW_ROLE_SIGNAL && name->meaning.meaning == TW_MEANS_EVAL_METRIC);
}

bool tw_assemble_eval_record(struct tw_assembled_run *run, const struct tw_made_item *item,
                             struct tw_record *ret)
{
    const struct tw_held_row *row = item->row;
    bool has_loss = false;
    begin(run, item, TW_KIND_EVAL, ret);
    for (uint32_t i = 0; i < row->n; i++) {
        const struct tw_seen_name *name = run->names[row->cells[i].name];
        double value;
        has_loss |= name->role != TW_ROLE_NONE && name->signal == TW_SIGNAL_LOSS;
        if (is_metric(name))
            tw_record_add_metric(ret, name->meaning.metric, row->cells[i].value);
        if (!value_of(name, row->cells[i].value, &value))
            continue;
        if (name->role == TW_ROLE_SIGNAL && is_of_eval(name->signal))
            tw_record_set(ret, name->signal, value);
        else if (name->role == TW_ROLE_ADD && is_of_eval(name->signal))
            add(ret, name->signal, value);
        if (name->is_both)
            tw_record_set(ret, TW_SIGNAL_TRAIN_LOSS, value);
    }
    if (!ret->n_metrics && !tw_record_has(ret, TW_SIGNAL_EVAL_LOSS))
        return false;
    add_train_loss(run, row, has_loss, ret);
    return true;
}
