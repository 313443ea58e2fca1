/* Writing JSON: jansson keeps the tree, but prints every double with 17 digits. */
#include "advisories/json_text.h"

#include "advisories/advisory.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tw_number_text(double value, char buffer[TW_NUMBER_TEXT_SIZE])
{
    /* 15 digits survive text -> double -> text, 17 survive double -> text -> double (IEEE 754). */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, TW_NUMBER_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value)
            break;
    }
    char *comma = strchr(buffer, ',');
    if (comma)
        *comma = '.';
    return buffer;
}

static int write_value(FILE *stream, const json_t *value);

static int write_object(FILE *stream, const json_t *object)
{
    const char *separator = "", *name;
    json_t *member;
    fputc('{', stream);
    json_object_foreach((json_t *)(uintptr_t)object, name, member)
    {
        json_t *quoted = json_string_nocheck(name);
        fputs(separator, stream);
        if (!quoted || json_dumpf(quoted, stream, JSON_ENCODE_ANY)) {
            json_decref(quoted);
            return -1;
        }
        json_decref(quoted);
        fputc(':', stream);
        if (write_value(stream, member))
            return -1;
        separator = ",";
    }
    fputc('}', stream);
    return 0;
}

static int write_array(FILE *stream, const json_t *array)
{
    size_t i;
    json_t *element;
    fputc('[', stream);
    json_array_foreach(array, i, element)
    {
        if (i)
            fputc(',', stream);
        if (write_value(stream, element))
            return -1;
    }
    fputc(']', stream);
    return 0;
}

static int write_value(FILE *stream, const json_t *value)
{
    char number[TW_NUMBER_TEXT_SIZE];
    if (json_is_object(value))
        return write_object(stream, value);
    if (json_is_array(value))
        return write_array(stream, value);
    if (json_is_real(value))
        return fputs(tw_number_text(json_real_value(value), number), stream) < 0 ? -1 : 0;
    return json_dumpf(value, stream, JSON_ENCODE_ANY);
}

char *tw_json_text(const json_t *value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    int result = value ? write_value(stream, value) : -1;
    if (ferror(stream))
        result = -1;
    if (fclose(stream) || result) {
        free(text);
        return NULL;
    }
    return text;
}

/* The length of the UTF-8 sequence at `at`, or 0 when it is none that JSON may carry (RFC 3629:
 * no overlong forms, no surrogates, nothing above U+10FFFF). The text ends in NUL, so a sequence
 * that is cut short fails on it. */
static size_t utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 1;
    size_t n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

json_t *tw_json_string(const char *text)
{
    json_t *plain = json_string(text);
    if (plain)
        return plain;
    /* Each bad byte grows to the three of U+FFFD. */
    char *repaired = malloc(strlen(text) * 3 + 1), *out = repaired;
    if (!repaired)
        return NULL;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t n = utf8_length(at);
        memcpy(out, n ? (const char *)at : "\xef\xbf\xbd", n ? n : 3);
        out += n ? n : 3;
        at += n ? n : 1;
    }
    *out = '\0';
    json_t *string = json_string(repaired);
    free(repaired);
    return string;
}

json_t *tw_number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

int tw_json_set_number(json_t *object, const char *name, double value)
{
    if (json_object_set_new(object, name, tw_number_json(value)))
        return -1;
    if (isfinite(value))
        return 0;
    char flag[96];
    snprintf(flag, sizeof flag, "%s_nonfinite", name);
    return json_object_set_new(object, flag,
                               json_string(isnan(value) ? "nan"
                                           : value > 0  ? "inf"
                                                        : "-inf"));
}
