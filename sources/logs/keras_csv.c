/* Keras' CSVLogger (keras/src/callbacks/csv_logger.py): a row an epoch, "epoch" first, then the
 * names in their order; NA where a value is missing, lists in quotes. */
#include "sources/logs/names.h"
#include "sources/logs/table.h"

#include <string.h>

static void set_column(struct tw_column *column)
{
    static const struct {
        const char *name;
        enum tw_meaning meaning;
    } known[] = {
        {"loss", TW_MEANS_TRAIN_LOSS}, /* the mean over the epoch, while weights change */
        {"val_loss", TW_MEANS_EVAL_LOSS},
        {"lr", TW_MEANS_LEARNING_RATE},
        {"learning_rate", TW_MEANS_LEARNING_RATE},
    };
    if (!strcmp(column->name, "epoch"))
        column->use = TW_COLUMN_EPOCH;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(column->name, known[i].name))
            column->meaning = known[i].meaning;
    }
}

static const struct tw_table_rules rules = {.framework = "keras", .column = set_column};

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

/* Sorted, those of validation by themselves: they may come behind all others. */
static bool is_sorted(const struct tw_table *table)
{
    const char *last = "", *last_val = "";
    for (size_t i = 1; i < table->n_columns; i++) {
        const char *name = table->columns[i].name, **before;
        before = strncmp(name, "val_", 4) ? &last : &last_val;
        if (strcmp(*before, name) >= 0)
            return false;
        *before = name;
    }
    return true;
}

/* Keras counts epochs alone. */
static bool counts_steps(const struct tw_table *table)
{
    struct tw_name_meaning meaning;
    for (size_t i = 0; i < table->n_columns; i++) {
        tw_log_name_meaning(table->columns[i].name, TW_PART_BY_NAME, NULL, &meaning);
        if (meaning.meaning == TW_MEANS_STEP)
            return true;
    }
    return false;
}

static int probe(const struct tw_log_sample *sample)
{
    struct tw_table_view view;
    int sure = 0;
    tw_table_view(&view, sample, set_column);
    const struct tw_table *table = &view.table;
    if (view.rows && table->n_columns > 1 && !strcmp(table->columns[0].name, "epoch") &&
        tw_table_find(table, "loss") && !counts_steps(table) && is_sorted(table))
        sure = 80;
    tw_table_release(&view.table);
    return sure;
}

const struct tw_log_format tw_log_format_keras_csv = {
    .name = "keras_csv",
    .description = "Keras' CSVLogger",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct tw_table),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
