/* YAML beside logs, by libyaml's events: tags (of Python objects), anchors and lists are passed
 * over. JSON is YAML. */
#include "sources/logs/companions.h"

#include "sources/logs/input.h"
#include "sources/logs/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#define COMPANION_MAX (1u << 20)
#define PATH_SIZE 4200
#define NAME_SIZE 512
#define DEPTH_MAX 16

/* Names of files, the surest last: what is told later counts. */
static const char *const names[] = {"params.yaml",
                                    "params.json",
                                    "config.json",
                                    "config.yaml",
                                    "config.yml",
                                    "description.json", /* Ludwig */
                                    "debug.json",       /* nnU-Net */
                                    "args.json",
                                    "opt.yaml",
                                    "training_options.json", /* StyleGAN, EDM */
                                    "hyperparams.yaml",      /* SpeechBrain */
                                    "torchtune_config.yaml",
                                    ".hydra/config.yaml",
                                    "files/config.yaml",
                                    "args.yaml",
                                    "hparams.yaml",
                                    "training_args.yaml", /* LLaMA-Factory */
                                    "training_args.json",
                                    NULL};

/* Folders that loggers make in that of the run, which has the files. "version_0" may stand below.
 */
static const char logger_folders[] = "csv tensorboard tb csv_logger vis_data";

struct reading {
    const struct tw_log_sink *sink;
    char name[NAME_SIZE];      /* of the value that comes */
    size_t lengths[DEPTH_MAX]; /* of the names of the mappings that are open */
    int depth;                 /* open mappings */
    int lists;                 /* open sequences: nothing in them counts */
    bool expects_key;
};

static void set_key(struct reading *reading, const char *key)
{
    size_t before = reading->lengths[reading->depth - 1];
    snprintf(reading->name + before, NAME_SIZE - before, "%s%s", before ? "/" : "", key);
    reading->expects_key = false;
}

/* wandb's config.yaml wraps each value: {desc: ..., value: ...}. */
static void unwrap(char *name)
{
    size_t length = strlen(name);
    if (length > 6 && !strcmp(name + length - 6, "/value"))
        name[length - 6] = '\0';
}

static int scalar(struct reading *reading, const char *value)
{
    if (reading->lists || !reading->depth)
        return 0;
    if (reading->expects_key) {
        set_key(reading, value);
        return 0;
    }
    reading->expects_key = true;
    if (strchr(value, '\n'))
        return 0; /* what an object prints of itself */
    unwrap(reading->name);
    return reading->sink->parameter(reading->sink->closure, NULL, reading->name, value);
}

static bool open_mapping(struct reading *reading)
{
    if (reading->lists)
        return true;
    if (reading->depth == DEPTH_MAX)
        return false;
    reading->lengths[reading->depth] = reading->depth ? strlen(reading->name) : 0;
    reading->depth++;
    reading->expects_key = true;
    return true;
}

static void close_collection(struct reading *reading, bool is_list)
{
    if (is_list)
        reading->lists--;
    else if (!reading->lists && reading->depth)
        reading->depth--;
    if (!reading->lists)
        reading->expects_key = true;
}

/* Returns 1 to go on, 0 at the end or where it is not understood, negative: the sink failed. */
static int take(struct reading *reading, const yaml_event_t *event)
{
    int result;
    switch (event->type) {
    case YAML_MAPPING_START_EVENT:
        return open_mapping(reading);
    case YAML_SEQUENCE_START_EVENT:
        reading->lists++;
        return 1;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        close_collection(reading, event->type == YAML_SEQUENCE_END_EVENT);
        return 1;
    case YAML_ALIAS_EVENT:
        if (!reading->lists)
            reading->expects_key = !reading->expects_key;
        return 1;
    case YAML_SCALAR_EVENT:
        result = scalar(reading, (const char *)event->data.scalar.value);
        return result ? result : 1;
    case YAML_STREAM_END_EVENT:
        return 0;
    default:
        return 1;
    }
}

int tw_log_companion_read(const char *text, size_t size, const struct tw_log_sink *sink)
{
    struct reading reading = {.sink = sink};
    yaml_parser_t parser;
    yaml_event_t event;
    int result = 1;
    if (!yaml_parser_initialize(&parser))
        return 0;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    while (result == 1 && yaml_parser_parse(&parser, &event)) {
        result = take(&reading, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return result < 0 ? result : 0;
}

static void folder_of(const char *path, char folder[PATH_SIZE])
{
    struct stat status;
    const char *slash = strrchr(path, '/');
    if (!stat(path, &status) && S_ISDIR(status.st_mode))
        snprintf(folder, PATH_SIZE, "%s", path);
    else if (!slash)
        strcpy(folder, ".");
    else
        snprintf(folder, PATH_SIZE, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int read_folder(const char *folder, const struct tw_log_sink *sink)
{
    char file[PATH_SIZE];
    int result = 0;
    for (const char *const *name = names; *name && !result; name++) {
        struct stat status;
        char *text;
        size_t size;
        int length = snprintf(file, sizeof file, "%s/%s", folder, *name);
        if (length < 0 || length >= (int)sizeof file || stat(file, &status) ||
            status.st_size > COMPANION_MAX ||
            tw_log_input_whole(file, COMPANION_MAX, &text, &size, NULL))
            continue;
        result = tw_log_companion_read(text, size, sink);
        free(text);
    }
    return result;
}

/* Cuts the last name off where it is a logger's folder: "RUN/csv", "RUN/tensorboard/version_0". */
static bool go_up(char folder[PATH_SIZE])
{
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return false;
    if (!strncmp(slash + 1, "version_", 8)) {
        *slash = '\0';
        bool is_of_logger = go_up(folder);
        *slash = is_of_logger ? '\0' : '/';
        return is_of_logger;
    }
    if (!tw_words_is_one_of(slash + 1, logger_folders))
        return false;
    *slash = '\0';
    return true;
}

/* What the run's folder has is told first: what is beside the log counts. */
int tw_log_companions_read(const char *path, const struct tw_log_sink *sink)
{
    char folder[PATH_SIZE], above[PATH_SIZE];
    folder_of(path, folder);
    strcpy(above, folder);
    int result = go_up(above) ? read_folder(above, sink) : 0;
    return result ? result : read_folder(folder, sink);
}
