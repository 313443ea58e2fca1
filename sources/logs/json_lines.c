/* A JSON object a line: rows of any program. A line that is an array holds requests of ClearML's
 * offline mode (clearml/backend_interface/metrics/interface.py): a reading each. */
#include "sources/logs/json_objects.h"
#include "sources/logs/json_row.h"
#include "sources/logs/row_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct json_lines {
    struct tw_json_row row;
    const struct tw_log_sink *sink;
};

/* ---- ClearML ---- */

/* Its titles and series are, in other programs' words, groups and names. */
static int take_request(void *closure, const json_t *request)
{
    struct json_lines *lines = closure;
    char name[512];
    const char *metric = json_string_value(json_object_get(request, "metric"));
    const char *variant = json_string_value(json_object_get(request, "variant"));
    const json_t *value = json_object_get(request, "value");
    const json_t *step = json_object_get(request, "iter");
    const json_t *time = json_object_get(request, "timestamp"); /* in milliseconds */
    if (!metric || !json_is_number(value) || !json_is_number(step))
        return 0; /* a picture, a text */
    bool has_both = variant && *variant && strcmp(metric, variant) != 0;
    snprintf(name, sizeof name, "%s%s%s", metric, has_both ? "/" : "", has_both ? variant : "");
    tw_json_row_start(&lines->row, lines->sink);
    lines->row.row.step = json_number_value(step);
    if (json_is_integer(time) && json_integer_value(time) > 0)
        lines->row.row.time_ms = json_integer_value(time);
    int result = tw_json_row_add(&lines->row, name, json_number_value(value), TW_MEANS_BY_NAME);
    return result ? result : tw_json_row_give(&lines->row);
}

/* ---- spaCy ---- */

static bool is_of_spacy(const struct tw_row *row)
{
    bool has_score = false, has_losses = false;
    for (size_t i = 0; i < row->n_cells; i++) {
        has_score |= !strcmp(row->cells[i].name, "score");
        has_losses |= !strncmp(row->cells[i].name, "losses/", 7);
    }
    return has_score && has_losses;
}

static bool is_at_start(const struct tw_row *row)
{
    for (size_t i = 0; i < row->n_cells; i++) {
        if (!strcmp(row->cells[i].name, "step"))
            return row->cells[i].value == 0;
    }
    return false;
}

/* Its console logger (spacy/training/loggers.py) tells each component's loss as a sum since the row
 * before. The first is that of one batch. */
static void tell_losses_of_spacy(struct tw_json_row *row)
{
    bool is_sum = !is_at_start(&row->row);
    for (size_t i = 0; i < row->row.n_cells; i++) {
        if (!strncmp(row->cells[i].name, "losses/", 7))
            row->cells[i].meaning = is_sum ? TW_MEANS_LOSS_PART : TW_MEANS_NOTHING;
    }
}

/* ---- lines ---- */

static int read_object(struct json_lines *lines, const char *line, size_t size,
                       const struct tw_log_sink *sink)
{
    int result = tw_json_row_read(&lines->row, line, size, sink);
    if (result == -EBADMSG)
        return sink->broken(sink->closure, "a line that is no JSON");
    if (!result && is_of_spacy(&lines->row.row))
        tell_losses_of_spacy(&lines->row);
    return result ? result : tw_json_row_give(&lines->row);
}

/* A line that begins so and is no array may be one of text, between those of JSON. */
static int read_array(struct json_lines *lines, const char *line, size_t size)
{
    int result;
    tw_json_each_element(line, size, take_request, lines, &result);
    return result == -EBADMSG ? 0 : result;
}

static int read_line(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                     struct tw_error *error)
{
    struct json_lines *lines = state;
    (void)error;
    while (size && (*line == ' ' || *line == '\t'))
        line++, size--;
    if (!size)
        return 0;
    lines->sink = sink;
    return *line == '[' ? read_array(lines, line, size) : read_object(lines, line, size, sink);
}

static void done(void *state)
{
    tw_json_row_release(&((struct json_lines *)state)->row);
}

/* ---- probe ---- */

struct view {
    struct tw_row_names names;
    unsigned rows, broken;
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

static int see_broken(void *closure, const char *reason)
{
    (void)reason;
    ((struct view *)closure)->broken++;
    return 0;
}

static void look_at_lines(struct view *view, const struct tw_log_sample *sample)
{
    struct json_lines lines = {0};
    const struct tw_log_sink sink = {
        .closure = view, .row = see_row, .parameter = see_parameter, .broken = see_broken};
    const char *at = sample->bytes, *end = at + sample->size;
    for (unsigned n = 0; at < end && n < 16 && view->broken < 4; n++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline && !sample->is_whole)
            break;
        size_t size = (size_t)((newline ? newline : end) - at);
        read_line(&lines, at, size - (size && at[size - 1] == '\r'), &sink, NULL);
        at += size + (newline != NULL);
    }
    done(&lines);
}

static int probe(const struct tw_log_sample *sample)
{
    struct view view = {.names = {.map = sample->map}};
    size_t blanks = 0;
    while (blanks < sample->size && memchr(" \t\r\n", sample->bytes[blanks], 4))
        blanks++;
    if (blanks == sample->size || !memchr("{[", sample->bytes[blanks], 2))
        return 0;
    look_at_lines(&view, sample);
    if (!view.rows || view.broken > view.rows)
        return 0;
    int sure = tw_row_names_sure(&view.names);
    /* One object may be all results at the end of a run, or anything else. */
    return view.rows > 1 || sure == TW_SURE_MOST ? sure : TW_SURE_LEAST;
}

const struct tw_log_format tw_log_format_json_lines = {
    .name = "json_lines",
    .description = "a JSON object a line; ClearML's offline metrics.jsonl",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct json_lines),
    .probe = probe,
    .line = read_line,
    .done = done,
};
