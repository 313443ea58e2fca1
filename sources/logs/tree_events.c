/* TensorBoard's event files: a folder's are one run. Those of some folders below it are part of it:
 * "train" and "validation", which Keras writes, and those that add_scalars() makes, which writes
 * "loss/train" and "loss/val" (tensorboardX), or "loss_train" and "loss_val" (PyTorch), beside the
 * event file of the run. */
#include "sources/logs/names.h"
#include "sources/logs/tree_parts.h"
#include "sources/logs/words.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool tw_tree_is_event_file(const char *name)
{
    return strstr(name, "tfevents") && !strstr(name, ".profile-empty");
}

bool tw_tree_has_event_files(const char *folder)
{
    struct dirent *entry;
    bool has_any = false;
    DIR *dir = opendir(folder);
    while (dir && !has_any && (entry = readdir(dir)))
        has_any = tw_tree_is_event_file(entry->d_name);
    if (dir)
        closedir(dir);
    return has_any;
}

/* "Loss_train": what add_scalars() calls the folder of one of its curves. */
static enum tw_row_part part_of_curve(const char *name)
{
    struct tw_words words;
    tw_words_split(name, &words);
    if (words.n < 2 || !tw_words_has_one_of(&words, "loss losses acc accuracy error"))
        return TW_PART_BY_NAME;
    return tw_log_part_of_name(words.at[words.n - 1]);
}

static enum tw_row_part part_of_folder(const char *folder, const char *name)
{
    enum tw_row_part part = tw_log_part_of_name(name), curve = part_of_curve(name);
    bool is_curve = curve != TW_PART_BY_NAME && tw_tree_has_event_files(folder);
    return is_curve ? curve : part;
}

/* Without looking at them: of many those that count are chosen first. */
static int add_event_files(struct tw_log_group *group, const char *folder, enum tw_row_part part)
{
    char path[TW_TREE_PATH];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(folder);
    while (dir && !result && (entry = readdir(dir))) {
        if (tw_tree_is_event_file(entry->d_name) && tw_tree_path(path, folder, entry->d_name) &&
            (entry->d_type == DT_REG || tw_tree_is_file(path)))
            result = tw_tree_add(group, path, NULL, part);
    }
    if (dir)
        closedir(dir);
    return result;
}

/* A link "train" that leads to `folder` itself, or to one that it lies in. */
static bool leads_back(const char *folder, const char *link)
{
    char here[PATH_MAX], there[PATH_MAX];
    if (!realpath(folder, here) || !realpath(link, there))
        return true;
    size_t length = strlen(there);
    return !strncmp(here, there, length) && (!here[length] || here[length] == '/');
}

/* Those of the folders of `folder` that tell of a part. */
static int add_parts(struct tw_log_group *group, const char *folder)
{
    char path[TW_TREE_PATH];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(folder);
    while (dir && !result && (entry = readdir(dir))) {
        enum tw_row_part part = part_of_folder(folder, entry->d_name);
        if (part != TW_PART_BY_NAME && tw_tree_path(path, folder, entry->d_name) &&
            tw_tree_is_folder(path) && !(entry->d_type == DT_LNK && leads_back(folder, path)))
            result = add_event_files(group, path, part);
    }
    if (dir)
        closedir(dir);
    return result;
}

static bool has_parts(const char *folder)
{
    struct dirent *entry;
    bool has_any = false;
    DIR *dir = opendir(folder);
    while (dir && !has_any && (entry = readdir(dir))) {
        char path[TW_TREE_PATH];
        has_any = tw_log_part_of_name(entry->d_name) != TW_PART_BY_NAME &&
                  tw_tree_path(path, folder, entry->d_name) && tw_tree_has_event_files(path);
    }
    if (dir)
        closedir(dir);
    return has_any;
}

/* "loss", with "loss/train" and "loss/val" in it, and no event files of its own. */
static bool is_folder_of_curves(const char *folder, const char *name)
{
    char path[TW_TREE_PATH];
    struct tw_words words;
    tw_words_split(name, &words);
    return name[0] != '.' && tw_words_has_one_of(&words, "loss losses acc accuracy error") &&
           tw_tree_path(path, folder, name) && tw_tree_is_folder(path) &&
           !tw_tree_has_event_files(path) && has_parts(path);
}

static int add_curves(struct tw_log_group *group, const char *folder)
{
    char path[TW_TREE_PATH];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(folder);
    while (dir && !result && (entry = readdir(dir))) {
        if (is_folder_of_curves(folder, entry->d_name) && tw_tree_path(path, folder, entry->d_name))
            result = add_parts(group, path);
    }
    if (dir)
        closedir(dir);
    return result;
}

int tw_tree_find_event_files(struct tw_log_group *group, const char *folder)
{
    int result = add_event_files(group, folder, TW_PART_BY_NAME);
    bool has_own = group->n > 0;
    if (!result)
        result = add_parts(group, folder);
    if (!result && has_own)
        result = add_curves(group, folder);
    if (!result)
        result = tw_tree_keep_newest(group);
    if (!result)
        tw_tree_keep_logs(group);
    return result;
}

bool tw_tree_is_event_folder(const char *folder, const char *name)
{
    char path[TW_TREE_PATH];
    if (part_of_folder(folder, name) != TW_PART_BY_NAME)
        return tw_tree_path(path, folder, name) && tw_tree_has_event_files(path);
    return is_folder_of_curves(folder, name) && tw_tree_has_event_files(folder);
}
