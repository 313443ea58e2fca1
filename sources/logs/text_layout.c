/* Layouts of lines: made beside a pass, and read by. */
#include "sources/logs/text_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE 2000 /* a longer line has no layout */

/* What became of a number. */
enum use {
    USE_NOTHING,
    USE_EPOCH,
    USE_COUNT,
    USE_CELL,
    USE_CELL_AND_MEAN, /* "0.5 (0.6)": two cells */
    USE_MEAN           /* only that in brackets */
};

/* ---- made ---- */

static bool has_one_of(const char *line, size_t size, const char *const *texts)
{
    for (; *texts; texts++) {
        if (tw_text_behind(line, size, *texts))
            return true;
    }
    return false;
}

static bool begins_with_one_of(const char *line, size_t size, const char *const *texts)
{
    for (; *texts; texts++) {
        if (tw_text_begins(line, size, *texts))
            return true;
    }
    return false;
}

/* Lines that the rules before the pass refuse by their numbers or by the lines before, not by their
 * text alone, or that rules and the pass itself remember: a rule that refused this one may take the
 * next. */
static bool is_for_rules(const struct tw_text_scan *scan)
{
    static const char *const texts[] = {"iteration ",
                                        "z)|",
                                        ", skipped=",
                                        "OVERFLOW!",
                                        "loss scale already",
                                        "{",
                                        "python",
                                        "Namespace(",
                                        "...",
                                        ": train loss ",
                                        "]\t",
                                        "] Iteration:",
                                        "est iteration",
                                        "objective function for 'output' ",
                                        NULL};
    static const char *const begins[] = {"s:", "iter ", "all ", "Class ", "Eval ", NULL};
    const char *line = scan->line;
    size_t size = (size_t)(scan->end - line);
    bool is_number = !scan->layout->numbers[0].text_size; /* "nan/10 - loss: 1", too */
    return (is_number && !scan->layout->has_date) ||      /* Keras's and tqdm's bars */
           has_one_of(line, size, texts) || begins_with_one_of(line, size, begins) ||
           (size > 1 && *line == '|' && scan->end[-1] == '|') ||
           (size > 1 && strchr("IWE", *line) && (unsigned char)(line[1] - '0') < 10);
}

void tw_text_layout_begin(struct tw_text_scan *scan)
{
    struct tw_text_layout *layout = scan->layout;
    if (!layout)
        return;
    layout->is_spoilt = scan->end - scan->line > LINE_MAX_SIZE;
    layout->has_date = scan->at != scan->line;
    layout->n_numbers = 0;
    layout->text_size = 0;
    layout->behind = scan->at;
}

/* "acc(0.51)" is one word where it is short (text_scan.c), and what a sign before a number belongs
 * to is told by the number's first character. */
static bool hangs_on_text_before(const struct tw_text_scan *scan, const char *from)
{
    const char *at = from;
    if (from > scan->line && strchr("+-.", from[-1]))
        return true;
    while (at > scan->line && (tw_text_word_byte(at[-1]) & 2))
        at--;
    return at - scan->line > 1 && at[-1] == '(' && (tw_text_word_byte(at[-2]) & 2);
}

static bool add_text(struct tw_text_layout *layout, const char *to)
{
    size_t size = (size_t)(to - layout->behind);
    if (size > TW_LAYOUT_BYTES - layout->text_size)
        return false;
    memcpy(layout->text + layout->text_size, layout->behind, size);
    layout->text_size += size;
    layout->tail_size = size;
    return true;
}

static enum use use_of(const struct tw_text_scan *scan, const char *behind,
                       const struct tw_text_place *before, unsigned n_before)
{
    unsigned n = scan->log->row.n_cells - n_before;
    if (isnan(before->epoch) && !isnan(scan->place.epoch))
        return USE_EPOCH;
    if (isnan(before->at) && !isnan(scan->place.at))
        return USE_COUNT;
    if (!n)
        return USE_NOTHING;
    return n == 2 ? USE_CELL_AND_MEAN : scan->at == behind ? USE_CELL : USE_MEAN;
}

/* A bracket behind the number may hold its mean, or a share of samples; one before which an epoch
 * may stand. What becomes of them is told by numbers. */
static bool hangs_on_text_behind(const struct tw_text_scan *scan, enum use use, const char *behind)
{
    const char *next = tw_text_skip_spaces(behind, scan->end);
    bool is_bracket = next < scan->end && (*next == '(' || *next == '[');
    return is_bracket && use != USE_EPOCH && use != USE_COUNT && use != USE_CELL_AND_MEAN &&
           use != USE_MEAN;
}

void tw_text_layout_note(struct tw_text_scan *scan, const char *from, const char *behind,
                         enum tw_text_number found, bool has_total,
                         const struct tw_text_place *before, unsigned n_before)
{
    struct tw_text_layout *layout = scan->layout;
    if (!layout || layout->is_spoilt)
        return;
    size_t size = (size_t)(from - layout->behind);
    enum use use = use_of(scan, behind, before, n_before);
    if (layout->n_numbers == TW_LAYOUT_NUMBERS || (layout->n_numbers && !size) ||
        hangs_on_text_before(scan, from) || !add_text(layout, from) ||
        (found == TW_TEXT_NUMBER && hangs_on_text_behind(scan, use, behind))) {
        layout->is_spoilt = true;
        return;
    }
    layout->numbers[layout->n_numbers++] = (struct tw_text_layout_number){
        (uint16_t)size, (uint8_t)found,    (uint8_t)use,
        has_total,      (uint8_t)n_before, (uint8_t)scan->number_kind};
    layout->behind = scan->at;
}

static unsigned count(const char *text, size_t size, char byte)
{
    unsigned n = 0;
    for (size_t i = 0; i < size; i++)
        n += text[i] == byte;
    return n;
}

static void copy_row(struct tw_text_row *to, const struct tw_text_row *from)
{
    memcpy(to, from, offsetof(struct tw_text_row, cells) + from->n_cells * sizeof *from->cells);
    memcpy(to->names, from->names, from->names_size);
}

void tw_text_layout_end(struct tw_text_scan *scan)
{
    struct tw_text_layout *layout = scan->layout;
    if (!layout || layout->is_spoilt)
        return;
    if (!layout->n_numbers || !add_text(layout, scan->end) || is_for_rules(scan)) {
        layout->is_spoilt = true;
        return;
    }
    /* A date has two colons, outside of numbers. */
    layout->may_date = layout->has_date || count(layout->text, layout->text_size, ':') > 1;
    for (unsigned i = 0; i < layout->n_numbers; i++)
        layout->may_date |= layout->numbers[i].found == TW_TEXT_PASSED_OVER;
    layout->has_signal = scan->has_signal;
    layout->place_kind = scan->place.kind;
    layout->part = scan->part;
    memcpy(layout->parts, scan->parts, scan->log->row.n_cells * sizeof *scan->parts);
    copy_row(&layout->row, &scan->log->row);
}

struct tw_text_layout *tw_text_layout_new(struct tw_text_log *log)
{
    struct tw_text_layouts *layouts = log->layouts;
    if (!layouts)
        layouts = log->layouts = calloc(1, sizeof *layouts);
    if (!layouts)
        return NULL;
    layouts->all[layouts->made].is_whole = false;
    return &layouts->all[layouts->made];
}

void tw_text_layout_keep(struct tw_text_log *log)
{
    struct tw_text_layouts *layouts = log->layouts;
    struct tw_text_layout *layout = &layouts->all[layouts->made];
    if (layout->is_spoilt)
        return;
    layout->is_whole = true;
    layouts->newest = layouts->made;
    layouts->made = (layouts->made + 1) % TW_LAYOUTS;
}

/* ---- read by ---- */

/* Of eight bytes, so many count; `text` has eight more than it needs. */
static inline bool is_same(const char *at, const char *end, const char *text, size_t size)
{
    uint64_t a, b;
    if ((size_t)(end - at) < size)
        return false;
    if (size > 8 || end - at < 8)
        return !memcmp(at, text, size);
    memcpy(&a, at, 8);
    memcpy(&b, text, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    a = __builtin_bswap64(a), b = __builtin_bswap64(b);
#endif
    return size == 0 || (a ^ b) << (64 - 8 * size) == 0;
}

/* False: the pass would have done something else with this one. */
static bool use_number(struct tw_text_scan *scan, const struct tw_text_layout_number *number,
                       double value, double of)
{
    struct tw_text_row *row = &scan->log->row;
    bool is_share = scan->at[-1] == '%'; /* no place */
    switch ((enum use)number->use) {
    case USE_NOTHING:
        return true;
    case USE_EPOCH:
        scan->place.epoch = value;
        return value >= 0 && value < 1e9 && !is_share;
    case USE_COUNT:
        scan->place.at = value;
        scan->place.of = of;
        return !isnan(tw_text_whole(value)) && !is_share;
    case USE_CELL:
        row->cells[number->cell].value = value;
        return true;
    case USE_CELL_AND_MEAN:
        row->cells[number->cell].value = value;
        return tw_text_scan_mean(scan, &row->cells[number->cell + 1].value);
    case USE_MEAN:
        return tw_text_scan_mean(scan, &row->cells[number->cell].value);
    }
    return false;
}

/* What was passed over may be anything of the kind, but for the place of a line of ESPnet's, which
 * is told before the pass: "2epoch:train:101-200batch:". */
static bool is_place(const char *from, const char *to)
{
    return to > from && tw_text_behind(from, (size_t)(to - from), "epoch");
}

static bool read_numbers(struct tw_text_scan *scan, const struct tw_text_layout *layout)
{
    const char *text = layout->text;
    for (unsigned i = 0; i < layout->n_numbers; i++) {
        const struct tw_text_layout_number *number = &layout->numbers[i];
        double value, of = (double)NAN;
        if (!is_same(scan->at, scan->end, text, number->text_size))
            return false;
        text += number->text_size;
        scan->at += number->text_size;
        scan->number_kind = (enum tw_text_kind)number->kind;
        const char *from = scan->at;
        if (tw_text_scan_number(scan, &value, &of) != number->found)
            return false;
        if (number->found == TW_TEXT_PASSED_OVER && is_place(from, scan->at))
            return false;
        if (number->found == TW_TEXT_NUMBER &&
            (isnan(of) == number->has_total || !use_number(scan, number, value, of)))
            return false;
    }
    return (size_t)(scan->end - scan->at) == layout->tail_size &&
           is_same(scan->at, scan->end, text, layout->tail_size);
}

static bool fits(struct tw_text_scan *scan, const struct tw_text_layout *layout, const char *line,
                 size_t size)
{
    struct tw_text_row *row = &scan->log->row;
    int64_t time_ms = -1;
    scan->line = scan->at = line;
    scan->end = line + size;
    if (layout->may_date)
        time_ms = tw_text_time(line, size, &scan->at);
    if ((scan->at != line) != layout->has_date ||
        !is_same(scan->at, scan->end, layout->text, layout->numbers[0].text_size))
        return false;
    scan->begin = scan->at;
    copy_row(row, &layout->row);
    row->time_ms = time_ms;
    scan->n_words = 0;
    scan->place.epoch = scan->place.at = scan->place.of = (double)NAN;
    scan->place.kind = layout->place_kind;
    scan->place.is_samples = scan->place.is_bar = false;
    scan->layout = NULL;
    return read_numbers(scan, layout);
}

static int finish(struct tw_text_scan *scan, const struct tw_text_layout *layout,
                  const struct tw_log_sink *sink)
{
    scan->part = layout->part;
    scan->has_signal = layout->has_signal;
    scan->is_eval_progress = false;
    memcpy(scan->parts, layout->parts, layout->row.n_cells * sizeof *scan->parts);
    scan->log->may_end |= layout->may_end;
    return tw_text_scan_finish(scan, sink);
}

int tw_text_layout_line(struct tw_text_log *log, const char *line, size_t size,
                        const struct tw_log_sink *sink)
{
    struct tw_text_layouts *layouts = log->layouts;
    struct tw_text_scan scan;
    if (!layouts || log->evaluates) /* a layout is of the training */
        return 0;
    scan.log = log;
    for (unsigned i = 0; i < TW_LAYOUTS; i++) {
        unsigned at = (layouts->newest + i) % TW_LAYOUTS;
        if (!layouts->all[at].is_whole || !fits(&scan, &layouts->all[at], line, size))
            continue;
        layouts->newest = at;
        return finish(&scan, &layouts->all[at], sink);
    }
    return 0;
}
