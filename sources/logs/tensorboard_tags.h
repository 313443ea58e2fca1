/* The tags of one event file: a value's plugin is told with the first value of its tag only, so it
 * is kept here. The memory is bounded. */
#ifndef TW_TENSORBOARD_TAGS_H
#define TW_TENSORBOARD_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#define TW_TAG_BYTES_MAX 1000u /* the rest of a longer tag is cut off */
#define TW_TAG_FRAME_MAX 128u

enum tw_plugin {
    TW_PLUGIN_NONE, /* none was told: a value speaks for itself */
    TW_PLUGIN_SCALARS,
    TW_PLUGIN_HISTOGRAMS,
    TW_PLUGIN_TEXT,
    TW_PLUGIN_HPARAMS,
    TW_PLUGIN_OTHER /* pictures, audio, curves */
};

struct tw_tag {
    enum tw_plugin plugin;
    bool is_seen; /* a value of it came before */
    struct tw_tag *next_guess;
    /* The bytes between the step and the number of its last event, where that was a plain scalar,
     * else none. */
    uint8_t frame[TW_TAG_FRAME_MAX];
    uint8_t frame_size;
    size_t size; /* of `raw` */
    UT_hash_handle hh;
    char *name; /* NUL-terminated, valid UTF-8; stands behind `raw` */
    char raw[]; /* as it was written */
};

/* Start with {0}. */
struct tw_tags {
    struct tw_tag *all;
    struct tw_tag *last;  /* the one that was asked for before */
    struct tw_tag *spare; /* stands for whichever came last of those that found no room */
};

/* The tag of that name, made where it is new; NULL when out of memory. Valid until the next call.
 */
struct tw_tag *tw_tags_get(struct tw_tags *tags, const uint8_t *name, size_t size);

/* The plugin of that name. */
enum tw_plugin tw_plugin_of(const uint8_t *name, size_t size);

void tw_tags_clear(struct tw_tags *tags);

#endif
