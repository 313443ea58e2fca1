/* DeePMD-kit's lcurve.out (doc/train/training.md): "#" and the names, then columns apart by blanks.
 * Root mean square errors of a training batch ("trn") and of a validation batch ("val"): the first
 * pair is the square root of the loss, the others are energies, forces and virials. */
#include "sources/logs/table.h"

#include <string.h>

/* Whether `word` stands between underscores: as a suffix, or before a task's name. */
static bool has_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(name, word); at; at = strstr(at + 1, word)) {
        if (at > name && at[-1] == '_' && (!at[length] || at[length] == '_'))
            return true;
    }
    return false;
}

static bool is_error(const char *name)
{
    return !strncmp(name, "rmse", 4) || !strncmp(name, "mae", 3) || !strncmp(name, "l2_", 3);
}

/* "rmse_e_val" and "l2_f_tst" are of one quantity; "rmse_val", "rmse" and "rmse_val_water" of all.
 */
static bool is_of_all(const char *name)
{
    const char *behind = strchr(name, '_');
    if (!behind)
        return true;
    size_t length = strcspn(++behind, "_");
    return length == 3 &&
           (!strncmp(behind, "val", 3) || !strncmp(behind, "trn", 3) || !strncmp(behind, "tst", 3));
}

static enum tw_meaning meaning_of(const char *name)
{
    if (!strcmp(name, "lr"))
        return TW_MEANS_LEARNING_RATE;
    if (!is_error(name))
        return TW_MEANS_BY_NAME;
    bool is_validation = has_word(name, "val") || has_word(name, "tst");
    if (is_of_all(name))
        return is_validation ? TW_MEANS_EVAL_LOSS : TW_MEANS_LOSS;
    return is_validation ? TW_MEANS_EVAL_METRIC : TW_MEANS_NOTHING;
}

static void set_column(struct tw_column *column)
{
    if (!strcmp(column->name, "step") || !strcmp(column->name, "batch"))
        column->use = TW_COLUMN_STEP;
    else
        column->meaning = meaning_of(column->name);
}

static const struct tw_table_rules rules = {.framework = "deepmd", .column = set_column};

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
    bool has_error = false;
    for (size_t i = 0; i < table->n_columns; i++)
        has_error |= is_error(table->columns[i].name);
    bool is_ours = table->separator == ' ' && table->n_columns > 2 && has_error &&
                   table->columns[0].use == TW_COLUMN_STEP && tw_table_find(table, "lr");
    tw_table_release(&view.table);
    return is_ours && sample->size && *sample->bytes == '#' ? 92 : 0;
}

const struct tw_log_format tw_log_format_deepmd = {
    .name = "deepmd",
    .description = "DeePMD-kit (lcurve.out)",
    .kind = TW_LOG_LINES,
    .state_size = sizeof(struct tw_table),
    .probe = probe,
    .line = read_line,
    .finish = finish,
    .done = tw_table_done,
};
