/* Tables that are printed among other lines while the training runs: names that blanks part, and
 * under them a line for each epoch or evaluation.
 *
 *   spaCy     "E    #   LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE" (spacy/training/loggers.py)
 *   YOLO      "Epoch  GPU_mem  box_loss  cls_loss  Instances  Size", and a bar behind each row, the
 *             last state of which is the epoch's (YOLOv5's and YOLOv7's train.py;
 *             ultralytics/engine/trainer.py)
 *   fastai    with its bars (fastai/learner.py)
 *   skorch    "epoch  train_loss  valid_loss  dur" (skorch/callbacks/logging.py)
 */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static bool is_one_of(const char *name, size_t size, const char *const *list)
{
    for (; *list; list++) {
        if (strlen(*list) == size && !strncasecmp(*list, name, size))
            return true;
    }
    return false;
}

static bool has_loss(const char *name, size_t size)
{
    for (size_t i = 0; i + 4 <= size; i++) {
        if (!strncasecmp(name + i, "loss", 4))
            return true;
    }
    return false;
}

static void add_column(struct tw_text_table *table, const char *line, const char *from,
                       const char *to)
{
    static const char *const epochs[] = {"epoch", "epochs", "e", "ep", NULL};
    static const char *const steps[] = {"#", "step", "iter", "iteration", NULL};
    size_t size = (size_t)(to - from);
    table->columns[table->n].name = (uint16_t)(from - line);
    table->columns[table->n].size = (uint16_t)size;
    table->columns[table->n++].meaning = is_one_of(from, size, epochs)  ? TW_MEANS_EPOCH
                                         : is_one_of(from, size, steps) ? TW_MEANS_STEP
                                                                        : TW_MEANS_BY_NAME;
}

/* Before they were called "box_loss", YOLO's losses were "box", "obj" and "cls", their sum "total".
 */
static bool name_yolos_losses(struct tw_text_table *table)
{
    static const char *const memory[] = {"gpu_mem", NULL};
    static const char *const parts[] = {"box", "obj", "cls", NULL}, *const total[] = {"total",
                                                                                      NULL};
    bool has_any = false;
    if (table->n < 2 ||
        !is_one_of(table->names + table->columns[1].name, table->columns[1].size, memory))
        return false;
    for (unsigned i = 2; i < table->n; i++) {
        const char *name = table->names + table->columns[i].name;
        if (is_one_of(name, table->columns[i].size, parts))
            table->columns[i].meaning = TW_MEANS_LOSS_PART, has_any = true;
        if (is_one_of(name, table->columns[i].size, total))
            table->columns[i].meaning = TW_MEANS_LOSS;
    }
    return has_any;
}

/* Two blanks or a tab part columns; one may be in a name. */
static void split_head(struct tw_text_table *table, const char *line, size_t size)
{
    const char *end = line + size, *from = line;
    table->n = 0;
    for (const char *at = line; at <= end && table->n < TW_TEXT_COLUMNS; at++) {
        bool ends = at == end || *at == '\t' || (*at == ' ' && (at + 1 == end || at[1] == ' '));
        if (!ends)
            continue;
        add_column(table, line, from, at);
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        from = at;
        if (at == end)
            break;
    }
}

static bool take_head(struct tw_text_table *table, const char *line, size_t size)
{
    struct tw_text_table head;
    bool has_losses = false;
    if (!strchr("eEsSiI#", *line) || size >= TW_TEXT_HEAD || memchr(line, ':', size) ||
        memchr(line, '=', size))
        return false;
    split_head(&head, line, size);
    if (head.n < 3 || head.columns[0].meaning == TW_MEANS_BY_NAME)
        return false;
    memcpy(head.names, line, size);
    for (unsigned i = 0; i < head.n; i++) {
        if (isdigit((unsigned char)line[head.columns[i].name]))
            return false;
        has_losses |= has_loss(line + head.columns[i].name, head.columns[i].size);
    }
    if (!name_yolos_losses(&head) && !has_losses)
        return false;
    *table = head;
    return true;
}

static bool is_rule(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (line[i] != '-' && line[i] != ' ')
            return false;
    }
    return *line == '-';
}

/* The cell at `at`, "0/99" and "640:" too; NaN is a reading, a text none. Returns its end. */
static const char *take_cell(const char *at, const char *end, double *ret, bool *ret_is_number)
{
    const char *to = at;
    while (to < end && *to != ' ' && *to != '\t')
        to++;
    size_t length = tw_log_number_at(at, (size_t)(to - at), ret);
    const char *behind = at + length;
    *ret_is_number =
        length && (behind == to || *behind == '/' || (*behind == ':' && behind + 1 == to));
    return to;
}

static void add_cell(struct tw_text_log *log, unsigned column, double value)
{
    const struct tw_text_table *table = &log->table;
    switch (table->columns[column].meaning) {
    case TW_MEANS_EPOCH:
        log->row.epoch = value;
        break;
    case TW_MEANS_STEP:
        log->row.step = value;
        break;
    default:
        tw_text_row_add(&log->row, table->names + table->columns[column].name,
                        table->columns[column].size, value, table->columns[column].meaning);
    }
}

/* Behind the last cell; NULL: it is no row of the table. */
static const char *take_cells(struct tw_text_log *log, const char *at, const char *end)
{
    unsigned numbers = 0;
    for (unsigned i = 0; i < log->table.n; i++) {
        double value;
        bool is_number;
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (at == end)
            return NULL;
        at = take_cell(at, end, &value, &is_number);
        if (is_number)
            add_cell(log, i, value);
        numbers += is_number;
    }
    return numbers + 2 >= log->table.n && numbers > 1 ? at : NULL;
}

/* spaCy's losses are sums since the last evaluation: at the first step, of one batch. */
static bool is_sum_of_one(const struct tw_text_log *log)
{
    return log->row.step == 0 && !isnan(log->row.epoch) && log->table.columns[1].size == 1;
}

/* Under YOLO's table that of its evaluation, of which the line of all classes counts: "Class Images
 * Instances  P  R  mAP50  mAP50-95: 100%|###| 4/4" and "all  128  929  0.71  0.62  0.67  0.44". */
static int take_evaluation(struct tw_text_log *log, const char *line, size_t size,
                           const struct tw_log_sink *sink)
{
    static const char *const names[] = {"precision", "recall", "mAP50", "mAP50-95"};
    const char *at = line + 4, *end = line + size;
    double values[6];
    if (tw_text_begins(line, size, "Class ") && tw_text_behind(line, size, " Images "))
        return 1;
    if (!tw_text_begins(line, size, "all "))
        return 0;
    for (size_t i = 0; i < 6; i++) {
        if (!tw_text_take(&at, end, &values[i], ""))
            return 0;
    }
    if (at != end)
        return 0;
    tw_text_row_start_here(log, &log->row);
    log->row.part = TW_PART_EVAL;
    for (size_t i = 0; i < 4; i++)
        tw_text_row_add(&log->row, names[i], strlen(names[i]), values[2 + i], TW_MEANS_BY_NAME);
    return tw_text_give_line(log, sink);
}

int tw_screen_table_line(struct tw_text_log *log, const char *line, size_t size,
                         const struct tw_log_sink *sink)
{
    const char *end = line + size, *behind;
    if (take_head(&log->table, line, size) || (log->table.n && is_rule(line, size)))
        return 1;
    if (!log->table.n)
        return 0;
    if (!isdigit((unsigned char)*line))
        return take_evaluation(log, line, size, sink);
    tw_text_row_start(&log->row);
    behind = take_cells(log, line, end);
    /* "640: 100%|####|": the state of a bar; what else is longer than the head is no row. */
    bool is_bar = behind && behind < end && behind[-1] == ':';
    if (!behind || (behind < end && !is_bar) || is_sum_of_one(log))
        return behind == end;
    log->epoch = log->row.epoch;
    if (!isnan(log->row.step))
        log->step = log->row.step;
    if (!is_bar) {
        return tw_text_give_line(log, sink);
    }
    int result =
        log->is_held && log->held.epoch != log->row.epoch ? tw_text_give_held(log, sink) : 0;
    tw_text_hold(log);
    return result ? result : 1;
}

/* Surer than the format of tables, which knows no bars; without them it may be one of those. */
static int probe(const struct tw_log_sample *sample)
{
    bool has_bars = memmem(sample->bytes, sample->size, "%|", 2) != NULL;
    return tw_text_count(sample, tw_screen_table_line) < 3 ? 0 : has_bars ? 65 : 57;
}

const struct tw_log_format tw_log_format_screen_table =
    TW_TEXT_FORMAT("screen_table", "tables among other lines: spaCy, YOLO, fastai, skorch", probe);
