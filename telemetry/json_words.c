/* One pass over the text; what is no JSON stays so, for the parser to complain about. */
#include "telemetry/json_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The longest integers that the parser takes; as numbers, longer ones have room. */
static const char largest[] = "9223372036854775807", smallest[] = "9223372036854775808";

struct pass {
    const char *at, *end;
    char *out;
    unsigned depth, deepest;
};

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static void put(struct pass *pass, const char *text, size_t length)
{
    memcpy(pass->out, text, length);
    pass->out += length;
}

static void copy_string(struct pass *pass)
{
    const char *start = pass->at++;
    while (pass->at < pass->end && *pass->at != '"')
        pass->at += *pass->at == '\\' && pass->at + 1 < pass->end ? 2 : 1;
    pass->at += pass->at < pass->end;
    put(pass, start, (size_t)(pass->at - start));
}

static bool is_in_number(char byte)
{
    return is_digit(byte) || byte == '+' || byte == '-' || byte == '.' || byte == 'e' ||
           byte == 'E';
}

static bool is_too_long(const char *digits, size_t n, bool is_negative)
{
    const char *limit = is_negative ? smallest : largest;
    return n > sizeof largest - 1 || (n == sizeof largest - 1 && memcmp(digits, limit, n) > 0);
}

static void copy_number(struct pass *pass, bool is_negative)
{
    const char *start = pass->at;
    bool is_integer = true;
    if (is_negative)
        put(pass, "-", 1);
    while (pass->at < pass->end && is_in_number(*pass->at)) {
        is_integer = is_integer && is_digit(*pass->at);
        pass->at++;
    }
    size_t length = (size_t)(pass->at - start);
    put(pass, start, length);
    if (is_integer && is_too_long(start, length, is_negative))
        put(pass, "e0", 2);
}

static void copy_word(struct pass *pass, bool is_negative)
{
    const char *start = pass->at;
    while (pass->at < pass->end && is_letter(*pass->at))
        pass->at++;
    size_t length = (size_t)(pass->at - start);
    bool is_nan = length == 3 && !strncasecmp(start, "nan", 3);
    bool is_infinite = (length == 3 && !strncasecmp(start, "inf", 3)) ||
                       (length == 8 && !strncasecmp(start, "infinity", 8));
    if (is_nan)
        put(pass, "\"nan\"", 5);
    else if (is_infinite && is_negative)
        put(pass, "\"-inf\"", 6);
    else if (is_infinite)
        put(pass, "\"inf\"", 5);
    else
        put(pass, start - is_negative, length + is_negative);
}

static void copy_bracket(struct pass *pass)
{
    char bracket = *pass->at++;
    if (bracket == '{' || bracket == '[')
        pass->depth++;
    else if (pass->depth && (bracket == '}' || bracket == ']'))
        pass->depth--;
    if (pass->depth > pass->deepest)
        pass->deepest = pass->depth;
    put(pass, &bracket, 1);
}

char *tw_json_strict(const char *data, size_t size, size_t *ret_size, unsigned *ret_depth)
{
    /* The worst that grows is "nan" by two quotes. */
    char *room = malloc(2 * size + 1);
    struct pass pass = {.at = data, .end = data + size, .out = room};
    if (!room)
        return NULL;
    while (pass.at < pass.end) {
        bool is_minus = *pass.at == '-' && pass.at + 1 < pass.end;
        if (*pass.at == '"') {
            copy_string(&pass);
        } else if (is_digit(*pass.at) || (is_minus && is_digit(pass.at[1]))) {
            pass.at += is_minus;
            copy_number(&pass, is_minus);
        } else if (is_letter(*pass.at) || (is_minus && is_letter(pass.at[1]))) {
            pass.at += is_minus;
            copy_word(&pass, is_minus);
        } else {
            copy_bracket(&pass);
        }
    }
    *ret_size = (size_t)(pass.out - room);
    *ret_depth = pass.deepest;
    return room;
}
