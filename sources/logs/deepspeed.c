/* DeepSpeed's lines, most often between those of another trainer: "[Rank 0] step=10, skipped=1,
 * lr=[0.001], mom=[[0.9, 0.999]]" (runtime/engine.py) and the loss scaler's
 * "[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768"
 * (runtime/fp16/loss_scaler.py). "skipped" counts from the start of the run. */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

static bool number_behind(const char *line, const char *end, const char *what, double *ret)
{
    const char *at = tw_text_behind(line, (size_t)(end - line), what);
    while (at && at < end && (*at == ' ' || *at == '['))
        at++;
    return at && tw_log_number_at(at, (size_t)(end - at), ret) > 0;
}

static int take_overflow(struct tw_text_log *log, const char *line, const char *end,
                         const struct tw_log_sink *sink)
{
    double scale;
    tw_text_row_start_here(log, &log->row);
    log->row.part = TW_PART_TRAIN;
    log->row.time_ms = tw_text_time(line, (size_t)(end - line), NULL);
    tw_text_row_add(&log->row, "OVERFLOW!", 9, 1, TW_MEANS_OVERFLOW);
    if (number_behind(line, end, "oss scale: ", &scale))
        tw_text_row_add(&log->row, "loss scale", 10, scale, TW_MEANS_LOSS_SCALE);
    return tw_text_give_line(log, sink);
}

static int take_step(struct tw_text_log *log, const char *line, const char *end,
                     const struct tw_log_sink *sink)
{
    double step, skipped, lr;
    if (!number_behind(line, end, "step=", &step) || !(step >= 0) ||
        !number_behind(line, end, "skipped=", &skipped))
        return 0;
    tw_text_row_start_here(log, &log->row);
    log->row.part = TW_PART_TRAIN;
    log->row.step = log->step = step;
    log->row.time_ms = tw_text_time(line, (size_t)(end - line), NULL);
    if (number_behind(line, end, "lr=", &lr))
        tw_text_row_add(&log->row, "lr", 2, lr, TW_MEANS_LEARNING_RATE);
    /* The sum since the start; a row tells those since the last one. */
    double before = isnan(log->skipped) || skipped < log->skipped ? 0 : log->skipped;
    tw_text_row_add(&log->row, "skipped", 7, skipped - before, TW_MEANS_SKIPPED_STEPS);
    log->skipped = skipped;
    return tw_text_give_line(log, sink);
}

int tw_deepspeed_line(struct tw_text_log *log, const char *line, size_t size,
                      const struct tw_log_sink *sink)
{
    const char *end = line + size;
    if (size < 20 || !memchr(line, '[', size))
        return 0;
    if (tw_text_behind(line, size, "OVERFLOW! Rank ") ||
        tw_text_behind(line, size, "OVERFLOW! Skipping step"))
        return take_overflow(log, line, end, sink);
    if (tw_text_behind(line, size, "loss scale already at minimum")) {
        int result = take_overflow(log, line, end, sink);
        log->end = TW_LOG_FAILED;
        return result;
    }
    return tw_text_behind(line, size, ", skipped=") ? take_step(log, line, end, sink) : 0;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, tw_deepspeed_line) ? 60 : 0;
}

const struct tw_log_format tw_log_format_deepspeed =
    TW_TEXT_FORMAT("deepspeed", "DeepSpeed's steps and overflows", probe);
