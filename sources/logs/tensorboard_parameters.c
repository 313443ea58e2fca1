#include "sources/logs/tensorboard_parameters.h"

#include "sources/logs/json_leaves.h"
#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 512u
#define LINE_BYTES_MAX 200u /* longer text is prose */

static size_t text_size(const struct tw_protobuf *text)
{
    return tw_protobuf_size(text);
}

static void copy_text(char *to, size_t to_size, const char *from, size_t size)
{
    tw_text_copy(to, to_size, from, size);
    tw_text_make_utf8(to, strlen(to));
}

/* In as few digits as give the same number again. */
static void number_text(char *to, size_t to_size, double value)
{
    snprintf(to, to_size, "%.15g", value);
    if (strtod(to, NULL) != value && !isnan(value))
        snprintf(to, to_size, "%.17g", value);
}

/* One of google.protobuf.Value: null_value = 1, number_value = 2, string_value = 3, bool_value = 4;
 * structures and lists are passed over. */
static bool value_text(struct tw_protobuf message, char *to, size_t to_size)
{
    struct tw_protobuf_field field;
    bool is_told = false;
    while (tw_protobuf_next(&message, &field) > 0) {
        is_told = field.number <= 4;
        if (tw_protobuf_is(&field, 2, TW_WIRE_FIXED64))
            number_text(to, to_size, tw_protobuf_double(field.value));
        else if (tw_protobuf_is(&field, 3, TW_WIRE_BYTES))
            copy_text(to, to_size, (const char *)field.bytes.at, text_size(&field.bytes));
        else if (tw_protobuf_is(&field, 4, TW_WIRE_VARINT))
            snprintf(to, to_size, "%s", field.value ? "true" : "false");
        else
            is_told = false;
    }
    return is_told;
}

/* An entry of a map: key = 1, value = 2. */
static int give_entry(struct tw_protobuf entry, const struct tw_log_sink *sink)
{
    char name[NAME_BYTES] = "", value[NAME_BYTES] = "";
    struct tw_protobuf_field field;
    bool is_told = false;
    int found;
    while ((found = tw_protobuf_next(&entry, &field)) > 0)
        if (tw_protobuf_is(&field, 1, TW_WIRE_BYTES))
            copy_text(name, sizeof name, (const char *)field.bytes.at, text_size(&field.bytes));
        else if (tw_protobuf_is(&field, 2, TW_WIRE_BYTES))
            is_told = value_text(field.bytes, value, sizeof value);
    if (found < 0)
        return -EBADMSG;
    return is_told && name[0] ? sink->parameter(sink->closure, NULL, name, value) : 0;
}

/* SessionStartInfo: hparams = 1. */
static int give_start(struct tw_protobuf message, const struct tw_log_sink *sink)
{
    struct tw_protobuf_field field;
    int found, result = 0;
    while (!result && (found = tw_protobuf_next(&message, &field)) != 0)
        if (found < 0)
            result = -EBADMSG;
        else if (tw_protobuf_is(&field, 1, TW_WIRE_BYTES))
            result = give_entry(field.bytes, sink);
    return result;
}

/* SessionEndInfo: status = 1, end_time_secs = 2. */
static int give_end(struct tw_protobuf message, const struct tw_log_sink *sink)
{
    enum { SUCCESS = 1, FAILURE = 2 };
    struct tw_protobuf_field field;
    uint64_t status = 0;
    bool has_time = false;
    int found;
    while ((found = tw_protobuf_next(&message, &field)) > 0)
        if (tw_protobuf_is(&field, 1, TW_WIRE_VARINT))
            status = field.value;
        else if (field.number == 2)
            has_time = true;
    if (found < 0)
        return -EBADMSG;
    if (!has_time || (status != SUCCESS && status != FAILURE))
        return 0;
    return sink->event(sink->closure, NULL, status == SUCCESS ? TW_LOG_COMPLETED : TW_LOG_FAILED,
                       NAN);
}

int tw_tensorboard_hparams(struct tw_protobuf content, const struct tw_log_sink *sink)
{
    struct tw_protobuf_field field;
    int found, result = 0;
    while (!result && (found = tw_protobuf_next(&content, &field)) != 0)
        if (found < 0)
            result = -EBADMSG;
        else if (tw_protobuf_is(&field, 3, TW_WIRE_BYTES))
            result = give_start(field.bytes, sink);
        else if (tw_protobuf_is(&field, 4, TW_WIRE_BYTES))
            result = give_end(field.bytes, sink);
    return result;
}

static int give_leaf(void *closure, const char *name, const json_t *leaf)
{
    const struct tw_log_sink *sink = closure;
    char *text = tw_json_leaf_text(leaf);
    if (!text)
        return -ENOMEM;
    int result = name[0] ? sink->parameter(sink->closure, NULL, name, text) : 0;
    free(text);
    return result;
}

/* "|name|value|" with blanks anywhere. False for the line of dashes, and for what is no such row.
 */
static bool table_row(const char *line, size_t size, char *name, char *value)
{
    char text[2 * NAME_BYTES], *cell[3], *rest = text;
    size_t n = 0;
    copy_text(text, sizeof text, line, size);
    for (char *each; n < 3 && (each = strtok_r(NULL, "|", &rest));) {
        each += strspn(each, " \t\r");
        for (size_t end = strlen(each); end && strchr(" \t\r", each[end - 1]); end--)
            each[end - 1] = 0;
        if (each[0])
            cell[n++] = each;
    }
    if (n != 2 || strspn(cell[0], "-: ") == strlen(cell[0]))
        return false;
    tw_text_copy(name, NAME_BYTES, cell[0], strlen(cell[0]));
    tw_text_copy(value, NAME_BYTES, cell[1], strlen(cell[1]));
    return true;
}

static int give_table(struct tw_protobuf text, const struct tw_log_sink *sink)
{
    const char *at = (const char *)text.at, *end = (const char *)text.end;
    char name[NAME_BYTES], value[NAME_BYTES];
    int result = 0;
    for (bool is_heading = true; at < end && !result; is_heading = false) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        if (!is_heading && table_row(at, (size_t)(line_end - at), name, value))
            result = sink->parameter(sink->closure, NULL, name, value);
        at = line_end < end ? line_end + 1 : end;
    }
    return result;
}

/* PyTorch's add_text() puts "/text_summary" behind the name that it is given. */
static void strip_suffix(char *name)
{
    static const char suffix[] = "/text_summary";
    size_t length = strlen(name);
    if (length > sizeof suffix - 1 && !strcmp(name + length - (sizeof suffix - 1), suffix))
        name[length - (sizeof suffix - 1)] = 0;
}

int tw_tensorboard_text(const char *tag, struct tw_protobuf text, const struct tw_log_sink *sink)
{
    char name[NAME_BYTES], value[LINE_BYTES_MAX + 1];
    size_t size = text_size(&text);
    tw_text_copy(name, sizeof name, tag, strlen(tag));
    strip_suffix(name);
    while (size && strchr(" \t\r\n", *text.at)) {
        text.at++;
        size--;
    }
    if (!size)
        return 0;
    if (*text.at == '{') {
        int result =
            tw_json_leaves((const char *)text.at, size, name, give_leaf, (void *)(uintptr_t)sink);
        return result == -EBADMSG ? 0 : result; /* prose may begin so */
    }
    if (*text.at == '|')
        return give_table(text, sink);
    if (size > LINE_BYTES_MAX || memchr(text.at, '\n', size))
        return 0;
    copy_text(value, sizeof value, (const char *)text.at, size);
    return sink->parameter(sink->closure, NULL, name, value);
}
