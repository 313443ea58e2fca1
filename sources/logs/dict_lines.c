/* Lines that hold a dictionary: HuggingFace's trainer prints Python's ({'loss': 2.1, 'epoch': 0.1},
 * from version 5 on with its numbers in quotes), fairseq and metaseq log JSON behind a prefix
 * ("... | INFO | train_inner | {"epoch": 1, "loss": "3.2", "num_updates": "100"}").
 *
 * HuggingFace's dictionaries have no step. The progress bar is written again behind each, with the
 * right one; but where standard output is buffered, dictionaries come late and together, and no bar
 * is believed any more. */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

struct dict {
    bool is_python, has_place, is_broken;
    double step, epoch;
};

/* Behind the closing quote of the string at `at`, or NULL. */
static const char *behind_string(const char *at, const char *end)
{
    char quote = *at++;
    for (; at < end && *at != quote; at++)
        at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : NULL;
}

/* Behind a value: a string, a number or a word, or something in brackets. */
static const char *behind_value(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at < end) {
        if (*at == '"' || *at == '\'') {
            at = behind_string(at, end);
            if (!at)
                return NULL;
            continue;
        }
        if (!depth && strchr(",}", *at))
            return at;
        if (strchr("([{", *at))
            depth++;
        else if (strchr(")]}", *at) && depth)
            depth--;
        at++;
    }
    return NULL;
}

static bool is_key(const char *key, size_t size, const char *list)
{
    char word[40] = " ";
    if (!size || size > sizeof word - 3)
        return false;
    memcpy(word + 1, key, size);
    word[size + 1] = ' ';
    return strstr(list, word) != NULL;
}

static void take_item(struct tw_text_row *row, struct dict *dict, const char *key, size_t size,
                      const char *text, size_t text_size)
{
    double value;
    int is_number = tw_log_number(text, text_size, &value);
    if (is_number <= 0) {
        bool is_bare = isalnum((unsigned char)*text) || *text == '-';
        bool is_word =
            tw_text_begins(text, text_size, "True") || tw_text_begins(text, text_size, "False") ||
            tw_text_begins(text, text_size, "true") || tw_text_begins(text, text_size, "false");
        dict->is_broken |= is_number < 0 && is_bare && !is_word;
        return;
    }
    if (is_key(key, size,
               " step global_step num_updates train_num_updates valid_num_updates "
               "iteration iter update_num ")) {
        dict->step = value;
        dict->has_place = true;
        return;
    }
    if (is_key(key, size, " epoch ")) {
        dict->epoch = value;
        dict->has_place = true;
        return;
    }
    tw_text_row_add(row, key, size, value, TW_MEANS_BY_NAME);
}

/* False: it is no dictionary, or not whole. */
static bool take_dict(struct tw_text_row *row, struct dict *dict, const char *at, const char *end)
{
    while (at < end) {
        while (at < end && (*at == ' ' || *at == ','))
            at++;
        if (at < end && *at == '}')
            return true;
        if (at == end || (*at != '"' && *at != '\''))
            return false;
        const char *key = at + 1, *behind_key = behind_string(at, end);
        if (!behind_key || behind_key == end || *behind_key != ':')
            return false;
        const char *text = behind_key + 1;
        while (text < end && *text == ' ')
            text++;
        const char *behind = text < end ? behind_value(text, end) : NULL;
        if (!behind)
            return false;
        take_item(row, dict, key, (size_t)(behind_key - 1 - key), text, (size_t)(behind - text));
        at = behind;
    }
    return false;
}

/* ---- what it is about ---- */

static bool begins_name(const struct tw_text_row *row, const char *with)
{
    for (unsigned i = 0; i < row->n_cells; i++) {
        if (!strncmp(row->names + row->cells[i].name, with, strlen(with)))
            return true;
    }
    return false;
}

/* fairseq's word before the object: "train_inner", "train", "valid", "valid on 'x' subset". */
static enum tw_row_part part_of_prefix(const char *line, const char *at)
{
    size_t size = (size_t)(at - line);
    if (tw_text_behind(line, size, "| valid") || tw_text_behind(line, size, "| test"))
        return TW_PART_EVAL;
    return tw_text_behind(line, size, "| train") ? TW_PART_TRAIN : TW_PART_BY_NAME;
}

/* "train_runtime" ends the log of a training: its train_loss is over all of it. */
static bool is_summary(struct tw_text_log *log)
{
    struct tw_text_row *row = &log->row;
    if (!begins_name(row, "train_runtime"))
        return false;
    for (unsigned i = 0; i < row->n_cells; i++)
        row->cells[i].meaning = TW_MEANS_NOTHING;
    return true;
}

/* ---- the bar ---- */

/* "  5%|#5   | 500/10000 [01:23<26:11,  6.0it/s]" */
static bool is_bar(const char *line, size_t size, double *ret_at, double *ret_of)
{
    const char *end = line + size, *at = line;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at == line || !tw_text_begins(at, (size_t)(end - at), "%|"))
        return false;
    at = memchr(at + 2, '|', (size_t)(end - at - 2));
    if (!at)
        return false;
    at++;
    while (at < end && *at == ' ')
        at++;
    size_t length = tw_log_number_at(at, (size_t)(end - at), ret_at);
    if (!length || at + length == end || at[length] != '/')
        return false;
    at += length + 1;
    length = tw_log_number_at(at, (size_t)(end - at), ret_of);
    return length && tw_text_begins(at + length, (size_t)(end - at - length), " [") &&
           !memchr(at, '=', (size_t)(end - at)); /* with numbers in it, it is a row itself */
}

static int take_bar(struct tw_text_log *log, double at, double of, const struct tw_log_sink *sink)
{
    if (isnan(log->bar_total) || (at == 0 && !log->dict_waits && isnan(log->bar_at)))
        log->bar_total = of;
    if (of != log->bar_total)
        return 1; /* the evaluation's */
    log->bar_at = at;
    if (!log->dict_waits)
        return 1;
    log->step = log->held.step = at;
    int result = tw_text_give_held(log, sink);
    return result ? result : 1;
}

static int give_dict(struct tw_text_log *log, const struct dict *dict,
                     const struct tw_log_sink *sink)
{
    if (log->dict_waits)
        log->bar_is_late = true;
    int result = tw_text_give_held(log, sink);
    bool is_end = is_summary(log);
    if (!is_end && dict->is_python && isnan(dict->step) && !isnan(log->bar_at) &&
        !log->bar_is_late) {
        tw_text_hold(log);
        log->dict_waits = true;
    } else if (!result) {
        if (!isnan(dict->step))
            log->step = dict->step;
        result = tw_text_give(log, sink);
    }
    if (is_end)
        log->end = TW_LOG_COMPLETED;
    return result ? result : 1;
}

int tw_dict_line(struct tw_text_log *log, const char *line, size_t size,
                 const struct tw_log_sink *sink)
{
    double bar_at, bar_of;
    struct dict dict = {.step = (double)NAN, .epoch = (double)NAN};
    const char *at = memchr(line, '{', size), *end = line + size;
    if (!at)
        return *line >= '0' && *line <= '9' && is_bar(line, size, &bar_at, &bar_of)
                   ? take_bar(log, bar_at, bar_of, sink)
                   : 0;
    if (end - at < 8 || (at[1] != '"' && at[1] != '\''))
        return 0;
    dict.is_python = at[1] == '\'';
    tw_text_row_start(&log->row);
    if (!take_dict(&log->row, &dict, at + 1, end) || dict.is_broken) {
        bool was_one = dict.has_place || begins_name(&log->row, "loss");
        int result = was_one ? sink->broken(sink->closure, "a dictionary is cut or damaged") : 0;
        return result ? result : 1;
    }
    if (!dict.has_place || !log->row.n_cells)
        return 1; /* settings, or a result by itself */
    log->row.step = dict.step;
    log->row.epoch = dict.epoch;
    log->row.part = part_of_prefix(line, at);
    log->row.time_ms = tw_text_time(line, size, NULL);
    log->epoch = isnan(dict.epoch) ? log->epoch : dict.epoch;
    return give_dict(log, &dict, sink);
}

/* ---- the two formats ---- */

static int huggingface_only(struct tw_text_log *log, const char *line, size_t size,
                            const struct tw_log_sink *sink)
{
    const char *at = memchr(line, '{', size);
    return at && line + size - at > 8 && at[1] == '\'' &&
           tw_text_behind(at, size - (size_t)(at - line), "'epoch'") &&
           tw_dict_line(log, line, size, sink) > 0 && (log->row.n_cells || log->is_held);
}

static int fairseq_only(struct tw_text_log *log, const char *line, size_t size,
                        const struct tw_log_sink *sink)
{
    const char *at = memchr(line, '{', size);
    return at && line + size - at > 8 && at > line + 2 && at[1] == '"' &&
           memchr(line, '|', (size_t)(at - line)) && tw_dict_line(log, line, size, sink) > 0 &&
           log->row.n_cells;
}

static int probe_huggingface(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, huggingface_only) ? 85 : 0;
}

static int probe_fairseq(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, fairseq_only) ? 85 : 0;
}

const struct tw_log_format tw_log_format_huggingface_output =
    TW_TEXT_FORMAT("huggingface_output", "what HuggingFace's trainer prints", probe_huggingface);
const struct tw_log_format tw_log_format_fairseq =
    TW_TEXT_FORMAT("fairseq", "fairseq's and metaseq's log with JSON in it", probe_fairseq);
