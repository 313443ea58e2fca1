#include "sources/logs/json_series.h"

#include "sources/logs/json_leaves.h"
#include "sources/logs/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES_MAX 1024u

static const json_t *value_at(const struct tw_json_one_series *series, size_t index)
{
    char key[24];
    if (json_is_array(series->values))
        return json_array_get(series->values, index);
    snprintf(key, sizeof key, "%zu", index);
    return json_object_get(series->values, key);
}

/* {"0": 0.5, "1": 0.4}: indices from 0 on, all of them. */
static bool is_indexed(const json_t *value)
{
    return json_is_object(value) && json_object_get(value, "0") &&
           (json_object_size(value) == 1 || json_object_get(value, "1"));
}

bool tw_json_is_series(const json_t *value)
{
    double number;
    const json_t *first = json_is_array(value) ? json_array_get(value, 0)
                          : is_indexed(value)  ? json_object_get(value, "0")
                                               : NULL;
    return first && (json_is_null(first) || tw_json_leaf_number(first, &number));
}

int tw_json_series_add(struct tw_json_series *all, const char *name, const json_t *values)
{
    if (!all->at)
        all->at = calloc(SERIES_MAX, sizeof *all->at);
    if (!all->at)
        return -ENOMEM;
    if (all->n == SERIES_MAX)
        return 0;
    struct tw_json_one_series *series = &all->at[all->n++];
    snprintf(series->name, sizeof series->name, "%s", name);
    series->values = values;
    series->n = json_is_array(values) ? json_array_size(values) : json_object_size(values);
    return 0;
}

static bool is_axis(const char *name)
{
    struct tw_name_meaning meaning;
    tw_log_name_meaning(name, TW_PART_BY_NAME, NULL, &meaning);
    return meaning.meaning == TW_MEANS_STEP || meaning.meaning == TW_MEANS_EPOCH;
}

struct shape {
    size_t longest;
    bool has_axis;      /* a series tells steps or epochs */
    bool are_all_equal; /* else shorter ones stand at ends of equal stretches of the longest */
};

static struct shape shape_of(const struct tw_json_series *all)
{
    struct shape shape = {.are_all_equal = true};
    for (size_t i = 0; i < all->n; i++) {
        const struct tw_json_one_series *series = &all->at[i];
        shape.has_axis |= is_axis(series->name);
        shape.are_all_equal &= !i || series->n == all->at[0].n;
        shape.longest = series->n > shape.longest ? series->n : shape.longest;
    }
    return shape;
}

/* Which value of the series stands in the row, or -1. Validation once an epoch stands at the last
 * of the epoch's steps. */
static long index_at(const struct tw_json_one_series *series, size_t row, size_t longest)
{
    size_t stretch = longest / series->n;
    if (stretch <= 1)
        return row < series->n ? (long)row : -1;
    bool is_end = (row + 1) % stretch == 0 && (row + 1) / stretch <= series->n;
    return is_end ? (long)((row + 1) / stretch - 1) : -1;
}

static int give_row(const struct tw_json_series *all, const struct shape *shape, size_t at,
                    struct tw_json_row *row, const struct tw_log_sink *sink)
{
    int result = 0;
    double value;
    tw_json_row_start(row, sink);
    if (!shape->has_axis)
        *(shape->are_all_equal ? &row->row.epoch : &row->row.step) = (double)at;
    for (size_t i = 0; i < all->n && !result; i++) {
        const struct tw_json_one_series *series = &all->at[i];
        long index = series->n ? index_at(series, at, shape->longest) : -1;
        const json_t *leaf = index >= 0 ? value_at(series, (size_t)index) : NULL;
        if (leaf && tw_json_leaf_number(leaf, &value))
            result = tw_json_row_add(row, series->name, value, TW_MEANS_BY_NAME);
    }
    return result ? result : tw_json_row_give(row);
}

int tw_json_series_give(const struct tw_json_series *all, struct tw_json_row *row,
                        const struct tw_log_sink *sink)
{
    struct shape shape = shape_of(all);
    int result = 0;
    for (size_t at = 0; at < shape.longest && !result; at++)
        result = give_row(all, &shape, at, row, sink);
    return result;
}

void tw_json_series_release(struct tw_json_series *all)
{
    free(all->at);
    *all = (struct tw_json_series){0};
}
