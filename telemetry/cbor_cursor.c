/* Tokens from CBOR (RFC 8949). Tags are passed over but for RFC 8746's of float arrays. */
#include "telemetry/cbor_cursor.h"

#include <cbor.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* RFC 8746, table 1. */
enum { TAG_FLOAT32_BIG = 81, TAG_FLOAT64_BIG, TAG_FLOAT32_LITTLE = 85, TAG_FLOAT64_LITTLE };

enum item_type {
    ITEM_PLAIN, /* its token is complete */
    ITEM_BYTES,
    ITEM_TAG,
    ITEM_LIST,
    ITEM_MAP,
    ITEM_PIECES_OF_TEXT,
    ITEM_PIECES_OF_BYTES,
    ITEM_BREAK
};

/* What one call of the decoder found. */
struct item {
    enum item_type type;
    struct tw_token token;
    bool is_indefinite;
    uint64_t count; /* LIST, MAP: entries; TAG: the tag */
};

static void plain(struct item *item, enum tw_token_type type)
{
    item->type = ITEM_PLAIN;
    item->token.type = type;
}

static void integer(void *context, uint64_t value, bool is_negative)
{
    struct item *item = context;
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
    struct item *item = context;
    plain(item, TW_TOKEN_NUMBER);
    item->token.number = value;
}
static void on_float(void *context, float value)
{
    on_double(context, value);
}
static void on_boolean(void *context, bool value)
{
    struct item *item = context;
    plain(item, TW_TOKEN_BOOLEAN);
    item->token.boolean = value;
}
static void on_null(void *context)
{
    plain(context, TW_TOKEN_NULL);
}

static void on_string(void *context, cbor_data data, size_t length)
{
    struct item *item = context;
    plain(item, TW_TOKEN_TEXT);
    item->token.text = (const char *)data;
    item->token.length = length;
}
static void on_bytes(void *context, cbor_data data, size_t length)
{
    struct item *item = context;
    plain(item, TW_TOKEN_OTHER);
    item->type = ITEM_BYTES;
    item->token.bytes = data;
    item->token.n_bytes = length;
}
static void on_string_start(void *context)
{
    ((struct item *)context)->type = ITEM_PIECES_OF_TEXT;
}
static void on_bytes_start(void *context)
{
    ((struct item *)context)->type = ITEM_PIECES_OF_BYTES;
}

static void container(void *context, enum item_type type, bool is_indefinite, uint64_t count)
{
    struct item *item = context;
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
    ((struct item *)context)->type = ITEM_BREAK;
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

static int broken(const struct tw_cbor_cursor *cursor, const char *what, struct tw_error *error)
{
    return tw_error_set(error, -EBADMSG, "not CBOR at byte %zu of the record: %s", cursor->at,
                        what);
}

static int read_item(struct tw_cbor_cursor *cursor, struct item *ret, struct tw_error *error)
{
    struct cbor_decoder_result result =
        cbor_stream_decode(cursor->data + cursor->at, cursor->size - cursor->at, &callbacks, ret);
    if (result.status == CBOR_DECODER_NEDATA)
        return 0;
    if (result.status != CBOR_DECODER_FINISHED)
        return broken(cursor, "a reserved value", error);
    cursor->at += result.read;
    return 1;
}

/* Puts the pieces of a text together; of a text that is too long to be kept, the beginning. */
static int join_text(struct tw_cbor_cursor *cursor, char *room, struct tw_token *ret,
                     struct tw_error *error)
{
    struct item piece;
    ret->type = TW_TOKEN_TEXT;
    ret->text = room;
    ret->length = 0;
    for (;;) {
        int result = read_item(cursor, &piece, error);
        if (result <= 0)
            return result;
        if (piece.type == ITEM_BREAK)
            return 1;
        if (piece.type != ITEM_PLAIN || piece.token.type != TW_TOKEN_TEXT)
            return broken(cursor, "a piece of a text that is no text", error);
        size_t left = TW_CBOR_PIECES_MAX - ret->length;
        size_t length = piece.token.length < left ? piece.token.length : left;
        memcpy(room + ret->length, piece.token.text, length);
        ret->length += length;
    }
}

static int pass_bytes(struct tw_cbor_cursor *cursor, struct tw_token *ret, struct tw_error *error)
{
    struct item piece;
    ret->type = TW_TOKEN_OTHER;
    for (;;) {
        int result = read_item(cursor, &piece, error);
        if (result <= 0)
            return result;
        if (piece.type == ITEM_BREAK)
            return 1;
        if (piece.type != ITEM_BYTES)
            return broken(cursor, "a piece of a byte string that is none", error);
    }
}

static void recognise_floats(struct tw_token *token, uint64_t tag)
{
    switch (tag) {
    case TAG_FLOAT32_BIG:
        token->form = TW_FLOAT32_BIG;
        break;
    case TAG_FLOAT64_BIG:
        token->form = TW_FLOAT64_BIG;
        break;
    case TAG_FLOAT32_LITTLE:
        token->form = TW_FLOAT32_LITTLE;
        break;
    case TAG_FLOAT64_LITTLE:
        token->form = TW_FLOAT64_LITTLE;
        break;
    default:
        return;
    }
    token->type = TW_TOKEN_FLOATS;
}

/* The token that ends the innermost list or map. */
static int close_level(struct tw_cbor_cursor *cursor, struct tw_token *ret)
{
    const struct tw_cbor_level *level = &cursor->levels[--cursor->depth];
    ret->type = level->is_map ? TW_TOKEN_MAP_END : TW_TOKEN_LIST_END;
    return 1;
}

static int open_level(struct tw_cbor_cursor *cursor, const struct item *item, struct tw_token *ret,
                      struct tw_error *error)
{
    bool is_map = item->type == ITEM_MAP;
    if (cursor->depth == TW_NESTING_MAX)
        return tw_error_set(error, -EBADMSG, "nested deeper than %d", TW_NESTING_MAX);
    if (item->count > UINT64_MAX / 2)
        return broken(cursor, "an impossible length", error);
    cursor->levels[cursor->depth++] = (struct tw_cbor_level){
        .is_map = is_map,
        .is_indefinite = item->is_indefinite,
        .left = is_map ? 2 * item->count : item->count,
    };
    ret->type = is_map ? TW_TOKEN_MAP : TW_TOKEN_LIST;
    return 1;
}

static int finish_item(struct tw_cbor_cursor *cursor, const struct item *item, bool is_key,
                       struct tw_token *ret, struct tw_error *error)
{
    switch (item->type) {
    case ITEM_LIST:
    case ITEM_MAP:
        return is_key ? broken(cursor, "a key that is a list or a map", error)
                      : open_level(cursor, item, ret, error);
    case ITEM_PIECES_OF_TEXT:
        return join_text(cursor, is_key ? cursor->key : cursor->text, ret, error);
    case ITEM_PIECES_OF_BYTES:
        return pass_bytes(cursor, ret, error);
    case ITEM_BREAK:
        return broken(cursor, "a break without a beginning", error);
    case ITEM_PLAIN:
    case ITEM_BYTES:
    case ITEM_TAG:
        break;
    }
    *ret = item->token;
    return 1;
}

/* A key that is no text names nothing we know. */
static void make_key(struct tw_token *token)
{
    if (token->type != TW_TOKEN_TEXT) {
        token->text = "";
        token->length = 0;
    }
    token->type = TW_TOKEN_KEY;
}

static int next_token(struct tw_reader *reader, struct tw_token *ret, struct tw_error *error)
{
    struct tw_cbor_cursor *cursor = (struct tw_cbor_cursor *)(void *)reader;
    struct tw_cbor_level *level = cursor->depth ? &cursor->levels[cursor->depth - 1] : NULL;
    struct item item;
    uint64_t tag = 0;
    bool is_tagged = false;
    int result;
    if (level && !level->is_indefinite && !level->left)
        return close_level(cursor, ret);
    while ((result = read_item(cursor, &item, error)) > 0 && item.type == ITEM_TAG) {
        tag = item.count;
        is_tagged = true;
    }
    if (result <= 0)
        return result;
    if (item.type == ITEM_BREAK && level && level->is_indefinite && !level->wants_value &&
        !is_tagged)
        return close_level(cursor, ret);
    bool is_key = level && level->is_map && !level->wants_value;
    if (level) {
        level->left -= !level->is_indefinite;
        level->wants_value = is_key;
    }
    result = finish_item(cursor, &item, is_key, ret, error);
    if (result > 0 && item.type == ITEM_BYTES && is_tagged)
        recognise_floats(ret, tag);
    if (result > 0 && is_key)
        make_key(ret);
    return result;
}

void tw_cbor_cursor_start(struct tw_cbor_cursor *cursor, const void *data, size_t size)
{
    cursor->reader.next = next_token;
    cursor->data = data;
    cursor->size = size;
    cursor->at = 0;
    cursor->depth = 0;
}
