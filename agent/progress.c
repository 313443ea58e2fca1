/* The progress line. */
#include "agent/progress.h"

#include "telemetry/clock.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define UPDATE_SECONDS .1
#define LINE_BYTES 1024
#define ADVISOR_BYTES 128
#define BAR_COLUMNS_MIN 8
#define BAR_COLUMNS_MAX 30
#define GAP "  "

struct tw_progress {
    struct tw_progress_options options;
    double started, drawn_at;
    bool is_drawn;
    double max_steps, max_epochs, step, epoch, samples, loss, accuracy, eval_loss;
    bool is_resumed;
    double first_samples; /* that were done when a resumed run was first seen; else 0 */
    enum tw_progress_mood mood;
    char advisor[ADVISOR_BYTES];
};

struct tw_progress_options tw_progress_options_for(int fd)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool in_place = isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
    return (struct tw_progress_options){
        .fd = fd,
        .in_place = in_place,
        .has_color = in_place && !(no_color && *no_color),
        .has_unicode = !strcmp(nl_langinfo(CODESET), "UTF-8"),
    };
}

struct tw_progress *tw_progress_new(const struct tw_progress_options *options)
{
    struct tw_progress *progress = calloc(1, sizeof *progress);
    if (!progress)
        return NULL;
    progress->options = *options;
    progress->started = tw_now_seconds();
    progress->loss = progress->accuracy = progress->eval_loss = NAN;
    return progress;
}

/* ---- the texts ---- */

static void format_rate(double per_second, char *ret, size_t size)
{
    if (per_second >= 999.5e3)
        snprintf(ret, size, "%.1fM samples/s", per_second / 1e6);
    else if (per_second >= 999.5)
        snprintf(ret, size, "%.0fk samples/s", per_second / 1e3);
    else
        snprintf(ret, size, "%.0f samples/s", per_second);
}

static void format_left(double seconds, char *ret, size_t size)
{
    unsigned long left = seconds < 1e7 ? (unsigned long)(seconds + .5) : 9999999;
    if (left >= 3600)
        snprintf(ret, size, "%lu:%02lu:%02lu left", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(ret, size, "%lu:%02lu left", left / 60, left % 60);
}

enum field { EPOCH, BAR, LOSS, ACCURACY, RATE, LEFT, ADVISOR, FIELDS };

/* Who stays when the terminal is narrow, the most wanted first. The bar takes what is left over. */
static const enum field wanted[] = {EPOCH, ADVISOR, LOSS, ACCURACY, LEFT, RATE};

static void format_fields(const struct tw_progress *progress, char texts[FIELDS][LINE_BYTES])
{
    double elapsed = tw_now_seconds() - progress->started;
    double done = progress->max_steps > 0 ? progress->step / progress->max_steps : 0;
    for (int i = 0; i < FIELDS; i++)
        texts[i][0] = '\0';
    double epoch = fmin(floor(progress->epoch) + 1, progress->max_epochs);
    snprintf(texts[EPOCH], LINE_BYTES, "epoch %.0f/%.0f", epoch, progress->max_epochs);
    snprintf(texts[LOSS], LINE_BYTES, "loss %.4g", progress->loss);
    if (!isnan(progress->accuracy))
        snprintf(texts[ACCURACY], LINE_BYTES, "accuracy %.1f%%", 100 * progress->accuracy);
    if (elapsed > 0 && progress->samples > progress->first_samples)
        format_rate((progress->samples - progress->first_samples) / elapsed, texts[RATE],
                    LINE_BYTES);
    if (done > 0)
        format_left(elapsed / done - elapsed, texts[LEFT], LINE_BYTES);
    if (progress->advisor[0])
        snprintf(texts[ADVISOR], LINE_BYTES, "advisor: %s", progress->advisor);
}

static void format_bar(const struct tw_progress *progress, size_t columns, char *ret)
{
    const char *full = progress->options.has_unicode ? "━" : "=";
    const char *rest = progress->options.has_unicode ? "─" : "-";
    double done = progress->max_steps > 0 ? progress->step / progress->max_steps : 0;
    size_t n_full = (size_t)(fmin(fmax(done, 0), 1) * (double)columns);
    for (size_t i = 0; i < columns; i++)
        ret = stpcpy(ret, i < n_full ? full : rest);
}

/* Drops what does not fit into `columns`, and returns how many columns are used. The texts are
 * ASCII: a byte is a column. */
static size_t fit(char texts[FIELDS][LINE_BYTES], size_t columns)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char *text = texts[wanted[i]];
        size_t gap = used ? strlen(GAP) : 0, length = strlen(text);
        if (!length)
            continue;
        /* The advisor's words are cut rather than dropped: their beginning says most. */
        if (wanted[i] == ADVISOR && used + gap + 12 <= columns && used + gap + length > columns)
            length = columns - used - gap;
        if (used + gap + length > columns)
            length = 0;
        text[length] = '\0';
        used += length ? gap + length : 0;
    }
    return used;
}

static const char *color_of(const struct tw_progress *progress, enum tw_progress_mood mood)
{
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[1;31m"};
    return progress->options.has_color ? colors[mood] : "";
}

static const char *color_end(const struct tw_progress *progress)
{
    return progress->options.has_color ? "\033[0m" : "";
}

static size_t compose(const struct tw_progress *progress, size_t columns, bool with_color,
                      char *ret, size_t size)
{
    char texts[FIELDS][LINE_BYTES];
    format_fields(progress, texts);
    size_t used = fit(texts, columns);
    if (columns >= used + strlen(GAP) + BAR_COLUMNS_MIN) {
        size_t bar = columns - used - strlen(GAP);
        bar = bar < BAR_COLUMNS_MAX ? bar : BAR_COLUMNS_MAX;
        format_bar(progress, bar, texts[BAR]);
        used += strlen(GAP) + bar;
    }
    size_t at = 0;
    ret[0] = '\0';
    for (int i = 0; i < FIELDS && at < size; i++) {
        bool is_colored = with_color && (i == ADVISOR || i == BAR);
        if (texts[i][0])
            at += (size_t)snprintf(ret + at, size - at, "%s%s%s%s", at ? GAP : "",
                                   is_colored ? color_of(progress, progress->mood) : "", texts[i],
                                   is_colored ? color_end(progress) : "");
    }
    return used;
}

size_t tw_progress_line(const struct tw_progress *progress, size_t columns, char *ret, size_t size)
{
    return compose(progress, columns, false, ret, size);
}

/* ---- the terminal ---- */

static void write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written <= 0)
            return; /* a progress line that cannot be shown is no reason to stop training */
        text += written;
        size -= (size_t)written;
    }
}

static size_t columns_of(int fd)
{
    /* Asked at each drawing instead of at SIGWINCH: a handler would interrupt the training's system
     * calls, and this is ten calls a second. */
    struct winsize size;
    return !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw(struct tw_progress *progress)
{
    /* One write for the whole line, over the old one: nothing is ever blank, so nothing flickers.
     * The last column stays free, or some terminals would go on to the next line. */
    char line[LINE_BYTES + 64] = "\r";
    compose(progress, columns_of(progress->options.fd) - 1, true, line + 1, LINE_BYTES);
    strcat(line, "\033[K");
    write_all(progress->options.fd, line, strlen(line));
    progress->is_drawn = true;
    progress->drawn_at = tw_now_seconds();
}

void tw_progress_clear(struct tw_progress *progress)
{
    if (progress->is_drawn)
        write_all(progress->options.fd, "\r\033[K", 4);
    progress->is_drawn = false;
}

static void print_epoch(struct tw_progress *progress)
{
    char texts[FIELDS][LINE_BYTES], line[2 * LINE_BYTES];
    format_fields(progress, texts);
    int length = snprintf(line, sizeof line,
                          "epoch %.0f/%.0f  step %.0f  loss %.4g  eval_loss %.4g  %s  %s%s%s\n",
                          round(progress->epoch), progress->max_epochs, progress->step,
                          progress->loss, progress->eval_loss, texts[ACCURACY], texts[RATE],
                          texts[ADVISOR][0] ? GAP : "", texts[ADVISOR]);
    write_all(progress->options.fd, line, (size_t)length);
}

static void take_header(struct tw_progress *progress, const struct tw_header *header)
{
    const struct tw_hyperparameter *steps = tw_header_find(header, "max_steps");
    const struct tw_hyperparameter *epochs = tw_header_find(header, "max_epochs");
    progress->is_resumed = header->resumed_from_step > 0;
    progress->max_steps = steps ? steps->number : 0;
    progress->max_epochs = epochs ? epochs->number : 0;
}

/* printf() shows the sign bit that a NaN may have, which means nothing: "-nan". */
static double without_sign_of_nan(double value)
{
    return isnan(value) ? NAN : value;
}

static void take_signals(struct tw_progress *progress, const struct tw_record *record)
{
    if (tw_record_has(record, TW_SIGNAL_LOSS))
        progress->loss = without_sign_of_nan(record->signal[TW_SIGNAL_LOSS]);
    if (tw_record_has(record, TW_SIGNAL_EPOCH))
        progress->epoch = record->signal[TW_SIGNAL_EPOCH];
    if (tw_record_has(record, TW_SIGNAL_SAMPLES))
        progress->samples = record->signal[TW_SIGNAL_SAMPLES];
    if (progress->is_resumed && progress->first_samples == 0)
        progress->first_samples = progress->samples;
    if (tw_record_has(record, TW_SIGNAL_EVAL_LOSS))
        progress->eval_loss = without_sign_of_nan(record->signal[TW_SIGNAL_EVAL_LOSS]);
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        if (!strcmp(record->metrics[i].name, "accuracy"))
            progress->accuracy = record->metrics[i].value;
    }
}

void tw_progress_record(struct tw_progress *progress, const struct tw_record *record)
{
    if (record->kind == TW_KIND_HEADER && record->header)
        take_header(progress, record->header);
    progress->step = (double)record->step;
    take_signals(progress, record);
    if (progress->options.is_silent)
        return;
    if (!progress->options.in_place) {
        if (record->kind == TW_KIND_EVAL)
            print_epoch(progress);
        return;
    }
    if (!progress->is_drawn || tw_now_seconds() - progress->drawn_at >= UPDATE_SECONDS)
        draw(progress);
}

void tw_progress_set_advisor(struct tw_progress *progress, enum tw_progress_mood mood,
                             const char *text)
{
    progress->mood = mood;
    snprintf(progress->advisor, sizeof progress->advisor, "%s", text);
}

void tw_progress_print(struct tw_progress *progress, const char *text)
{
    tw_progress_clear(progress);
    write_all(progress->options.fd, text, strlen(text));
    write_all(progress->options.fd, "\n", 1);
}

void tw_progress_free(struct tw_progress *progress)
{
    if (progress)
        tw_progress_clear(progress);
    free(progress);
}
