/* Dots on a canvas of characters. */
#include "agent/plot_text.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 6
#define COLUMNS_MIN 40
#define COLUMNS_MAX 120
#define LABEL 12           /* columns of the labels on the left */
#define LOG_FROM 20.0      /* largest / smallest value that a linear axis would hide too much of */
#define MARKS_SHOWN_MAX 64 /* more would touch each other */

static const enum tw_signal plotted[] = {TW_SIGNAL_LOSS, TW_SIGNAL_GRAD_NORM};
#define PLOTTED (sizeof plotted / sizeof *plotted)

struct canvas {
    unsigned columns;                      /* characters */
    unsigned across, down;                 /* dots in one */
    unsigned char dots[ROWS][COLUMNS_MAX]; /* a bit each, 0x01 << (x * 4 + y) */
};

/* From steps and values to dots. */
struct axes {
    double first, last, low, high; /* low and high as they are drawn: logarithms on a log axis */
    bool is_log;
};

uint32_t tw_plot_signals(void)
{
    uint32_t signals = 0;
    for (size_t i = 0; i < PLOTTED; i++)
        signals |= 1u << plotted[i];
    return signals;
}

bool tw_plot_locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool is_utf8 = locale && !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
    if (locale)
        freelocale(locale);
    return is_utf8;
}

static void set_dot(struct canvas *canvas, long x, long y)
{
    long column = x / (long)canvas->across, row = y / (long)canvas->down;
    if (x < 0 || y < 0 || column >= (long)canvas->columns || row >= ROWS)
        return;
    canvas->dots[row][column] |=
        (unsigned char)(1u << (x % (long)canvas->across * 4 + y % (long)canvas->down));
}

static double axis_value(const struct axes *axes, double value)
{
    return axes->is_log ? log10(value) : value;
}

static bool is_drawn(const struct axes *axes, const struct tw_chart_bucket *bucket)
{
    return bucket->n && (!axes->is_log || bucket->min > 0);
}

static double middle_step(const struct tw_chart_bucket *bucket)
{
    return (double)bucket->first_step + (double)(bucket->last_step - bucket->first_step) / 2;
}

/* -1 for a step that is not on the axis. */
static long x_of(const struct canvas *canvas, const struct axes *axes, double step)
{
    double share = axes->last > axes->first ? (step - axes->first) / (axes->last - axes->first) : 0;
    if (!(share >= 0 && share <= 1))
        return -1;
    return lround(share * (double)(canvas->columns * canvas->across - 1));
}

static long y_of(const struct canvas *canvas, const struct axes *axes, double value)
{
    double range = axes->high / 2 - axes->low / 2; /* halves: the whole may overflow */
    double share = range > 0 ? (axis_value(axes, value) / 2 - axes->low / 2) / range : .5;
    return lround((1 - share) * (double)(ROWS * canvas->down - 1));
}

static void draw_line(struct canvas *canvas, long x, long y, long x_end, long y_end)
{
    long n = labs(x_end - x) > labs(y_end - y) ? labs(x_end - x) : labs(y_end - y);
    for (long i = 0; i <= n; i++) {
        double share = n ? (double)i / (double)n : 0;
        set_dot(canvas, x + lround(share * (double)(x_end - x)),
                y + lround(share * (double)(y_end - y)));
    }
}

static void draw_series(struct canvas *canvas, const struct axes *axes,
                        const struct tw_chart_buckets *buckets)
{
    long x_before = -1, y_before = 0;
    for (size_t i = 0; i < buckets->n; i++) {
        const struct tw_chart_bucket *bucket = &buckets->at[i];
        if (!is_drawn(axes, bucket))
            continue;
        long x = x_of(canvas, axes, middle_step(bucket));
        long y = y_of(canvas, axes, bucket->mean);
        draw_line(canvas, x, y_of(canvas, axes, bucket->max), x, y_of(canvas, axes, bucket->min));
        if (x_before >= 0)
            draw_line(canvas, x_before, y_before, x, y);
        x_before = x;
        y_before = y;
    }
}

/* False where nothing can be drawn. */
static bool find_axes(struct axes *axes, const struct tw_chart_buckets *buckets, bool wants_log)
{
    double low = INFINITY, high = -INFINITY;
    if (!buckets->n)
        return false;
    axes->first = (double)buckets->at[0].first_step;
    axes->last = (double)buckets->at[buckets->n - 1].last_step;
    for (size_t i = 0; i < buckets->n; i++) {
        low = fmin(low, buckets->at[i].min);
        high = fmax(high, buckets->at[i].max);
    }
    if (!(low <= high))
        return false;
    axes->is_log = low > 0 && (wants_log || high / low > LOG_FROM);
    axes->low = axis_value(axes, low);
    axes->high = axis_value(axes, high);
    return true;
}

/* U+2800 and a bit for each dot, numbered as in the Unicode block "Braille Patterns". */
static void print_braille(FILE *out, unsigned dots)
{
    static const unsigned char bits[8] = {0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80};
    unsigned code = 0;
    for (unsigned i = 0; i < 8; i++)
        code |= dots >> i & 1u ? bits[i] : 0;
    fprintf(out, "\xe2%c%c", 0xa0 + (int)(code >> 6), 0x80 + (int)(code & 0x3f));
}

static void print_canvas(FILE *out, const struct canvas *canvas, const struct axes *axes)
{
    char label[32];
    for (unsigned row = 0; row < ROWS; row++) {
        double value = row ? axes->low : axes->high;
        tw_short_number(axes->is_log ? pow(10, value) : value, label, sizeof label);
        fprintf(out, "%*s ", LABEL, row == 0 || row == ROWS - 1 ? label : "");
        for (unsigned column = 0; column < canvas->columns; column++) {
            unsigned dots = canvas->dots[row][column];
            if (canvas->across > 1 && dots)
                print_braille(out, dots);
            else
                putc(dots ? '*' : ' ', out);
        }
        putc('\n', out);
    }
}

static void print_marks(FILE *out, const struct canvas *canvas, const struct axes *axes,
                        const struct tw_run *run)
{
    char line[COLUMNS_MAX + 1];
    bool has_mark = false;
    memset(line, ' ', canvas->columns);
    line[canvas->columns] = '\0';
    for (size_t i = 0; i < run->episodes.n && i < MARKS_SHOWN_MAX; i++) {
        const struct tw_finding *finding = &run->episodes.at[i].finding;
        long x = x_of(canvas, axes, (double)finding->onset_step);
        if (finding->state == TW_STATE_WITHDRAWN || x < 0)
            continue;
        line[x / (long)canvas->across] = '^';
        has_mark = true;
    }
    if (has_mark)
        fprintf(out, "%*s %s\n", LABEL, "findings", line);
    char first[24], last[24];
    snprintf(first, sizeof first, "%.0f", axes->first);
    snprintf(last, sizeof last, "%.0f", axes->last);
    fprintf(out, "%*s %s%*s\n", LABEL, "step", first, (int)canvas->columns - (int)strlen(first),
            last);
}

static void plot(FILE *out, const struct tw_run *run, const struct tw_chart_buckets *buckets,
                 enum tw_signal signal, const struct tw_plot_options *options)
{
    struct canvas canvas = {.across = options->is_utf8 ? 2 : 1, .down = options->is_utf8 ? 4 : 1};
    struct axes axes;
    if (!find_axes(&axes, buckets, signal == TW_SIGNAL_GRAD_NORM))
        return;
    unsigned width = options->width > COLUMNS_MIN ? options->width : COLUMNS_MIN;
    canvas.columns = width - LABEL - 2 < COLUMNS_MAX ? width - LABEL - 2 : COLUMNS_MAX;
    draw_series(&canvas, &axes, buckets);
    fprintf(out, "\n  %s%s\n", tw_signal_name(signal), axes.is_log ? ", logarithmic" : "");
    print_canvas(out, &canvas, &axes);
    print_marks(out, &canvas, &axes, run);
}

void tw_plot_run(FILE *out, const struct tw_run *run, const struct tw_run_charts *charts,
                 const struct tw_plot_options *options)
{
    for (size_t i = 0; charts && i < PLOTTED; i++)
        plot(out, run, &charts->signal[plotted[i]], plotted[i], options);
}
