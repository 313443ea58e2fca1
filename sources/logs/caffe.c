/* Caffe's log (src/caffe/solver.cpp), by glog: "I0102 03:04:05.678901 123 solver.cpp:218] Iteration
 * 100 (5.2 iter/s, 19s/100 iters), loss = 0.35", and behind it "Train net output #0: loss = 0.35 (*
 * 1 = 0.35 loss)", "Iteration 100, lr = 0.01", "Iteration 500, Testing net (#0)", "Test net output
 * #0: accuracy = 0.98". */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

/* "name = number" */
static int take_pair(struct tw_text_log *log, const char *at, const char *end,
                     enum tw_row_part part, const struct tw_log_sink *sink)
{
    const char *equals = tw_text_behind(at, (size_t)(end - at), " = ");
    double value;
    if (!equals)
        return 1;
    size_t length = tw_log_number_at(equals, (size_t)(end - equals), &value);
    if (!length) {
        int result = sink->broken(sink->closure, "a number is missing behind '='");
        return result ? result : 1;
    }
    tw_text_row_start_here(log, &log->row);
    log->row.part = part;
    tw_text_row_add(&log->row, at, (size_t)(equals - 3 - at), value, TW_MEANS_BY_NAME);
    return tw_text_give_line(log, sink);
}

static int take_output(struct tw_text_log *log, const char *at, const char *end,
                       enum tw_row_part part, const struct tw_log_sink *sink)
{
    const char *name = tw_text_behind(at, (size_t)(end - at), ": ");
    /* What training outputs is the sum's parts: the sum stood in the line before. */
    if (!name || part == TW_PART_TRAIN)
        return 1;
    return take_pair(log, name, end, part, sink);
}

int tw_caffe_line(struct tw_text_log *log, const char *line, size_t size,
                  const struct tw_log_sink *sink)
{
    const char *end = line + size, *at;
    double step;
    if (size < 30 || !strchr("IWE", *line) || line[1] < '0' || line[1] > '9')
        return 0;
    at = tw_text_behind(line, size < 100 ? size : 100, "] ");
    if (!at)
        return 0;
    while (at < end && *at == ' ')
        at++;
    size_t left = (size_t)(end - at);
    if (tw_text_begins(at, left, "Test net output #"))
        return take_output(log, at, end, TW_PART_EVAL, sink);
    if (tw_text_begins(at, left, "Train net output #"))
        return take_output(log, at, end, TW_PART_TRAIN, sink);
    if (tw_text_begins(at, left, "Optimization Done")) {
        log->end = TW_LOG_COMPLETED;
        return 1;
    }
    if (!tw_text_begins(at, left, "Iteration "))
        return 0;
    at += 10;
    if (!tw_log_number_at(at, (size_t)(end - at), &step) || !(step >= 0))
        return 0;
    log->step = step;
    const char *loss = tw_text_behind(at, (size_t)(end - at), ", loss = ");
    const char *rate = tw_text_behind(at, (size_t)(end - at), ", lr = ");
    return loss || rate ? take_pair(log, (loss ? loss - 7 : rate - 5), end, TW_PART_TRAIN, sink)
                        : 1;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_caffe_line) ? 85 : 0;
}

const struct tw_log_format tw_log_format_caffe =
    TW_TEXT_FORMAT("caffe", "Caffe's log of its solver", probe);
