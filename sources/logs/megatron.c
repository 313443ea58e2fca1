/* Megatron-LM's training log (megatron/training/training.py), and what was made of it (GPT-NeoX,
 * Megatron-DeepSpeed): " iteration 10/ 1000 | consumed samples: 640 | lm loss: 1.06E+01 | ... |".
 * A loss that is NaN is left out of its line, and counted in "number of nan iterations". */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    enum tw_meaning meaning;
} meanings[] = {
    {"lm loss", TW_MEANS_LOSS},
    {"lm_loss", TW_MEANS_LOSS},
    {"learning rate", TW_MEANS_LEARNING_RATE},
    {"grad norm", TW_MEANS_GRAD_NORM},
    {"loss scale", TW_MEANS_LOSS_SCALE},
    {"number of skipped iterations", TW_MEANS_SKIPPED_STEPS},
    {"number of nan iterations", TW_MEANS_NAN_COUNT},
    {"params norm", TW_MEANS_WEIGHT_NORM},
    {"consumed samples", TW_MEANS_SAMPLES},
    {"consumed tokens", TW_MEANS_NOTHING},
    {"num zeros", TW_MEANS_NOTHING},
    {"global batch size", TW_MEANS_NOTHING},
    {"elapsed time per iteration (ms)", TW_MEANS_STEP_SECONDS},
    {"elapsed time per iteration (s)", TW_MEANS_STEP_SECONDS},
};

static enum tw_meaning meaning_of(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strlen(meanings[i].name) == size && !memcmp(meanings[i].name, name, size))
            return meanings[i].meaning;
    }
    return TW_MEANS_BY_NAME;
}

static void trim(const char **from, const char **to)
{
    while (*from < *to && **from == ' ')
        (*from)++;
    while (*to > *from && (*to)[-1] == ' ')
        (*to)--;
}

/* "name: value"; false where it should have been one. */
static bool take_field(struct tw_text_row *row, const char *from, const char *to)
{
    const char *colon = memrchr(from, ':', (size_t)(to - from)), *name_end = colon;
    double value;
    if (!colon)
        return true; /* words between the bars: none of Megatron's numbers */
    trim(&from, &name_end);
    const char *text = colon + 1;
    trim(&text, &to);
    int is_number = tw_log_number(text, (size_t)(to - text), &value);
    enum tw_meaning meaning = meaning_of(from, (size_t)(name_end - from));
    if (is_number < 0)
        return meaning == TW_MEANS_BY_NAME;
    if (meaning == TW_MEANS_STEP_SECONDS && name_end[-2] == 's' && name_end[-3] == 'm')
        value /= 1000;
    if (is_number)
        tw_text_row_add(row, from, (size_t)(name_end - from), value, meaning);
    return true;
}

static bool take_fields(struct tw_text_row *row, const char *at, const char *end)
{
    bool is_whole = true;
    while (at < end) {
        const char *to = memchr(at, '|', (size_t)(end - at));
        to = to ? to : end;
        is_whole = take_field(row, at, to) && is_whole;
        at = to + 1;
    }
    return is_whole;
}

/* "validation loss at iteration 1000 | lm loss value: 2.1E+00 | lm loss PPL: 8.1E+00 |" */
static int take_validation(struct tw_text_log *log, const char *at, const char *end,
                           const struct tw_log_sink *sink)
{
    struct tw_text_row *row = &log->row;
    double step;
    const char *bar = memchr(at, '|', (size_t)(end - at));
    at += *at == ' ';
    if (!bar || !tw_log_number_at(at, (size_t)(end - at), &step))
        return 0;
    tw_text_row_start_here(log, row);
    row->part = TW_PART_EVAL;
    row->step = step;
    bool is_whole = take_fields(row, bar + 1, end);
    for (unsigned i = 0; i < row->n_cells; i++) {
        if (strstr(row->names + row->cells[i].name, "loss value"))
            row->cells[i].meaning = TW_MEANS_EVAL_LOSS;
    }
    int result = is_whole ? 0 : sink->broken(sink->closure, "a field of a line holds no number");
    result = result ? result : tw_text_give(log, sink);
    return result ? result : 1;
}

static int take_iteration(struct tw_text_log *log, const char *line, const char *at,
                          const char *end, const struct tw_log_sink *sink)
{
    struct tw_text_row *row = &log->row;
    double step;
    const char *bar = memchr(at, '|', (size_t)(end - at));
    while (at < end && *at == ' ')
        at++;
    size_t length = tw_log_number_at(at, (size_t)(end - at), &step);
    if (!bar || !length || !(step >= 0) || at[length] != '/')
        return 0;
    tw_text_row_start_here(log, row);
    row->part = TW_PART_TRAIN;
    row->step = log->step = step;
    row->time_ms = tw_text_time(line, (size_t)(end - line), NULL);
    bool is_whole = take_fields(row, bar + 1, end);
    int result = is_whole ? 0 : sink->broken(sink->closure, "a field of a line holds no number");
    result = result ? result : tw_text_give(log, sink);
    return result ? result : 1;
}

int tw_megatron_line(struct tw_text_log *log, const char *line, size_t size,
                     const struct tw_log_sink *sink)
{
    const char *end = line + size, *at;
    if (size < 30 || !memchr(line, '|', size))
        return 0;
    at = tw_text_behind(line, size < 80 ? size : 80, "iteration ");
    if (!at)
        return 0;
    if (tw_text_behind(line, (size_t)(at - line), "validation loss at iteration ") ||
        tw_text_behind(line, (size_t)(at - line), "test loss at iteration "))
        return take_validation(log, at, end, sink);
    return tw_text_behind(at, (size_t)(end - at), "consumed samples:") ||
                   tw_text_behind(at, (size_t)(end - at), "elapsed time per iteration")
               ? take_iteration(log, line, at, end, sink)
               : 0;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_megatron_line) ? 90 : 0;
}

const struct tw_log_format tw_log_format_megatron =
    TW_TEXT_FORMAT("megatron", "Megatron-LM's log of iterations", probe);
