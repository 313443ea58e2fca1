/* Held rows: made of spare ones, copied and merged. */
#include "sources/logs/assemble_state.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_CELLS_MAX 256u /* a larger row is not kept */

static bool has_room_for(struct tw_held_row *row, uint32_t n)
{
    if (n <= row->capacity)
        return true;
    struct tw_held_cell *grown = realloc(row->cells, n * sizeof *grown);
    if (!grown)
        return false;
    row->cells = grown;
    row->capacity = n;
    return true;
}

struct tw_held_row *tw_held_row_new(struct tw_assemble *assemble, uint32_t n)
{
    struct tw_held_row *row = assemble->spare_rows;
    if (row)
        assemble->spare_rows = row->next;
    else if (!(row = calloc(1, sizeof *row)))
        return NULL;
    row->next = NULL;
    row->n = 0;
    row->has_evaluation = false;
    if (has_room_for(row, n))
        return row;
    free(row->cells);
    free(row);
    return NULL;
}

struct tw_held_row *tw_held_row_new_like(struct tw_assemble *assemble,
                                         const struct tw_held_row *row)
{
    struct tw_held_row *like = tw_held_row_new(assemble, row->n);
    if (!like)
        return NULL;
    like->step = row->step;
    like->epoch = row->epoch;
    like->time_ms = row->time_ms;
    return like;
}

void tw_held_row_free(struct tw_assemble *assemble, struct tw_held_row *row)
{
    if (!row)
        return;
    if (row->capacity > SPARE_CELLS_MAX) {
        free(row->cells);
        free(row);
        return;
    }
    row->next = assemble->spare_rows;
    assemble->spare_rows = row;
}

void tw_held_rows_free_spare(struct tw_assemble *assemble)
{
    for (struct tw_held_row *row = assemble->spare_rows, *next; row; row = next) {
        next = row->next;
        free(row->cells);
        free(row);
    }
}

struct tw_held_cell *tw_held_row_find(const struct tw_held_row *row, uint32_t name)
{
    for (uint32_t i = 0; i < row->n; i++) {
        if (row->cells[i].name == name)
            return &row->cells[i];
    }
    return NULL;
}

/* A NaN is not hidden. */
static void put_cell(struct tw_held_row *row, const struct tw_held_cell *cell)
{
    struct tw_held_cell *known = tw_held_row_find(row, cell->name);
    if (!known)
        row->cells[row->n++] = *cell;
    else if (!isnan(known->value) && known->value != cell->value)
        *known = *cell;
}

int tw_held_row_merge(struct tw_held_row *to, const struct tw_held_row *from)
{
    uint32_t n = to->n + from->n;
    if (n > to->capacity && !has_room_for(to, n * 2))
        return -ENOMEM;
    for (uint32_t i = 0; i < from->n; i++)
        put_cell(to, &from->cells[i]);
    if (isnan(to->epoch))
        to->epoch = from->epoch;
    if (from->time_ms > to->time_ms)
        to->time_ms = from->time_ms;
    return 0;
}
