/* Names to words, without regard to locales. */
#include "sources/logs/words.h"

#include <stdio.h>
#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_small(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static void put(struct tw_words *words, size_t *length, char c)
{
    if (words->n == TW_WORDS_MAX || *length + 1 == sizeof words->at[0]) {
        words->is_cut = true;
        return;
    }
    words->at[words->n][(*length)++] = is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static void end_word(struct tw_words *words, size_t *length)
{
    if (*length)
        words->at[words->n++][*length] = '\0';
    *length = 0;
}

/* "valLoss" is two words, "mAP50" and "mIoU" are one. */
static bool is_hump(const char *name, const char *c)
{
    const char *start = c;
    if (!is_upper(*c) || c == name || !is_small(c[-1]))
        return false;
    while (start > name && (is_upper(start[-1]) || is_small(start[-1])))
        start--;
    return *start != 'm' || !is_upper(start[1]);
}

/* LightGBM's "training's binary_logloss" */
static bool is_possessive(const char *name, const char *c)
{
    return c > name && c[0] == '\'' && c[1] == 's' && !is_small(c[2]) && !is_upper(c[2]);
}

void tw_words_split(const char *name, struct tw_words *ret)
{
    size_t length = 0;
    memset(ret, 0, sizeof *ret);
    for (const char *c = name; *c; c++) {
        if (is_possessive(name, c)) {
            end_word(ret, &length);
            c++;
            continue;
        }
        bool is_letter = is_upper(*c) || is_small(*c);
        if (!is_letter || is_hump(name, c))
            end_word(ret, &length);
        if (is_letter)
            put(ret, &length, *c);
        else if (*c == '/' && ret->n)
            ret->ends_path[ret->n - 1] = true;
    }
    end_word(ret, &length);
}

bool tw_words_is_one_of(const char *word, const char *list)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at++) {
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    }
    return false;
}

bool tw_words_has(const struct tw_words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++) {
        if (!strcmp(words->at[i], word))
            return true;
    }
    return false;
}

bool tw_words_has_one_of(const struct tw_words *words, const char *list)
{
    for (size_t i = 0; i < words->n; i++) {
        if (tw_words_is_one_of(words->at[i], list))
            return true;
    }
    return false;
}

size_t tw_words_remove(struct tw_words *words, const char *list)
{
    size_t kept = 0, n = words->n;
    for (size_t i = 0; i < n; i++) {
        if (tw_words_is_one_of(words->at[i], list))
            continue;
        memmove(words->at[kept], words->at[i], sizeof words->at[i]);
        words->ends_path[kept++] = words->ends_path[i];
    }
    words->n = kept;
    return n - kept;
}

const char *tw_words_join(const struct tw_words *words, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < words->n && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? "_" : "", words->at[i]);
    return buffer;
}
