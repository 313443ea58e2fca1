/* Drawing a chart with cairo: one signal, its scale, and two upright lines. */
#include "sinks/mail/chart.h"

#include <cairo.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS_PER_UNIT 2.0 /* telephones have them */
#define LEFT 66.0
#define RIGHT 12.0
#define TOP 36.0
#define BOTTOM 30.0
#define TEXT_SIZE 15.0 /* a telephone shows it at two thirds of its size */
#define LOG_SPAN 100.0 /* beyond this, most of a linear chart is one line at its foot */
#define POINTS_MAX 4096

struct colour {
    double red, green, blue;
};
static const struct colour ink = {0.11, 0.13, 0.15}, pale = {0.35, 0.39, 0.44},
                           grid = {0.88, 0.90, 0.92}, curve = {0.11, 0.44, 0.72},
                           alarm_colour = {0.70, 0.15, 0.12};

struct scale {
    double low, high; /* logarithms, if is_log */
    bool is_log;
};

struct picture {
    cairo_t *cairo;
    const json_t *points;
    struct scale x, y;
};

static double step_of(const json_t *point)
{
    return json_number_value(json_array_get(point, 0));
}

/* NAN: a gap. */
static double value_of(const json_t *point)
{
    const json_t *value = json_array_get(point, 1);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ---- scales ---- */

static size_t find_extremes(const json_t *points, struct scale *x, struct scale *y)
{
    size_t i, n = 0;
    json_t *point;
    *x = *y = (struct scale){.low = INFINITY, .high = -INFINITY};
    json_array_foreach(points, i, point)
    {
        double step = step_of(point), value = value_of(point);
        x->low = fmin(x->low, step);
        x->high = fmax(x->high, step);
        if (!isfinite(value))
            continue;
        n++;
        y->low = fmin(y->low, value);
        y->high = fmax(y->high, value);
    }
    return n;
}

static void widen(struct scale *scale, double share)
{
    double room = (scale->high - scale->low) * share;
    if (!(room > 0)) /* a level line */
        room = fmax(fabs(scale->high) * 0.1, 1e-12);
    scale->low -= room;
    scale->high += room;
}

static void choose_scale(struct scale *y)
{
    y->is_log = y->low > 0 && y->high / y->low > LOG_SPAN;
    if (y->is_log) {
        y->low = log10(y->low);
        y->high = log10(y->high);
    }
    widen(y, 0.06);
}

static double across(const struct picture *picture, double step)
{
    return LEFT + (step - picture->x.low) / (picture->x.high - picture->x.low) *
                      (TW_MAIL_CHART_WIDTH - LEFT - RIGHT);
}

static double down(const struct picture *picture, double value)
{
    double at = picture->y.is_log ? log10(value) : value;
    return TOP + (picture->y.high - at) / (picture->y.high - picture->y.low) *
                     (TW_MAIL_CHART_HEIGHT - TOP - BOTTOM);
}

/* ---- parts ---- */

static void use(const struct picture *picture, struct colour colour)
{
    cairo_set_source_rgb(picture->cairo, colour.red, colour.green, colour.blue);
}

/* `align`: which share of the text lies left of `x`. What it crosses is kept away from it. */
static void write_text(const struct picture *picture, double x, double y, double align,
                       const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(picture->cairo, text, &extents);
    cairo_move_to(picture->cairo, x - align * extents.x_advance, y);
    cairo_text_path(picture->cairo, text);
    cairo_save(picture->cairo);
    cairo_set_source_rgb(picture->cairo, 1, 1, 1);
    cairo_set_line_width(picture->cairo, 5);
    cairo_stroke_preserve(picture->cairo);
    cairo_restore(picture->cairo);
    cairo_fill(picture->cairo);
}

static void line(const struct picture *picture, double x, double y, double to_x, double to_y)
{
    cairo_move_to(picture->cairo, x, y);
    cairo_line_to(picture->cairo, to_x, to_y);
    cairo_stroke(picture->cairo);
}

static void draw_level(const struct picture *picture, double value)
{
    char text[32];
    double y = down(picture, value);
    snprintf(text, sizeof text, "%.3g", value);
    use(picture, grid);
    line(picture, LEFT, y, TW_MAIL_CHART_WIDTH - RIGHT, y);
    use(picture, pale);
    write_text(picture, LEFT - 6, y + TEXT_SIZE * 0.35, 1, text);
}

/* A round distance that gives three to seven levels. */
static double level_distance(double span)
{
    double power = pow(10, floor(log10(span / 3))), factor = span / 3 / power;
    return power * (factor >= 5 ? 5 : factor >= 2 ? 2 : 1);
}

static void draw_levels(const struct picture *picture)
{
    const struct scale *y = &picture->y;
    double span = y->high - y->low;
    double distance = y->is_log ? fmax(1, ceil(span / 5)) : level_distance(span);
    double first = ceil(y->low / distance);
    for (int i = 0; i < 10 && (first + i) * distance <= y->high; i++) {
        double at = (first + i) * distance;
        draw_level(picture, y->is_log ? pow(10, at) : fabs(at) < distance / 2 ? 0 : at);
    }
}

static void draw_steps(const struct picture *picture)
{
    char text[64];
    double y = TW_MAIL_CHART_HEIGHT - 9;
    use(picture, pale);
    snprintf(text, sizeof text, "step %.0f", picture->x.low);
    write_text(picture, LEFT, y, 0, text);
    snprintf(text, sizeof text, "step %.0f", picture->x.high);
    write_text(picture, TW_MAIL_CHART_WIDTH - RIGHT, y, 1, text);
}

static void draw_curve(const struct picture *picture)
{
    size_t i;
    json_t *point;
    bool is_down = false;
    use(picture, curve);
    cairo_set_line_width(picture->cairo, 1.8);
    json_array_foreach(picture->points, i, point)
    {
        double value = value_of(point);
        if (!isfinite(value)) {
            is_down = false;
            continue;
        }
        double x = across(picture, step_of(point)), y = down(picture, value);
        if (is_down)
            cairo_line_to(picture->cairo, x, y);
        else
            cairo_move_to(picture->cairo, x, y);
        cairo_line_to(picture->cairo, x, y); /* a lonely point is a dot */
        is_down = true;
    }
    cairo_stroke(picture->cairo);
}

/* Where it began, or where it was seen: with the label to the left of the one and to the right of
 * the other, as far as there is room. */
static void draw_mark(const struct picture *picture, const json_t *step, const char *word,
                      double text_y, bool is_dashed)
{
    static const double dashes[] = {4, 3};
    char text[64];
    cairo_text_extents_t extents;
    double at = json_number_value(step);
    if (!json_is_number(step) || at < picture->x.low || at > picture->x.high)
        return;
    double x = across(picture, at);
    snprintf(text, sizeof text, "%s %.0f", word, at);
    cairo_text_extents(picture->cairo, text, &extents);
    double width = extents.x_advance + 6;
    bool is_before = is_dashed ? x + width > TW_MAIL_CHART_WIDTH : x - width > LEFT;
    use(picture, alarm_colour);
    cairo_set_line_width(picture->cairo, 1.2);
    cairo_set_dash(picture->cairo, dashes, is_dashed ? 2 : 0, 0);
    line(picture, x, text_y - TEXT_SIZE, x, TW_MAIL_CHART_HEIGHT - BOTTOM);
    cairo_set_dash(picture->cairo, dashes, 0, 0);
    write_text(picture, is_before ? x - 4 : x + 4, text_y, is_before ? 1 : 0, text);
}

static void draw_name(const struct picture *picture, const char *signal)
{
    char text[96];
    snprintf(text, sizeof text, "%.60s%s", signal ? signal : "",
             picture->y.is_log ? " (logarithmic)" : "");
    use(picture, ink);
    write_text(picture, 8, 17, 0, text);
}

static void draw(struct picture *picture, const json_t *chart)
{
    cairo_t *cairo = picture->cairo;
    cairo_scale(cairo, PIXELS_PER_UNIT, PIXELS_PER_UNIT);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, TEXT_SIZE);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cairo, 1);
    draw_levels(picture);
    draw_steps(picture);
    draw_curve(picture);
    draw_name(picture, json_string_value(json_object_get(chart, "signal")));
    draw_mark(picture, json_object_get(chart, "onset_step"), "began", TOP, false);
    draw_mark(picture, json_object_get(chart, "detected_step"), "found", TOP + 19, true);
}

/* ---- the file ---- */

struct file {
    unsigned char *bytes;
    size_t size;
};

static cairo_status_t on_bytes(void *opaque, const unsigned char *bytes, unsigned size)
{
    struct file *file = opaque;
    unsigned char *grown = realloc(file->bytes, file->size + size);
    if (!grown)
        return CAIRO_STATUS_NO_MEMORY;
    memcpy(grown + file->size, bytes, size);
    file->bytes = grown;
    file->size += size;
    return CAIRO_STATUS_SUCCESS;
}

static int write_file(struct file *file, cairo_surface_t *surface, struct tw_error *error)
{
    cairo_status_t status = cairo_surface_write_to_png_stream(surface, on_bytes, file);
    if (status == CAIRO_STATUS_SUCCESS)
        return 0;
    free(file->bytes);
    return tw_error_set(error, -ENOMEM, "the chart: %s", cairo_status_to_string(status));
}

int tw_mail_chart(unsigned char **ret, size_t *ret_size, const json_t *chart,
                  struct tw_error *error)
{
    struct file file = {0};
    struct picture picture = {.points = json_object_get(chart, "points")};
    if (json_array_size(picture.points) > POINTS_MAX ||
        find_extremes(picture.points, &picture.x, &picture.y) < 2 ||
        !(picture.x.high > picture.x.low))
        return tw_error_set(error, -ENODATA, "too few points for a chart");
    choose_scale(&picture.y);
    if (!isfinite(picture.y.high - picture.y.low))
        return tw_error_set(error, -ENODATA, "values too far apart for a chart");
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(TW_MAIL_CHART_WIDTH * PIXELS_PER_UNIT),
                                   (int)(TW_MAIL_CHART_HEIGHT * PIXELS_PER_UNIT));
    picture.cairo = cairo_create(surface);
    draw(&picture, chart);
    int result = write_file(&file, surface, error);
    cairo_destroy(picture.cairo);
    cairo_surface_destroy(surface);
    if (result)
        return result;
    *ret = file.bytes;
    *ret_size = file.size;
    return 0;
}
