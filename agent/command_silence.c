/* trainward silence: keeps notifications quiet about a run, a project, an episode for a while. */
#include "config.h"

#include "agent/commands.h"

#include "agent/text_table.h"
#include "agent/usage.h"
#include "agent/user_name.h"

#include "advisories/iso_time.h"
#include "advisories/log_file.h"
#include "advisories/shell_word.h"
#include "sinks/notify/silence_store.h"
#include "sinks/notify/subject.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *run_option, *project, *group, *user, *detector, *episode, *host;
static const char *length, *starts, *ends, *author, *reason, *format = "text";
static const char **labels;
static int shows_all;

static const struct poptOption options[] = {
    {"run", '\0', POPT_ARG_STRING, &run_option, 0,
     "add: a run's id or name; all of these may be "
     "patterns, and all have to match",
     "RUN"},
    {"project", '\0', POPT_ARG_STRING, &project, 0, "add: a project", "NAME"},
    {"group", '\0', POPT_ARG_STRING, &group, 0, "add: a group", "NAME"},
    {"user", '\0', POPT_ARG_STRING, &user, 0, "add: a user", "NAME"},
    {"host", '\0', POPT_ARG_STRING, &host, 0, "add: a host", "NAME"},
    {"detector", '\0', POPT_ARG_STRING, &detector, 0, "add: a detector", "NAME"},
    {"episode", '\0', POPT_ARG_STRING, &episode, 0, "add: an episode", "ID"},
    {"label", '\0', POPT_ARG_ARGV, &labels, 0, "add: a label; may be repeated", "NAME=VALUE"},
    {"for", '\0', POPT_ARG_STRING, &length, 0, "add: how long, 30m, 4h, 2d", "TIME"},
    {"start", '\0', POPT_ARG_STRING, &starts, 0,
     "add: from when on, 2026-11-27T22:00:00Z "
     "(default: now)",
     "TIME"},
    {"end", '\0', POPT_ARG_STRING, &ends, 0, "add: until when, in place of --for", "TIME"},
    {"author", '\0', POPT_ARG_STRING, &author, 0, "add: who wants it (default: you)", "NAME"},
    {"reason", '\0', POPT_ARG_STRING, &reason, 0, "add: why; needed", "TEXT"},
    {"all", '\0', POPT_ARG_NONE, &shows_all, 0, "list: those that are over, too", NULL},
    {"format", '\0', POPT_ARG_STRING, &format, 0, "list: text (default) or json", "FORMAT"},
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static struct tw_silence_place place_of(const struct tw_config *config, struct tw_log_location *log)
{
    *log = tw_config_log(config);
    return (struct tw_silence_place){config->state_dir, log};
}

/* Where no agent looks, what is silenced stays loud. The log of Kafka is whoever's brokers have it;
 * a file that is named may be of an agent that starts later. */
static int check_place(const struct tw_config *config, struct tw_error *error)
{
    char name[32];
    struct stat status;
    char *path =
        config->log_in_kafka || config->whole_path
            ? NULL
            : tw_path_join(config->state_dir, tw_log_file_name(TW_LOG_ADVISORIES, name), NULL);
    bool is_used = !path || !stat(path, &status);
    free(path);
    return is_used ? 0
                   : tw_error_at(error, -ENOENT, config->state_dir, 0, 0,
                                 "no agent keeps its log there, and none would heed the silence; "
                                 "name the agent's configuration: --config FILE");
}

/* ---- add ---- */

static bool set_matcher(json_t *matchers, const char *field, const char *pattern)
{
    return !pattern || !json_object_set_new(matchers, field, json_string(pattern));
}

static int set_labels(json_t *matchers, struct tw_error *error)
{
    char field[128];
    for (size_t i = 0; labels && labels[i]; i++) {
        const char *equals = strchr(labels[i], '=');
        if (!equals || equals == labels[i])
            return tw_error_set(error, -EINVAL, "--label %s: not written as NAME=VALUE", labels[i]);
        snprintf(field, sizeof field, "label.%.*s", (int)(equals - labels[i]), labels[i]);
        set_matcher(matchers, field, equals + 1);
    }
    return 0;
}

static int read_matchers(json_t *matchers, struct tw_error *error)
{
    int result = set_labels(matchers, error);
    if (result)
        return result;
    if (!set_matcher(matchers, "run", run_option) || !set_matcher(matchers, "project", project) ||
        !set_matcher(matchers, "group", group) || !set_matcher(matchers, "user", user) ||
        !set_matcher(matchers, "host", host) || !set_matcher(matchers, "detector", detector) ||
        !set_matcher(matchers, "episode", episode))
        return tw_error_set(error, -EINVAL, "a pattern is no UTF-8");
    if (detector && tw_subject_check_pattern("detector", detector, "--detector", error))
        return error->code;
    if (!json_object_size(matchers))
        return tw_error_set(error, -EINVAL,
                            "say what to be quiet about: --run, --project, --group, --user, "
                            "--host, --detector, --episode, --label");
    return 0;
}

static int read_times(int64_t *starts_ms, int64_t *ends_ms, struct tw_error *error)
{
    double seconds;
    *starts_ms = tw_wall_ms();
    if (starts && !tw_iso_parse(starts, starts_ms))
        return tw_error_set(error, -EINVAL, "--start %s: not written as 2026-11-27T22:00:00Z",
                            starts);
    if (!length == !ends)
        return tw_error_set(error, -EINVAL, "say how long: --for 4h, or --end TIME");
    if (ends && !tw_iso_parse(ends, ends_ms))
        return tw_error_set(error, -EINVAL, "--end %s: not written as 2026-11-27T22:00:00Z", ends);
    if (length && (tw_duration_parse(length, &seconds) || seconds <= 0))
        return tw_error_set(error, -EINVAL, "--for %s: not a duration such as 30m, 4h, 2d", length);
    if (length)
        *ends_ms = *starts_ms + (int64_t)(seconds * 1000);
    if (*ends_ms <= tw_wall_ms())
        return tw_error_set(error, -EINVAL, "it would be over already");
    return 0;
}

static void tell_added(const struct tw_config *config, const char *id, int64_t ends_ms)
{
    char until[TW_ISO_SIZE];
    printf("%s: quiet until %s; this ends it: trainward silence expire %s", id,
           tw_iso_text(ends_ms, until), id);
    if (config->whole_path) {
        fputs(" --config ", stdout);
        tw_shell_put_word(stdout, config->whole_path);
    }
    putchar('\n');
}

static int add(const struct tw_config *config, const char *word, struct tw_error *error)
{
    struct tw_log_location log;
    struct tw_silence_place place = place_of(config, &log);
    int64_t starts_ms, ends_ms = 0;
    char name[64];
    (void)word;
    json_t *matchers = json_object(), *silence = NULL;
    int result = check_place(config, error);
    if (!result)
        result = read_matchers(matchers, error);
    if (!result)
        result = read_times(&starts_ms, &ends_ms, error);
    if (!result && !(reason && reason[0]))
        result = tw_error_set(error, -EINVAL, "say why: --reason TEXT");
    if (!result) {
        silence = tw_silence_new(matchers, starts_ms, ends_ms,
                                 author ? author : tw_user_name(name, sizeof name), reason, error);
        result = silence ? 0 : -EINVAL;
    }
    const char *id = json_string_value(json_object_get(silence, "id"));
    if (!result)
        result = tw_silence_set(&place, id, silence, error);
    if (!result)
        tell_added(config, id, ends_ms);
    json_decref(matchers);
    json_decref(silence);
    return result;
}

/* ---- list ---- */

static const char *state_of(const json_t *silence)
{
    int64_t now = tw_wall_ms();
    return tw_silence_is_active(silence, now) ? "active"
           : tw_silence_is_over(silence, now) ? "over"
                                              : "to come";
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* "run=r7 detector=overflow", cleaned of what could drive a terminal by the table. */
static void describe(json_t *silence, char *buffer, size_t size)
{
    const char *field;
    json_t *pattern;
    size_t used = 0;
    buffer[0] = '\0';
    json_object_foreach(json_object_get(silence, "matchers"), field, pattern)
    {
        int n = snprintf(buffer + used, size - used, "%s%s=%s", used ? " " : "", field,
                         json_string_value(pattern));
        if (n < 0 || used + (size_t)n >= size)
            return;
        used += (size_t)n;
    }
}

static void print_text(json_t *all)
{
    struct tw_text_table *table = tw_text_table_new();
    const char *id;
    json_t *silence;
    char what[400];
    if (!table)
        return;
    tw_text_table_add(table, (const char *[]){"ID", "STATE", "UNTIL", "WHAT", "AUTHOR", "REASON"},
                      6);
    json_object_foreach(all, id, silence)
    {
        describe(silence, what, sizeof what);
        tw_text_table_add(table,
                          (const char *[]){id, state_of(silence), text_of(silence, "ends_at"), what,
                                           text_of(silence, "author"), text_of(silence, "reason")},
                          6);
    }
    tw_text_table_print(table, stdout);
    tw_text_table_free(table);
}

static void print_json(json_t *all)
{
    const char *id;
    json_t *silence;
    json_object_foreach(all, id, silence)
    {
        json_object_set_new(silence, "state", json_string(state_of(silence)));
        json_dumpf(silence, stdout, JSON_COMPACT);
        putchar('\n');
    }
}

static void drop_over(json_t *all)
{
    const char *id;
    void *next;
    json_t *silence;
    json_object_foreach_safe(all, next, id, silence)
    {
        if (!strcmp(state_of(silence), "over"))
            json_object_del(all, id);
    }
}

static int list(const struct tw_config *config, const char *word, struct tw_error *error)
{
    struct tw_log_location log;
    struct tw_silence_place place = place_of(config, &log);
    struct tw_silences silences = {0};
    (void)word;
    if (strcmp(format, "text") && strcmp(format, "json"))
        return tw_error_set(error, -EINVAL, "--format %s: use text or json", format);
    int result = tw_silence_list(&place, &silences, error);
    if (!result && !shows_all)
        drop_over(silences.all);
    if (!result && !strcmp(format, "json"))
        print_json(silences.all);
    else if (!result && !json_object_size(silences.all))
        puts("nothing is silenced");
    else if (!result)
        print_text(silences.all);
    tw_silences_release(&silences);
    return result;
}

/* ---- expire ---- */

static int expire(const struct tw_config *config, const char *word, struct tw_error *error)
{
    struct tw_log_location log;
    struct tw_silence_place place = place_of(config, &log);
    struct tw_silences silences = {0};
    char now[TW_ISO_SIZE];
    if (!word)
        return tw_error_set(error, -EINVAL, "name a silence; 'trainward silence list' names them");
    int result = check_place(config, error);
    if (!result)
        result = tw_silence_list(&place, &silences, error);
    json_t *silence = json_object_get(silences.all, word);
    if (!result && (!silence || tw_silence_is_over(silence, tw_wall_ms())))
        result = tw_error_set(error, -ENOENT, "%s: there is no such silence, or it is over", word);
    if (!result) {
        tw_iso_text(tw_wall_ms(), now);
        if (!tw_silence_is_active(silence, tw_wall_ms()))
            json_object_set_new(silence, "starts_at", json_string(now));
        json_object_set_new(silence, "ends_at", json_string(now));
        result = tw_silence_set(&place, word, silence, error);
    }
    if (!result)
        printf("%s: over\n", word);
    tw_silences_release(&silences);
    return result;
}

/* ---- the command ---- */

static const struct {
    const char *name;
    bool takes_word;
    int (*run)(const struct tw_config *config, const char *word, struct tw_error *error);
} words[] = {{"add", false, add}, {"list", false, list}, {"expire", true, expire}};

static int run_named(size_t index, const char *word)
{
    struct tw_config config;
    struct tw_error error = {0};
    if (word && !words[index].takes_word) {
        fprintf(stderr, "trainward silence: %s: '%s' takes no more words\n", word,
                words[index].name);
        return TW_EXIT_WRONG;
    }
    if (tw_common_load(&config, "silence", false))
        return TW_EXIT_WRONG;
    int result = words[index].run(&config, word, &error);
    if (result)
        tw_usage_error("silence", &error);
    tw_config_release(&config);
    return result ? TW_EXIT_WRONG : 0;
}

static int run(int argc, const char **argv)
{
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_silence, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char *name = poptGetArg(context), *word = poptGetArg(context);
    size_t i = 0, n = sizeof words / sizeof *words;
    while (i < n && (!name || strcmp(words[i].name, name)))
        i++;
    int status = TW_EXIT_WRONG;
    if (i < n)
        status = run_named(i, word);
    else
        fprintf(stderr, "trainward silence: %s%sexpected 'add', 'list' or 'expire ID'\n",
                name ? name : "", name ? ": " : "");
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_silence = {
    .name = "silence",
    .arguments = "--config FILE [OPTIONS] add | list | expire ID",
    .summary = "keep notifications quiet about a run, a project or an episode for a while",
    .run = run,
};
