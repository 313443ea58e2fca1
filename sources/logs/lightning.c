/* Lightning's CSVLogger (lightning/fabric/loggers/csv_logs.py): metrics.csv, a row for each call of
 * log(), so that training and validation have rows of their own and cells stay empty. The file is
 * written anew when a name comes up. */
#include "sources/logs/table.h"

#include <string.h>

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), n = strlen(end);
    return length > n && !strcmp(name + length - n, end);
}

static bool begins_with(const char *name, const char *start)
{
    return !strncmp(name, start, strlen(start));
}

/* `self.log(..., on_step=True, on_epoch=True)` makes two of one name. */
static enum tw_meaning meaning_of(const char *name)
{
    if (!strcmp(name, "train_loss_step") || !strcmp(name, "loss_step") ||
        !strcmp(name, "train/loss_step"))
        return TW_MEANS_LOSS;
    if (!strcmp(name, "train_loss_epoch") || !strcmp(name, "loss_epoch") ||
        !strcmp(name, "train/loss_epoch"))
        return TW_MEANS_TRAIN_LOSS;
    /* utilities/grads.py: the norm over all parameters, and those of each */
    if (begins_with(name, "grad_") && ends_in(name, "_norm_total"))
        return TW_MEANS_GRAD_NORM;
    if (begins_with(name, "grad_") && strstr(name, "_norm/"))
        return TW_MEANS_NOTHING;
    /* callbacks/lr_monitor.py: "lr-Adam", "lr-Adam-1/pg2", and what else an optimizer has */
    if (begins_with(name, "lr-"))
        return ends_in(name, "-momentum") || ends_in(name, "-weight_decay")
                   ? TW_MEANS_NOTHING
                   : TW_MEANS_LEARNING_RATE;
    return TW_MEANS_BY_NAME;
}

static void set_column(struct tw_column *column)
{
    if (!strcmp(column->name, "step"))
        column->use = TW_COLUMN_STEP;
    else if (!strcmp(column->name, "epoch"))
        column->use = TW_COLUMN_EPOCH;
    else if (column->use == TW_COLUMN_CELL)
        column->meaning = meaning_of(column->name);
}

static const struct tw_table_rules rules = {.framework = "lightning", .column = set_column};

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

/* A name that only Lightning makes. */
static bool has_own_name(const struct tw_table *table)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const char *name = table->columns[i].name;
        if (ends_in(name, "_step") || ends_in(name, "_epoch") || begins_with(name, "lr-"))
            return true;
    }
    return false;
}

/* The names are sorted; before version 2 these two came last. */
static bool is_ordered(const struct tw_table *table)
{
    size_t n = table->n_columns;
    bool is_sorted = true;
    for (size_t i = 1; i < n; i++)
        is_sorted &= strcmp(table->columns[i - 1].name, table->columns[i].name) < 0;
    return is_sorted || (!strcmp(table->columns[n - 2].name, "epoch") &&
                         !strcmp(table->columns[n - 1].name, "step"));
}

static int probe(const struct tw_log_sample *sample)
{
    struct tw_table_view view;
    int sure = 0;
    tw_table_view(&view, sample, set_column);
    const struct tw_table *table = &view.table;
    if (view.rows && table->separator == ',' && tw_table_find(table, "step") &&
        tw_table_find(table, "epoch") && table->n_columns > 2 && is_ordered(table))
        sure = has_own_name(table) || ends_in(sample->path, "metrics.csv") ? 85 : 70;
    tw_table_release(&view.table);
    return sure;
}

const struct tw_log_format tw_log_format_lightning = {
    .name = "lightning",
    .description = "Lightning's CSVLogger (metrics.csv)",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct tw_table),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
