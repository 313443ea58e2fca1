/* Rows of the window that were given early, because nothing more came for a while. They are kept
 * for as long as they would have stood in it: whether a row is out of order or a resume, and which
 * training loss an evaluation stands beside, must not hang on when it was read.
 *
 * Of a step that is told early only the training's record is given. Its evaluation waits for what
 * may still belong to it: the losses of one evaluation often come in several rows. */
#include "sources/logs/assemble_state.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct tw_held_row *find(const struct tw_assembled_run *run, double step)
{
    for (uint32_t i = 0; i < run->n_told; i++) {
        if (run->told[i]->step == step)
            return run->told[i];
    }
    return NULL;
}

/* Rows are told in the order of their steps, but for late ones. (They and those of the window are
 * never more than WINDOW steps.) */
static struct tw_held_row *insert(struct tw_assemble *assemble, struct tw_assembled_run *run,
                                  const struct tw_held_row *row)
{
    struct tw_held_row *told = tw_held_row_new_like(assemble, row);
    uint32_t at = run->n_told;
    if (!told)
        return NULL;
    while (at && run->told[at - 1]->step > row->step)
        at--;
    memmove(run->told + at + 1, run->told + at, (run->n_told - at) * sizeof *run->told);
    run->n_told++;
    return run->told[at] = told;
}

int tw_told_add(struct tw_assemble *assemble, struct tw_assembled_run *run,
                const struct tw_held_row *row)
{
    struct tw_held_row *told = find(run, row->step);
    if (!told && !(told = insert(assemble, run, row)))
        return -ENOMEM;
    told->has_evaluation |= tw_assemble_may_be_eval(run, row);
    return tw_held_row_merge(told, row);
}

bool tw_told_has(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    const struct tw_held_row *told = find(run, row->step);
    for (uint32_t i = 0; told && i < row->n; i++) {
        if (tw_held_row_find(told, row->cells[i].name))
            return true;
    }
    return false;
}

void tw_told_drop_oldest(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    tw_held_row_free(assemble, run->told[0]);
    run->n_told--;
    memmove(run->told, run->told + 1, run->n_told * sizeof *run->told);
}

void tw_told_clear(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    while (run->n_told)
        tw_held_row_free(assemble, run->told[--run->n_told]);
}

uint32_t tw_told_steps_after(const struct tw_assembled_run *run, double step)
{
    uint32_t n = 0, t = 0;
    for (uint32_t w = 0; w < run->n_window; w++)
        n += run->window[w]->step > step;
    for (uint32_t w = 0; t < run->n_told; t++) {
        while (w < run->n_window && run->window[w]->step < run->told[t]->step)
            w++;
        bool is_in_both = w < run->n_window && run->window[w]->step == run->told[t]->step;
        n += run->told[t]->step > step && !is_in_both;
    }
    return n;
}

/* ---- evaluations ---- */

static bool is_training_loss(const struct tw_seen_name *name)
{
    return tw_seen_name_is_of(name, TW_SIGNAL_LOSS) ||
           tw_seen_name_is_of(name, TW_SIGNAL_TRAIN_LOSS);
}

/* A new loss of the evaluation is given with the training loss beside it, although that was given
 * with an earlier one. */
static bool has_new_loss(const struct tw_assembled_run *run, const struct tw_held_row *told)
{
    for (uint32_t i = 0; i < told->n; i++) {
        const struct tw_held_cell *cell = &told->cells[i];
        if (!cell->is_given && tw_seen_name_is_of(run->names[cell->name], TW_SIGNAL_EVAL_LOSS))
            return true;
    }
    return false;
}

int tw_told_take_evaluation(struct tw_assemble *assemble, const struct tw_assembled_run *run,
                            struct tw_held_row *told, struct tw_held_row **ret)
{
    *ret = NULL;
    if (!told->has_evaluation)
        return 0;
    struct tw_held_row *row = tw_held_row_new_like(assemble, told);
    if (!row)
        return -ENOMEM;
    bool with_losses = has_new_loss(run, told);
    for (uint32_t i = 0; i < told->n; i++) {
        struct tw_held_cell *cell = &told->cells[i];
        if (!cell->is_given || (with_losses && is_training_loss(run->names[cell->name])))
            row->cells[row->n++] = *cell;
        cell->is_given = true;
    }
    told->has_evaluation = false;
    *ret = row;
    return 0;
}

bool tw_told_is_whole(const struct tw_assembled_run *run, const struct tw_held_row *told)
{
    for (uint32_t i = 0; i < run->n_names; i++) {
        const struct tw_seen_name *name = run->names[i];
        bool belongs = name->role == TW_ROLE_METRIC || is_training_loss(name) ||
                       tw_seen_name_is_of(name, TW_SIGNAL_EVAL_LOSS);
        if (belongs && name->last_step == run->last_eval_step && !tw_held_row_find(told, i))
            return false;
    }
    return isfinite(run->last_eval_step) && run->last_eval_step < told->step;
}
