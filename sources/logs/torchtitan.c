/* torchtitan (components/metrics.py): "step: 10  loss:  7.12345  grad_norm:  1.2345  memory: ..GiB(
 * ..%)  tps: 1,234  tflops: ..  mfu: ..%" and "validate step: 10  loss:  6.5 ...". Its lines are
 * what text_scan.c reads anyway; only whose they are is known here. */
#include "sources/logs/text_log.h"

static int is_line(struct tw_text_log *log, const char *line, size_t size,
                   const struct tw_log_sink *sink)
{
    (void)log;
    (void)sink;
    const char *at = tw_text_behind(line, size, "step: ");
    size_t left = at ? (size_t)(line + size - at) : 0;
    return at && tw_text_behind(at, left, "  loss: ") && tw_text_behind(at, left, "  memory: ") &&
           tw_text_behind(at, left, "  tps: ");
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, is_line) ? 85 : 0;
}

const struct tw_log_format tw_log_format_torchtitan =
    TW_TEXT_FORMAT("torchtitan", "torchtitan's log of steps", probe);
