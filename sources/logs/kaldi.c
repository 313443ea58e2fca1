/* Kaldi's trainings of nnet3 (src/nnet3/nnet-training.cc): "Average objective function for 'output'
 * for minibatches 10-19 is -1.5 over 12800 frames.", or "-1.5 + -0.1 = -1.6": a log-likelihood,
 * which is maximized; "using 3 minibatches in minibatch range 20-29" where these are not all. */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

int tw_kaldi_line(struct tw_text_log *log, const char *line, size_t size,
                  const struct tw_log_sink *sink)
{
    const char *end = line + size, *at = NULL;
    if (tw_text_begins(line, size, "LOG ("))
        at = tw_text_behind(line, size, "objective function for 'output' ");
    double first, last, value, total;
    at = at ? tw_text_behind(at, (size_t)(end - at), "minibatch") : NULL;
    at = at ? memchr(at, ' ', (size_t)(end - at)) : NULL;
    if (at && tw_text_begins(at, (size_t)(end - at), " in minibatch range"))
        at += 19;
    if (!at || !tw_text_take(&at, end, &first, "-") || !tw_text_take(&at, end, &last, " is ") ||
        !(last >= 0 && last < 1e15) || !tw_text_take(&at, end, &value, " "))
        return 0;
    const char *equals = tw_text_behind(at, (size_t)(end - at), " = ");
    if (equals && tw_text_take(&equals, end, &total, " over "))
        value = total;
    tw_text_row_start(&log->row);
    log->row.part = TW_PART_TRAIN;
    log->row.step = log->step = last + 1;
    tw_text_row_add(&log->row, "- objective function", 20, -value, TW_MEANS_LOSS);
    return tw_text_give_line(log, sink);
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_kaldi_line) > 1 ? 85 : 0;
}

const struct tw_log_format tw_log_format_kaldi =
    TW_TEXT_FORMAT("kaldi", "Kaldi's objective functions of nnet3", probe);
