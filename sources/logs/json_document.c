/* One JSON document with the whole course of a training: an array of objects, a row each, or an
 * object of them ({"epoch_1": {...}, "epoch_2": {...}}); or an object of arrays, a series each, as
 * Keras' History.history is dumped ({"loss": [...], "val_loss": [...]}), or by pandas ({"loss":
 * {"0": ..., "1": ...}}, {"columns": [...], "data": [[...], ...]}); or curves, each with its own
 * steps (Sacred's metrics.json). */
#include "sources/logs/json_leaves.h"
#include "sources/logs/json_objects.h"
#include "sources/logs/json_row.h"
#include "sources/logs/json_series.h"
#include "sources/logs/row_names.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CURVES_MAX 1024u
#define DEPTH_MAX 8u
#define LITTLE_BYTES 4096u
#define NAME_BYTES TW_JSON_SERIES_NAME

/* {"steps": [...], "values": [...]} */
struct curve {
    char name[NAME_BYTES];
    const json_t *steps, *values;
    size_t at; /* what comes next */
};

struct json_document {
    struct tw_json_row row;
    struct tw_json_series series;
    struct curve *curves;
    size_t n_curves;
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

/* ---- an object of objects ---- */

/* N of "N", "epoch_N", "step N": where the row stands. */
static bool read_place(const char *key, double *ret, bool *ret_is_epoch)
{
    static const char *const words[] = {"", "epoch", "step", "iter", "iteration"};
    size_t length = strcspn(key, "0123456789"), digits = strspn(key + length, "0123456789");
    if (!digits || digits > 15 || key[length + digits])
        return false;
    *ret = strtod(key + length, NULL);
    while (length && strchr("_- ", key[length - 1]))
        length--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == length && !strncasecmp(words[i], key, length)) {
            *ret_is_epoch = i < 2;
            return true;
        }
    }
    return false;
}

static bool is_of_rows(const json_t *object)
{
    const char *key;
    json_t *value;
    double place;
    bool is_epoch;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!json_is_object(value) || !read_place(key, &place, &is_epoch))
            return false;
    }
    return json_object_size(object) > 1;
}

static int take_rows(struct json_document *state, const json_t *object)
{
    const char *key;
    json_t *value;
    int result = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        double place = NAN;
        bool is_epoch = true;
        if (!result)
            result = tw_json_row_take(&state->row, value, state->sink);
        read_place(key, &place, &is_epoch);
        *(is_epoch ? &state->row.row.epoch : &state->row.row.step) = place;
        if (!result)
            result = tw_json_row_give(&state->row);
    }
    return result;
}

/* ---- names once, and rows of numbers ---- */

static bool is_split(const json_t *object)
{
    const json_t *names = json_object_get(object, "columns");
    const json_t *rows = json_object_get(object, "data");
    return json_is_string(json_array_get(names, 0)) && json_is_array(json_array_get(rows, 0));
}

static int take_split(struct json_document *state, const json_t *object)
{
    const json_t *names = json_object_get(object, "columns"), *row;
    size_t index;
    int result = 0;
    json_array_foreach(json_object_get(object, "data"), index, row)
    {
        double value;
        tw_json_row_start(&state->row, state->sink);
        for (size_t i = 0; i < json_array_size(row) && !result; i++) {
            const char *name = json_string_value(json_array_get(names, i));
            if (name && tw_json_leaf_number(json_array_get(row, i), &value))
                result = tw_json_row_add(&state->row, name, value, TW_MEANS_BY_NAME);
        }
        if (!result)
            result = tw_json_row_give(&state->row);
    }
    return result;
}

/* ---- curves ---- */

static bool is_curve(const json_t *object)
{
    const json_t *steps = json_object_get(object, "steps");
    const json_t *values = json_object_get(object, "values");
    return json_is_array(steps) && json_is_array(values) && json_array_size(steps) &&
           json_array_size(steps) == json_array_size(values);
}

static int add_curve(struct json_document *state, const char *name, const json_t *object)
{
    if (!state->curves)
        state->curves = calloc(CURVES_MAX, sizeof *state->curves);
    if (!state->curves)
        return -ENOMEM;
    if (state->n_curves == CURVES_MAX)
        return 0;
    struct curve *curve = &state->curves[state->n_curves++];
    *curve = (struct curve){.steps = json_object_get(object, "steps"),
                            .values = json_object_get(object, "values")};
    snprintf(curve->name, sizeof curve->name, "%s", name);
    return 0;
}

/* NaN behind its end. */
static double next_step(const struct curve *curve)
{
    double step;
    const json_t *leaf = json_array_get(curve->steps, curve->at);
    return leaf && tw_json_leaf_number(leaf, &step) ? step : NAN;
}

/* One row of all that stands at the least step that comes next; NaN: there is none. */
static int take_next_of_curves(struct json_document *state, double *ret_step)
{
    double least = NAN, value;
    int result = 0;
    for (size_t i = 0; i < state->n_curves; i++)
        least = fmin(least, next_step(&state->curves[i]));
    tw_json_row_start(&state->row, state->sink);
    state->row.row.step = least;
    for (size_t i = 0; i < state->n_curves && !result && !isnan(least); i++) {
        struct curve *curve = &state->curves[i];
        if (!(next_step(curve) <= least))
            continue;
        const json_t *leaf = json_array_get(curve->values, curve->at++);
        if (tw_json_leaf_number(leaf, &value))
            result = tw_json_row_add(&state->row, curve->name, value, TW_MEANS_BY_NAME);
    }
    *ret_step = least;
    return result || isnan(least) ? result : tw_json_row_give(&state->row);
}

static int take_curves(struct json_document *state)
{
    double step = state->n_curves ? 0 : NAN;
    int result = 0;
    while (!isnan(step) && !result)
        result = take_next_of_curves(state, &step);
    return result;
}

/* ---- an object ---- */

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
                 unsigned depth);

static int visit_member(struct json_document *state, const char *name, const json_t *value,
                        unsigned depth)
{
    if (tw_json_is_series(value))
        return tw_json_series_add(&state->series, name, value);
    if (is_curve(value))
        return add_curve(state, name, value);
    if (json_is_array(value) && json_is_object(json_array_get(value, 0)))
        return take_objects(state, value);
    if (json_is_object(value))
        return depth < DEPTH_MAX ? visit(state, value, name, depth + 1) : 0;
    return json_is_number(value) || json_is_string(value) ? tell_parameter(state, name, value) : 0;
}

static int visit(struct json_document *state, const json_t *object, const char *path,
                 unsigned depth)
{
    const char *key;
    json_t *value;
    int result = 0;
    if (is_of_rows(object))
        return take_rows(state, object);
    if (is_split(object))
        return take_split(state, object);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char name[NAME_BYTES];
        int n = snprintf(name, sizeof name, "%s%s%s", path, *path ? "/" : "", key);
        if (!result && n >= 0 && (size_t)n < sizeof name)
            result = visit_member(state, name, value, depth);
    }
    return result;
}

/* ---- the document ---- */

static int take_element(void *closure, const json_t *element)
{
    return json_is_object(element) ? take_object(closure, element) : 0;
}

/* An array is read element by element: as one tree it would take ten times the memory of its text.
 */
static int take_array(struct json_document *state, const char *text, const char *end)
{
    int result;
    const char *behind =
        tw_json_each_element(text, (size_t)(end - text), take_element, state, &result);
    while (behind < end && is_space(*behind))
        behind++;
    return result || behind == end ? result : -EBADMSG;
}

static int take_document(struct json_document *state, const json_t *document)
{
    state->series.n = state->n_curves = 0;
    int result =
        json_is_array(document) ? take_objects(state, document) : visit(state, document, "", 0);
    if (!result)
        result = take_curves(state);
    return result ? result : tw_json_series_give(&state->series, &state->row, state->sink);
}

static int take_text(struct json_document *state, const char *text, const char *end)
{
    json_t *document;
    while (text < end && is_space(*text))
        text++;
    if (text < end && *text == '[')
        return take_array(state, text, end);
    int result = tw_json_parse(text, (size_t)(end - text), &document);
    if (result)
        return result;
    result = take_document(state, document);
    json_decref(document);
    return result;
}

static int read_document(void *closure, const char *bytes, size_t size,
                         const struct tw_log_sink *sink, struct tw_error *error)
{
    struct json_document *state = closure;
    state->sink = sink;
    int result = take_text(state, bytes, bytes + size);
    if (result == -EBADMSG)
        return tw_error_set(error, -EAGAIN, "the document is half-written, or no JSON");
    return result ? tw_error_set(error, result, "out of memory") : 0;
}

static void done(void *closure)
{
    struct json_document *state = closure;
    tw_json_row_release(&state->row);
    tw_json_series_release(&state->series);
    free(state->curves);
}

/* ---- probe ---- */

struct view {
    struct tw_row_names names;
    unsigned rows;
};

static int see_row(void *closure, const struct tw_row *row)
{
    struct view *view = closure;
    view->rows++;
    tw_row_names_see(&view->names, row);
    return 0;
}

static int see_parameter(void *closure, const char *run, const char *name, const char *value)
{
    (void)closure, (void)run, (void)name, (void)value;
    return 0;
}

/* What the document is as far as it goes, or NULL. */
static json_t *parse_beginning(const struct tw_log_sample *sample)
{
    json_t *document = NULL;
    size_t size;
    if (!tw_json_parse(sample->bytes, sample->size, &document))
        return document;
    char *closed = sample->is_whole ? NULL : tw_json_close(sample->bytes, sample->size, &size);
    if (closed && tw_json_parse(closed, size, &document))
        document = NULL;
    free(closed);
    return document;
}

static bool begins_a_document(const struct tw_log_sample *sample)
{
    size_t i = 0;
    while (i < sample->size && is_space(sample->bytes[i]))
        i++;
    return i < sample->size && (sample->bytes[i] == '[' || sample->bytes[i] == '{');
}

static struct view look_at(const struct tw_log_sample *sample)
{
    struct view view = {.names = {.map = sample->map}};
    const struct tw_log_sink sink = {.closure = &view, .row = see_row, .parameter = see_parameter};
    struct json_document state = {.sink = &sink};
    json_t *document = parse_beginning(sample);
    if (document)
        take_document(&state, document);
    json_decref(document);
    done(&state);
    return view;
}

/* Rows with losses. One row is what came out of a training, not its course. A little tells it,
 * nearly always. */
static int probe(const struct tw_log_sample *sample)
{
    struct view view = {.rows = 0};
    if (!begins_a_document(sample))
        return 0;
    if (sample->size > LITTLE_BYTES) {
        struct tw_log_sample little = *sample;
        little.size = LITTLE_BYTES;
        little.is_whole = false;
        view = look_at(&little);
    }
    if (!view.names.has_loss || view.rows < 2)
        view = look_at(sample);
    if (!view.names.has_loss)
        return 0;
    return view.rows > 1 ? 58 : 12;
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
