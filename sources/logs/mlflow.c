/* MLflow's file store (mlruns/): experiments, and in them runs; also one experiment or one run of
 * it alone. A run's name is its folder from there. */
#include "sources/logs/format.h"

#include "sources/logs/mlflow_run.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RUNS_MAX 100000u

struct mlflow {
    char *root;
    struct tw_mlflow_run *runs;
};

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int mlflow_start(void *closure, const char *path, struct tw_error *error)
{
    struct mlflow *store = closure;
    store->root = strdup(path);
    return store->root ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
}

static int poll_run(struct mlflow *store, const char *name, const char *path,
                    const struct tw_mlflow_meta *meta, const struct tw_log_sink *sink)
{
    struct tw_mlflow_run *run;
    HASH_FIND_STR(store->runs, path, run);
    if (!run) {
        if (!strcmp(meta->stage, "deleted") || HASH_COUNT(store->runs) == RUNS_MAX)
            return 0;
        run = tw_mlflow_run_new(name, path);
        if (!run)
            return -ENOMEM;
        HASH_ADD_KEYPTR(hh, store->runs, run->path, strlen(run->path), run);
    }
    return tw_mlflow_run_poll(run, meta, sink);
}

static int visit(struct mlflow *store, const char *name, const char *path, unsigned depth,
                 const struct tw_log_sink *sink);

static int compare_entries(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

/* ".trash" holds what was deleted. */
static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int visit_inside(struct mlflow *store, const char *name, const char *path, unsigned depth,
                        const struct tw_log_sink *sink)
{
    struct dirent **entries;
    char inner[PATH_MAX], inner_path[PATH_MAX];
    int n = scandir(path, &entries, is_shown, compare_entries), result = 0;
    for (int i = 0; i < n; i++) {
        const char *entry = entries[i]->d_name;
        bool fits =
            snprintf(inner, sizeof inner, "%s%s%s", name, name[0] ? "/" : "", entry) <
                (int)sizeof inner &&
            snprintf(inner_path, sizeof inner_path, "%s/%s", path, entry) < (int)sizeof inner_path;
        if (!result && fits && is_folder(inner_path))
            result = visit(store, inner, inner_path, depth, sink);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return result;
}

/* `depth`: how many levels of folders may be below: 2 in mlruns/, 1 in an experiment. */
static int visit(struct mlflow *store, const char *name, const char *path, unsigned depth,
                 const struct tw_log_sink *sink)
{
    struct tw_mlflow_meta meta;
    bool has_meta = tw_mlflow_read_meta(path, &meta);
    if (has_meta && meta.run_id[0])
        return poll_run(store, name, path, &meta, sink);
    return depth ? visit_inside(store, name, path, depth - 1, sink) : 0;
}

static int mlflow_poll(void *closure, const struct tw_log_sink *sink, struct tw_error *error)
{
    struct mlflow *store = closure;
    if (!is_folder(store->root))
        return tw_error_at(error, -ENOENT, store->root, 0, 0, "the folder is gone");
    int result = visit(store, "", store->root, 2, sink);
    return result == -ENOMEM ? tw_error_set(error, -ENOMEM, "out of memory") : result;
}

static void mlflow_done(void *closure)
{
    struct mlflow *store = closure;
    struct tw_mlflow_run *run, *next;
    HASH_ITER(hh, store->runs, run, next)
    {
        HASH_DEL(store->runs, run);
        tw_mlflow_run_free(run);
    }
    free(store->root);
}

/* True where a folder in `path` is an experiment's. */
static bool has_experiment(const char *path)
{
    struct dirent *entry;
    struct tw_mlflow_meta meta;
    char inner[PATH_MAX];
    bool is_found = false;
    DIR *folder = opendir(path);
    while (folder && !is_found && (entry = readdir(folder)))
        is_found =
            is_shown(entry) &&
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner &&
            tw_mlflow_read_meta(inner, &meta) && meta.is_experiment;
    if (folder)
        closedir(folder);
    return is_found;
}

static int mlflow_probe(const struct tw_log_sample *sample)
{
    struct tw_mlflow_meta meta;
    if (!sample->path || !is_folder(sample->path))
        return 0;
    if (tw_mlflow_read_meta(sample->path, &meta))
        return 95;
    return has_experiment(sample->path) ? 95 : 0;
}

static bool mlflow_has_one_run(const char *path)
{
    struct tw_mlflow_meta meta;
    return tw_mlflow_read_meta(path, &meta) && meta.run_id[0];
}

const struct tw_log_format tw_log_format_mlflow = {
    .name = "mlflow",
    .description = "MLflow's file store (mlruns/)",
    .kind = TW_LOG_STORE,
    .state_size = sizeof(struct mlflow),
    .probe = mlflow_probe,
    .start = mlflow_start,
    .poll = mlflow_poll,
    .has_one_run = mlflow_has_one_run,
    .done = mlflow_done,
};
