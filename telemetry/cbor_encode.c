/* The record as CBOR (RFC 8949), in the shortest deterministic form but for numbers, which are
 * single or double floats whatever their value. */
#include "telemetry/wire.h"

#include "telemetry/text.h"
#include "telemetry/writer.h"

#include <cbor.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define TAG_FLOAT32_LITTLE 85 /* RFC 8746, table 1 */

struct cbor_writer {
    struct tw_writer writer;
    unsigned char *at, *end;
    bool is_full;
};

static struct cbor_writer *cbor_writer(struct tw_writer *writer)
{
    return (struct cbor_writer *)(void *)writer;
}

/* libcbor says 0 when there was no room. */
static void advance(struct cbor_writer *writer, size_t written)
{
    if (!written)
        writer->is_full = true;
    writer->at += written;
}

static size_t room(const struct cbor_writer *writer)
{
    return writer->is_full ? 0 : (size_t)(writer->end - writer->at);
}

static void put_map(struct tw_writer *base, size_t pairs)
{
    struct cbor_writer *writer = cbor_writer(base);
    advance(writer, cbor_encode_map_start(pairs, writer->at, room(writer)));
}

static void put_list(struct tw_writer *base, size_t items)
{
    struct cbor_writer *writer = cbor_writer(base);
    advance(writer, cbor_encode_array_start(items, writer->at, room(writer)));
}

/* Lengths come first in CBOR: nothing marks an end. */
static void put_end(struct tw_writer *base)
{
    (void)base;
}

static void put_bytes(struct cbor_writer *writer, const void *bytes, size_t length)
{
    if (room(writer) < length) {
        writer->is_full = true;
        return;
    }
    memcpy(writer->at, bytes, length);
    writer->at += length;
}

static void put_key(struct tw_writer *base, const char *name, size_t length)
{
    struct cbor_writer *writer = cbor_writer(base);
    advance(writer, cbor_encode_string_start(length, writer->at, room(writer)));
    put_bytes(writer, name, length);
}

static void put_text(struct tw_writer *base, const char *text, size_t length)
{
    struct cbor_writer *writer = cbor_writer(base);
    put_key(base, text, length);
    if (!writer->is_full)
        tw_text_make_utf8((char *)writer->at - length, length);
}

static void put_integer(struct tw_writer *base, int64_t integer)
{
    struct cbor_writer *writer = cbor_writer(base);
    advance(writer, integer < 0
                        ? cbor_encode_negint((uint64_t)(-1 - integer), writer->at, room(writer))
                        : cbor_encode_uint((uint64_t)integer, writer->at, room(writer)));
}

static void put_number(struct tw_writer *base, double number)
{
    struct cbor_writer *writer = cbor_writer(base);
    float narrow = isnan(number) || fabs(number) <= 3e38 || isinf(number) ? (float)number : 0;
    if (isnan(number))
        advance(writer, cbor_encode_single(NAN, writer->at, room(writer)));
    else if ((double)narrow == number)
        advance(writer, cbor_encode_single(narrow, writer->at, room(writer)));
    else
        advance(writer, cbor_encode_double(number, writer->at, room(writer)));
}

static void put_boolean(struct tw_writer *base, bool boolean)
{
    struct cbor_writer *writer = cbor_writer(base);
    advance(writer, cbor_encode_bool(boolean, writer->at, room(writer)));
}

static void put_hash(struct tw_writer *base, uint64_t hash)
{
    struct cbor_writer *writer = cbor_writer(base);
    advance(writer, cbor_encode_uint(hash, writer->at, room(writer)));
}

static void put_floats(struct tw_writer *base, const float *values, uint32_t n)
{
    struct cbor_writer *writer = cbor_writer(base);
    size_t size = (size_t)n * 4;
    advance(writer, cbor_encode_tag(TAG_FLOAT32_LITTLE, writer->at, room(writer)));
    advance(writer, cbor_encode_bytestring_start(size, writer->at, room(writer)));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    put_bytes(writer, values, size);
#else
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits = __builtin_bswap32(bits);
        put_bytes(writer, &bits, sizeof bits);
    }
#endif
}

static const struct tw_writer_calls cbor_calls = {
    .map = put_map,
    .map_end = put_end,
    .list = put_list,
    .list_end = put_end,
    .key = put_key,
    .text = put_text,
    .integer = put_integer,
    .number = put_number,
    .boolean = put_boolean,
    .hash = put_hash,
    .floats = put_floats,
};

long tw_cbor_encode(const struct tw_record *record, void *buffer, size_t size)
{
    struct cbor_writer writer = {
        .writer = {&cbor_calls}, .at = buffer, .end = (unsigned char *)buffer + size};
    tw_record_write(record, &writer.writer);
    return writer.is_full ? -ENOBUFS : (long)(writer.at - (unsigned char *)buffer);
}
