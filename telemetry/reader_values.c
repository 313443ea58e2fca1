/* Values of a record, checked. */
#include "telemetry/reader_values.h"

#include "telemetry/fields.h"
#include "telemetry/text.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_FLOAT32 TW_FLOAT32_LITTLE
#else
#define NATIVE_FLOAT32 TW_FLOAT32_BIG
#endif

/* Doubles below this hold every whole number. */
#define WHOLE_NUMBERS_MAX 9007199254740992.0

static const char *found(const struct tw_token *token)
{
    switch (token->type) {
    case TW_TOKEN_MAP:
    case TW_TOKEN_MAP_END:
        return "an object";
    case TW_TOKEN_LIST:
    case TW_TOKEN_LIST_END:
    case TW_TOKEN_FLOATS:
        return "a list";
    case TW_TOKEN_KEY:
    case TW_TOKEN_TEXT:
        return "a text";
    case TW_TOKEN_INTEGER:
    case TW_TOKEN_NUMBER:
        return "a number";
    case TW_TOKEN_BOOLEAN:
        return "true or false";
    case TW_TOKEN_NULL:
        return "null";
    case TW_TOKEN_OTHER:
        break;
    }
    return "something else";
}

int tw_value_mismatch(const struct tw_token *token, const char *name, const char *wanted,
                      struct tw_error *error)
{
    return tw_error_set(error, -EBADMSG, "%s: not %s but %s", name, wanted, found(token));
}

/* The words that printf, Python, JavaScript and Java write. */
bool tw_value_is_nonfinite_word(const struct tw_token *token, double *ret)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN}, {"inf", INFINITY}, {"infinity", INFINITY}};
    if (token->type != TW_TOKEN_TEXT)
        return false;
    const char *text = token->text;
    size_t length = token->length;
    bool is_signed = length && (*text == '-' || *text == '+'), is_negative = length && *text == '-';
    text += is_signed;
    length -= is_signed;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (length == strlen(words[i].word) && !strncasecmp(text, words[i].word, length)) {
            *ret = is_negative && !isnan(words[i].value) ? -words[i].value : words[i].value;
            return true;
        }
    }
    return false;
}

/* A whole number: 1, or -EBADMSG. */
static int whole(const struct tw_token *token, const char *name, uint64_t *ret_magnitude,
                 bool *ret_negative, struct tw_error *error)
{
    double number;
    if (token->type == TW_TOKEN_INTEGER) {
        *ret_magnitude = token->integer;
        *ret_negative = token->is_negative;
        return 1;
    }
    if (!tw_value_is_number(token, &number))
        return tw_value_mismatch(token, name, "a whole number", error);
    if (!(fabs(number) <= WHOLE_NUMBERS_MAX) || number != floor(number))
        return tw_error_set(error, -EBADMSG, "%s: %g is not a whole number", name, number);
    *ret_negative = number < 0;
    *ret_magnitude = (uint64_t)(number < 0 ? -1 - number : number);
    return 1;
}

int tw_value_any_count(const struct tw_token *token, const char *name, uint64_t max, uint64_t *ret,
                       struct tw_error *error)
{
    uint64_t magnitude;
    bool is_negative;
    int result = whole(token, name, &magnitude, &is_negative, error);
    if (result < 0)
        return result;
    if (is_negative || magnitude > max)
        return tw_error_set(error, -EBADMSG, "%s: %g is out of range", name, token->number);
    *ret = magnitude;
    return 1;
}

int tw_value_time(const struct tw_token *token, const char *name, int64_t *ret,
                  struct tw_error *error)
{
    uint64_t magnitude;
    bool is_negative;
    struct tw_token floored = *token;
    /* Milliseconds with a fraction are what clocks in other languages give. */
    if (token->type == TW_TOKEN_NUMBER && isfinite(token->number))
        floored.number = floor(token->number);
    int result = whole(&floored, name, &magnitude, &is_negative, error);
    if (result < 0)
        return result;
    if (magnitude > INT64_MAX)
        return tw_error_set(error, -EBADMSG, "%s: %g is out of range", name, token->number);
    *ret = is_negative ? -1 - (int64_t)magnitude : (int64_t)magnitude;
    return 1;
}

static int hexadecimal_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int tw_value_hash(const struct tw_token *token, const char *name, uint64_t *ret,
                  struct tw_error *error)
{
    uint64_t hash = 0;
    if (token->type == TW_TOKEN_INTEGER && !token->is_negative) {
        *ret = token->integer;
        return 1;
    }
    if (token->type != TW_TOKEN_TEXT || !token->length || token->length > 16)
        return tw_value_mismatch(token, name, "16 hexadecimal digits", error);
    for (size_t i = 0; i < token->length; i++) {
        int digit = hexadecimal_digit(token->text[i]);
        if (digit < 0)
            return tw_value_mismatch(token, name, "16 hexadecimal digits", error);
        hash = hash << 4 | (unsigned)digit;
    }
    *ret = hash;
    return 1;
}

int tw_value_version(const struct tw_token *token, struct tw_error *error)
{
    uint64_t version;
    int result = tw_value_count(token, "v", INT64_MAX, &version, error);
    if (result < 0)
        return result;
    if (version > TW_RECORD_VERSION)
        return tw_error_set(error, -EPROTONOSUPPORT,
                            "v: the record is of version %llu, this program reads up to %d; "
                            "update trainward where it is read",
                            (unsigned long long)version, TW_RECORD_VERSION);
    return version == TW_RECORD_VERSION ? 1
                                        : tw_error_set(error, -EBADMSG, "v: there is no version 0");
}

static int check_text(const struct tw_token *token, const char *name, struct tw_error *error)
{
    if (token->type != TW_TOKEN_TEXT)
        return tw_value_mismatch(token, name, "a text", error);
    if (memchr(token->text, '\0', token->length))
        return tw_error_set(error, -EBADMSG, "%s: has a zero byte inside", name);
    return 1;
}

int tw_value_text(const struct tw_token *token, const char *name, char *ret, size_t size,
                  struct tw_error *error)
{
    int result = check_text(token, name, error);
    if (result > 0)
        tw_text_copy(ret, size, token->text, token->length);
    return result;
}

int tw_value_identity(const struct tw_token *token, const char *name, char *ret, size_t size,
                      struct tw_error *error)
{
    int result = check_text(token, name, error);
    if (result < 0)
        return result;
    if (token->length >= size)
        return tw_error_set(error, -EBADMSG, "%s: longer than %zu bytes", name, size - 1);
    if (!tw_text_is_utf8(token->text, token->length))
        return tw_error_set(error, -EBADMSG, "%s: not UTF-8", name);
    memcpy(ret, token->text, token->length);
    ret[token->length] = '\0';
    return 1;
}

int tw_value_word(const struct tw_token *token, const char *name, const char *const *words,
                  size_t n, uint32_t *ret, struct tw_error *error)
{
    char known[128] = "", given[32];
    int result = check_text(token, name, error);
    if (result < 0)
        return result;
    int index = tw_word_find(words, n, token->text, token->length);
    if (index >= 0) {
        *ret = (uint32_t)index;
        return 1;
    }
    for (size_t i = 0, used = 0; i < n; i++)
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", words[i]);
    tw_text_copy(given, sizeof given, token->text, token->length);
    return tw_error_set(error, -EBADMSG, "%s: '%s' is none of %s", name, given, known);
}

/* C leaves it open what becomes of a double beyond the largest float. */
static float narrow(double number)
{
    if (fabs(number) > FLT_MAX && isfinite(number))
        return number < 0 ? -INFINITY : INFINITY;
    return (float)number;
}

static uint64_t load(const unsigned char *bytes, size_t size, bool is_big)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * (is_big ? size - 1 - i : i);
    return value;
}

static float load_float(const unsigned char *bytes, size_t size, bool is_big)
{
    uint64_t bits = load(bytes, size, is_big);
    uint32_t half = (uint32_t)bits;
    float single;
    double wide;
    if (size == sizeof wide) {
        memcpy(&wide, &bits, sizeof wide);
        return narrow(wide);
    }
    memcpy(&single, &half, sizeof single);
    return single;
}

static int typed_floats(const struct tw_token *token, const char *name, float *ret, uint32_t *ret_n,
                        struct tw_error *error)
{
    bool is_big = token->form == TW_FLOAT32_BIG || token->form == TW_FLOAT64_BIG;
    size_t size = token->form == TW_FLOAT32_BIG || token->form == TW_FLOAT32_LITTLE ? 4 : 8;
    size_t n = token->length / size;
    if (token->length % size)
        return tw_error_set(error, -EBADMSG, "%s: %zu bytes are no whole number of floats", name,
                            token->length);
    if (n > TW_LAYERS_MAX)
        return tw_error_set(error, -EBADMSG, "%s: more than %d entries", name, TW_LAYERS_MAX);
    *ret_n = (uint32_t)n;
    if (token->form == NATIVE_FLOAT32) {
        memcpy(ret, token->bytes, token->length);
        return 1;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = load_float(token->bytes + i * size, size, is_big);
    return 1;
}

int tw_value_floats(struct tw_reader *reader, const struct tw_token *token, const char *name,
                    float *ret, uint32_t *ret_n, struct tw_error *error)
{
    const struct tw_token *item;
    double number;
    if (token->type == TW_TOKEN_FLOATS)
        return typed_floats(token, name, ret, ret_n, error);
    if (token->type != TW_TOKEN_LIST)
        return tw_value_mismatch(token, name, "a list", error);
    for (uint32_t n = 0;; n++) {
        int result = tw_reader_next(reader, &item, error);
        if (result <= 0)
            return result;
        if (item->type == TW_TOKEN_LIST_END) {
            *ret_n = n;
            return 1;
        }
        if (item->type == TW_TOKEN_NULL)
            number = NAN;
        else if (!tw_value_is_number(item, &number))
            return tw_value_mismatch(item, name, "a list of numbers", error);
        if (n == TW_LAYERS_MAX)
            return tw_error_set(error, -EBADMSG, "%s: more than %d entries", name, TW_LAYERS_MAX);
        ret[n] = narrow(number);
    }
}
