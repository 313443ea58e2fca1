/* A decimal of up to 19 digits is an integer times a power of ten. Where the integer is below 2^53
 * and the power within 10^22, both are exact doubles and one operation rounds correctly (Clinger,
 * "How to read floating point numbers accurately", 1990). The rest is left to strtod. */
#include "sources/logs/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_SIZE_MAX 400
#define EXACT_MAX ((uint64_t)1 << 53)
#define EXPONENT_MAX 10000 /* far beyond any double: more digits change nothing */

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define POWERS ((int)(sizeof exact_powers / sizeof *exact_powers))

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool is_word(char c)
{
    char lower = (char)(c | 0x20);
    return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '_';
}

/* ---- what the quick way cannot do ---- */

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double slow_number(const char *text, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char copy[NUMBER_SIZE_MAX + 1];
    pthread_once(&once, make_c_locale);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return c_locale ? strtod_l(copy, NULL, c_locale) : strtod(copy, NULL);
}

/* ---- decimals ---- */

struct decimal {
    uint64_t integer; /* the first 19 digits that count */
    int n_digits;     /* how many digits count: without leading zeros */
    int exponent;     /* behind the digits seen so far */
};

static inline const char *take_digits(const char *at, const char *end, struct decimal *decimal)
{
    for (; at < end && is_digit(*at); at++) {
        if (decimal->n_digits < 19)
            decimal->integer = decimal->integer * 10 + (uint64_t)(*at - '0');
        decimal->n_digits += decimal->integer != 0;
    }
    return at;
}

/* "e-05" behind the digits; an 'e' without digits is none. */
static const char *take_exponent(const char *at, const char *end, int *ret)
{
    const char *from = at + 1;
    bool is_negative = false;
    int exponent = 0;
    if (from < end && (*from == '-' || *from == '+'))
        is_negative = *from++ == '-';
    if (from == end || !is_digit(*from))
        return at;
    for (; from < end && is_digit(*from); from++)
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*from - '0') : exponent;
    *ret += is_negative ? -exponent : exponent;
    return from;
}

static double scaled(uint64_t integer, int exponent)
{
    return exponent < 0 ? (double)integer / exact_powers[-exponent]
                        : (double)integer * exact_powers[exponent];
}

/* Goes on in *integer with the digits at `at`; they may be too many for it. */
static inline const char *take_few_digits(const char *at, const char *end, uint64_t *integer)
{
    for (; at < end && is_digit(*at); at++)
        *integer = *integer * 10 + (uint64_t)(*at - '0');
    return at;
}

/* Nearly all: digits that need not be counted one by one, since they are few. 0: it is not so. */
static inline size_t take_short_decimal(const char *text, const char *end, double *ret)
{
    uint64_t integer = 0;
    int exponent = 0;
    const char *at = take_few_digits(text, end, &integer);
    size_t n = (size_t)(at - text);
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = take_few_digits(fraction, end, &integer);
        exponent = -(int)(at - fraction);
        n += (size_t)(at - fraction);
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        at = take_exponent(at, end, &exponent);
    if (n - 1 >= 18 || at - text > NUMBER_SIZE_MAX || integer > EXACT_MAX || exponent <= -POWERS ||
        exponent >= POWERS)
        return 0;
    *ret = scaled(integer, exponent);
    return (size_t)(at - text);
}

/* The length of the unsigned decimal at `text`, or 0. */
static size_t take_decimal(const char *text, const char *end, double *ret)
{
    struct decimal decimal = {0};
    if (end - text > NUMBER_SIZE_MAX + 2)
        end = text + NUMBER_SIZE_MAX + 2; /* more is none: whoever looks on need not wait */
    const char *at = take_digits(text, end, &decimal);
    size_t n = (size_t)(at - text);
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = take_digits(fraction, end, &decimal);
        decimal.exponent = -(int)(at - fraction);
        n += (size_t)(at - fraction);
        if (!n)
            return 0;
    }
    if (!n || at - text > NUMBER_SIZE_MAX)
        return 0;
    if (at < end && (*at == 'e' || *at == 'E'))
        at = take_exponent(at, end, &decimal.exponent);
    if (at - text > NUMBER_SIZE_MAX)
        return 0;
    if (decimal.n_digits > 18 || decimal.integer > EXACT_MAX || decimal.exponent <= -POWERS ||
        decimal.exponent >= POWERS)
        *ret = slow_number(text, (size_t)(at - text));
    else
        *ret = scaled(decimal.integer, decimal.exponent);
    return (size_t)(at - text);
}

static inline size_t take_number(const char *text, const char *end, double *ret)
{
    size_t length = take_short_decimal(text, end, ret);
    return length ? length : take_decimal(text, end, ret);
}

/* ---- words ---- */

static bool begins(const char *text, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - text) >= length && !strncasecmp(text, word, length);
}

/* Behind "nan": "(ind)", "(snan)", "(0x8000)", as C libraries add to it. */
static size_t nan_detail(const char *text, const char *end)
{
    const char *at = text;
    if (at == end || *at != '(')
        return 0;
    for (at++; at < end && is_word(*at); at++)
        ;
    return at < end && *at == ')' ? (size_t)(at + 1 - text) : 0;
}

/* Microsoft's "1.#INF00": what "%f" and "%.2f" made of them before 2015. */
static size_t take_microsoft(const char *text, const char *end, double *ret)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"1.#INF", (double)INFINITY},
                 {"1.#QNAN", (double)NAN},
                 {"1.#SNAN", (double)NAN},
                 {"1.#IND", (double)NAN}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!begins(text, end, words[i].word))
            continue;
        const char *at = text + strlen(words[i].word);
        while (at < end && *at == '0')
            at++;
        *ret = words[i].value;
        return (size_t)(at - text);
    }
    return 0;
}

static size_t take_word(const char *text, const char *end, double *ret)
{
    size_t length = 0;
    if (begins(text, end, "nan")) {
        *ret = (double)NAN;
        length = 3 + nan_detail(text + 3, end);
    } else if (begins(text, end, "inf")) {
        *ret = (double)INFINITY;
        length = begins(text, end, "infinity") ? 8 : 3;
    } else if (begins(text, end, "1.#")) {
        length = take_microsoft(text, end, ret);
    }
    return length && (text + length == end || !is_word(text[length])) ? length : 0;
}

size_t tw_log_number_at(const char *text, size_t size, double *ret)
{
    const char *end = text + size;
    size_t sign = size && (*text == '-' || *text == '+'), length;
    double value = 0;
    if (sign == size)
        return 0;
    if (text[sign] == '1' && size - sign > 2 && text[sign + 2] == '#')
        length = take_word(text + sign, end, &value);
    else if (is_digit(text[sign]) || text[sign] == '.')
        length = take_number(text + sign, end, &value);
    else
        length = take_word(text + sign, end, &value);
    if (!length)
        return 0;
    *ret = *text == '-' ? -value : value;
    return sign + length;
}

/* ---- whole cells ---- */

/* "1,234,567.8": the groups behind the first have three digits. */
static bool take_thousands(const char *text, size_t size, double *ret)
{
    char plain[64];
    size_t n = 0, i = *text == '-' || *text == '+', group = 0;
    if (size >= sizeof plain || i == size || text[i] == '0')
        return false;
    bool has_comma = false;
    memcpy(plain, text, i);
    for (n = i; i < size && (is_digit(text[i]) || text[i] == ','); i++) {
        if (text[i] == ',') {
            if (group < 1 || group > 3 || (has_comma && group != 3))
                return false;
            has_comma = true;
            group = 0;
        } else {
            plain[n++] = text[i];
            group++;
        }
    }
    if (!has_comma || group != 3)
        return false;
    memcpy(plain + n, text + i, size - i);
    n += size - i;
    return tw_log_number_at(plain, n, ret) == n;
}

static bool is_absent(const char *text, size_t size)
{
    static const char *const words[] = {"na", "n/a", "null", "none", "<na>", "#n/a"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == size && !strncasecmp(words[i], text, size))
            return true;
    }
    return !size;
}

static void trim(const char **text, size_t *size)
{
    while (*size && strchr(" \t\r\n", (*text)[*size - 1]) && (*text)[*size - 1])
        (*size)--;
    while (*size && strchr(" \t\r\n", **text) && **text)
        (*text)++, (*size)--;
}

int tw_log_number(const char *text, size_t size, double *ret)
{
    double value;
    /* Nearly always, it is a number and nothing else. */
    size_t length = tw_log_number_at(text, size, &value);
    if (!length || length != size) {
        trim(&text, &size);
        if (size >= 2 && (*text == '"' || *text == '\'') && text[size - 1] == *text) {
            text++, size -= 2;
            trim(&text, &size);
        }
        if (is_absent(text, size)) {
            *ret = (double)NAN;
            return 0;
        }
        if (tw_log_number_at(text, size, &value) != size && !take_thousands(text, size, &value))
            return -1;
    }
    *ret = value;
    return 1;
}
