/* Tables of any program: what their columns mean is left to the names. */
#include "sources/logs/names.h"
#include "sources/logs/row_names.h"
#include "sources/logs/table.h"
#include "sources/logs/tree.h"

#include <string.h>

static const struct tw_table_rules rules = {0};

static int read_line(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                     struct tw_error *error)
{
    return tw_table_line(state, &rules, state, line, size, sink, error);
}

static int finish(void *state, const struct tw_log_sink *sink, struct tw_error *error)
{
    (void)error;
    return tw_table_finish(state, &rules, state, sink);
}

/* One row for each of several runs is no course of one: MLflow's search_runs(), the table of runs
 * that W&B exports, the trials of a sweep. */
static bool is_of_runs(const struct tw_table *table, bool has_axis)
{
    bool is_mlflow = tw_table_find(table, "run_id") && tw_table_find(table, "artifact_uri");
    bool is_wandb = tw_table_find(table, "Name") && tw_table_find(table, "State") &&
                    tw_table_find(table, "Created");
    bool is_sweep = tw_table_find(table, "trial") || tw_table_find(table, "trial_id") ||
                    tw_table_find(table, "run_id");
    return is_mlflow || is_wandb || (is_sweep && !has_axis);
}

/* A history without epochs, as pandas writes Keras' one: rows are counted in a column without a
 * name. So they are in results of a search, which have other hyper-parameters than the rate. */
static bool is_history(const struct tw_table *table, const struct tw_row_names *names)
{
    unsigned rank;
    if (table->columns[0].name[0] || !names->has_loss || !names->has_eval_loss)
        return false;
    for (size_t i = 0; i < table->n_columns; i++) {
        const char *parameter = tw_log_parameter_name(table->columns[i].name, &rank);
        if (parameter && strcmp(parameter, "learning_rate") != 0)
            return false;
    }
    return true;
}

/* Any table of numbers could be read. What makes it a training's is what its names mean. */
static int sure_of(const struct tw_table *table, const struct tw_texts *map)
{
    struct tw_row_names names = {.map = map};
    for (size_t i = 0; i < table->n_columns; i++)
        tw_row_names_add(&names, table->columns[i].name, TW_PART_BY_NAME);
    if (is_of_runs(table, names.has_axis))
        return 0;
    return is_history(table, &names) ? TW_LOG_SURE_IN_TREE : tw_row_names_sure(&names);
}

static int probe(const struct tw_log_sample *sample)
{
    struct tw_table_view view;
    tw_table_view(&view, sample, NULL);
    int sure = view.table.n_columns ? sure_of(&view.table, sample->map) : 0;
    if (view.rows && view.table.is_cut) /* which is told once, and no damage */
        view.broken--;
    if (view.broken >= view.rows && view.broken)
        sure = 0;
    /* Names without a row yet: a table that begins, or a line of text with commas. */
    if (!view.rows)
        sure = sample->is_whole && sure == TW_SURE_MOST ? 50 : 0;
    tw_table_release(&view.table);
    return sure;
}

const struct tw_log_format tw_log_format_csv = {
    .name = "csv",
    .description =
        "tables: a line of names, then numbers, apart by commas, semicolons, tabs, blanks",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct tw_table),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
