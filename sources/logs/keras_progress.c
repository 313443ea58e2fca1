/* Keras's progress bars (keras/src/utils/progbar.py): "Epoch 3/10", and for each bar many states,
 * "313/313 [====] - 2s 5ms/step - loss: 0.12 - val_loss: 0.2", each with means over the epoch so
 * far. The last state of a bar is the epoch's. A bar that begins anew without a line "Epoch" before
 * it is evaluate()'s. */
#include "sources/logs/text_log.h"

#include "sources/logs/number.h"

#include <math.h>
#include <string.h>

/* "Epoch 3/10" and nothing else */
static bool is_epoch(const char *line, size_t size, double *ret)
{
    double of;
    if (!tw_text_begins(line, size, "Epoch "))
        return false;
    const char *at = line + 6, *end = line + size;
    size_t length = tw_log_number_at(at, (size_t)(end - at), ret);
    if (!length || at + length == end || at[length] != '/')
        return false;
    at += length + 1;
    length = tw_log_number_at(at, (size_t)(end - at), &of);
    return length && at + length == end && *ret >= 0 && *ret < 1e9;
}

/* Behind "31/160 ", where a bar or " - " follows. */
static const char *behind_count(const char *at, const char *end, double *ret_at, double *ret_of)
{
    size_t length = tw_log_number_at(at, (size_t)(end - at), ret_at);
    if (!length || end - at - length < 4 || at[length] != '/')
        return NULL;
    at += length + 1;
    *ret_of = (double)NAN;
    if (tw_text_begins(at, (size_t)(end - at), "Unknown"))
        length = 7;
    else
        length = tw_log_number_at(at, (size_t)(end - at), ret_of);
    at += length;
    if (!length || end - at < 4 || *at != ' ')
        return NULL;
    bool is_bar = (at[1] == '[' && strchr("=>.", at[2])) || tw_text_begins(at, 3, " - ") ||
                  tw_text_begins(at + 1, 3, "\xE2\x94\x81"); /* U+2501 */
    return is_bar ? at : NULL;
}

/* " - loss: 0.1234 - val_loss: 0.2" */
static bool take_readings(struct tw_text_row *row, const char *at, const char *end)
{
    bool is_whole = true;
    while (at && at < end) {
        const char *next = tw_text_behind(at, (size_t)(end - at), " - ");
        const char *to = next ? next - 3 : end, *colon = memchr(at, ':', (size_t)(to - at));
        bool is_reading = colon && colon > at && !tw_text_begins(at, (size_t)(to - at), "ETA:");
        if (is_reading) {
            double value;
            const char *text = colon + 1;
            int is_number = tw_log_number(text, (size_t)(to - text), &value);
            if (is_number > 0)
                tw_text_row_add(row, at, (size_t)(colon - at), value, TW_MEANS_BY_NAME);
            is_whole = is_whole && is_number >= 0;
        }
        at = next;
    }
    return is_whole;
}

static int take_bar(struct tw_text_log *log, const char *at, const char *end, double done,
                    double total, const struct tw_log_sink *sink)
{
    bool is_other = log->is_held && !log->keras.is_new &&
                    (done < log->keras.at || log->keras.is_done ||
                     (total == total && total != log->keras.total));
    int result = log->keras.is_new || is_other ? tw_text_give_held(log, sink) : 0;
    if (is_other || isnan(log->keras.epoch))
        log->row.part = TW_PART_EVAL;
    else if (!log->keras.is_new)
        log->row.part = log->held.part;
    enum tw_row_part part = log->keras.is_new ? TW_PART_BY_NAME : log->row.part;
    tw_text_row_start(&log->row);
    log->row.part = part;
    log->row.epoch = log->keras.epoch;
    log->keras.is_new = false;
    /* Keras 3 writes the last state of a bar twice, and every state looks like it. */
    log->keras.is_done = at[1] != '\xE2' && !tw_text_behind(at, (size_t)(end - at), " ETA: ");
    log->keras.at = done;
    log->keras.total = total;
    if (!take_readings(&log->row, tw_text_behind(at, (size_t)(end - at), " - "), end) && !result)
        result = sink->broken(sink->closure, "a state of a progress bar is cut or holds no number");
    if (log->row.n_cells && !result)
        tw_text_hold(log);
    return result ? result : 1;
}

int tw_keras_line(struct tw_text_log *log, const char *line, size_t size,
                  const struct tw_log_sink *sink)
{
    double value, total;
    if (is_epoch(line, size, &value)) {
        int result = tw_text_give_held(log, sink);
        log->keras.epoch = log->epoch = value;
        log->keras.is_new = true;
        if (isnan(log->first_epoch))
            log->first_epoch = value;
        return result ? result : 1;
    }
    if (!size || *line < '0' || *line > '9')
        return 0;
    const char *at = behind_count(line, line + size, &value, &total);
    return at ? take_bar(log, at, line + size, value, total, sink) : 0;
}

static int bar_only(struct tw_text_log *log, const char *line, size_t size,
                    const struct tw_log_sink *sink)
{
    int is_mine = tw_keras_line(log, line, size, sink);
    return is_mine && line[0] != 'E' && log->is_held;
}

static int probe(const struct tw_log_sample *sample)
{
    return tw_text_count(sample, bar_only) ? 80 : 0;
}

const struct tw_log_format tw_log_format_keras_progress =
    TW_TEXT_FORMAT("keras_progress", "what Keras prints while it fits", probe);
