/* Which files belong together:
 *
 *   TensorBoard   all event files of a folder, and of its folders train, validation, eval, test
 *                 (tree_events.c)
 *   transformers  an output folder: its own trainer_state.json, or else its newest checkpoint's
 *   series        tables of one metric each (tree_series.c)
 *   pairs         two tables, of training and of validation (tree_pairs.c)
 *   copies        of files that tell of the same run one is read (tree_copies.c)
 *   a store       a folder that a format opens itself
 *
 * How many there may be: tree_members.c.
 */
#include "sources/logs/tree.h"

#include "sources/logs/tree_parts.h"

#include "sources/logs/format_probe.h"
#include "sources/logs/words.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* N of "checkpoint-N", or -1. */
static long checkpoint_number(const char *name)
{
    char *end;
    if (strncmp(name, "checkpoint-", 11) || name[11] < '0' || name[11] > '9')
        return -1;
    long number = strtol(name + 11, &end, 10);
    return *end ? -1 : number;
}

static bool ends_in_one_of(const char *name, const char *list)
{
    char lower[16] = "";
    const char *dot = strrchr(name, '.');
    size_t length = dot ? strlen(dot + 1) : 0;
    if (!length || length >= sizeof lower)
        return false;
    for (size_t i = 0; i < length; i++)
        lower[i] = dot[1 + i] >= 'A' && dot[1 + i] <= 'Z' ? (char)(dot[1 + i] + 32) : dot[1 + i];
    return tw_words_is_one_of(lower, list);
}

bool tw_log_is_passed_over(const char *name, bool is_folder)
{
    static const char *const folders[] = {"__pycache__", "node_modules", "site-packages",
                                          "advisories", NULL};
    static const char *const files[] = {"advisories.jsonl", "run.json", "package.json", NULL};
    const char *const *known = is_folder ? folders : files;
    if (name[0] == '.')
        return true;
    for (; *known; known++) {
        if (!strcmp(*known, name))
            return true;
    }
    return !is_folder &&
           (!strncmp(name, "telemetry.", 10) ||
            ends_in_one_of(name,
                           "py pyc ipynb md rst c h cc cpp cu js ts html css yaml yml toml sh "
                           "cfg ini pt pth ckpt safetensors bin onnx npy npz pkl pickle h5 hdf5 "
                           "pb tflite png jpg jpeg gif svg pdf mp4 wav flac zip tar so o a "
                           "parquet arrow idx lock model vocab"));
}

/* ---- members ---- */

int tw_tree_add(struct tw_log_group *group, const char *path, const struct tw_log_format *format,
                enum tw_row_part part)
{
    struct tw_log_member *grown = realloc(group->members, (group->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    group->members = grown;
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    grown[group->n++] = (struct tw_log_member){copy, format, part};
    return 0;
}

void tw_log_group_release(struct tw_log_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        free(group->members[i].path);
    free(group->members);
    *group = (struct tw_log_group){0};
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct tw_log_member *)a)->path, ((const struct tw_log_member *)b)->path);
}

bool tw_tree_path(char path[TW_TREE_PATH], const char *folder, const char *name)
{
    int length = snprintf(path, TW_TREE_PATH, "%s/%s", folder, name);
    return length > 0 && length < TW_TREE_PATH;
}

/* NULL where it is no log. */
static const struct tw_log_format *format_of(const struct tw_log_group *group, const char *path)
{
    int sure;
    const struct tw_log_member *known =
        group->before ? tw_log_group_member(group->before, path) : NULL;
    if (known)
        return known->format;
    const struct tw_log_format *format = tw_log_format_probe(path, group->map, &sure);
    return sure >= TW_LOG_SURE_WHEN_NAMED ? format : NULL;
}

int tw_tree_add_file(struct tw_log_group *group, const char *path, enum tw_row_part part)
{
    const struct tw_log_format *format = format_of(group, path);
    return format ? tw_tree_add(group, path, format, part) : 0;
}

void tw_tree_keep_logs(struct tw_log_group *group)
{
    size_t kept = 0;
    for (size_t i = 0; i < group->n; i++) {
        struct tw_log_member *member = &group->members[i];
        if (!member->format)
            member->format = format_of(group, member->path);
        if (member->format)
            group->members[kept++] = *member;
        else
            free(member->path);
    }
    group->n = kept;
}

bool tw_tree_is_folder(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

bool tw_tree_is_file(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode);
}

/* ---- transformers ---- */

bool tw_tree_find_trainer_state(const char *folder, char ret[TW_TREE_PATH])
{
    char name[300];
    struct dirent *entry;
    long newest = -1;
    if (tw_tree_path(ret, folder, "trainer_state.json") && tw_tree_is_file(ret))
        return true;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        char path[TW_TREE_PATH];
        long number = checkpoint_number(entry->d_name);
        snprintf(name, sizeof name, "%s/trainer_state.json", entry->d_name);
        if (number > newest && tw_tree_path(path, folder, name) && tw_tree_is_file(path)) {
            newest = number;
            memcpy(ret, path, sizeof path);
        }
    }
    if (dir)
        closedir(dir);
    return newest >= 0;
}

/* ---- groups ---- */

static int find_in_folder(struct tw_log_group *group, const char *folder)
{
    char path[TW_TREE_PATH];
    int result = tw_tree_add_file(group, folder, TW_PART_BY_NAME); /* a store */
    if (!result && !group->n)
        result = tw_tree_find_event_files(group, folder);
    if (!result && !group->n && tw_tree_find_trainer_state(folder, path))
        result = tw_tree_add_file(group, path, TW_PART_BY_NAME);
    if (!result && !group->n)
        result = tw_tree_find_series(group, folder);
    if (!result && !group->n)
        result = tw_tree_find_pair(group, folder);
    return result;
}

static int find(struct tw_log_group *ret, const char *path)
{
    int result = tw_tree_is_folder(path) ? find_in_folder(ret, path)
                                         : tw_tree_add_file(ret, path, TW_PART_BY_NAME);
    if (!result)
        result = tw_tree_keep_newest(ret);
    if (result)
        tw_log_group_release(ret);
    else if (ret->n)
        qsort(ret->members, ret->n, sizeof *ret->members, by_path);
    ret->before = NULL;
    return result;
}

int tw_log_group_find(struct tw_log_group *ret, const char *path, const struct tw_texts *map)
{
    *ret = (struct tw_log_group){.map = map};
    return find(ret, path);
}

int tw_log_group_find_again(struct tw_log_group *ret, const char *path,
                            const struct tw_log_group *before)
{
    *ret = (struct tw_log_group){.map = before->map, .before = before};
    return find(ret, path);
}

const struct tw_log_member *tw_log_group_member(const struct tw_log_group *group, const char *path)
{
    const struct tw_log_member wanted = {.path = (char *)(uintptr_t)path};
    return group->n ? bsearch(&wanted, group->members, group->n, sizeof wanted, by_path) : NULL;
}

int tw_log_group_probe(const char *path, const struct tw_texts *map)
{
    struct tw_log_group group;
    int sure = 0;
    if (tw_tree_is_folder(path)) {
        if (!tw_log_group_find(&group, path, map))
            sure = group.n ? 100 : 0;
        tw_log_group_release(&group);
        return sure;
    }
    tw_log_format_probe(path, map, &sure);
    return sure >= TW_LOG_SURE_WHEN_NAMED ? sure : 0;
}

static enum tw_log_shape shape_of(const struct tw_log_group *group)
{
    const struct tw_log_member *first = group->members;
    if (!group->n || first->format->kind != TW_LOG_STORE)
        return group->n ? TW_SHAPE_FILES : TW_SHAPE_NONE;
    return first->format->has_one_run && first->format->has_one_run(first->path) ? TW_SHAPE_ONE_RUN
                                                                                 : TW_SHAPE_STORE;
}

enum tw_log_shape tw_log_shape_of(const char *path)
{
    struct tw_log_group group;
    enum tw_log_shape shape =
        tw_log_group_find(&group, path, NULL) ? TW_SHAPE_NONE : shape_of(&group);
    tw_log_group_release(&group);
    return shape;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

bool tw_log_group_stat(const char *path, struct stat *ret)
{
    struct tw_log_group group;
    struct stat status;
    bool has_any = false;
    if (tw_log_group_find(&group, path, NULL))
        return false;
    for (size_t i = 0; i < group.n; i++) {
        if (stat(group.members[i].path, &status))
            continue;
        if (!has_any) {
            *ret = status;
        } else {
            ret->st_size += status.st_size;
            if (is_later(&status.st_mtim, &ret->st_mtim))
                ret->st_mtim = status.st_mtim;
        }
        has_any = true;
    }
    tw_log_group_release(&group);
    return has_any;
}

bool tw_log_is_part_of_group(const char *folder, const char *name)
{
    if (tw_tree_is_event_file(name) || !strcmp(name, "trainer_state.json"))
        return true;
    return tw_tree_is_copy(folder, name) || tw_tree_is_series(folder, name) ||
           tw_tree_is_of_pair(folder, name);
}

static bool has_wandb_file(const char *folder)
{
    struct dirent *entry;
    bool has_any = false;
    DIR *dir = opendir(folder);
    while (dir && !has_any && (entry = readdir(dir)))
        has_any = ends_in_one_of(entry->d_name, "wandb");
    if (dir)
        closedir(dir);
    return has_any;
}

bool tw_log_is_folder_of_group(const char *folder, const char *name)
{
    if (checkpoint_number(name) >= 0)
        return true;
    if (!strcmp(name, "files") || !strcmp(name, "logs"))
        return has_wandb_file(folder);
    return tw_tree_is_event_folder(folder, name) || tw_tree_is_series_folder(folder, name) ||
           tw_tree_is_parameter_folder(folder, name);
}
