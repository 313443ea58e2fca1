/* Tokens from CBOR (RFC 8949). Tags are passed over but for RFC 8746's of float arrays. */
#include "telemetry/cbor_cursor.h"

#include "telemetry/cbor_item.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* RFC 8746, table 1. */
enum { TAG_FLOAT32_BIG = 81, TAG_FLOAT64_BIG, TAG_FLOAT32_LITTLE = 85, TAG_FLOAT64_LITTLE };

/* RFC 8949, section 3: what a head's byte is for short texts and for floats; and the additional
 * information in it that says how many bytes its argument has, which below is the argument. An
 * unsigned integer's head is this alone. */
enum { HEAD_TEXT = 0x60, HEAD_FLOAT32 = 0xFA, HEAD_FLOAT64 = 0xFB };
enum { INFO_1_BYTE = 24, INFO_8_BYTES = 27, LONGEST_HEAD = 9 };

static int broken(const struct tw_cbor_cursor *cursor, const char *what, struct tw_error *error)
{
    return tw_error_set(error, -EBADMSG, "not CBOR at byte %zu of the record: %s", cursor->at,
                        what);
}

static int read_item(struct tw_cbor_cursor *cursor, struct tw_cbor_item *ret,
                     struct tw_error *error)
{
    long length = tw_cbor_item_read(cursor->data + cursor->at, cursor->size - cursor->at, ret);
    if (length < 0)
        return broken(cursor, "a reserved value", error);
    cursor->at += (size_t)length;
    return length > 0;
}

/* Puts the pieces of a text together; of a text that is too long to be kept, the beginning. */
static int join_text(struct tw_cbor_cursor *cursor, char *room, struct tw_token *ret,
                     struct tw_error *error)
{
    struct tw_cbor_item piece;
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
    struct tw_cbor_item piece;
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

static int open_level(struct tw_cbor_cursor *cursor, const struct tw_cbor_item *item,
                      struct tw_token *ret, struct tw_error *error)
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

static int finish_item(struct tw_cbor_cursor *cursor, const struct tw_cbor_item *item, bool is_key,
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

/* Whether the next item of the innermost map or list is a key. */
static bool expects_key(const struct tw_cbor_level *level)
{
    return level->is_map && !level->wants_value;
}

/* Any item, by libcbor. */
static int fill_uncommon(struct tw_cbor_cursor *cursor, struct tw_cbor_level *level,
                         struct tw_token *ret, struct tw_error *error)
{
    struct tw_cbor_item item;
    uint64_t tag = 0;
    bool is_tagged = false;
    int result;
    while ((result = read_item(cursor, &item, error)) > 0 && item.type == ITEM_TAG) {
        tag = item.count;
        is_tagged = true;
    }
    if (result <= 0)
        return result;
    if (item.type == ITEM_BREAK && level && level->is_indefinite && !level->wants_value &&
        !is_tagged)
        return close_level(cursor, ret);
    bool is_key = level && expects_key(level);
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

static size_t make_text(const unsigned char *at, size_t left, size_t head, size_t length,
                        struct tw_token *ret)
{
    if (head + length > left)
        return 0;
    ret->type = TW_TOKEN_TEXT;
    ret->text = (const char *)at + head;
    ret->length = length;
    return head + length;
}

static size_t make_number(double number, size_t size, struct tw_token *ret)
{
    ret->type = TW_TOKEN_NUMBER;
    ret->number = number;
    return size;
}

static size_t make_integer(uint64_t integer, size_t size, struct tw_token *ret)
{
    ret->type = TW_TOKEN_INTEGER;
    ret->is_negative = false;
    ret->integer = integer;
    ret->number = (double)integer;
    return size;
}

/* The items that records are full of: texts, unsigned integers, floats. Returns the bytes; 0: it is
 * another one, or so near the end of the data that it is left to libcbor. That takes about 6 ns for
 * an item, and a record has about forty. */
static size_t read_common(const unsigned char *at, size_t left, struct tw_token *ret)
{
    unsigned head = *at;
    uint64_t bits;
    float single;
    double wide;
    if (head - HEAD_TEXT < INFO_1_BYTE)
        return make_text(at, left, 1, head - HEAD_TEXT, ret);
    if (head < INFO_1_BYTE)
        return make_integer(head, 1, ret);
    if (left < LONGEST_HEAD)
        return 0;
    memcpy(&bits, at + 1, sizeof bits);
    bits = be64toh(bits);
    if (head == HEAD_FLOAT64) {
        memcpy(&wide, &bits, sizeof wide);
        return make_number(wide, 1 + sizeof wide, ret);
    }
    if (head == HEAD_FLOAT32) {
        uint32_t half = (uint32_t)(bits >> 32);
        memcpy(&single, &half, sizeof single);
        return make_number((double)single, 1 + sizeof single, ret);
    }
    if (head <= INFO_8_BYTES) {
        unsigned bytes = 1u << (head - INFO_1_BYTE);
        return make_integer(bits >> (64 - 8 * bytes), 1 + bytes, ret);
    }
    return head == HEAD_TEXT + INFO_1_BYTE ? make_text(at, left, 2, at[1], ret) : 0;
}

/* Makes tokens of the items that are common. Returns how many. */
static size_t fill_common(struct tw_cbor_cursor *cursor, struct tw_cbor_level *level)
{
    const unsigned char *at = cursor->data + cursor->at, *end = cursor->data + cursor->size;
    const bool is_map = level->is_map;
    bool is_key = expects_key(level);
    size_t room = TW_CBOR_TOKENS;
    if (!level->is_indefinite && level->left < room)
        room = level->left;
    struct tw_token *token = cursor->tokens, *behind = token + room;
    for (; token < behind && at < end; token++) {
        size_t size = read_common(at, (size_t)(end - at), token);
        if (!size)
            break;
        if (is_key)
            make_key(token);
        is_key = is_map && !is_key;
        at += size;
    }
    size_t n = (size_t)(token - cursor->tokens);
    cursor->at = (size_t)(at - cursor->data);
    level->left -= level->is_indefinite ? 0 : n;
    level->wants_value = is_map && !is_key;
    return n;
}

static int fill_one(struct tw_cbor_cursor *cursor, struct tw_cbor_level *level,
                    struct tw_token *ret, struct tw_error *error)
{
    if (level && !level->is_indefinite && !level->left)
        return close_level(cursor, ret);
    return fill_uncommon(cursor, level, ret, error);
}

static int fill(struct tw_reader *reader, struct tw_error *error)
{
    struct tw_cbor_cursor *cursor = (struct tw_cbor_cursor *)(void *)reader;
    struct tw_cbor_level *level = cursor->depth ? &cursor->levels[cursor->depth - 1] : NULL;
    size_t n = level ? fill_common(cursor, level) : 0;
    int result = n ? 1 : fill_one(cursor, level, cursor->tokens, error);
    reader->at = cursor->tokens;
    reader->end = cursor->tokens + (n ? n : result > 0);
    return result;
}

void tw_cbor_cursor_start(struct tw_cbor_cursor *cursor, const void *data, size_t size)
{
    cursor->reader = (struct tw_reader){.fill = fill};
    cursor->data = data;
    cursor->size = size;
    cursor->at = 0;
    cursor->depth = 0;
}
