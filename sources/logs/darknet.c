/* Darknet's lines of batches (src/detector.c, and src/classifier.c with an epoch): "100: 3.5, 3.6
 * avg loss, 0.001 rate, 2.1 seconds, 6400 images", "100, 0.5: 3.5, 3.6 avg, ...". What it prints of
 * each layer between ("Region 82 Avg IOU: ...", "v3 (iou loss, ...) Region 82 Avg (IOU: ...), ...,
 * total_loss = 9") is no loss of a step. */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

static bool is_count(double value)
{
    return value >= 0 && value < 1e15 && value == floor(value);
}

int tw_darknet_line(struct tw_text_log *log, const char *line, size_t size,
                    const struct tw_log_sink *sink)
{
    const char *at = line, *end = line + size;
    double step, epoch = (double)NAN, loss, mean, rate, seconds;
    if ((*line == 'R' || *line == 'v') && tw_text_behind(line, size, "Region ") &&
        (tw_text_behind(line, size, " Avg IOU: ") || tw_text_behind(line, size, " Avg (IOU: ")))
        return 1;
    if ((unsigned char)(*line - '0') > 9 || !tw_text_behind(line, size, " rate, ") ||
        !tw_text_take(&at, end, &step, "") || !is_count(step))
        return 0;
    if (tw_text_begins(at, (size_t)(end - at), ", ") &&
        (at += 2, !tw_text_take(&at, end, &epoch, "")))
        return 0;
    if (!tw_text_begins(at, (size_t)(end - at), ": "))
        return 0;
    at += 2;
    if (!tw_text_take(&at, end, &loss, ", ") || !tw_text_take(&at, end, &mean, " avg"))
        return 0;
    at = tw_text_behind(at, (size_t)(end - at), ", ");
    if (!at || !tw_text_take(&at, end, &rate, " rate, ") ||
        !tw_text_take(&at, end, &seconds, " seconds, "))
        return 0;
    tw_text_row_start(&log->row);
    log->row.part = TW_PART_TRAIN;
    log->row.step = log->step = step;
    log->row.epoch = epoch;
    tw_text_row_add(&log->row, "loss", 4, loss, TW_MEANS_LOSS);
    tw_text_row_add(&log->row, "rate", 4, rate, TW_MEANS_LEARNING_RATE);
    tw_text_row_add(&log->row, "seconds", 7, seconds, TW_MEANS_STEP_SECONDS);
    return tw_text_give_line(log, sink);
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_darknet_line) > 1 ? 85 : 0;
}

const struct tw_log_format tw_log_format_darknet =
    TW_TEXT_FORMAT("darknet", "Darknet's lines of batches", probe);
