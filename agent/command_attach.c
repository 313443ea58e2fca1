/* trainward attach: follows runs that are going, prints each advisory as it happens, and a summary
 * when they end. */
#include "agent/commands.h"

#include "agent/daemon.h"
#include "agent/find_logs.h"
#include "agent/load_rules.h"
#include "agent/report.h"
#include "agent/silence.h"
#include "agent/usage.h"

#include "sinks/terminal.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <math.h>
#include <popt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a quarter of a second each, when one log is followed. */
#define DOUBT_WAITS 4

/* A log that is followed. */
struct followed {
    struct tw_analysis analysis;
    char *path;
    struct tw_silence silence;
    bool has_drained;          /* read to its end */
    bool is_mapped, has_ended; /* what was read as what has been told; the run is over */
    unsigned waits;            /* while nothing could be read */
};

struct attach {
    struct tw_config config;
    struct tw_rules *rules;
    struct followed *logs;
    size_t n_logs;
    bool colour;
    unsigned width;
};

/* What is still open when the run ends is part of the summary, which follows. */
static void print_change(void *closure, const struct tw_episode_advisory *advisory)
{
    struct attach *attach = closure;
    if (advisory->action == TW_ACTION_STILL_OPEN)
        return;
    char *document = tw_episode_document(advisory);
    char *text = document ? tw_terminal_render(document, attach->colour, attach->width) : NULL;
    if (text)
        printf("\n%s", text);
    free(text);
    free(document);
    fflush(stdout);
}

static int add_log(struct attach *attach, const char *path, const char *named,
                   struct tw_error *error)
{
    struct tw_watch_options options = {.settings = &attach->config.settings,
                                       .rules = attach->rules,
                                       .episode = print_change,
                                       .closure = attach};
    struct followed *grown = realloc(attach->logs, (attach->n_logs + 1) * sizeof *grown);
    if (!grown)
        return tw_error_set(error, -ENOMEM, "out of memory");
    attach->logs = grown;
    struct followed *log = &grown[attach->n_logs];
    memset(log, 0, sizeof *log);
    log->path = strdup(path);
    if (!log->path)
        return tw_error_set(error, -ENOMEM, "out of memory");
    char run[4200];
    struct tw_source_request request = {.path = log->path,
                                        .follow = true,
                                        .run = tw_run_of_log(path, named, run, sizeof run),
                                        .map = &attach->config.log_map};
    int result = tw_analysis_open_log(&log->analysis, &request, &options, error);
    if (result) {
        free(log->path);
        return result;
    }
    attach->n_logs++;
    tw_silence_fall_behind(&log->silence, log->analysis.watch, tw_wall_ms());
    printf("following %s\n", path);
    fflush(stdout);
    return 0;
}

static int add_path(struct attach *attach, const char *path, struct tw_error *error)
{
    struct tw_texts found = {0};
    int result = tw_find_logs(&found, path, error);
    /* An empty directory may become a run: wait for it. */
    if (!result && found.n == 0)
        result = add_log(attach, path, path, error);
    for (size_t i = 0; i < found.n && !result; i++)
        result = add_log(attach, found.at[i], path, error);
    tw_texts_release(&found);
    return result;
}

static void tell_mapping(struct followed *log)
{
    struct tw_run *run = tw_watch_next(log->analysis.watch, NULL);
    char format[64];
    if (log->is_mapped || !run || log->analysis.records < 8)
        return;
    tw_terminal_print_clean(stdout, log->path, strlen(log->path));
    fputs(": run ", stdout);
    tw_terminal_print_clean(stdout, run->core.id, strlen(run->core.id));
    printf(", read as %s; signals: ", tw_analysis_format(&log->analysis, format, sizeof format));
    tw_report_mapping(stdout, &log->analysis, run);
    fflush(stdout);
    log->is_mapped = true;
}

/* What is there was read, for a second at least, and none of it was a record: told once. */
static void tell_doubt(struct followed *log)
{
    const struct tw_analysis *analysis = &log->analysis;
    struct stat status;
    if (analysis->records || ++log->waits != DOUBT_WAITS)
        return;
    bool is_empty = !tw_stat_log(log->path, &status) || !status.st_size;
    fputs("trainward attach: ", stderr);
    tw_terminal_print_clean(stderr, log->path, strlen(log->path));
    fputs(is_empty ? ": is empty so far" : ": no training record so far, is it a log?", stderr);
    if (analysis->skipped)
        fprintf(stderr, " (%s)", analysis->first_skip);
    fputs("; waiting for more\n", stderr);
}

static int end_log(struct attach *attach, struct followed *log, struct tw_error *error)
{
    struct tw_run *run = NULL;
    int result = tw_analysis_finish(&log->analysis, error);
    log->has_ended = true;
    putchar('\n');
    while (!result && (run = tw_watch_next(log->analysis.watch, run)))
        tw_report_text(stdout, &log->analysis, run, &attach->config.settings, attach->colour,
                       attach->width);
    fflush(stdout);
    return result;
}

/* Takes what a log has now. Returns how many records, or negative. */
static long follow(struct attach *attach, struct followed *log, double timeout_seconds,
                   struct tw_error *error)
{
    for (long taken = 0;; taken++) {
        int next = tw_analysis_step(&log->analysis, taken ? 0 : timeout_seconds, error);
        if (next < 0)
            return next;
        if (next == TW_NEXT_END) {
            int result = end_log(attach, log, error);
            return result ? result : taken;
        }
        tell_mapping(log);
        log->has_drained = next == TW_NEXT_WAIT;
        if (log->has_drained)
            tell_doubt(log);
        if (next == TW_NEXT_WAIT || taken >= 1000)
            return taken;
    }
}

/* Nothing is saved here, so what is due is done at once. */
static int mind_silence(const struct attach *attach, struct followed *log, struct tw_error *error)
{
    const struct tw_silence_moment moment = {
        .now = tw_now_seconds(),
        .wall_ms = tw_wall_ms(),
        .is_listening = log->has_drained,
    };
    if (log->has_ended || !tw_silence_is_time(&log->silence, moment.now))
        return 0;
    tw_silence_tick(&log->silence, log->analysis.watch, &attach->config, NULL, &moment);
    return tw_silence_carry_out(&log->silence, log->analysis.watch, error);
}

static int follow_all(struct attach *attach, struct tw_error *error)
{
    size_t going = attach->n_logs;
    while (going && !tw_daemon_is_stopping()) {
        going = 0;
        for (size_t i = 0; i < attach->n_logs; i++) {
            struct followed *log = &attach->logs[i];
            double timeout = attach->n_logs == 1 ? .25 : .25 / (double)attach->n_logs;
            long taken = log->has_ended ? 0 : follow(attach, log, timeout, error);
            int result = taken < 0 ? (int)taken : mind_silence(attach, log, error);
            if (result)
                return result;
            going += !log->has_ended;
        }
    }
    return 0;
}

/* Interrupted: a summary of what is still going. */
static int end_all(struct attach *attach, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < attach->n_logs && !result; i++) {
        if (!attach->logs[i].has_ended)
            result = end_log(attach, &attach->logs[i], error);
    }
    return result;
}

static int exit_status(const struct attach *attach)
{
    int worst = 0;
    for (size_t i = 0; i < attach->n_logs; i++) {
        struct tw_run *run = NULL;
        while ((run = tw_watch_next(attach->logs[i].analysis.watch, run)))
            worst |= !strcmp(tw_run_verdict(run, &attach->config.settings), "problem");
    }
    return worst;
}

static const struct poptOption options[] = {
    TW_COMMON_OPTIONS,
    TW_MAP_OPTION,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int attach_all(struct attach *attach, const char **paths)
{
    struct tw_error error = {0};
    int result = tw_load_rules(&attach->rules, &attach->config, &error);
    for (; *paths && !result; paths++)
        result = add_path(attach, *paths, &error);
    if (!result)
        result = follow_all(attach, &error);
    if (!result)
        result = end_all(attach, &error);
    int status = result ? TW_EXIT_WRONG : exit_status(attach);
    if (result)
        tw_usage_error("attach", &error);
    for (size_t i = 0; i < attach->n_logs; i++) {
        tw_analysis_close(&attach->logs[i].analysis);
        free(attach->logs[i].path);
    }
    free(attach->logs);
    tw_rules_free(attach->rules);
    return status;
}

static int run(int argc, const char **argv)
{
    struct attach attach = {.colour = tw_terminal_has_colour(STDOUT_FILENO),
                            .width = tw_terminal_width(STDOUT_FILENO)};
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_attach, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char **paths = poptGetArgs(context);
    int status = TW_EXIT_WRONG;
    if (!paths)
        fputs("trainward attach: name a log, or a folder of logs\n", stderr);
    else if (!tw_common_load(&attach.config, "attach", false)) {
        tw_daemon_catch_signals();
        /* Who follows a run decides when to stop. */
        attach.config.limits.retire_after_silence = INFINITY;
        /* When the terminal or the reader of our output goes, there is nobody to tell. */
        signal(SIGHUP, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        status = attach_all(&attach, paths);
        tw_config_release(&attach.config);
    }
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_attach = {
    .name = "attach",
    .arguments = "[OPTIONS] PATH...",
    .summary = "follow runs that are going, and print advisories as they happen",
    .run = run,
};
