/* trainward feedback: says of an episode that it was a false alarm, or useful. */
#include "config.h"

#include "agent/commands.h"

#include "agent/feedback_files.h"
#include "agent/usage.h"
#include "agent/user_name.h"

#include "advisories/feedback.h"
#include "sinks/document.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Brokers may take so long to give the log, or to take the document. */
#define SILENCE_SECONDS 15.0
#define FLUSH_SECONDS 30.0
#define BATCH 256
/* Fewer letters of an id could be anybody's. */
#define PREFIX_MIN 6

static const char *author, *comment;

static const struct poptOption options[] = {
    {"author", '\0', POPT_ARG_STRING, &author, 0, "who says so (default: you)", "NAME"},
    {"comment", '\0', POPT_ARG_STRING, &comment, 0, "why", "TEXT"},
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

/* ---- the episode ---- */

struct search {
    const char *id; /* the whole, or its beginning */
    char found[TW_EVENT_ID_SIZE];
    char *document; /* its newest */
    uint32_t transition;
    bool is_ambiguous;
};

static void look_at(struct search *search, const char *text, size_t size)
{
    struct tw_document document;
    char reason[80];
    if (!memmem(text, size, search->id, strlen(search->id)) ||
        !tw_document_parse(&document, text, size, reason, sizeof reason))
        return;
    bool is_it =
        document.is_episode && !strncmp(document.episode_id, search->id, strlen(search->id));
    if (is_it && search->document && strcmp(document.episode_id, search->found)) {
        search->is_ambiguous = true;
    } else if (is_it && (!search->document || document.transition >= search->transition)) {
        free(search->document);
        search->document = strndup(text, size);
        search->transition = document.transition;
        snprintf(search->found, sizeof search->found, "%s", document.episode_id);
    }
    tw_document_release(&document);
}

/* Reads what there is, to its end. */
static int read_all(struct search *search, struct tw_log_reader *reader,
                    const struct tw_log_location *log, struct tw_error *error)
{
    static struct tw_log_item items[BATCH];
    double deadline = tw_now_seconds() + SILENCE_SECONDS;
    while (tw_now_seconds() < deadline) {
        long n = tw_log_read(reader, items, BATCH, log->dir ? 0 : .2, error);
        for (long i = 0; i < n; i++)
            look_at(search, items[i].document, items[i].size);
        if (n < 0)
            return (int)n;
        if (n == 0 && (log->dir || tw_log_lag(reader) == 0))
            return 0;
        if (n > 0)
            deadline = tw_now_seconds() + SILENCE_SECONDS;
    }
    return tw_error_set(error, -ETIMEDOUT,
                        "cannot read the advisory log: nothing came from %s for %.0f seconds, and "
                        "its end was not reached",
                        log->dir ? log->dir : log->brokers, SILENCE_SECONDS);
}

/* Reads the log from its start to its end, as a sink that was never there. */
static int search_log(struct search *search, const struct tw_log_location *log,
                      struct tw_error *error)
{
    struct tw_log_reader *reader;
    char name[64];
    snprintf(name, sizeof name, "feedback-%ld-%lld", (long)getpid(), (long long)tw_wall_ms());
    int result = tw_log_reader_open(&reader, log, name, error);
    if (result)
        return result;
    result = read_all(search, reader, log, error);
    tw_log_reader_close(reader);
    return result;
}

static int find_episode(struct search *search, const struct tw_config *config,
                        struct tw_error *error)
{
    struct tw_log_location log = tw_config_log(config);
    int result = search_log(search, &log, error);
    if (result)
        return result;
    if (search->is_ambiguous)
        return tw_error_set(error, -EINVAL, "%s: several episodes begin so; give more of the id",
                            search->id);
    if (!search->document)
        return tw_error_set(error, -ENOENT, "%s: the advisory log (%s) has no such episode",
                            search->id, log.dir ? log.dir : log.brokers);
    return 0;
}

/* ---- saying it ---- */

static int send(const struct tw_config *config, const char *id, const char *run,
                const char *document, struct tw_error *error)
{
    struct tw_log *log;
    struct tw_log_location location = tw_config_log(config);
    if (!config->log_in_kafka)
        return tw_feedback_leave(config->state_dir, id, document, error);
    int result = tw_log_open(&log, &location, error);
    if (result)
        return result;
    result = tw_log_append(log, id, run, document, error);
    if (!result)
        result = tw_log_flush(log, FLUSH_SECONDS, error);
    tw_log_close(log);
    return result;
}

static int say(const struct tw_config *config, const char *episode, const char *verdict,
               struct tw_error *error)
{
    struct search search = {.id = episode};
    char id[TW_EVENT_ID_SIZE], name[64];
    char *document = NULL, *run = NULL;
    struct tw_feedback feedback = {.verdict = verdict,
                                   .author = author ? author : tw_user_name(name, sizeof name),
                                   .comment = comment,
                                   .time_ms = tw_wall_ms()};
    int result = find_episode(&search, config, error);
    if (!result)
        result = tw_feedback_document(&document, id, &run, search.document, &feedback, error);
    if (!result)
        result = send(config, id, run, document, error);
    if (!result)
        printf("episode %s: %s%s\n", search.found, verdict,
               config->log_in_kafka ? "" : "; the agent takes it within a second");
    if (!document)
        run = NULL;
    free(search.document);
    free(document);
    free(run);
    return result;
}

static int run_words(const char *episode, const char *verdict, const char *surplus)
{
    struct tw_config config;
    struct tw_error error = {0};
    if (surplus) {
        fprintf(stderr,
                "trainward feedback: %s: one word too many; a reason goes behind --comment\n",
                surplus);
        return TW_EXIT_WRONG;
    }
    if (!episode || !verdict || (strcmp(verdict, "false-alarm") && strcmp(verdict, "useful"))) {
        fprintf(stderr, "trainward feedback: expected an episode's id, then 'false-alarm' or "
                        "'useful'\n");
        return TW_EXIT_WRONG;
    }
    if (strlen(episode) < PREFIX_MIN || strspn(episode, "0123456789abcdef") != strlen(episode)) {
        fprintf(stderr,
                "trainward feedback: %s: not an episode's id, nor the first %d letters of "
                "one\n",
                episode, PREFIX_MIN);
        return TW_EXIT_WRONG;
    }
    if (tw_common_load(&config, "feedback", false))
        return TW_EXIT_WRONG;
    int result = say(&config, episode, verdict, &error);
    if (result)
        tw_usage_error("feedback", &error);
    tw_config_release(&config);
    return result ? TW_EXIT_WRONG : 0;
}

static int run(int argc, const char **argv)
{
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_feedback, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char *episode = poptGetArg(context), *verdict = poptGetArg(context);
    int status = run_words(episode, verdict, poptGetArg(context));
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_feedback = {
    .name = "feedback",
    .arguments = "--config FILE [OPTIONS] EPISODE false-alarm|useful",
    .summary = "say that an alarm was wrong, which closes it everywhere, or that it was useful",
    .run = run,
};
