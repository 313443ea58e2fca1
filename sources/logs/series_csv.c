/* A table of one metric that is called by the name of its file: TensorBoard's downloads ("Wall
 * time,Step,Value" in run-RUN-tag-TAG.csv), DVCLive's plots/metrics/train/loss.tsv ("step",
 * "loss"), and what is exported of one curve ("step,value,timestamp" in train_loss.csv). */
#include "sources/logs/names.h"
#include "sources/logs/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct series {
    struct tw_table table;
    const struct tw_log_sink *sink;
    char run[128], name[256];
    bool has_own_name; /* told apart from the run's by who wrote it */
};

/* ---- what it is called ---- */

static void copy(char *to, size_t size, const char *from, size_t length)
{
    snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), from);
}

/* Up to the ending. */
static size_t stem(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static void name_by_path(struct series *series, const char *path)
{
    static const char dvc[] = "plots/metrics/", tag[] = "-tag-", run[] = "run-";
    const char *below = strstr(path, dvc), *slash = strrchr(path, '/');
    const char *name = below ? below + strlen(dvc) : slash ? slash + 1 : path;
    const char *behind = strstr(name, tag);
    if (behind && !strncmp(name, run, strlen(run))) {
        copy(series->run, sizeof series->run, name + strlen(run),
             (size_t)(behind - name) - strlen(run));
        name = behind + strlen(tag);
    }
    series->has_own_name = below || behind;
    if (!strcmp(series->run, "."))
        series->run[0] = '\0'; /* TensorBoard's name of the folder itself */
    copy(series->name, sizeof series->name, name, stem(name));
}

/* "run1_loss" may be one run's part of a loss, or another run's: the name alone does not say. */
static bool is_signal(const struct series *series, const struct tw_texts *map)
{
    struct tw_name_meaning meaning;
    tw_log_name_meaning(series->name, TW_PART_BY_NAME, map, &meaning);
    switch (meaning.meaning) {
    case TW_MEANS_NOTHING:
    case TW_MEANS_STEP:
    case TW_MEANS_EPOCH:
    case TW_MEANS_TIME:
        return false;
    case TW_MEANS_EVAL_METRIC:
        return series->has_own_name ||
               tw_log_metric_direction(meaning.metric) != TW_DIRECTION_UNKNOWN;
    default:
        return !meaning.is_part || series->has_own_name;
    }
}

/* ---- rows ---- */

static bool is_axis(const struct tw_column *column)
{
    static const char *const axes[] = {"", "wall time", "wall_time", "timestamp", "step", NULL};
    for (const char *const *axis = axes; *axis; axis++) {
        if (!strcasecmp(column->name, *axis))
            return true;
    }
    return false;
}

static void set_column(struct tw_column *column)
{
    if (!strcasecmp(column->name, "step"))
        column->use = TW_COLUMN_STEP;
}

static const struct tw_table_rules rules = {.column = set_column};

static int take_row(void *closure, const struct tw_row *row)
{
    struct series *series = closure;
    struct tw_row named = *row;
    struct tw_cell cells[3]; /* the time, and the value */
    named.run = series->run[0] ? series->run : NULL;
    named.cells = cells;
    named.n_cells = 0;
    for (size_t i = 0; i < row->n_cells && named.n_cells < 3; i++) {
        const struct tw_column column = {.name = row->cells[i].name};
        double value = row->cells[i].value;
        if (!is_axis(&column))
            cells[named.n_cells++] = (struct tw_cell){series->name, value, TW_MEANS_BY_NAME};
        else if (value > 0 &&
                 value < 1e14) /* TensorBoard's is in seconds, others' in milliseconds */
            named.time_ms = (int64_t)(value < 1e11 ? value * 1000 : value);
    }
    return named.n_cells ? series->sink->row(series->sink->closure, &named) : 0;
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    const struct tw_log_sink *sink = ((struct series *)closure)->sink;
    return sink->parameter(sink->closure, run, name, value);
}

static int take_broken(void *closure, const char *reason)
{
    const struct tw_log_sink *sink = ((struct series *)closure)->sink;
    return sink->broken(sink->closure, reason);
}

static struct tw_log_sink own_sink(struct series *series, const struct tw_log_sink *sink)
{
    series->sink = sink;
    return (struct tw_log_sink){
        .closure = series, .row = take_row, .parameter = take_parameter, .broken = take_broken};
}

static int start(void *state, const char *path, struct tw_error *error)
{
    (void)error;
    name_by_path(state, path);
    return 0;
}

static int read_line(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                     struct tw_error *error)
{
    struct tw_log_sink own = own_sink(state, sink);
    return tw_table_line(state, &rules, state, line, size, &own, error);
}

static int finish(void *state, const struct tw_log_sink *sink, struct tw_error *error)
{
    struct tw_log_sink own = own_sink(state, sink);
    (void)error;
    return tw_table_finish(state, &rules, state, &own);
}

/* ---- probe ---- */

static bool is_value(const char *column, const char *name)
{
    size_t length = strlen(column), size = strlen(name);
    return !strcasecmp(column, "value") ||
           (size > length && name[size - length - 1] == '/' &&
            !strcmp(name + size - length, column)) ||
           !strcmp(column, name);
}

/* A step, one value, and nothing but times beside. */
static bool is_series(const struct tw_table *table, const struct series *series)
{
    size_t steps = 0, values = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct tw_column *column = &table->columns[i];
        bool has_value = is_value(column->name, series->name);
        steps += column->use == TW_COLUMN_STEP;
        values += has_value;
        if (!has_value && !is_axis(column))
            return false;
    }
    return steps == 1 && values == 1;
}

static int probe(const struct tw_log_sample *sample)
{
    struct series series = {0};
    struct tw_table_view view;
    int sure = 0;
    name_by_path(&series, sample->path);
    tw_table_view(&view, sample, set_column);
    if (view.rows && is_series(&view.table, &series))
        sure = is_signal(&series, sample->map) ? 70 : 15;
    tw_table_release(&view.table);
    return sure;
}

const struct tw_log_format tw_log_format_series_csv = {
    .name = "series_csv",
    .description = "a table of one metric, called by its file (TensorBoard's downloads, DVCLive)",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct series),
    .probe = probe,
    .start = start,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
