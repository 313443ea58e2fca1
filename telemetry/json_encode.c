/* The record as one line of JSON. Written by hand rather than as a jansson tree: a number has to
 * be in the shortest form that reads back the same, and may be NaN. */
#include "telemetry/wire.h"

#include "telemetry/text.h"
#include "telemetry/writer.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_writer {
    struct tw_writer writer;
    char *text; /* owned; NULL once memory ran out */
    size_t length, room;
    bool has_failed, wants_comma;
};

static struct json_writer *json_writer(struct tw_writer *writer)
{
    return (struct json_writer *)(void *)writer;
}

/* Room for `size` more bytes and a NUL, or NULL. */
static char *reserve(struct json_writer *writer, size_t size)
{
    size_t wanted = writer->length + size + 1;
    if (writer->has_failed)
        return NULL;
    if (wanted > writer->room) {
        size_t room = wanted > 2 * writer->room ? wanted : 2 * writer->room;
        char *grown = realloc(writer->text, room);
        if (!grown) {
            writer->has_failed = true;
            return NULL;
        }
        writer->text = grown;
        writer->room = room;
    }
    return writer->text + writer->length;
}

static void add(struct json_writer *writer, const char *text, size_t length)
{
    char *at = reserve(writer, length);
    if (!at)
        return;
    memcpy(at, text, length);
    writer->length += length;
}

static void add_text(struct json_writer *writer, const char *text)
{
    add(writer, text, strlen(text));
}

/* Before each value and each key: a comma, but not at the beginning and not behind a key. */
static void separate(struct json_writer *writer)
{
    if (writer->wants_comma)
        add(writer, ",", 1);
    writer->wants_comma = true;
}

static void open_bracket(struct tw_writer *base, const char *bracket)
{
    struct json_writer *writer = json_writer(base);
    separate(writer);
    add_text(writer, bracket);
    writer->wants_comma = false;
}

static void close_bracket(struct tw_writer *base, const char *bracket)
{
    struct json_writer *writer = json_writer(base);
    add_text(writer, bracket);
    writer->wants_comma = true;
}

static void put_map(struct tw_writer *base, size_t pairs)
{
    (void)pairs;
    open_bracket(base, "{");
}

static void put_map_end(struct tw_writer *base)
{
    close_bracket(base, "}");
}

static void put_list(struct tw_writer *base, size_t items)
{
    (void)items;
    open_bracket(base, "[");
}

static void put_list_end(struct tw_writer *base)
{
    close_bracket(base, "]");
}

static void add_escaped(struct json_writer *writer, char byte)
{
    char escaped[8] = {'\\', byte, '\0'};
    if (byte != '"' && byte != '\\')
        snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)byte);
    add_text(writer, escaped);
}

static void add_string(struct json_writer *writer, const char *text, size_t length)
{
    size_t start;
    separate(writer);
    add(writer, "\"", 1);
    start = writer->length;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
            add_escaped(writer, text[i]);
        else
            add(writer, &text[i], 1);
    }
    if (!writer->has_failed)
        tw_text_make_utf8(writer->text + start, writer->length - start);
    add(writer, "\"", 1);
}

static void put_key(struct tw_writer *base, const char *name, size_t length)
{
    struct json_writer *writer = json_writer(base);
    add_string(writer, name, length);
    add(writer, ":", 1);
    writer->wants_comma = false;
}

static void put_text(struct tw_writer *base, const char *text, size_t length)
{
    add_string(json_writer(base), text, length);
}

static void put_integer(struct tw_writer *base, int64_t integer)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)integer);
    separate(json_writer(base));
    add_text(json_writer(base), text);
}

static const char *nonfinite_word(double number)
{
    if (isnan(number))
        return "\"nan\"";
    return number > 0 ? "\"inf\"" : "\"-inf\"";
}

/* The fewest digits that read back the same, from `digits` up to `most`, which always suffice; as
 * a float when `is_float`. */
static void add_shortest(struct json_writer *writer, double number, int digits, int most,
                         bool is_float)
{
    char text[32];
    if (number == 0) {
        add_text(writer, signbit(number) ? "-0.0" : "0"); /* "-0" would be an integer */
        return;
    }
    for (; digits <= most; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (back == number || (is_float && (double)(float)back == number))
            break;
    }
    add_text(writer, text);
}

static void put_number(struct tw_writer *base, double number)
{
    struct json_writer *writer = json_writer(base);
    separate(writer);
    if (isfinite(number))
        add_shortest(writer, number, 15, 17, false);
    else
        add_text(writer, nonfinite_word(number));
}

static void put_float(struct json_writer *writer, float number)
{
    separate(writer);
    if (isnan(number))
        add_text(writer, "null"); /* not measured */
    else if (isinf(number))
        add_text(writer, nonfinite_word((double)number));
    else
        add_shortest(writer, (double)number, 6, 9, true);
}

static void put_boolean(struct tw_writer *base, bool boolean)
{
    separate(json_writer(base));
    add_text(json_writer(base), boolean ? "true" : "false");
}

/* As text: beyond 2^53 a number does not survive most JSON readers. */
static void put_hash(struct tw_writer *base, uint64_t hash)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    add_string(json_writer(base), text, (size_t)length);
}

static void put_floats(struct tw_writer *base, const float *values, uint32_t n)
{
    put_list(base, n);
    for (uint32_t i = 0; i < n; i++)
        put_float(json_writer(base), values[i]);
    put_list_end(base);
}

static const struct tw_writer_calls json_calls = {
    .map = put_map,
    .map_end = put_map_end,
    .list = put_list,
    .list_end = put_list_end,
    .key = put_key,
    .text = put_text,
    .integer = put_integer,
    .number = put_number,
    .boolean = put_boolean,
    .hash = put_hash,
    .floats = put_floats,
};

static locale_t plain_locale;

static void make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

char *tw_json_encode(const struct tw_record *record)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct json_writer writer = {.writer = {&json_calls}};
    pthread_once(&once, make_plain_locale);
    if (!plain_locale)
        return NULL;
    /* printf() and strtod() would take the decimal comma of the caller's locale. */
    locale_t callers = uselocale(plain_locale);
    tw_record_write(record, &writer.writer);
    uselocale(callers);
    add(&writer, "", 0);
    if (writer.has_failed) {
        free(writer.text);
        return NULL;
    }
    writer.text[writer.length] = '\0';
    return writer.text;
}
