/* measurements.csv of AlgoPerf (algorithmic_efficiency/logger_utils.py): rows of training, and
 * fewer of evaluations. Pandas writes them, so that a NaN is an empty cell. */
#include "sources/logs/table.h"

#include <math.h>
#include <string.h>

struct algoperf {
    struct tw_table table;
    bool is_nan; /* the newest loss was */
};

static bool begins_with(const char *name, const char *start)
{
    return !strncmp(name, start, strlen(start));
}

static bool is_any_loss(const char *name)
{
    const char *last = strrchr(name, '/');
    last = last ? last + 1 : name;
    return !strcmp(last, "loss") || !strcmp(last, "ctc_loss");
}

static enum tw_meaning meaning_of(const char *name)
{
    if (!strcmp(name, "loss"))
        return TW_MEANS_LOSS;
    if (!strcmp(name, "grad_norm"))
        return TW_MEANS_GRAD_NORM;
    if (begins_with(name, "train/"))
        return is_any_loss(name) ? TW_MEANS_TRAIN_LOSS : TW_MEANS_NOTHING;
    if (begins_with(name, "validation/") && is_any_loss(name))
        return TW_MEANS_EVAL_LOSS;
    if (strstr(name, "num_examples") || strstr(name, "duration") ||
        begins_with(name, "accumulated_") || !strcmp(name, "score"))
        return TW_MEANS_NOTHING;
    return TW_MEANS_BY_NAME;
}

static void set_column(struct tw_column *column)
{
    if (!strcmp(column->name, "global_step"))
        column->use = TW_COLUMN_STEP;
    else
        column->meaning = meaning_of(column->name);
}

static void add_nan(struct tw_table *table, size_t column)
{
    if (!tw_table_has_cell(table, column))
        tw_table_add_cell(table, column, NAN);
}

/* A row of training has a loss and a norm; where it has not, they were NaN. Of an evaluation some
 * cells are empty for other reasons, too, so that its losses are taken to be NaN only while the
 * training's is. */
static void set_row(void *state, struct tw_table *table)
{
    struct algoperf *algoperf = state;
    const struct tw_column *score = tw_table_find(table, "score");
    bool is_evaluation = score && tw_table_has_cell(table, (size_t)(score - table->columns));
    for (size_t i = 0; i < table->n_columns; i++) {
        enum tw_meaning meaning = table->columns[i].meaning;
        if (!is_evaluation && (meaning == TW_MEANS_LOSS || meaning == TW_MEANS_GRAD_NORM))
            add_nan(table, i);
        if (is_evaluation && algoperf->is_nan &&
            (meaning == TW_MEANS_TRAIN_LOSS || meaning == TW_MEANS_EVAL_LOSS))
            add_nan(table, i);
    }
    for (size_t i = 0; i < table->row.n_cells; i++) {
        if (table->cells[i].meaning == TW_MEANS_LOSS)
            algoperf->is_nan = isnan(table->cells[i].value);
    }
}

static const struct tw_table_rules rules = {.column = set_column, .row = set_row};

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

static int probe(const struct tw_log_sample *sample)
{
    struct tw_table_view view;
    tw_table_view(&view, sample, set_column);
    const struct tw_table *table = &view.table;
    bool is_ours = tw_table_find(table, "global_step") && tw_table_find(table, "score") &&
                   tw_table_find(table, "accumulated_submission_time");
    tw_table_release(&view.table);
    return is_ours ? 92 : 0;
}

const struct tw_log_format tw_log_format_algoperf = {
    .name = "algoperf",
    .description = "AlgoPerf (measurements.csv)",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct algoperf),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
