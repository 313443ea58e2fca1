/* What the steps of a run are: those that its log counts, its epochs, or its rows. */
#include "sources/logs/assemble_state.h"

#include <math.h>

static double cell_of_role(const struct tw_assembled_run *run, const struct tw_held_row *row,
                           enum tw_role role)
{
    uint32_t n = run->roles >> role & 1 ? row->n : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (run->names[row->cells[i].name]->role == role)
            return row->cells[i].value;
    }
    return NAN;
}

static bool is_count(double value)
{
    return value >= 0 && value < 0x1p53;
}

/* Only names that count epochs whatever else the run counts. */
static bool only_counts_epochs(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        if (!run->names[row->cells[i].name]->meaning.step_is_epoch)
            return false;
    }
    return row->n > 0;
}

/* Takes what the cells tell into the row itself. */
static void settle(struct tw_assembled_run *run, struct tw_held_row *row)
{
    if (isnan(row->step))
        row->step = cell_of_role(run, row, TW_ROLE_STEP);
    if (isnan(row->epoch))
        row->epoch = cell_of_role(run, row, TW_ROLE_EPOCH);
    if (!is_count(row->step))
        row->step = NAN;
    if (!is_count(row->epoch))
        row->epoch = NAN;
    double time = row->time_ms < 0 ? cell_of_role(run, row, TW_ROLE_TIME) : NAN;
    if (time > 0 && time < 1e11)
        row->time_ms = (int64_t)(time * 1000);
}

/* True for a row that has a reading of the training itself. */
static bool is_training(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        const struct tw_seen_name *name = run->names[row->cells[i].name];
        bool is_signal = name->role == TW_ROLE_SIGNAL || name->role == TW_ROLE_ADD;
        if (is_signal && name->signal != TW_SIGNAL_EVAL_LOSS &&
            (name->signal != TW_SIGNAL_TRAIN_LOSS || name->is_both))
            return true;
    }
    return false;
}

/* ---- what the steps are ---- */

struct axis_view {
    double least_step, most_step;
    unsigned steps, epochs, rows, training;
    unsigned of_epochs;      /* rows that count epochs only, by steps */
    unsigned training_steps; /* of the training, with steps that are no epochs */
    unsigned again;          /* of the training, where the row before told the same epoch's loss */
    bool has_fractions;
    const struct tw_held_row *last; /* of the training */
};

/* The training's loss of the row, or NULL. */
static const struct tw_held_cell *loss_of(const struct tw_assembled_run *run,
                                          const struct tw_held_row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        if (tw_seen_name_is_of(run->names[row->cells[i].name], TW_SIGNAL_LOSS))
            return &row->cells[i];
    }
    return NULL;
}

/* Another batch of the same epoch, and no row that was written twice. */
static bool is_same_epoch_again(const struct tw_assembled_run *run, const struct tw_held_row *row,
                                const struct tw_held_row *before)
{
    const struct tw_held_cell *loss = loss_of(run, row);
    const struct tw_held_cell *last = before ? loss_of(run, before) : NULL;
    return loss && last && row->epoch == before->epoch && isnan(row->step) &&
           loss->name == last->name && loss->value != last->value;
}

static void look_at_training(struct axis_view *view, const struct tw_assembled_run *run,
                             const struct tw_held_row *row)
{
    view->training++;
    view->training_steps += !isnan(row->step) && !only_counts_epochs(run, row);
    view->again += is_same_epoch_again(run, row, view->last);
    view->last = row;
}

static void look_at(struct axis_view *view, const struct tw_assembled_run *run,
                    const struct tw_held_row *row)
{
    view->rows++;
    if (is_training(run, row))
        look_at_training(view, run, row);
    if (!isnan(row->step) && only_counts_epochs(run, row))
        view->of_epochs++;
    else if (!isnan(row->step)) {
        view->steps++;
        view->least_step = fmin(view->least_step, row->step);
        view->most_step = fmax(view->most_step, row->step);
    }
    if (!isnan(row->epoch)) {
        view->epochs++;
        view->has_fractions |= row->epoch != floor(row->epoch);
    }
}

static enum tw_axis axis_of(const struct axis_view *view)
{
    bool moves = view->most_step > view->least_step || view->rows < TW_FIRST_FEW;
    if (view->steps && moves)
        return TW_AXIS_STEP;
    if (view->of_epochs)
        return TW_AXIS_STEP; /* a run that tells of epochs only, as steps */
    /* Where most epochs have several rows of training, these are batches. */
    bool are_batches = view->training && 2 * view->again >= view->training;
    if (view->epochs && !view->has_fractions && !are_batches)
        return TW_AXIS_EPOCH;
    return TW_AXIS_ROW;
}

void tw_assemble_choose_axis(struct tw_assembled_run *run)
{
    struct axis_view view = {.least_step = INFINITY, .most_step = -INFINITY};
    for (struct tw_held_row *row = run->first; row; row = row->next) {
        settle(run, row);
        look_at(&view, run, row);
    }
    run->axis = axis_of(&view);
    run->epochs_are_steps = view.of_epochs && !view.training_steps;
}

/* ---- which step a row is ---- */

static double newest_step(const struct tw_assembled_run *run)
{
    return isinf(run->newest) ? 0 : run->newest;
}

/* Batches that are counted anew in each epoch go on from the last one of the epoch before. */
static void note_new_epoch(struct tw_assembled_run *run, const struct tw_held_row *row)
{
    bool is_next =
        !isnan(row->epoch) && !isnan(run->epoch) && floor(row->epoch) > floor(run->epoch);
    if (is_next && !isnan(row->step) && run->offset + row->step < run->newest)
        run->offset = run->newest + (row->step == 0);
}

/* Keras tells of epochs by their numbers, and of batches and of evaluations by those of steps.
 * Where batches are told, epochs stand behind the newest of these; else steps are epochs. */
static void count_keras_step(struct tw_assembled_run *run, struct tw_held_row *row)
{
    bool has_epochs = only_counts_epochs(run, row);
    if (has_epochs && isnan(row->epoch))
        row->epoch = row->step;
    if (has_epochs != run->epochs_are_steps && (has_epochs || !is_training(run, row)))
        row->step = NAN;
}

void tw_assemble_count_step(struct tw_assembled_run *run, struct tw_held_row *row)
{
    settle(run, row);
    if (run->axis == TW_AXIS_STEP) {
        count_keras_step(run, row);
        note_new_epoch(run, row);
        row->step = isnan(row->step) ? newest_step(run) : run->offset + floor(row->step);
    } else if (run->axis == TW_AXIS_EPOCH) {
        row->step = isnan(row->epoch) ? newest_step(run) : floor(row->epoch);
    } else {
        run->rows += is_training(run, row);
        row->step = run->rows;
    }
    if (!isnan(row->epoch))
        run->epoch = row->epoch;
}
