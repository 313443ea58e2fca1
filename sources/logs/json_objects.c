#include "sources/logs/json_objects.h"

#include "telemetry/json_words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *text, size_t size, size_t flags, json_t **ret)
{
    unsigned depth;
    size_t strict_size;
    char *strict = tw_json_strict(text, size, &strict_size, &depth);
    if (!strict)
        return -ENOMEM;
    *ret = json_loadb(strict, strict_size, JSON_ALLOW_NUL | flags, NULL);
    free(strict);
    return *ret ? 0 : -EBADMSG;
}

int tw_json_parse(const char *text, size_t size, json_t **ret)
{
    return parse(text, size, 0, ret);
}

/* Behind the string whose first quote is `at`; `end` where it is open. */
static const char *behind_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : end;
}

const char *tw_json_behind_brackets(const char *at, const char *end)
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

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Behind the value that begins at `at`, which is `at` where none does; NULL where it is not whole.
 */
static const char *behind_value(const char *at, const char *end)
{
    if (*at == '{' || *at == '[')
        return tw_json_behind_brackets(at, end);
    if (*at == '"')
        return behind_string(at, end);
    while (at < end && *at && !strchr(",]} \t\r\n", *at))
        at++;
    return at;
}

/* Behind the comma that has to stand there, unless the array ends. */
static const char *behind_comma(const char *at, const char *end, bool *is_damaged)
{
    at = skip_spaces(at, end);
    if (at == end || *at == ']')
        return at;
    *is_damaged |= *at != ',';
    at = skip_spaces(at + (*at == ','), end);
    *is_damaged |= at < end && *at == ']';
    return at;
}

const char *tw_json_each_element(const char *text, size_t size, tw_json_element *give,
                                 void *closure, int *ret)
{
    const char *end = text + size, *at = skip_spaces(text + 1, end);
    bool is_damaged = false;
    *ret = 0;
    while (at < end && *at != ']' && !*ret) {
        json_t *element;
        const char *behind = behind_value(at, end);
        *ret = behind ? parse(at, (size_t)(behind - at), JSON_DECODE_ANY, &element) : -EBADMSG;
        if (!*ret) {
            *ret = give(closure, element);
            json_decref(element);
        } else if (*ret == -EBADMSG) {
            is_damaged = true;
            *ret = 0;
        }
        at = behind ? behind_comma(behind + (behind == at), end, &is_damaged) : end;
    }
    if (!*ret && (at == end || is_damaged))
        *ret = -EBADMSG;
    return at < end ? at + 1 : end;
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
