#include "sources/logs/mlflow_run.h"

#include "sources/logs/mlflow_metrics.h"
#include "sources/logs/mlflow_status.h"
#include "telemetry/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define FILES_MAX (4 * TW_MLFLOW_METRICS_MAX)
#define DEPTH_MAX 16     /* of folders, that is of '/' in a key */
#define VALUE_BYTES 1000 /* longer values are no hyper-parameters: lists of models, notes */
#define META_BYTES 65536

enum kind { METRIC, PARAMETER, TAG };

struct tw_mlflow_file {
    enum kind kind;
    uint64_t place; /* the first byte that was not read */
    char *name;     /* the key, valid UTF-8 */
    UT_hash_handle hh;
    char path[]; /* from the run's folder */
};

/* Reads a short file as text. Negative where that fails. */
static long read_file(const char *path, char *to, size_t room)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    long n = file < 0 ? -1 : (long)read(file, to, room - 1);
    if (file >= 0)
        close(file);
    to[n > 0 ? n : 0] = 0;
    return n;
}

static void take_pair(const char *key, const char *value, struct tw_mlflow_meta *meta)
{
    const struct {
        const char *key;
        char *to;
        size_t room;
    } wanted[] = {
        {"run_id", meta->run_id, sizeof meta->run_id},
        {"run_uuid", meta->run_id, sizeof meta->run_id},
        {"status", meta->status, sizeof meta->status},
        {"lifecycle_stage", meta->stage, sizeof meta->stage},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strcmp(key, wanted[i].key))
            tw_text_copy(wanted[i].to, wanted[i].room, value, strlen(value));
    meta->is_experiment = meta->is_experiment || !strcmp(key, "artifact_location");
    meta->is_model = meta->is_model || !strcmp(key, "model_id");
}

/* A mapping without depth: scalars come in pairs. */
static bool parse_meta(yaml_parser_t *parser, struct tw_mlflow_meta *meta)
{
    char key[64] = "";
    bool is_key = true, has_ended = false;
    yaml_event_t event;
    while (!has_ended) {
        if (!yaml_parser_parse(parser, &event))
            return false;
        has_ended = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_SCALAR_EVENT) {
            const char *value = (const char *)event.data.scalar.value;
            if (is_key)
                tw_text_copy(key, sizeof key, value, strlen(value));
            else
                take_pair(key, value, meta);
            is_key = !is_key;
        }
        yaml_event_delete(&event);
    }
    return true;
}

bool tw_mlflow_read_meta(const char *folder, struct tw_mlflow_meta *ret)
{
    char path[PATH_MAX], text[META_BYTES];
    struct stat status;
    yaml_parser_t parser;
    *ret = (struct tw_mlflow_meta){0};
    if (snprintf(path, sizeof path, "%s/meta.yaml", folder) >= (int)sizeof path ||
        stat(path, &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    long size = read_file(path, text, sizeof text);
    if (size <= 0 || !yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, (size_t)size);
    bool is_whole = parse_meta(&parser, ret);
    yaml_parser_delete(&parser);
    ret->changed_ns = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
    if (ret->is_model || ret->run_id[0])
        ret->is_experiment = false;
    return is_whole && (ret->is_experiment || (ret->run_id[0] && ret->status[0]));
}

struct tw_mlflow_run *tw_mlflow_run_new(const char *name, const char *path)
{
    struct tw_mlflow_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->name = strdup(name);
    run->path = strdup(path);
    if (!run->name || !run->path) {
        tw_mlflow_run_free(run);
        return NULL;
    }
    tw_text_make_utf8(run->name, strlen(run->name));
    return run;
}

void tw_mlflow_run_free(struct tw_mlflow_run *run)
{
    struct tw_mlflow_file *file, *next;
    if (!run)
        return;
    HASH_ITER(hh, run->files, file, next)
    {
        HASH_DEL(run->files, file);
        free(file);
    }
    free(run->name);
    free(run->path);
    free(run);
}

/* `relative` without "metrics/" is the name. */
static struct tw_mlflow_file *add_file(struct tw_mlflow_run *run, enum kind kind,
                                       const char *relative)
{
    size_t size = strlen(relative) + 1;
    struct tw_mlflow_file *file = calloc(1, sizeof *file + 2 * size);
    if (!file)
        return NULL;
    file->kind = kind;
    memcpy(file->path, relative, size);
    file->name = file->path + size;
    const char *key = strchr(relative, '/') + 1;
    tw_text_copy(file->name, size, key, strlen(key));
    tw_text_make_utf8(file->name, strlen(file->name));
    HASH_ADD_STR(run->files, path, file);
    return file;
}

static int give_parameter(const struct tw_mlflow_run *run, struct tw_mlflow_file *file,
                          const char *path, const struct tw_log_sink *sink)
{
    char value[VALUE_BYTES + 2];
    long size = read_file(path, value, sizeof value);
    if (size <= 0 && file->kind == PARAMETER)
        return 0; /* it is being written */
    file->place = 1;
    if (size <= 0 || size > VALUE_BYTES)
        return 0;
    while (size && strchr("\r\n", value[size - 1]))
        value[--size] = 0;
    tw_text_make_utf8(value, (size_t)size);
    return sink->parameter(sink->closure, run->name, file->name, value);
}

static int see_file(struct tw_mlflow_run *run, enum kind kind, const char *relative,
                    const char *path, uint64_t size, const struct tw_log_sink *sink)
{
    struct tw_mlflow_file *file;
    HASH_FIND_STR(run->files, relative, file);
    if (!file && HASH_COUNT(run->files) == FILES_MAX)
        return 0;
    file = file ? file : add_file(run, kind, relative);
    if (!file)
        return -ENOMEM;
    if (kind == METRIC)
        file->place = size < file->place ? 0 : file->place; /* it was written anew */
    return kind != METRIC && !file->place ? give_parameter(run, file, path, sink) : 0;
}

static int see_folder(struct tw_mlflow_run *run, enum kind kind, const char *relative,
                      unsigned depth, const struct tw_log_sink *sink)
{
    char path[PATH_MAX], inner[PATH_MAX];
    struct dirent *entry;
    struct stat status;
    int result = 0;
    snprintf(path, sizeof path, "%s/%s", run->path, relative);
    DIR *folder = opendir(path);
    while (folder && !result && (entry = readdir(folder))) {
        size_t end = strlen(path);
        if (entry->d_name[0] == '.' ||
            snprintf(inner, sizeof inner, "%s/%s", relative, entry->d_name) >= (int)sizeof inner ||
            snprintf(path + end, sizeof path - end, "/%s", entry->d_name) >=
                (int)(sizeof path - end)) {
            path[end] = 0;
            continue;
        }
        if (lstat(path, &status) < 0)
            status.st_mode = 0;
        if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX)
            result = see_folder(run, kind, inner, depth + 1, sink);
        else if (S_ISREG(status.st_mode))
            result = see_file(run, kind, inner, path, (uint64_t)status.st_size, sink);
        path[end] = 0;
    }
    if (folder)
        closedir(folder);
    return result;
}

/* Their order in a folder is chance; cells are to come in one and the same. */
static int compare_names(const struct tw_mlflow_file *one, const struct tw_mlflow_file *other)
{
    return strcmp(one->path, other->path);
}

static size_t collect_metrics(struct tw_mlflow_run *run, struct tw_mlflow_metric *ret)
{
    struct tw_mlflow_file *file, *next;
    size_t n = 0;
    HASH_SORT(run->files, compare_names);
    HASH_ITER(hh, run->files, file, next)
    {
        if (file->kind == METRIC && n < TW_MLFLOW_METRICS_MAX)
            ret[n++] = (struct tw_mlflow_metric){file->name, run->path, file->path, &file->place};
    }
    return n;
}

static int give_metrics(struct tw_mlflow_run *run, const struct tw_log_sink *sink)
{
    struct tw_mlflow_metric *metrics = calloc(HASH_COUNT(run->files) + 1, sizeof *metrics);
    if (!metrics)
        return -ENOMEM;
    int result = tw_mlflow_metrics_give(run->name, metrics, collect_metrics(run, metrics), sink);
    free(metrics);
    return result;
}

int tw_mlflow_run_poll(struct tw_mlflow_run *run, const struct tw_mlflow_meta *meta,
                       const struct tw_log_sink *sink)
{
    enum tw_log_event end = TW_LOG_COMPLETED;
    bool has_ended = tw_mlflow_end(meta->status, &end);
    if (has_ended && run->over_ns == meta->changed_ns)
        return 0;
    int result = see_folder(run, PARAMETER, "params", 0, sink);
    if (!result)
        result = see_folder(run, TAG, "tags", 0, sink);
    if (!result)
        result = see_folder(run, METRIC, "metrics", 0, sink);
    if (!result)
        result = give_metrics(run, sink);
    if (!result && has_ended) {
        run->over_ns = meta->changed_ns;
        result = sink->event(sink->closure, run->name, end, NAN);
    }
    return result;
}
