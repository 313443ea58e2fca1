/* DeepSpeed's CSV monitor (deepspeed/monitor/csv_monitor.py): a file for each metric, called like
 * "Train_Samples_train_loss.csv", with the names "step" and the last part of the metric's. A
 * restarted job writes the names again. Those of Train/Samples count samples, not steps. */
#include "sources/logs/table.h"

#include <string.h>

struct deepspeed_csv {
    struct tw_table table;
    bool counts_samples;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int start(void *state, const char *path, struct tw_error *error)
{
    struct deepspeed_csv *deepspeed = state;
    (void)error;
    deepspeed->counts_samples = strstr(base_name(path), "_Samples_") != NULL;
    return 0;
}

static void set_column(struct tw_column *column)
{
    if (strcmp(column->name, "step"))
        return;
    column->use = TW_COLUMN_STEP;
    column->meaning = TW_MEANS_SAMPLES;
}

static void set_row(void *state, struct tw_table *table)
{
    if (((struct deepspeed_csv *)state)->counts_samples)
        tw_table_add_cell(table, 0, table->row.step);
}

static const struct tw_table_rules rules = {
    .framework = "deepspeed", .column = set_column, .row = set_row};

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

/* "..._train_loss.csv" with "train_loss" behind "step". */
static bool is_called_like(const char *file, const char *metric)
{
    size_t length = strlen(metric), n = strlen(file);
    if (n < length + 5 || memcmp(file + n - 4, ".csv", 4))
        return false;
    file += n - 4 - length;
    for (size_t i = 0; i < length; i++) {
        if (file[i] != metric[i] && !(file[i] == '_' && metric[i] == ' '))
            return false;
    }
    return file[-1] == '_';
}

static int probe(const struct tw_log_sample *sample)
{
    struct tw_table_view view;
    tw_table_view(&view, sample, set_column);
    const struct tw_table *table = &view.table;
    bool is_ours = table->n_columns == 2 && !strcmp(table->columns[0].name, "step") &&
                   is_called_like(base_name(sample->path), table->columns[1].name);
    tw_table_release(&view.table);
    return is_ours ? 75 : 0;
}

const struct tw_log_format tw_log_format_deepspeed_csv = {
    .name = "deepspeed_csv",
    .description = "DeepSpeed's CSV monitor (one file a metric)",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct deepspeed_csv),
    .probe = probe,
    .start = start,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
