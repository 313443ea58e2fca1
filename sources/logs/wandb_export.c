/* Curves that were exported from W&B's pages: a table whose first column is an axis, and a column
 * for each run and metric, "fine-dawn-3 - train/loss", with the least and the most of what was
 * drawn as one point in "fine-dawn-3 - train/loss__MIN" and "...__MAX". */
#include "sources/logs/names.h"
#include "sources/logs/row_names.h"
#include "sources/logs/table.h"

#include <stdio.h>
#include <string.h>

#define RUN_BYTES 256u
#define CELLS_MAX 256u

struct wandb_export {
    struct tw_table table;
    const struct tw_log_sink *sink;
};

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), size = strlen(end);
    return length > size && !strcmp(name + length - size, end);
}

/* Behind the last " - ", since runs may be called so, too; NULL: there is none. */
static const char *metric_of(const char *name)
{
    const char *found = NULL;
    for (const char *at = name; (at = strstr(at, " - ")); at++)
        found = at;
    return found && found > name ? found + 3 : NULL;
}

static void set_column(struct tw_column *column)
{
    if (ends_in(column->name, "__MIN") || ends_in(column->name, "__MAX"))
        column->use = TW_COLUMN_NOTHING;
}

static const struct tw_table_rules rules = {.framework = "wandb", .column = set_column};

static bool is_same_run(const char *a, const char *b)
{
    size_t length = (size_t)(metric_of(a) - a);
    return length == (size_t)(metric_of(b) - b) && !memcmp(a, b, length);
}

/* The cells of one run, and those that are none's: the axis. */
static int give_run(const struct wandb_export *table, const struct tw_row *row, const char *of)
{
    char run[RUN_BYTES];
    struct tw_cell cells[CELLS_MAX];
    struct tw_row its = *row;
    snprintf(run, sizeof run, "%.*s", (int)(metric_of(of) - 3 - of), of);
    its.run = run;
    its.cells = cells;
    its.n_cells = 0;
    for (size_t i = 0; i < row->n_cells && its.n_cells < CELLS_MAX; i++) {
        const char *metric = metric_of(row->cells[i].name);
        if (metric && !is_same_run(row->cells[i].name, of))
            continue;
        cells[its.n_cells] = row->cells[i];
        cells[its.n_cells++].name = metric ? metric : row->cells[i].name;
    }
    return table->sink->row(table->sink->closure, &its);
}

static bool is_first_of_its_run(const struct tw_row *row, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (metric_of(row->cells[i].name) && is_same_run(row->cells[i].name, row->cells[at].name))
            return false;
    }
    return metric_of(row->cells[at].name) != NULL;
}

static int take_row(void *closure, const struct tw_row *row)
{
    int result = 0;
    for (size_t i = 0; i < row->n_cells && !result; i++) {
        if (is_first_of_its_run(row, i))
            result = give_run(closure, row, row->cells[i].name);
    }
    return result;
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    const struct tw_log_sink *sink = ((struct wandb_export *)closure)->sink;
    return sink->parameter(sink->closure, run, name, value);
}

static int take_broken(void *closure, const char *reason)
{
    const struct tw_log_sink *sink = ((struct wandb_export *)closure)->sink;
    return sink->broken(sink->closure, reason);
}

static struct tw_log_sink own_sink(struct wandb_export *table, const struct tw_log_sink *sink)
{
    table->sink = sink;
    return (struct tw_log_sink){
        .closure = table, .row = take_row, .parameter = take_parameter, .broken = take_broken};
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

static int probe(const struct tw_log_sample *sample)
{
    struct tw_table_view view;
    struct tw_row_names names = {.map = sample->map};
    bool has_range = false;
    tw_table_view(&view, sample, set_column);
    for (size_t i = 0; i < view.table.n_columns; i++) {
        const struct tw_column *column = &view.table.columns[i];
        const char *metric = metric_of(column->name);
        has_range |= metric && column->use == TW_COLUMN_NOTHING;
        tw_row_names_add(&names, metric ? metric : column->name, TW_PART_BY_NAME);
    }
    tw_table_release(&view.table);
    return has_range && names.has_loss ? 85 : 0;
}

const struct tw_log_format tw_log_format_wandb_export = {
    .name = "wandb_export",
    .description = "curves exported from W&B's pages as a table, of one run or several",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct wandb_export),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
