/* llm.c: standard output, "step    1/1000 | loss 11.0 (+nanz)| norm 15.3 (+nanz)| lr 1.00e-06 |
 * ...", "val loss 4.1", and main.log, "s:10 trl:4.1 lr:0.0006 norm:1.2", "s:10 tel:4.0", "s:10
 * eval:0.3". The z-scores in brackets are "nan" until enough was seen: no reading. */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name; /* in main.log with its ':', in standard output with a space */
    enum tw_meaning meaning;
} meanings[] = {
    {"trl:", TW_MEANS_LOSS},       {"tel:", TW_MEANS_EVAL_LOSS},    {"eval:", TW_MEANS_EVAL_METRIC},
    {"norm:", TW_MEANS_GRAD_NORM}, {"lr:", TW_MEANS_LEARNING_RATE}, {"loss ", TW_MEANS_LOSS},
    {"norm ", TW_MEANS_GRAD_NORM}, {"lr ", TW_MEANS_LEARNING_RATE},
};

static bool take_field(struct tw_text_row *row, const char *at, const char *end)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        double value;
        size_t length = strlen(meanings[i].name);
        if (!tw_text_begins(at, (size_t)(end - at), meanings[i].name))
            continue;
        if (!tw_log_number_at(at + length, (size_t)(end - at) - length, &value))
            return false;
        bool is_eval = meanings[i].meaning == TW_MEANS_EVAL_LOSS ||
                       meanings[i].meaning == TW_MEANS_EVAL_METRIC;
        if (is_eval)
            row->part = TW_PART_EVAL;
        tw_text_row_add(row, at, length - 1, value, meanings[i].meaning);
        return true;
    }
    return true;
}

static int take_fields(struct tw_text_log *log, double step, const char *at, const char *end,
                       char between, const struct tw_log_sink *sink)
{
    bool is_whole = true;
    tw_text_row_start(&log->row);
    log->row.part = TW_PART_TRAIN;
    log->row.step = log->step = step;
    while (at < end) {
        while (at < end && (*at == ' ' || *at == between))
            at++;
        is_whole = take_field(&log->row, at, end) && is_whole;
        const char *next = memchr(at, between, (size_t)(end - at));
        at = next ? next + 1 : end;
    }
    int result = is_whole ? 0 : sink->broken(sink->closure, "a field of a line holds no number");
    result = result ? result : tw_text_give(log, sink);
    return result ? result : 1;
}

int tw_llmc_line(struct tw_text_log *log, const char *line, size_t size,
                 const struct tw_log_sink *sink)
{
    const char *end = line + size, *at = line;
    double step;
    if (size < 8 || *line != 's')
        return 0;
    if (line[1] == ':') {
        size_t length = tw_log_number_at(line + 2, size - 2, &step);
        at = line + 2 + length;
        bool is_mine = length && step >= 0 && at < end && *at == ' ' &&
                       (tw_text_begins(at + 1, (size_t)(end - at - 1), "trl:") ||
                        tw_text_begins(at + 1, (size_t)(end - at - 1), "tel:") ||
                        tw_text_begins(at + 1, (size_t)(end - at - 1), "eval:"));
        return is_mine ? take_fields(log, step, at, end, ' ', sink) : 0;
    }
    if (!tw_text_begins(line, size, "step ") || !tw_text_behind(line, size, "z)|"))
        return 0;
    for (at += 5; at < end && *at == ' '; at++)
        ;
    size_t length = tw_log_number_at(at, (size_t)(end - at), &step);
    at = memchr(at, '|', (size_t)(end - at));
    return length && step >= 0 && at ? take_fields(log, step, at, end, '|', sink) : 0;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_llmc_line) ? 90 : 0;
}

const struct tw_log_format tw_log_format_llmc =
    TW_TEXT_FORMAT("llmc", "llm.c's standard output and main.log", probe);
