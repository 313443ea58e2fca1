#include "sources/logs/json_objects.h"

#include "telemetry/json_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tw_json_parse(const char *text, size_t size, json_t **ret)
{
    unsigned depth;
    size_t strict_size;
    char *strict = tw_json_strict(text, size, &strict_size, &depth);
    if (!strict)
        return -ENOMEM;
    *ret = json_loadb(strict, strict_size, JSON_ALLOW_NUL, NULL);
    free(strict);
    return *ret ? 0 : -EBADMSG;
}

/* Behind the string whose first quote is `at`; `end` where it is open. */
static const char *behind_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : end;
}

/* Behind the object or array that begins at `at`; NULL where it is not whole. */
static const char *behind_brackets(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = behind_string(at, end);
            continue;
        }
        depth += *at == '{' || *at == '[';
        if ((*at == '}' || *at == ']') && !--depth)
            return at + 1;
        at++;
    }
    return NULL;
}

int tw_json_each_object(const char *text, size_t size, tw_json_object *give, void *closure)
{
    const char *at = text + 1, *end = text + size;
    int result = 0;
    while (at < end && !result) {
        if (*at != '{') {
            at++;
            continue;
        }
        json_t *object;
        const char *behind = behind_brackets(at, end);
        if (!behind)
            break;
        result = tw_json_parse(at, (size_t)(behind - at), &object);
        if (!result) {
            result = give(closure, object);
            json_decref(object);
        } else if (result == -EBADMSG) {
            result = 0;
        }
        at = behind;
    }
    return result;
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

const char *tw_json_find_array(const char *text, size_t size, const char *key)
{
    const char *at = text, *end = text + size;
    size_t length = strlen(key), depth = 0;
    while (at < end) {
        depth += *at == '{' || *at == '[';
        depth -= depth && (*at == '}' || *at == ']');
        if (*at != '"') {
            at++;
            continue;
        }
        const char *name = at + 1;
        at = behind_string(at, end);
        if (depth != 1 || (size_t)(at - name) != length + 1 || memcmp(name, key, length))
            continue;
        const char *colon = skip_spaces(at, end);
        if (colon == end || *colon != ':')
            continue;
        at = skip_spaces(colon + 1, end);
        return at < end && *at == '[' ? at : NULL;
    }
    return NULL;
}

#define OPEN_MAX 64u

char *tw_json_close(const char *text, size_t size, size_t *ret_size)
{
    char open[OPEN_MAX], open_then[OPEN_MAX];
    size_t depth = 0, depth_then = 0;
    const char *at = text, *end = text + size, *whole = NULL;
    while (at < end) {
        if (*at == '"') {
            at = behind_string(at, end);
            continue;
        }
        if ((*at == '{' || *at == '[') && depth < OPEN_MAX)
            open[depth++] = *at == '{' ? '}' : ']';
        else if ((*at == '}' || *at == ']') && depth)
            depth--;
        if (*at == ',' || *at == '}' || *at == ']') {
            whole = at + (*at != ',');
            depth_then = depth;
            memcpy(open_then, open, depth);
        }
        at++;
    }
    char *closed = whole ? malloc(size + OPEN_MAX + 1) : NULL;
    if (!closed)
        return NULL;
    *ret_size = (size_t)(whole - text);
    memcpy(closed, text, *ret_size);
    while (depth_then)
        closed[(*ret_size)++] = open_then[--depth_then];
    closed[*ret_size] = '\0';
    return closed;
}
