/* results.csv of Ultralytics' YOLO and of YOLOv5 (ultralytics/engine/trainer.py save_metrics): a
 * row an epoch, counted from 1. The loss is told as its parts, each the mean over the epoch. */
#include "sources/logs/table.h"

#include <string.h>

static bool begins_with(const char *name, const char *start)
{
    return !strncmp(name, start, strlen(start));
}

static bool is_loss(const char *name)
{
    size_t length = strlen(name);
    return length >= 4 && !strcmp(name + length - 4, "loss");
}

static enum tw_meaning meaning_of(const char *name)
{
    if (!strcmp(name, "time"))
        return TW_MEANS_NOTHING;
    if (!strcmp(name, "train/loss")) /* classifiers have one loss */
        return TW_MEANS_TRAIN_LOSS;
    if (begins_with(name, "train/") && is_loss(name))
        return TW_MEANS_LOSS_PART;
    if (begins_with(name, "lr/") || begins_with(name, "x/lr")) /* the latter by YOLOv5 */
        return TW_MEANS_LEARNING_RATE;
    return TW_MEANS_BY_NAME; /* "val/box_loss" among them, a part of the validation loss */
}

static void set_column(struct tw_column *column)
{
    if (!strcmp(column->name, "epoch"))
        column->use = TW_COLUMN_EPOCH;
    else
        column->meaning = meaning_of(column->name);
}

static const struct tw_table_rules rules = {.framework = "ultralytics", .column = set_column};

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

static bool has_group(const struct tw_table *table, const char *group)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (begins_with(table->columns[i].name, group))
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
    bool has_rates = has_group(table, "lr/pg") || has_group(table, "x/lr");
    if (table->n_columns && !strcmp(table->columns[0].name, "epoch") &&
        has_group(table, "train/") && has_group(table, "metrics/") && has_rates)
        sure = 92;
    tw_table_release(&view.table);
    return sure;
}

const struct tw_log_format tw_log_format_ultralytics = {
    .name = "ultralytics",
    .description = "Ultralytics YOLO and YOLOv5 (results.csv)",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct tw_table),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
