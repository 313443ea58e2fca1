/* Rows to steps: which rows belong together, what stands out of order and what was resumed. */
#include "sources/logs/assemble_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run's steps are chosen from so many rows, or cells, or fewer where no more come for a while. */
#define FIRST_ROWS 128
#define FIRST_CELLS 16384u
#define FIRST_WAITS 8
/* Where rows come out of order, the newest are given after so many quiet moments without more; so
 * is an evaluation that may be half told. */
#define LATE_WAITS 8

/* ---- names ---- */

/* Raw name, part of the row and the format's word in one key. */
static size_t make_key(char key[NAME_SIZE_MAX + 8], const struct tw_cell *cell,
                       enum tw_row_part part)
{
    key[0] = (char)(1 + (int)part);
    key[1] = (char)(1 + (int)cell->meaning);
    size_t length = strnlen(cell->name, NAME_SIZE_MAX);
    memcpy(key + 2, cell->name, length);
    key[2 + length] = '\0';
    return length + 2;
}

static bool is_name(const struct tw_seen_name *name, const struct tw_cell *cell,
                    enum tw_row_part part)
{
    return name->told == cell->meaning && name->part == part && !strcmp(name->raw + 2, cell->name);
}

static void take_told_meaning(struct tw_seen_name *name, const struct tw_cell *cell)
{
    struct tw_name_meaning *meaning = &name->meaning;
    if (meaning->rank == TW_RANK_USER || cell->meaning == TW_MEANS_BY_NAME)
        return;
    struct tw_name_meaning by_name = *meaning;
    *meaning = (struct tw_name_meaning){.meaning = cell->meaning, .rank = TW_RANK_FORMAT};
    meaning->is_part = cell->meaning == TW_MEANS_LOSS_PART;
    meaning->is_test = by_name.is_test;
    if (by_name.is_test)
        meaning->rank = TW_RANK_TEST;
    if (cell->meaning != TW_MEANS_EVAL_METRIC)
        return;
    if (by_name.meaning == TW_MEANS_EVAL_METRIC) {
        memcpy(meaning->metric, by_name.metric, sizeof meaning->metric);
        meaning->rank = by_name.rank;
    } else {
        snprintf(meaning->metric, sizeof meaning->metric, "%.47s", cell->name);
    }
}

static struct tw_seen_name *new_name(struct tw_assemble *assemble, struct tw_assembled_run *run,
                                     const struct tw_cell *cell, enum tw_row_part part)
{
    char key[NAME_SIZE_MAX + 8];
    size_t length = make_key(key, cell, part);
    struct tw_seen_name *name = calloc(1, sizeof *name);
    if (!name || !(name->raw = strdup(key))) {
        free(name);
        return NULL;
    }
    name->part = part;
    name->told = cell->meaning;
    name->last_step = -INFINITY;
    tw_log_name_meaning(key + 2, part, assemble->map, &name->meaning);
    take_told_meaning(name, cell);
    tw_assemble_note_name(run, key + 2);
    name->follower = UINT32_MAX;
    HASH_ADD_KEYPTR(hh, run->by_key, name->raw, length, name);
    return name;
}

static uint32_t add_name(struct tw_assemble *assemble, struct tw_assembled_run *run,
                         const struct tw_cell *cell, enum tw_row_part part)
{
    if (run->n_names == NAMES_MAX)
        return UINT32_MAX;
    if (run->n_names == run->names_capacity) {
        uint32_t capacity = run->names_capacity ? run->names_capacity * 2 : 16;
        struct tw_seen_name **grown = realloc(run->names, capacity * sizeof(void *));
        if (!grown)
            return UINT32_MAX;
        run->names = grown;
        run->names_capacity = capacity;
    }
    struct tw_seen_name *name = new_name(assemble, run, cell, part);
    if (!name)
        return UINT32_MAX;
    name->index = run->n_names;
    run->names[run->n_names++] = name;
    if (run->has_chosen)
        tw_assemble_choose_late(run, name);
    return name->index;
}

/* Cells come in the same order, row for row: a name's follower of the last time is tried first. */
uint32_t tw_seen_name_find(struct tw_assemble *assemble, struct tw_assembled_run *run,
                           const struct tw_cell *cell, enum tw_row_part part)
{
    char key[NAME_SIZE_MAX + 8];
    struct tw_seen_name *name = NULL;
    uint32_t guess = run->guess < run->n_names ? run->names[run->guess]->follower : 0;
    if (guess < run->n_names && is_name(run->names[guess], cell, part)) {
        run->guess = guess;
        return guess;
    }
    size_t length = make_key(key, cell, part);
    HASH_FIND(hh, run->by_key, key, length, name);
    uint32_t found = name ? name->index : add_name(assemble, run, cell, part);
    if (run->guess < run->n_names && found != UINT32_MAX)
        run->names[run->guess]->follower = found;
    run->guess = found;
    return found;
}

/* ---- made rows ---- */

/* In the training's records steps must not go back: a row that comes when a later one was told is
 * told as of that step. */
static int give_oldest(struct tw_assemble *assemble, struct tw_assembled_run *run, unsigned parts)
{
    struct tw_held_row *row = run->window[0];
    bool is_late = row->step > run->given && row->step < run->newest_told;
    run->n_window--;
    memmove(run->window, run->window + 1, run->n_window * sizeof *run->window);
    return tw_assemble_make_row(assemble, run, row, parts, is_late ? run->newest_told : NAN);
}

/* The row gives its step's record; what it tells of an evaluation stays with what was told. */
static int tell_oldest(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    int result = tw_told_add(assemble, run, run->window[0]);
    return result ? result : give_oldest(assemble, run, TW_GIVES_STEP);
}

static int give_evaluation(struct tw_assemble *assemble, struct tw_assembled_run *run,
                           struct tw_held_row *told)
{
    struct tw_held_row *row;
    int result = tw_told_take_evaluation(assemble, run, told, &row);
    return row ? tw_assemble_make_row(assemble, run, row, TW_GIVES_EVAL, NAN) : result;
}

/* Of the steps before `step` that were told early. */
static int give_evaluations(struct tw_assemble *assemble, struct tw_assembled_run *run, double step)
{
    int result = 0;
    for (uint32_t i = 0; i < run->n_told && run->told[i]->step < step && !result; i++)
        result = give_evaluation(assemble, run, run->told[i]);
    return result;
}

/* What is oldest in the window, told early or not, leaves it. */
static int leave_oldest(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    bool is_told = run->n_told && (!run->n_window || run->told[0]->step <= run->window[0]->step);
    double step = is_told ? run->told[0]->step : run->window[0]->step;
    bool is_held = run->n_window && run->window[0]->step <= step;
    int result = 0;
    if (is_held)
        result = is_told ? tell_oldest(assemble, run)
                         : give_oldest(assemble, run, TW_GIVES_STEP | TW_GIVES_EVAL);
    if (is_told && !result)
        result = give_evaluation(assemble, run, run->told[0]);
    if (is_told)
        tw_told_drop_oldest(assemble, run);
    run->given = fmax(run->given, step);
    return result;
}

static int give_window(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    int result = 0;
    while ((run->n_window || run->n_told) && !result)
        result = leave_oldest(assemble, run);
    return result;
}

/* Gives all but the newest `n_kept`, which stay in the window as what is told. */
static int tell_window(struct tw_assemble *assemble, struct tw_assembled_run *run, uint32_t n_kept)
{
    int result = 0;
    while (run->n_window > n_kept && !result) {
        double step = run->window[0]->step;
        bool is_of_training = tw_assemble_may_be_step(run, run->window[0]);
        result = give_evaluations(assemble, run, step);
        if (!result && step > run->given)
            result = tell_oldest(assemble, run);
        else if (!result)
            result = give_oldest(assemble, run, TW_GIVES_STEP | TW_GIVES_EVAL);
        if (is_of_training)
            run->newest_told = fmax(run->newest_told, step);
    }
    return result;
}

static int put_in_window(struct tw_assemble *assemble, struct tw_assembled_run *run,
                         struct tw_held_row *row)
{
    uint32_t at = run->n_window;
    for (uint32_t i = 0; i < row->n; i++) {
        double *last = &run->names[row->cells[i].name]->last_step;
        *last = fmax(*last, row->step);
    }
    run->newest = fmax(run->newest, row->step);
    while (at && run->window[at - 1]->step > row->step)
        at--;
    if (at && run->window[at - 1]->step == row->step) {
        int result = tw_held_row_merge(run->window[at - 1], row);
        tw_held_row_free(assemble, row);
        return result;
    }
    memmove(run->window + at + 1, run->window + at, (run->n_window - at) * sizeof *run->window);
    run->window[at] = row;
    run->n_window++;
    uint32_t n_steps = run->n_told ? tw_told_steps_after(run, -INFINITY) : run->n_window;
    return n_steps > WINDOW ? leave_oldest(assemble, run) : 0;
}

/* ---- resumes ---- */

/* A series of the training or of the evaluation stands before where it was. */
static bool goes_back(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        const struct tw_seen_name *name = run->names[row->cells[i].name];
        bool is_series = name->role == TW_ROLE_SIGNAL || name->role == TW_ROLE_ADD ||
                         name->role == TW_ROLE_MOST || name->role == TW_ROLE_METRIC;
        if (is_series && name->last_step > row->step)
            return true;
    }
    return false;
}

/* The same series has told of this step already, or of what has left the window: no disorder. */
static bool comes_again(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    if (row->step <= run->given || tw_told_has(run, row))
        return true;
    for (uint32_t i = 0; i < run->n_window; i++) {
        if (run->window[i]->step != row->step)
            continue;
        for (uint32_t j = 0; j < row->n; j++) {
            if (tw_held_row_find(run->window[i], row->cells[j].name))
                return true;
        }
    }
    return false;
}

int tw_assemble_resume(struct tw_assemble *assemble, struct tw_assembled_run *run, double step)
{
    int result = give_window(assemble, run);
    if (isinf(run->newest))
        return result; /* nothing came before */
    run->attempt++;
    run->newest = run->given = run->newest_told = -INFINITY;
    run->offset = 0;
    run->epoch = NAN;
    run->last_loss_step = run->last_eval_step = -INFINITY;
    for (uint32_t i = 0; i < run->n_names; i++)
        run->names[i]->last_step = -INFINITY;
    return result ? result : tw_assemble_make_event(assemble, run, "resume", step);
}

static int take_branch(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    int result = 0;
    for (uint32_t i = 0; i < run->n_branch; i++) {
        uint32_t lateness = tw_told_steps_after(run, run->branch[i]->step);
        run->lateness = lateness > run->lateness ? lateness : run->lateness;
        int one = put_in_window(assemble, run, run->branch[i]);
        result = result ? result : one;
    }
    run->n_branch = 0;
    return result;
}

static int end_branch(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    int result = run->n_branch ? tw_assemble_resume(assemble, run, run->branch[0]->step) : 0;
    return result ? result : take_branch(assemble, run);
}

/* Rows that go back are held until it shows whether they are few among others, out of order, or the
 * first of a stretch that is told anew. */
static int put(struct tw_assemble *assemble, struct tw_assembled_run *run, struct tw_held_row *row)
{
    tw_assemble_count_step(run, row);
    if (!goes_back(run, row)) {
        int result = take_branch(assemble, run);
        return result ? (tw_held_row_free(assemble, row), result)
                      : put_in_window(assemble, run, row);
    }
    run->branch[run->n_branch++] = row;
    bool is_resume = run->n_branch == BRANCH_MAX || comes_again(run, row);
    return is_resume ? end_branch(assemble, run) : 0;
}

/* ---- the first rows ---- */

static int choose_axis(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    struct tw_held_row *row = run->first;
    int result = 0;
    tw_assemble_choose(run);
    tw_assemble_choose_axis(run);
    run->first = run->last = NULL;
    while (row) {
        struct tw_held_row *next = row->next;
        row->next = NULL;
        if (result)
            tw_held_row_free(assemble, row);
        else
            result = put(assemble, run, row);
        row = next;
    }
    return result;
}

int tw_assemble_put(struct tw_assemble *assemble, struct tw_assembled_run *run,
                    struct tw_held_row *row)
{
    run->waits = 0;
    if (run->axis != TW_AXIS_OPEN)
        return put(assemble, run, row);
    if (run->last)
        run->last->next = row;
    else
        run->first = row;
    run->last = row;
    run->n_first++;
    run->n_first_cells += row->n;
    if (run->n_first < FIRST_ROWS && run->n_first_cells < FIRST_CELLS)
        return 0;
    return choose_axis(assemble, run);
}

/* False while all rows tell of one step, of which only some of the names may have come. */
static bool moves(const struct tw_assembled_run *run)
{
    return isnan(run->last->step) || run->first->step != run->last->step;
}

/* `may_grow`: more may come for the newest steps. */
static int give_for_now(struct tw_assemble *assemble, struct tw_assembled_run *run, bool may_grow)
{
    int result = tell_window(assemble, run, may_grow ? run->lateness : 0);
    const struct tw_held_row *newest = run->n_told ? run->told[run->n_told - 1] : NULL;
    bool is_whole = !may_grow || (newest && newest->step == run->newest && newest->has_evaluation &&
                                  tw_told_is_whole(run, newest));
    return result ? result : give_evaluations(assemble, run, is_whole ? INFINITY : run->newest);
}

int tw_assemble_flush_run(struct tw_assemble *assemble, struct tw_assembled_run *run,
                          enum tw_flush flush)
{
    bool is_final = flush == TW_FLUSH_FINAL;
    int result = 0;
    run->waits++;
    if (run->axis == TW_AXIS_OPEN) {
        bool is_enough = (run->n_first >= TW_FIRST_FEW && moves(run)) || run->waits >= FIRST_WAITS;
        if (!run->n_first || !(is_final || is_enough))
            return 0;
        result = choose_axis(assemble, run);
    }
    if (!result && !is_final)
        return give_for_now(assemble, run, flush == TW_FLUSH_QUIET && run->waits < LATE_WAITS);
    if (!result)
        result = end_branch(assemble, run);
    return result ? result : give_window(assemble, run);
}
