/* By jansson, behind what makes Python's JSON strict. */
#include "sources/logs/json_leaves.h"

#include "telemetry/json_words.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16u
#define PATH_BYTES 500u

struct walk {
    tw_json_leaf *give;
    void *closure;
    char path[PATH_BYTES];
};

static int visit(struct walk *walk, size_t length, const json_t *value, unsigned depth)
{
    if (!json_is_object(value) || json_object_get(value, "_type"))
        return walk->give(walk->closure, walk->path, value);
    const char *key;
    json_t *member;
    int result = 0;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        int n = snprintf(walk->path + length, sizeof walk->path - length, "%s%s", length ? "/" : "",
                         key);
        if (depth < DEPTH_MAX && n >= 0 && (size_t)n < sizeof walk->path - length)
            result = visit(walk, length + (size_t)n, member, depth + 1);
        if (result)
            break;
    }
    walk->path[length] = 0;
    return result;
}

int tw_json_leaves_of(const json_t *document, const char *prefix, tw_json_leaf *give, void *closure)
{
    struct walk walk = {.give = give, .closure = closure};
    int n = snprintf(walk.path, sizeof walk.path, "%s", prefix);
    return n >= 0 && (size_t)n < sizeof walk.path ? visit(&walk, (size_t)n, document, 0) : 0;
}

int tw_json_leaves(const char *text, size_t size, const char *prefix, tw_json_leaf *give,
                   void *closure)
{
    unsigned depth;
    size_t strict_size;
    char *strict = tw_json_strict(text, size, &strict_size, &depth);
    if (!strict)
        return -ENOMEM;
    json_t *document = json_loadb(strict, strict_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    free(strict);
    if (!document)
        return -EBADMSG;
    int result = tw_json_leaves_of(document, prefix, give, closure);
    json_decref(document);
    return result;
}

bool tw_json_leaf_number(const json_t *leaf, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {
        {"nan", NAN},        {"-nan", NAN},          {"inf", INFINITY},
        {"-inf", -INFINITY}, {"infinity", INFINITY}, {"-infinity", -INFINITY},
    };
    if (json_is_number(leaf) || json_is_boolean(leaf)) {
        *ret = json_is_number(leaf) ? json_number_value(leaf) : json_is_true(leaf);
        return true;
    }
    for (size_t i = 0; json_is_string(leaf) && i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(json_string_value(leaf), words[i].text)) {
            *ret = words[i].value;
            return true;
        }
    return false;
}

char *tw_json_leaf_text(const json_t *leaf)
{
    if (json_is_string(leaf))
        return strdup(json_string_value(leaf));
    return json_dumps(leaf, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
}
