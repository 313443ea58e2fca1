/* Numbers in lines of text: what stands at a place, and what it is of: counts and their totals,
 * groups of thousands, decimal commas; times, versions and the like are none. */
#include "sources/logs/number.h"
#include "sources/logs/text_layout.h"

#include <math.h>
#include <string.h>

/* Behind a number, what makes it something else: "1.2.3", "12:30:01", "2024-01-02", "7.5ms". */
static bool is_no_number(struct tw_text_scan *scan)
{
    const char *at = scan->at, *end = scan->end;
    if (at == end)
        return false;
    bool digit_next = at + 1 < end && tw_text_is_digit(at[1]);
    if (*at == ' ' || *at == ',')
        return false;
    bool is_part = (digit_next && memchr(".:-_<", *at, 5)) || (*at == '.' && at[-1] == '.') ||
                   ((tw_text_word_byte(*at) & 1) && *at != '\'');
    if (*at == '/' && at + 1 < end && (tw_text_word_byte(at[1]) & 1))
        is_part = true;
    if (!is_part)
        return false;
    while (at < end && ((tw_text_word_byte(*at) & 2) || *at == ':' || *at == '<'))
        at++;
    scan->at = at;
    return true;
}

/* "/1000", "/   1000", " / 500", " of 500" */
static double take_total(struct tw_text_scan *scan)
{
    const char *at = tw_text_skip_spaces(scan->at, scan->end);
    double value;
    if (at == scan->end || *at != '/')
        return (double)NAN;
    at = tw_text_skip_spaces(at + 1, scan->end);
    size_t length = tw_log_number_at(at, (size_t)(scan->end - at), &value);
    if (!length || isnan(tw_text_whole(value)))
        return (double)NAN;
    scan->at = at + length;
    return value;
}

enum tw_text_kind tw_text_number_kind(struct tw_text_scan *scan)
{
    struct tw_text_name what = {0};
    if (scan->number_kind != TW_TEXT_KIND_UNSEEN)
        return scan->number_kind;
    const char *name = scan->n_words ? scan->words[0] : scan->kept;
    size_t size = scan->n_words ? (size_t)(scan->words_end - name) : scan->kept_size;
    if (size)
        tw_text_name_of(scan->log, name, size, scan->is_told, &what);
    scan->number_kind = what.kind;
    return what.kind;
}

/* "1,234" of counts and throughput, "12,345.6". Those of steps, several groups and a fraction
 * behind them show that the log parts thousands. */
static double take_groups(struct tw_text_scan *scan, const char *from, double value)
{
    char digits[40];
    const char *at = scan->at;
    unsigned groups = 0;
    size_t size = (size_t)(at - from);
    memcpy(digits, from, size);
    while (value >= 0 && scan->end - at >= 4 && *at == ',' && tw_text_is_digit(at[1]) &&
           tw_text_is_digit(at[2]) && tw_text_is_digit(at[3]) &&
           (scan->end - at == 4 || !tw_text_is_digit(at[4])) && groups < 5) {
        memcpy(digits + size, at + 1, 3);
        size += 3, at += 4, groups++;
    }
    if (!groups)
        return value;
    bool has_fraction = scan->end - at >= 2 && *at == '.' && tw_text_is_digit(at[1]);
    for (; has_fraction && at < scan->end && size < sizeof digits - 1; at++) {
        if (*at != '.' && !tw_text_is_digit(*at))
            break;
        digits[size++] = *at;
    }
    tw_log_number_at(digits, size, &value);
    enum tw_text_kind kind = tw_text_number_kind(scan);
    scan->log->has_groups |=
        has_fraction || groups > 1 || kind == TW_TEXT_STEP || kind == TW_TEXT_BATCH;
    scan->at = at;
    return value;
}

/* Of the number at `at`: a reading's, where its name stands before it, or what stands behind ':' or
 * '='; in brackets a comma parts an epoch from a batch. */
static bool is_told_at(const struct tw_text_scan *scan, const char *at, enum tw_text_kind kind)
{
    while (at > scan->line && at[-1] == ' ')
        at--;
    return kind == TW_TEXT_SIGNAL || kind == TW_TEXT_RATE ||
           (at > scan->line && (at[-1] == ':' || at[-1] == '='));
}

/* Three digits behind the comma may be a group of thousands: those of a count are, and those of a
 * reading are none unless the log has shown groups in its numbers; what is neither hangs on what
 * the log has shown. */
static bool may_be_decimals(const struct tw_text_log *log, enum tw_text_kind kind)
{
    switch (kind) {
    case TW_TEXT_STEP:
    case TW_TEXT_BATCH:
        return false;
    case TW_TEXT_SIGNAL:
    case TW_TEXT_RATE:
        return log->has_decimal_commas || !log->has_groups;
    default:
        return log->has_decimal_commas;
    }
}

/* "0,4321" of a locale with decimal commas. */
static bool take_decimal_comma(struct tw_text_scan *scan, const char *from, double *ret)
{
    const char *at = scan->at + 1, *digits = *from == '-' ? from + 1 : from;
    char text[40];
    if (scan->at == scan->end || *scan->at != ',' || memchr(from, '.', (size_t)(scan->at - from)))
        return false;
    while (at < scan->end && tw_text_is_digit(*at))
        at++;
    size_t n = (size_t)(at - scan->at) - 1;
    bool is_list = at + 1 < scan->end && (*at == ',' || *at == '.') && tw_text_is_digit(at[1]);
    bool shows = n > 3 || (n == 3 && (*digits == '0' || scan->at - digits > 3));
    enum tw_text_kind kind = n && !is_list ? tw_text_number_kind(scan) : TW_TEXT_UNKNOWN;
    if (!n || is_list || (n == 3 && !shows && !may_be_decimals(scan->log, kind)) ||
        !is_told_at(scan, from, kind))
        return false;
    while (at < scan->end && (tw_text_word_byte(*at) & 2) && at[0] != '%')
        at++; /* an exponent */
    if ((size_t)(at - from) >= sizeof text)
        return false;
    memcpy(text, from, (size_t)(at - from));
    text[scan->at - from] = '.';
    size_t length = tw_log_number_at(text, (size_t)(at - from), ret);
    if (from + length <= scan->at + n)
        return false;
    scan->log->has_decimal_commas |= shows;
    scan->at = from + length;
    return true;
}

static bool is_time(const char *at, const char *end)
{
    return end - at >= 6 && at[0] == ' ' && tw_text_is_digit(at[1]) && tw_text_is_digit(at[2]) &&
           at[3] == ':' && tw_text_is_digit(at[4]) && tw_text_is_digit(at[5]);
}

/* MXNet's "Batch [20-40]" (python/mxnet/callback.py): the last of them. */
static void take_range(struct tw_text_scan *scan, const char *from, double *ret)
{
    const char *at = scan->at;
    double last;
    if (from == scan->line || from[-1] != '[' || at == scan->end || *at != '-')
        return;
    size_t length = tw_log_number_at(at + 1, (size_t)(scan->end - at) - 1, &last);
    if (!length || at + 1 + length == scan->end || at[1 + length] != ']' || !(last >= *ret))
        return;
    *ret = last;
    scan->at = at + 1 + length;
}

enum tw_text_number tw_text_scan_number(struct tw_text_scan *scan, double *ret, double *ret_of)
{
    const char *from = scan->at;
    size_t length = tw_log_number_at(from, (size_t)(scan->end - from), ret);
    if (!length) {
        while (scan->at < scan->end && tw_text_is_digit(*scan->at))
            scan->at++; /* too many of them */
        if (scan->at == from)
            return TW_TEXT_NO_NUMBER;
        tw_text_layout_spoil(scan);
        return TW_TEXT_PASSED_OVER;
    }
    scan->at += length;
    take_range(scan, from, ret);
    if (is_no_number(scan)) {
        scan->kept_size = 0;
        tw_text_forget_words(scan);
        return TW_TEXT_PASSED_OVER;
    }
    bool is_pair = from > scan->line && from[-1] == '['; /* "[1,2000]": an epoch and a batch */
    if (tw_text_is_digit(scan->at[-1]) && !is_pair && !take_decimal_comma(scan, from, ret) &&
        length <= 3)
        *ret = take_groups(scan, from, *ret);
    *ret_of = isnan(tw_text_whole(*ret)) ? (double)NAN : take_total(scan);
    if (!isnan(*ret_of) && is_time(scan->at, scan->end)) { /* "01/02 03:04:05" */
        tw_text_forget_words(scan);
        return TW_TEXT_PASSED_OVER;
    }
    if (scan->at < scan->end && *scan->at == '%')
        scan->at++;
    return TW_TEXT_NUMBER;
}
