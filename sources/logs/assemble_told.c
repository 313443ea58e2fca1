/* Rows of the window that were given early, because nothing more came for a while. Their steps and
 * names are kept for as long as the rows would have stood in it: whether a row is out of order or a
 * resume must not hang on when it was read. */
#include "sources/logs/assemble_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct tw_told_row *find(struct tw_assembled_run *run, double step)
{
    for (uint32_t i = 0; i < run->n_told; i++) {
        if (run->told[i].step == step)
            return &run->told[i];
    }
    return NULL;
}

/* Rows are told in the order of their steps, but for late ones. */
static struct tw_told_row *insert(struct tw_assembled_run *run, double step)
{
    uint32_t at = run->n_told;
    if (run->n_told == WINDOW)
        return NULL;
    while (at && run->told[at - 1].step > step)
        at--;
    memmove(run->told + at + 1, run->told + at, (run->n_told - at) * sizeof *run->told);
    run->n_told++;
    run->told[at] = (struct tw_told_row){.step = step};
    return &run->told[at];
}

static bool has_name(const struct tw_told_row *told, uint32_t name)
{
    for (uint32_t i = 0; i < told->n; i++) {
        if (told->names[i] == name)
            return true;
    }
    return false;
}

int tw_told_add(struct tw_assembled_run *run, const struct tw_held_row *row)
{
    struct tw_told_row *told = find(run, row->step);
    if (!told && !(told = insert(run, row->step)))
        return 0;
    uint32_t *grown = realloc(told->names, (told->n + row->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    told->names = grown;
    /* Where nothing counts, a step may be told of for ever. */
    for (uint32_t i = 0; i < row->n; i++) {
        if (!has_name(told, row->cells[i].name))
            told->names[told->n++] = row->cells[i].name;
    }
    return 0;
}

bool tw_told_has(const struct tw_assembled_run *run, const struct tw_held_row *row)
{
    const struct tw_told_row *told = find((struct tw_assembled_run *)(size_t)run, row->step);
    for (uint32_t i = 0; told && i < row->n; i++) {
        if (has_name(told, row->cells[i].name))
            return true;
    }
    return false;
}

void tw_told_drop_oldest(struct tw_assembled_run *run)
{
    free(run->told[0].names);
    run->n_told--;
    memmove(run->told, run->told + 1, run->n_told * sizeof *run->told);
}

void tw_told_clear(struct tw_assembled_run *run)
{
    for (uint32_t i = 0; i < run->n_told; i++)
        free(run->told[i].names);
    run->n_told = 0;
}

uint32_t tw_told_steps_after(const struct tw_assembled_run *run, double step)
{
    uint32_t n = 0, t = 0;
    for (uint32_t w = 0; w < run->n_window; w++)
        n += run->window[w]->step > step;
    for (uint32_t w = 0; t < run->n_told; t++) {
        while (w < run->n_window && run->window[w]->step < run->told[t].step)
            w++;
        bool is_in_both = w < run->n_window && run->window[w]->step == run->told[t].step;
        n += run->told[t].step > step && !is_in_both;
    }
    return n;
}
