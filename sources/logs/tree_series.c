/* Tables of one metric each, which are one run together: of DeepSpeed's CSV monitor, downloads of
 * TensorBoard's curves, and those of DVCLive, which lie below "plots/metrics". */
#include "sources/logs/format_probe.h"
#include "sources/logs/tree_parts.h"

#include <dirent.h>
#include <string.h>

#define DEPTH_MAX 4

extern const struct tw_log_format tw_log_format_deepspeed_csv;
extern const struct tw_log_format tw_log_format_series_csv;

static const char dvc_folder[] = "plots/metrics";

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), size = strlen(end);
    return length > size && !strcmp(name + length - size, end);
}

/* The format of a table of one metric, or NULL. No other is as sure of such a table, and tables are
 * many. */
static const struct tw_log_format *format_of(const char *path, const char *name)
{
    static const struct tw_log_format *const formats[] = {&tw_log_format_deepspeed_csv,
                                                          &tw_log_format_series_csv};
    if (name[0] == '.' || !(ends_in(name, ".csv") || ends_in(name, ".tsv")) ||
        !tw_tree_is_file(path))
        return NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (tw_log_format_sure(formats[i], path) >= TW_LOG_SURE_IN_TREE)
            return formats[i];
    }
    return NULL;
}

static bool is_below_dvc(const char *folder)
{
    const char *found = strstr(folder, dvc_folder);
    return found && (found == folder || found[-1] == '/');
}

/* Every table of a folder, and with `depth` of those below it. */
static int add_tables(struct tw_log_group *group, const char *folder, int depth)
{
    char path[TW_TREE_PATH];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(folder);
    while (dir && !result && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || !tw_tree_path(path, folder, entry->d_name))
            continue;
        const struct tw_log_format *format = format_of(path, entry->d_name);
        if (format)
            result = tw_tree_add(group, path, format, TW_PART_BY_NAME);
        else if (depth && tw_tree_is_folder(path))
            result = add_tables(group, path, depth - 1);
    }
    if (dir)
        closedir(dir);
    return result;
}

int tw_tree_find_series(struct tw_log_group *group, const char *folder)
{
    char below[TW_TREE_PATH];
    if (tw_tree_path(below, folder, dvc_folder) && tw_tree_is_folder(below))
        return add_tables(group, below, DEPTH_MAX);
    return is_below_dvc(folder) ? 0 : add_tables(group, folder, 0);
}

bool tw_tree_is_series(const char *folder, const char *name)
{
    char path[TW_TREE_PATH];
    return tw_tree_path(path, folder, name) && format_of(path, name);
}

bool tw_tree_is_series_folder(const char *folder, const char *name)
{
    char path[TW_TREE_PATH];
    return !strcmp(name, "plots") && tw_tree_path(path, folder, dvc_folder) &&
           tw_tree_is_folder(path);
}
