/* Text logs: each line to the rule that knows it. */
#include "sources/logs/text_log.h"

#include "sources/logs/lines.h"
#include "sources/logs/names.h"
#include "sources/logs/text_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The special before the general; each of them refuses a foreign line at once. */
static tw_text_rule *const rules[] = {
    tw_keras_line,
    tw_dict_line,
    tw_megatron_line,
    tw_llmc_line,
    tw_deepspeed_line,
    tw_caffe_line,
    tw_nanogpt_line,
    tw_text_parameters_line,
    tw_boosting_line,
    tw_darknet_line,
    tw_kaldi_line,
    tw_screen_table_line,
    tw_stable_baselines_line,
};
#define RULES (sizeof rules / sizeof *rules)

int tw_text_start(void *state, const char *path, struct tw_error *error)
{
    struct tw_text_log *log = state;
    (void)path;
    (void)error;
    log->step = log->epoch = log->first_epoch = log->last_batch = log->batches = (double)NAN;
    log->counted_epoch = log->boosting.first = (double)NAN;
    log->bar_total = log->bar_at = (double)NAN;
    log->keras.epoch = log->keras.at = log->keras.total = (double)NAN;
    log->bars.total = log->bars.offset = log->bars.epoch = (double)NAN;
    log->end = -1;
    return 0;
}

void tw_text_map(void *state, const struct tw_texts *map)
{
    ((struct tw_text_log *)state)->map = map;
}

static int try_rule(struct tw_text_log *log, unsigned rule, const char *line, size_t size,
                    const struct tw_log_sink *sink)
{
    int result = rules[rule](log, line, size, sink);
    if (result)
        log->last_rule = rule;
    return result;
}

static int take_line(struct tw_text_log *log, const char *line, size_t size,
                     const struct tw_log_sink *sink)
{
    int result = tw_text_layout_line(log, line, size, sink);
    /* Lines of a kind come together. */
    if (!result)
        result = try_rule(log, log->last_rule, line, size, sink);
    for (unsigned i = 0; i < RULES && !result; i++) {
        if (i != log->last_rule)
            result = try_rule(log, i, line, size, sink);
    }
    if (!result)
        result = tw_text_scan_and_learn(log, line, size, sink);
    return result ? result : tw_text_end_line(log, line, size, sink);
}

int tw_text_line(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                 struct tw_error *error)
{
    (void)error;
    while (size && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        size--;
    while (size && (*line == ' ' || *line == '\t'))
        line++, size--;
    int result = size ? take_line(state, line, size, sink) : 0;
    return result < 0 ? result : 0;
}

int tw_text_finish(void *state, const struct tw_log_sink *sink, struct tw_error *error)
{
    struct tw_text_log *log = state;
    int end = log->end;
    (void)error;
    int result = tw_text_give_held(log, sink);
    if (!result && end >= 0)
        result = sink->event(sink->closure, NULL, (enum tw_log_event)end, log->step);
    return result;
}

void tw_text_done(void *state)
{
    free(((struct tw_text_log *)state)->layouts);
}

/* ---- probes ---- */

struct losses {
    const struct tw_texts *map;
    int n;
};

static bool is_loss(const char *name, const struct tw_row *row, const struct tw_texts *map)
{
    struct tw_name_meaning meaning;
    if (strcasestr(name, "loss"))
        return true;
    tw_log_name_meaning(name, row->part, map, &meaning);
    bool is_one = meaning.meaning == TW_MEANS_LOSS || meaning.meaning == TW_MEANS_EVAL_LOSS ||
                  meaning.meaning == TW_MEANS_PERPLEXITY;
    return (is_one && !isnan(row->step)) || tw_log_name_is_mapped(name, map, &meaning);
}

/* Losses are what tells a training log from other text with numbers, or what the user maps; a cost
 * or a perplexity is one where it is told of a step. */
static int count_losses(void *closure, const struct tw_row *row)
{
    struct losses *losses = closure;
    bool has = false;
    for (size_t i = 0; i < row->n_cells && !has; i++)
        has = is_loss(row->cells[i].name, row, losses->map);
    losses->n += has;
    return 0;
}

static int no_parameter(void *closure, const char *run, const char *name, const char *value)
{
    (void)closure;
    (void)run;
    (void)name;
    (void)value;
    return 0;
}

static int no_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    (void)closure;
    (void)run;
    (void)event;
    (void)step;
    return 0;
}

static int not_broken(void *closure, const char *reason)
{
    (void)closure;
    (void)reason;
    return 0;
}

/* A sample is as it was written, colours and all, and belongs to others: the rule sees a copy
 * without them, as it will when the log is read. */
static int try_sample_line(struct tw_text_log *log, tw_text_rule *rule, const char *line,
                           size_t size, const struct tw_log_sink *sink)
{
    if (!memchr(line, '\033', size) && !memchr(line, '\b', size))
        return rule(log, line, size, sink);
    char *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, line, size);
    size_t length = tw_log_lines_clean(copy, size), from = 0;
    while (from < length && (copy[from] == ' ' || copy[from] == '\t'))
        from++;
    int result = from < length ? rule(log, copy + from, length - from, sink) : 0;
    free(copy);
    return result;
}

/* Lines that the rule knows, up to `most`; `ret_losses` of them told a loss. */
static int count_lines(const struct tw_log_sample *sample, tw_text_rule *rule, int most,
                       int *ret_losses)
{
    struct losses losses = {.map = sample->map};
    const struct tw_log_sink sink = {&losses, count_losses, no_parameter, no_event, not_broken};
    struct tw_text_log log = {.map = sample->map};
    int n = 0;
    const char *at = sample->bytes, *end = at + sample->size;
    tw_text_start(&log, sample->path, NULL);
    while (at < end && n < most) {
        const char *to = at;
        while (to < end && *to != '\n' && *to != '\r' && *to)
            to++;
        if (to < end && !*to)
            return 0; /* not text */
        const char *next = to + 1;
        while (at < to && (*at == ' ' || *at == '\t'))
            at++;
        while (to > at && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        n += to > at && try_sample_line(&log, rule, at, (size_t)(to - at), &sink) > 0;
        at = next;
    }
    *ret_losses = losses.n;
    return n;
}

int tw_text_count(const struct tw_log_sample *sample, tw_text_rule *rule)
{
    int losses = 0;
    return count_lines(sample, rule, 3, &losses);
}

/* Pretty-printed JSON has names and numbers on its lines, too: other formats know it better. */
static bool is_json(const struct tw_log_sample *sample)
{
    size_t i = 0;
    while (i < sample->size && memchr(" \t\r\n", sample->bytes[i], 4))
        i++;
    if (i == sample->size || sample->bytes[i] != '{')
        return false;
    do
        i++;
    while (i < sample->size && memchr(" \t\r\n", sample->bytes[i], 4));
    return i < sample->size && sample->bytes[i] == '"';
}

/* Cells of the line at `at`, apart by tabs; `ret_end` is its end. */
static size_t cells_of_line(const char *at, const char *end, const char **ret_end)
{
    size_t n = 1;
    for (; at < end && *at != '\n'; at++)
        n += *at == '\t';
    *ret_end = at;
    return n;
}

/* A table of what is known about runs may speak of losses ("loss 2.3->nan"): a head without a
 * digit, and rows of as many cells. That of a training is known by its names to the format of
 * tables. */
static bool is_table(const struct tw_log_sample *sample)
{
    enum { CELLS = 4, ROWS = 3 };
    const char *at = sample->bytes, *end = at + sample->size, *line_end;
    size_t cells = cells_of_line(at, end, &line_end), rows = 0;
    if (cells < CELLS)
        return false;
    for (; at < line_end; at++) {
        if (*at >= '0' && *at <= '9')
            return false;
    }
    while (rows < ROWS && (at = line_end + 1) < end && cells_of_line(at, end, &line_end) == cells &&
           line_end < end)
        rows++;
    return rows == ROWS;
}

static int probe(const struct tw_log_sample *sample)
{
    enum { MOST = 200, SOME = 3 };
    int losses = 0, n = count_lines(sample, tw_text_scan_line, MOST, &losses);
    if (losses >= SOME)
        return is_json(sample) || is_table(sample) ? 45 : 55;
    return n >= SOME ? 25 : n ? 12 : 0;
}

const struct tw_log_format tw_log_format_text =
    TW_TEXT_FORMAT("text", "lines with names and numbers, by the usual spellings", probe);
