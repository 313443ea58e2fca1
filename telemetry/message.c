/* Messages: several records of one run in one piece of bytes. */
#include "telemetry/wire.h"

#include <errno.h>
#include <string.h>

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

enum tw_wire_format tw_wire_format_of(const void *data, size_t size)
{
    const char *at = data, *end = at + size;
    while (at < end && is_space(*at))
        at++;
    return at < end && *at == '{' ? TW_WIRE_JSON : TW_WIRE_CBOR;
}

/* The format of the message that goes on at `offset`. Blanks before its first record are JSON's: in
 * CBOR they are no record, and nothing goes on behind them. Not looked at again for each line, they
 * may be many. */
static enum tw_wire_format format_at(const char *data, size_t size, size_t offset)
{
    return offset && is_space(*data) ? TW_WIRE_JSON : tw_wire_format_of(data, size);
}

static bool is_blank(const char *bytes, size_t size)
{
    while (size && is_space(*bytes)) {
        bytes++;
        size--;
    }
    return !size;
}

static int next_line(const char *data, size_t size, size_t *offset, struct tw_record *ret,
                     struct tw_error *error)
{
    while (is_space(data[*offset]))
        ++*offset;
    const char *newline = memchr(data + *offset, '\n', size - *offset);
    size_t end = newline ? (size_t)(newline - data) : size;
    int result = tw_json_decode(data + *offset, end - *offset, ret, error);
    if (result > 0)
        *offset = end + (newline != NULL);
    return result;
}

int tw_message_next(const void *data, size_t size, size_t *offset, struct tw_record *ret,
                    struct tw_error *error)
{
    const char *bytes = data;
    size_t used;
    if (*offset >= size || is_blank(bytes + *offset, size - *offset)) {
        *offset = size;
        return 0;
    }
    if (format_at(data, size, *offset) == TW_WIRE_JSON)
        return next_line(bytes, size, offset, ret, error);
    int result = tw_cbor_decode(bytes + *offset, size - *offset, ret, &used, error);
    if (result == 0)
        return tw_error_set(error, -EBADMSG, "the message ends inside a record");
    if (result > 0)
        *offset += used;
    return result;
}
