/* A hash table with a guess before it: loops log the same tags in the same order. */
#include "sources/logs/tensorboard_tags.h"

#include "telemetry/text.h"

#include <stdlib.h>
#include <string.h>

/* Ten times what a large model's histograms come to. */
#define TAGS_MAX 65536u

static bool is_named(const struct tw_tag *tag, const uint8_t *name, size_t size)
{
    return tag && tag->size == size && !memcmp(tag->raw, name, size);
}

static struct tw_tag *make_tag(const uint8_t *name, size_t size)
{
    struct tw_tag *tag = calloc(1, sizeof *tag + 2 * size + 1);
    if (!tag)
        return NULL;
    tag->size = size;
    tag->name = tag->raw + size;
    memcpy(tag->raw, name, size);
    for (size_t i = 0; i < size; i++)
        tag->name[i] = name[i] ? (char)name[i] : '?';
    tw_text_make_utf8(tag->name, size);
    return tag;
}

static struct tw_tag *add_tag(struct tw_tags *tags, const uint8_t *name, size_t size)
{
    struct tw_tag *tag = make_tag(name, size);
    if (!tag)
        return NULL;
    if (HASH_COUNT(tags->all) < TAGS_MAX) {
        HASH_ADD_KEYPTR(hh, tags->all, tag->raw, tag->size, tag);
        return tag;
    }
    free(tags->spare);
    tags->spare = tag;
    return tag;
}

struct tw_tag *tw_tags_get(struct tw_tags *tags, const uint8_t *name, size_t size)
{
    struct tw_tag *guess = tags->last ? tags->last->next_guess : NULL, *tag = guess;
    size = size < TW_TAG_BYTES_MAX ? size : TW_TAG_BYTES_MAX;
    name = name ? name : (const uint8_t *)""; /* a value without a tag */
    if (!is_named(guess, name, size)) {
        HASH_FIND(hh, tags->all, name, size, tag);
        tag = tag ? tag : add_tag(tags, name, size);
        if (!tag || tag == tags->spare)
            return tag;
        if (tags->last)
            tags->last->next_guess = tag;
    }
    tags->last = tag;
    return tag;
}

enum tw_plugin tw_plugin_of(const uint8_t *name, size_t size)
{
    static const struct {
        const char *name;
        enum tw_plugin plugin;
    } known[] = {
        {"scalars", TW_PLUGIN_SCALARS},
        {"histograms", TW_PLUGIN_HISTOGRAMS},
        {"text", TW_PLUGIN_TEXT},
        {"hparams", TW_PLUGIN_HPARAMS},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == size && !memcmp(known[i].name, name, size))
            return known[i].plugin;
    return size ? TW_PLUGIN_OTHER : TW_PLUGIN_NONE;
}

void tw_tags_clear(struct tw_tags *tags)
{
    struct tw_tag *tag, *next;
    HASH_ITER(hh, tags->all, tag, next)
    {
        HASH_DEL(tags->all, tag);
        free(tag);
    }
    free(tags->spare);
    memset(tags, 0, sizeof *tags);
}
