/* nanoGPT's two kinds of lines (train.py): "step 250: train loss 2.3, val loss 2.4", both over the
 * same number of batches, and "iter 260: loss 2.31, time 88.1ms, mfu 12.3%". */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <string.h>

static const char *take(struct tw_text_row *row, const char *at, const char *end, const char *name,
                        enum tw_meaning meaning)
{
    size_t length = strlen(name);
    double value;
    if (!at || !tw_text_begins(at, (size_t)(end - at), name) || at + length == end ||
        at[length] != ' ')
        return NULL;
    size_t n = tw_log_number_at(at + length + 1, (size_t)(end - at) - length - 1, &value);
    tw_text_row_add(row, name, n ? length : 0, value, meaning);
    return n ? at + length + 1 + n : NULL;
}

static const char *behind_comma(const char *at, const char *end)
{
    return at && end - at > 2 && at[0] == ',' && at[1] == ' ' ? at + 2 : NULL;
}

int tw_nanogpt_line(struct tw_text_log *log, const char *line, size_t size,
                    const struct tw_log_sink *sink)
{
    bool is_eval = tw_text_begins(line, size, "step ");
    const char *at = line + 5, *end = line + size;
    struct tw_text_row *row = &log->row;
    double step;
    if (size < 12 || (!is_eval && !tw_text_begins(line, size, "iter ")))
        return 0;
    size_t length = tw_log_number_at(at, (size_t)(end - at), &step);
    at += length;
    if (!length || !(step >= 0) || end - at < 3 || at[0] != ':' || at[1] != ' ')
        return 0;
    at += 2;
    tw_text_row_start_here(log, row);
    row->step = step;
    if (is_eval) {
        at = take(row, at, end, "train loss", TW_MEANS_TRAIN_LOSS);
        at = take(row, behind_comma(at, end), end, "val loss", TW_MEANS_EVAL_LOSS);
    } else {
        row->part = TW_PART_TRAIN;
        at = take(row, at, end, "loss", TW_MEANS_LOSS);
        at = at && tw_text_begins(at, (size_t)(end - at), ", time ") ? at : NULL;
    }
    if (!at)
        return 0;
    log->step = step;
    return tw_text_give_line(log, sink);
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_nanogpt_line) ? 85 : 0;
}

const struct tw_log_format tw_log_format_nanogpt =
    TW_TEXT_FORMAT("nanogpt", "nanoGPT's iterations and evaluations", probe);
