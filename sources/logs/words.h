/* A raw name as the words that it is made of. */
#ifndef TW_LOG_WORDS_H
#define TW_LOG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define TW_WORDS_MAX 16

struct tw_words {
    size_t n;
    char at[TW_WORDS_MAX][32];    /* in lower case */
    bool ends_path[TW_WORDS_MAX]; /* a '/' stands behind it */
    bool is_cut;                  /* there were more of them, or longer ones */
};

/* Splits at whatever is no letter or digit, and before a capital behind a small letter. Bytes
 * beyond ASCII are letters. */
void tw_words_split(const char *name, struct tw_words *ret);
bool tw_words_has(const struct tw_words *words, const char *word);
/* True where `list`, "a b c", holds the word. */
bool tw_words_is_one_of(const char *word, const char *list);
bool tw_words_has_one_of(const struct tw_words *words, const char *list);
/* Takes out each word of `list`; returns how many these were. */
size_t tw_words_remove(struct tw_words *words, const char *list);
/* "a_b_c"; returns `buffer`. */
const char *tw_words_join(const struct tw_words *words, char *buffer, size_t size);

#endif
