/* One JSON document with the whole course of a training: an array of objects, a row each; or an
 * object of arrays, a series each, as Keras' History.history is dumped ({"loss": [...], "val_loss":
 * [...]}), or by pandas ({"loss": {"0": ..., "1": ...}}). */
#include "sources/logs/json_leaves.h"
#include "sources/logs/json_objects.h"
#include "sources/logs/json_row.h"
#include "sources/logs/names.h"
#include "sources/logs/row_names.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 1024u
#define DEPTH_MAX 8u
#define NAME_BYTES 256u

struct series {
    char name[NAME_BYTES];
    const json_t *values; /* of the document: an array, or an object of indices */
    size_t n;
};

struct json_document {
    struct tw_json_row row;
    struct series *series;
    size_t n_series;
    const struct tw_log_sink *sink;
};

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* ---- an array of objects ---- */

static int take_object(void *closure, const json_t *object)
{
    struct json_document *state = closure;
    int result = tw_json_row_take(&state->row, object, state->sink);
    return result ? result : tw_json_row_give(&state->row);
}

static int take_objects(struct json_document *state, const json_t *array)
{
    const json_t *object;
    size_t index;
    int result = 0;
    json_array_foreach(array, index, object)
    {
        if (!result && json_is_object(object))
            result = take_object(state, object);
    }
    return result;
}

/* ---- an object of series ---- */

static const json_t *value_at(const struct series *series, size_t index)
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

static bool is_series(const json_t *value)
{
    double number;
    const json_t *first = json_is_array(value) ? json_array_get(value, 0)
                          : is_indexed(value)  ? json_object_get(value, "0")
                                               : NULL;
    return first && (json_is_null(first) || tw_json_leaf_number(first, &number));
}

static int add_series(struct json_document *state, const char *name, const json_t *values)
{
    if (!state->series)
        state->series = calloc(SERIES_MAX, sizeof *state->series);
    if (!state->series)
        return -ENOMEM;
    if (state->n_series == SERIES_MAX)
        return 0;
    struct series *series = &state->series[state->n_series++];
    snprintf(series->name, sizeof series->name, "%s", name);
    series->values = values;
    series->n = json_is_array(values) ? json_array_size(values) : json_object_size(values);
    return 0;
}

static int tell_parameter(struct json_document *state, const char *name, const json_t *leaf)
{
    char *text = tw_json_leaf_text(leaf);
    if (!text)
        return -ENOMEM;
    int result = state->sink->parameter(state->sink->closure, NULL, name, text);
    free(text);
    return result;
}

static int visit(struct json_document *state, const json_t *object, const char *path,
                 unsigned depth)
{
    const char *key;
    json_t *value;
    int result = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char name[NAME_BYTES];
        int n = snprintf(name, sizeof name, "%s%s%s", path, *path ? "/" : "", key);
        if (result || n < 0 || (size_t)n >= sizeof name)
            continue;
        if (is_series(value))
            result = add_series(state, name, value);
        else if (json_is_array(value) && json_is_object(json_array_get(value, 0)))
            result = take_objects(state, value);
        else if (json_is_object(value) && depth < DEPTH_MAX)
            result = visit(state, value, name, depth + 1);
        else if (json_is_number(value) || json_is_string(value))
            result = tell_parameter(state, name, value);
    }
    return result;
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

static struct shape shape_of(const struct json_document *state)
{
    struct shape shape = {.are_all_equal = true};
    for (size_t i = 0; i < state->n_series; i++) {
        const struct series *series = &state->series[i];
        shape.has_axis |= is_axis(series->name);
        shape.are_all_equal &= !i || series->n == state->series[0].n;
        shape.longest = series->n > shape.longest ? series->n : shape.longest;
    }
    return shape;
}

/* Which value of the series stands in the row, or -1. Validation once an epoch stands at the last
 * of the epoch's steps. */
static long index_at(const struct series *series, size_t row, size_t longest)
{
    size_t stretch = longest / series->n;
    if (stretch <= 1)
        return row < series->n ? (long)row : -1;
    bool is_end = (row + 1) % stretch == 0 && (row + 1) / stretch <= series->n;
    return is_end ? (long)((row + 1) / stretch - 1) : -1;
}

static int take_row(struct json_document *state, const struct shape *shape, size_t row)
{
    int result = 0;
    double value;
    tw_json_row_start(&state->row, state->sink);
    if (!shape->has_axis)
        *(shape->are_all_equal ? &state->row.row.epoch : &state->row.row.step) = (double)row;
    for (size_t i = 0; i < state->n_series && !result; i++) {
        const struct series *series = &state->series[i];
        long index = series->n ? index_at(series, row, shape->longest) : -1;
        const json_t *leaf = index >= 0 ? value_at(series, (size_t)index) : NULL;
        if (leaf && tw_json_leaf_number(leaf, &value))
            result = tw_json_row_add(&state->row, series->name, value, TW_MEANS_BY_NAME);
    }
    return result ? result : tw_json_row_give(&state->row);
}

static int take_series(struct json_document *state)
{
    struct shape shape = shape_of(state);
    int result = 0;
    for (size_t row = 0; row < shape.longest && !result; row++)
        result = take_row(state, &shape, row);
    return result;
}

/* ---- the document ---- */

static int take_half(struct json_document *state, const char *bytes, size_t size,
                     struct tw_error *error)
{
    size_t blanks = 0;
    int result = 0;
    while (blanks < size && is_space(bytes[blanks]))
        blanks++;
    if (blanks < size && bytes[blanks] == '[')
        result = tw_json_each_object(bytes + blanks, size - blanks, take_object, state);
    return result ? result
                  : tw_error_set(error, -EAGAIN, "the document is half-written, or no JSON");
}

static int read_document(void *closure, const char *bytes, size_t size,
                         const struct tw_log_sink *sink, struct tw_error *error)
{
    struct json_document *state = closure;
    json_t *document;
    state->sink = sink;
    state->n_series = 0;
    int result = tw_json_parse(bytes, size, &document);
    if (result == -EBADMSG)
        return take_half(state, bytes, size, error);
    if (result)
        return tw_error_set(error, result, "out of memory");
    if (json_is_array(document))
        result = take_objects(state, document);
    else
        result = visit(state, document, "", 0);
    if (!result)
        result = take_series(state);
    json_decref(document);
    return result;
}

static void done(void *closure)
{
    struct json_document *state = closure;
    tw_json_row_release(&state->row);
    free(state->series);
}

/* ---- probe ---- */

static const char *skip(const char *at, const char *end, const char *bytes)
{
    while (at < end && *at && strchr(bytes, *at))
        at++;
    return at;
}

static bool is_number_at(const char *at, const char *end)
{
    return at < end && *at && strchr("-0123456789NI", *at);
}

/* Behind what an array of numbers begins with, or pandas' {"0":; `at` itself where neither does. */
static const char *enter_series(const char *at, const char *end)
{
    static const char blanks[] = " \t\r\n";
    if (at == end || (*at != '[' && *at != '{'))
        return at;
    const char *first = skip(at + 1, end, blanks);
    if (*at == '[')
        return first;
    if (end - first < 3 || memcmp(first, "\"0\"", 3))
        return at;
    return skip(first + 3, end, " :\t\r\n");
}

/* The next key before a number, or before a series that begins with one. */
static bool next_key(const char **at, const char *end, char *ret, size_t size, bool *ret_is_series)
{
    for (;;) {
        const char *quote = memchr(*at, '"', (size_t)(end - *at));
        const char *close = quote ? memchr(quote + 1, '"', (size_t)(end - quote - 1)) : NULL;
        if (!close)
            return false;
        *at = close + 1;
        const char *value = skip(close + 1, end, " :\t\r\n");
        const char *first = enter_series(value, end);
        size_t length = (size_t)(close - quote - 1);
        if (value == close + 1 || length >= size || !is_number_at(first, end))
            continue;
        *ret_is_series = first != value;
        memcpy(ret, quote + 1, length);
        ret[length] = '\0';
        return true;
    }
}

/* Names of numbers in an array of objects, names of arrays in an object. */
static int probe(const struct tw_log_sample *sample)
{
    struct tw_row_names names = {.map = sample->map};
    char key[NAME_BYTES];
    bool is_series;
    const char *at = sample->bytes, *end = at + sample->size;
    at = skip(at, end, " \t\r\n");
    if (at == end || (*at != '[' && *at != '{'))
        return 0;
    bool is_array = *at == '[';
    for (int i = 0; i < 256 && next_key(&at, end, key, sizeof key, &is_series); i++) {
        if (is_array != is_series)
            tw_row_names_add(&names, key, TW_PART_BY_NAME);
    }
    return names.has_loss ? 50 : 0;
}

const struct tw_log_format tw_log_format_json_document = {
    .name = "json_document",
    .description = "one JSON document: an array of objects, or series (a dump of Keras' history)",
    .kind = TW_LOG_DOCUMENT,
    .state_size = sizeof(struct json_document),
    .probe = probe,
    .document = read_document,
    .done = done,
};
