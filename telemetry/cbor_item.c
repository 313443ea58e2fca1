/* libcbor tells what it found by calling one of many functions. */
#include "telemetry/cbor_item.h"

#include <cbor.h>
#include <errno.h>

static void plain(struct tw_cbor_item *item, enum tw_token_type type)
{
    item->type = ITEM_PLAIN;
    item->token.type = type;
}

static void integer(void *context, uint64_t value, bool is_negative)
{
    struct tw_cbor_item *item = context;
    plain(item, TW_TOKEN_INTEGER);
    item->token.integer = value;
    item->token.is_negative = is_negative;
    item->token.number = is_negative ? -1 - (double)value : (double)value;
}

static void on_uint8(void *context, uint8_t value)
{
    integer(context, value, false);
}
static void on_uint16(void *context, uint16_t value)
{
    integer(context, value, false);
}
static void on_uint32(void *context, uint32_t value)
{
    integer(context, value, false);
}
static void on_uint64(void *context, uint64_t value)
{
    integer(context, value, false);
}
static void on_negint8(void *context, uint8_t value)
{
    integer(context, value, true);
}
static void on_negint16(void *context, uint16_t value)
{
    integer(context, value, true);
}
static void on_negint32(void *context, uint32_t value)
{
    integer(context, value, true);
}
static void on_negint64(void *context, uint64_t value)
{
    integer(context, value, true);
}

static void on_double(void *context, double value)
{
    struct tw_cbor_item *item = context;
    plain(item, TW_TOKEN_NUMBER);
    item->token.number = value;
}
static void on_float(void *context, float value)
{
    on_double(context, value);
}
static void on_boolean(void *context, bool value)
{
    struct tw_cbor_item *item = context;
    plain(item, TW_TOKEN_BOOLEAN);
    item->token.boolean = value;
}
static void on_null(void *context)
{
    plain(context, TW_TOKEN_NULL);
}

static void on_string(void *context, cbor_data data, size_t length)
{
    struct tw_cbor_item *item = context;
    plain(item, TW_TOKEN_TEXT);
    item->token.text = (const char *)data;
    item->token.length = length;
}
static void on_bytes(void *context, cbor_data data, size_t length)
{
    struct tw_cbor_item *item = context;
    plain(item, TW_TOKEN_OTHER);
    item->type = ITEM_BYTES;
    item->token.bytes = data;
    item->token.length = length;
}
static void on_string_start(void *context)
{
    ((struct tw_cbor_item *)context)->type = ITEM_PIECES_OF_TEXT;
}
static void on_bytes_start(void *context)
{
    ((struct tw_cbor_item *)context)->type = ITEM_PIECES_OF_BYTES;
}

static void container(void *context, enum tw_cbor_item_type type, bool is_indefinite,
                      uint64_t count)
{
    struct tw_cbor_item *item = context;
    item->type = type;
    item->is_indefinite = is_indefinite;
    item->count = count;
}
static void on_list(void *context, size_t count)
{
    container(context, ITEM_LIST, false, count);
}
static void on_open_list(void *context)
{
    container(context, ITEM_LIST, true, 0);
}
static void on_map(void *context, size_t count)
{
    container(context, ITEM_MAP, false, count);
}
static void on_open_map(void *context)
{
    container(context, ITEM_MAP, true, 0);
}
static void on_tag(void *context, uint64_t tag)
{
    container(context, ITEM_TAG, false, tag);
}
static void on_break(void *context)
{
    ((struct tw_cbor_item *)context)->type = ITEM_BREAK;
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string_start = on_bytes_start,
    .byte_string = on_bytes,
    .string = on_string,
    .string_start = on_string_start,
    .indef_array_start = on_open_list,
    .array_start = on_list,
    .indef_map_start = on_open_map,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_null,
    .null = on_null,
    .boolean = on_boolean,
    .indef_break = on_break,
};

long tw_cbor_item_read(const unsigned char *data, size_t size, struct tw_cbor_item *ret)
{
    struct cbor_decoder_result result = cbor_stream_decode(data, size, &callbacks, ret);
    if (result.status == CBOR_DECODER_NEDATA)
        return 0;
    return result.status == CBOR_DECODER_FINISHED ? (long)result.read : -EBADMSG;
}
