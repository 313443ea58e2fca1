/* Three words of the objects' text are replaced, each of one meaning (kibana/make_objects.py): what
 * ids begin with, what indices begin with, and the tag of titles. */
#include "sinks/kibana_objects.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char tw_embedded_kibana_objects[];

#define WORDS 3

struct word {
    const char *from;
    char to[TW_KIBANA_ID_MAX];
};

static const struct word *word_at(const char *text, const struct word words[WORDS])
{
    for (size_t i = 0; i < WORDS; i++) {
        if (!strncmp(text, words[i].from, strlen(words[i].from)))
            return &words[i];
    }
    return NULL;
}

static void write_replaced(FILE *out, const char *text, const struct word words[WORDS])
{
    while (*text) {
        const struct word *word = word_at(text, words);
        if (word) {
            fputs(word->to, out);
            text += strlen(word->from);
        } else {
            fputc(*text++, out);
        }
    }
}

char *tw_kibana_objects(const struct tw_kibana_config *config)
{
    struct word words[WORDS] = {{"trainward_", ""}, {"trainward-", ""}, {"[trainward]", ""}};
    tw_kibana_object_id(config, "", words[0].to);
    snprintf(words[1].to, sizeof words[1].to, "%s-", config->index_prefix);
    snprintf(words[2].to, sizeof words[2].to, "[%s]", config->index_prefix);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    write_replaced(out, (const char *)tw_embedded_kibana_objects, words);
    if (!fclose(out))
        return text;
    free(text);
    return NULL;
}

json_t *tw_kibana_objects_read(const char *text)
{
    json_t *all = json_array();
    while (all && *text) {
        size_t n = strcspn(text, "\n");
        if (json_array_append_new(all, json_loadb(text, n, 0, NULL))) {
            json_decref(all);
            return NULL;
        }
        text += n + (text[n] == '\n');
    }
    return all;
}
