/* The record from JSON, by jansson, and by simdjson before where there is that. */
#include "telemetry/json_decode.h"

#include "config.h"
#include "telemetry/json_words.h"
#include "telemetry/reader.h"
#ifdef HAVE_SIMDJSON
#include "telemetry/json_simd.h"
#endif

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct level {
    json_t *container;
    void *member; /* object: the next one, NULL at the end */
    size_t index; /* list: the next one */
    bool wants_value;
};

/* Walks a parsed tree, token by token. */
struct tree_reader {
    struct tw_reader reader;
    struct tw_token token;
    json_t *root;
    unsigned depth;
    struct level levels[TW_NESTING_MAX];
};

static void open_level(struct tree_reader *tree, json_t *container, struct tw_token *ret)
{
    struct level *level = &tree->levels[tree->depth++];
    *level = (struct level){.container = container};
    ret->type = TW_TOKEN_LIST;
    if (json_is_object(container)) {
        level->member = json_object_iter(container);
        ret->type = TW_TOKEN_MAP;
    }
}

static void set_integer(struct tw_token *token, json_int_t integer)
{
    token->type = TW_TOKEN_INTEGER;
    token->is_negative = integer < 0;
    token->integer = integer < 0 ? (uint64_t)(-1 - integer) : (uint64_t)integer;
    token->number = (double)integer;
}

static void set_value(struct tree_reader *tree, json_t *value, struct tw_token *ret)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        open_level(tree, value, ret);
        break;
    case JSON_STRING:
        ret->type = TW_TOKEN_TEXT;
        ret->text = json_string_value(value);
        ret->length = json_string_length(value);
        break;
    case JSON_INTEGER:
        set_integer(ret, json_integer_value(value));
        break;
    case JSON_REAL:
        ret->type = TW_TOKEN_NUMBER;
        ret->number = json_real_value(value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        ret->type = TW_TOKEN_BOOLEAN;
        ret->boolean = json_is_true(value);
        break;
    case JSON_NULL:
        ret->type = TW_TOKEN_NULL;
        break;
    }
}

static void next_of_object(struct tree_reader *tree, struct level *level, struct tw_token *ret)
{
    if (!level->member) {
        tree->depth--;
        ret->type = TW_TOKEN_MAP_END;
        return;
    }
    level->wants_value = !level->wants_value;
    if (level->wants_value) {
        ret->type = TW_TOKEN_KEY;
        ret->text = json_object_iter_key(level->member);
        ret->length = strlen(ret->text);
        return;
    }
    json_t *value = json_object_iter_value(level->member);
    level->member = json_object_iter_next(level->container, level->member);
    set_value(tree, value, ret);
}

static void make_token(struct tree_reader *tree, struct tw_token *ret)
{
    if (!tree->depth) {
        set_value(tree, tree->root, ret);
        return;
    }
    struct level *level = &tree->levels[tree->depth - 1];
    if (json_is_object(level->container)) {
        next_of_object(tree, level, ret);
    } else if (level->index < json_array_size(level->container)) {
        set_value(tree, json_array_get(level->container, level->index++), ret);
    } else {
        tree->depth--;
        ret->type = TW_TOKEN_LIST_END;
    }
}

static int fill(struct tw_reader *reader, struct tw_error *error)
{
    struct tree_reader *tree = (struct tree_reader *)(void *)reader;
    (void)error;
    make_token(tree, &tree->token);
    reader->at = &tree->token;
    reader->end = reader->at + 1;
    return 1;
}

/* jansson says nothing where it ran out of memory, or says just that. */
static int parse_failed(const json_error_t *failure, struct tw_error *error)
{
    if (!failure->text[0] || json_error_code(failure) == json_error_out_of_memory)
        return tw_error_set(error, -ENOMEM, "out of memory");
    return tw_error_set(error, -EBADMSG, "not JSON: %s", failure->text);
}

static json_t *parse(const char *data, size_t size, struct tw_error *error, int *ret_code)
{
    json_error_t failure;
    size_t strict_size;
    unsigned depth;
    char *strict = tw_json_strict(data, size, &strict_size, &depth);
    json_t *root = NULL;
    if (!strict) {
        *ret_code = tw_error_set(error, -ENOMEM, "out of memory");
        return NULL;
    }
    if (depth > TW_NESTING_MAX) {
        *ret_code = tw_error_set(error, -EBADMSG, "nested deeper than %d", TW_NESTING_MAX);
    } else {
        root = json_loadb(strict, strict_size, JSON_REJECT_DUPLICATES, &failure);
        if (!root)
            *ret_code = parse_failed(&failure, error);
    }
    free(strict);
    return root;
}

/* A later version may mean anything by its other fields: it is told before they are judged. */
static int check_version(const json_t *root, struct tw_error *error)
{
    const json_t *version = json_object_get(root, "v");
    if (!json_is_integer(version) || json_integer_value(version) <= TW_RECORD_VERSION)
        return 1;
    return tw_error_set(error, -EPROTONOSUPPORT,
                        "v: the record is of version %lld, this program reads up to %d; "
                        "update trainward where it is read",
                        (long long)json_integer_value(version), TW_RECORD_VERSION);
}

int tw_json_decode_by_jansson(const char *data, size_t size, struct tw_record *ret,
                              struct tw_error *error)
{
    struct tree_reader tree = {.reader = {.fill = fill}};
    int result = -EBADMSG;
    tree.root = parse(data, size, error, &result);
    if (!tree.root)
        return result;
    result = check_version(tree.root, error);
    if (result > 0)
        result = tw_record_read(ret, &tree.reader, error);
    json_decref(tree.root);
    if (result < 0)
        tw_record_clear(ret);
    return result;
}

#ifdef HAVE_SIMDJSON
/* The tokens are those of a whole object, behind which nobody asks for more. */
static int end_of_tokens(struct tw_reader *reader, struct tw_error *error)
{
    (void)reader;
    return tw_error_set(error, -EBADMSG, "not JSON: no more tokens");
}

/* 1 with a record, or 0: it is jansson's to read, or to say why it is none. */
static int decode_by_simdjson(const char *data, size_t size, struct tw_record *ret)
{
    struct tw_reader reader = {.fill = end_of_tokens};
    size_t n = tw_json_simd_tokens(data, size, &reader.at);
    reader.end = reader.at + n;
    if (n && tw_record_read(ret, &reader, NULL) > 0)
        return 1;
    tw_record_clear(ret);
    return 0;
}
#endif

int tw_json_decode(const char *data, size_t size, struct tw_record *ret, struct tw_error *error)
{
    tw_record_clear(ret);
    if (size > TW_RECORD_BYTES_MAX)
        return tw_error_set(error, -EMSGSIZE, "the record is larger than %u bytes",
                            TW_RECORD_BYTES_MAX);
#ifdef HAVE_SIMDJSON
    if (decode_by_simdjson(data, size, ret))
        return 1;
#endif
    return tw_json_decode_by_jansson(data, size, ret, error);
}
