/* Two tables of one run, of its training and of its validation, that are called alike: "train.csv"
 * and "valid.csv", "train_log.txt" and "val_log.txt". Where a folder has more such pairs, each file
 * is a log of its own, since nothing tells which of them belong together. */
#include "sources/logs/names.h"
#include "sources/logs/format_probe.h"
#include "sources/logs/tree_parts.h"
#include "sources/logs/words.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 256

struct pair {
    char train[NAME_BYTES], eval[NAME_BYTES];
    struct tw_words train_words, eval_words; /* of their names, without what tells the part */
};

static bool has_ending(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot && tw_words_is_one_of(dot + 1, "csv tsv jsonl log txt") &&
           strlen(name) < NAME_BYTES;
}

/* What the one word of the name that tells a part says; `*ret_words`: all others. */
static enum tw_row_part part_of(const char *name, struct tw_words *ret_words)
{
    enum tw_row_part part = TW_PART_BY_NAME;
    struct tw_words words;
    tw_words_split(name, &words);
    *ret_words = (struct tw_words){0};
    for (size_t i = 0; i < words.n; i++) {
        enum tw_row_part tells = tw_log_part_of_name(words.at[i]);
        if (tells != TW_PART_BY_NAME && part != TW_PART_BY_NAME)
            return TW_PART_BY_NAME;
        if (tells != TW_PART_BY_NAME)
            part = tells;
        else
            strcpy(ret_words->at[ret_words->n++], words.at[i]);
    }
    return words.is_cut || tw_words_has_one_of(&words, "test tst testing") ? TW_PART_BY_NAME : part;
}

static bool are_alike(const struct tw_words *a, const struct tw_words *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (strcmp(a->at[i], b->at[i]) != 0)
            return false;
    }
    return a->n == b->n;
}

static const struct tw_log_format *format_of(const char *folder, const char *name)
{
    char path[TW_TREE_PATH];
    int sure = 0;
    const struct tw_log_format *format = tw_tree_path(path, folder, name) && tw_tree_is_file(path)
                                             ? tw_log_format_probe(path, NULL, &sure)
                                             : NULL;
    return format && format->kind == TW_LOG_LINES && sure >= TW_LOG_SURE_IN_TREE ? format : NULL;
}

/* CatBoost's learn_error.tsv and test_error.tsv, whose test set is that of validation. */
static enum tw_row_part part_in_catboost(const char *name, struct tw_words *ret_words)
{
    enum tw_row_part part = !strcmp(name, "learn_error.tsv")  ? TW_PART_TRAIN
                            : !strcmp(name, "test_error.tsv") ? TW_PART_EVAL
                                                              : TW_PART_BY_NAME;
    if (part != TW_PART_BY_NAME)
        *ret_words = (struct tw_words){0};
    return part;
}

static enum tw_row_part part_of_file(const char *name, struct tw_words *ret_words)
{
    enum tw_row_part part = has_ending(name) ? part_of(name, ret_words) : TW_PART_BY_NAME;
    return part == TW_PART_BY_NAME ? part_in_catboost(name, ret_words) : part;
}

/* Takes note of a file; false where there is another of its part. */
static bool note(struct pair *pair, const char *folder, const char *name)
{
    struct tw_words words;
    enum tw_row_part part = part_of_file(name, &words);
    char *of = part == TW_PART_TRAIN ? pair->train : pair->eval;
    if (part == TW_PART_BY_NAME || tw_tree_is_copy(folder, name))
        return true;
    if (*of)
        return false;
    strcpy(of, name);
    *(part == TW_PART_TRAIN ? &pair->train_words : &pair->eval_words) = words;
    return true;
}

/* The only pair of the folder, which ends the look at folders of many files soon. */
static bool find_pair(const char *folder, struct pair *ret)
{
    struct dirent *entry;
    bool is_only = true;
    DIR *dir = opendir(folder);
    *ret = (struct pair){0};
    while (dir && is_only && (entry = readdir(dir)))
        is_only = note(ret, folder, entry->d_name);
    if (dir)
        closedir(dir);
    if (!is_only || !ret->train[0] || !ret->eval[0] ||
        !are_alike(&ret->train_words, &ret->eval_words))
        return false;
    const struct tw_log_format *format = format_of(folder, ret->train);
    return format && format == format_of(folder, ret->eval);
}

static int add(struct tw_log_group *group, const char *folder, const char *name,
               enum tw_row_part part)
{
    char path[TW_TREE_PATH];
    return tw_tree_path(path, folder, name) ? tw_tree_add_file(group, path, part) : 0;
}

int tw_tree_find_pair(struct tw_log_group *group, const char *folder)
{
    struct pair pair;
    if (!find_pair(folder, &pair))
        return 0;
    int result = add(group, folder, pair.train, TW_PART_TRAIN);
    return result ? result : add(group, folder, pair.eval, TW_PART_EVAL);
}

bool tw_tree_is_of_pair(const char *folder, const char *name)
{
    struct tw_words words;
    struct pair pair;
    return part_of_file(name, &words) != TW_PART_BY_NAME && find_pair(folder, &pair) &&
           (!strcmp(name, pair.train) || !strcmp(name, pair.eval));
}
