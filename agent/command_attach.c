/* trainward attach: follows runs that are going, prints each advisory as it happens, and a summary
 * when they end. */
#include "agent/commands.h"

#include "agent/attach.h"
#include "agent/attach_exec.h"
#include "agent/attach_origin.h"
#include "agent/daemon.h"
#include "agent/load_rules.h"
#include "agent/usage.h"
#include "agent/verdict_status.h"

#include "sinks/terminal.h"

#include <ctype.h>
#include <math.h>
#include <popt.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_SECONDS .25

struct origins {
    size_t n;
    struct tw_attach_origin *at;
};

/* ---- following ---- */

static bool is_waiting(const struct origins *origins)
{
    for (size_t i = 0; i < origins->n; i++) {
        if (tw_attach_is_waiting(&origins->at[i]))
            return true;
    }
    return false;
}

static int look_all(const struct origins *origins, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < origins->n && !result; i++)
        result = tw_attach_look(&origins->at[i], error);
    return result;
}

static int follow_all(struct tw_attach *attach, const struct origins *origins,
                      struct tw_error *error)
{
    long going = 1;
    while ((going || is_waiting(origins)) && !tw_daemon_is_stopping()) {
        int result = look_all(origins, error);
        if (result)
            return result;
        going = tw_attach_follow(attach, WAIT_SECONDS, error);
        if (going < 0)
            return (int)going;
        if (!going && is_waiting(origins))
            tw_daemon_pause(WAIT_SECONDS);
    }
    return 0;
}

/* What is there now, to its end. */
static int read_all(struct tw_attach *attach, const struct origins *origins, struct tw_error *error)
{
    long going = 1;
    for (size_t i = 0; i < origins->n; i++)
        tw_attach_no_more(attach, &origins->at[i]);
    while (going > 0 && !tw_daemon_is_stopping())
        going = tw_attach_follow(attach, 0, error);
    return going < 0 ? (int)going : 0;
}

/* ---- what is named ---- */

static long pid_of(const char *word)
{
    struct stat status;
    char path[64];
    char *end;
    long pid = strtol(word, &end, 10);
    if (!isdigit((unsigned char)word[0]) || *end || pid <= 0)
        return 0;
    /* A folder may be called by a number, such as a job's; "./123" names it in any case. */
    snprintf(path, sizeof path, TW_PROC "/%ld", pid);
    return stat(path, &status) && !stat(word, &status) ? 0 : pid;
}

static int start_all(struct tw_attach *attach, struct origins *origins, const char **words,
                     struct tw_error *error)
{
    int result = 0;
    for (; *words && !result; words++) {
        struct tw_attach_origin *origin = &origins->at[origins->n++];
        long pid = pid_of(*words);
        result = pid ? tw_attach_process(origin, attach, pid, error)
                     : tw_attach_path(origin, attach, *words, error);
    }
    return result;
}

static void tell_no_log(const struct origins *origins)
{
    for (size_t i = 0; i < origins->n; i++) {
        const struct tw_attach_origin *origin = &origins->at[i];
        char name[64];
        snprintf(name, sizeof name, "process %ld", origin->job.process.pid);
        if (!origin->has_log)
            fprintf(stderr, "trainward attach: %s: no training log was found\n",
                    origin->path ? origin->path : name);
    }
}

static int attach_all(struct tw_attach *attach, struct origins *origins, const char **words)
{
    struct tw_error error = {0};
    int result = tw_load_rules(&attach->rules, &attach->config, &error);
    if (!result)
        result = start_all(attach, origins, words, &error);
    if (!result && attach->is_once)
        result = read_all(attach, origins, &error);
    else if (!result)
        result = follow_all(attach, origins, &error);
    if (!result)
        result = tw_attach_end(attach, &error);
    if (result) {
        tw_usage_error("attach", &error);
        return TW_EXIT_WRONG;
    }
    if (attach->n_logs)
        return tw_attach_status(attach);
    tell_no_log(origins);
    return TW_EXIT_WRONG;
}

/* ---- the command line ---- */

static int is_once, has_command;

static const struct poptOption options[] = {
    {"once", '\0', POPT_ARG_NONE, &is_once, 0, "judge what is there now, print the summary and end",
     NULL},
    {"exec", '\0', POPT_ARG_NONE, &has_command, 0,
     "run a command and watch it: all that follows is the command and its arguments", NULL},
    TW_COMMON_OPTIONS,
    TW_MAP_OPTION,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int attach_words(struct tw_attach *attach, const char **words)
{
    struct origins origins = {0};
    size_t n = 0;
    while (words[n])
        n++;
    origins.at = calloc(n, sizeof *origins.at);
    int status = origins.at ? attach_all(attach, &origins, words) : TW_EXIT_WRONG;
    for (size_t i = 0; i < origins.n; i++)
        tw_attach_origin_release(&origins.at[i]);
    free(origins.at);
    tw_attach_release(attach);
    tw_rules_free(attach->rules);
    return status;
}

static int follow_words(struct tw_attach *attach, const char **words)
{
    tw_daemon_catch_signals();
    tw_daemon_raise_descriptors();
    /* When the terminal or the reader of our output goes, there is nobody to tell. */
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    return attach_words(attach, words);
}

/* Its output is the command's alone: we tell what we tell on standard error. */
static int run_command(struct tw_attach *attach, char *const *command)
{
    struct tw_error error = {0};
    int status = TW_EXIT_WRONG;
    attach->out = stderr;
    /* On a terminal the command's progress bar may stand in the line. */
    attach->prefix = isatty(STDERR_FILENO) ? "\ntrainward: " : "trainward: ";
    attach->colour = tw_terminal_has_colour(STDERR_FILENO);
    attach->width = tw_terminal_width(STDERR_FILENO);
    attach->wraps = isatty(STDERR_FILENO);
    if (tw_load_rules(&attach->rules, &attach->config, &error))
        tw_usage_error("attach", &error);
    else
        status = tw_attach_exec(attach, command);
    tw_attach_release(attach);
    tw_rules_free(attach->rules);
    return status;
}

/* Where the command begins in `argv`, `argc` where there is none. Its options are its own, so that
 * they are cut off before ours are read. */
static int find_command(int argc, const char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--exec"))
            return i + 1;
    }
    return argc;
}

static const char *find_mistake(const char **words, const char **command)
{
    if (!has_command)
        return words ? NULL : "name a process, a log, or a folder of logs";
    if (!*command)
        return "--exec: name the command that is to be run";
    if (words)
        return "--exec: a command is watched alone";
    return is_once ? "--exec: a command is watched to its end; leave --once out" : NULL;
}

static int attach_either(struct tw_attach *attach, const char **words, const char **command)
{
    const char *mistake = find_mistake(words, command);
    if (mistake) {
        fprintf(stderr, "trainward attach: %s\n", mistake);
        return TW_EXIT_WRONG;
    }
    if (tw_common_load(&attach->config, "attach", false))
        return TW_EXIT_WRONG;
    /* Who follows a run decides when to stop. */
    attach->config.limits.retire_after_silence = INFINITY;
    int status = has_command ? run_command(attach, (char *const *)(uintptr_t)command)
                             : follow_words(attach, words);
    tw_config_release(&attach->config);
    return status;
}

static int run(int argc, const char **argv)
{
    struct tw_attach attach = {.out = stdout,
                               .prefix = "",
                               .colour = tw_terminal_has_colour(STDOUT_FILENO),
                               .width = tw_terminal_width(STDOUT_FILENO),
                               .wraps = isatty(STDOUT_FILENO)};
    poptContext context;
    int ours = find_command(argc, argv);
    const char **command = argv + ours;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_attach, ours, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    if (ours < argc && *command && !strcmp(*command, "--"))
        command++;
    attach.is_once = is_once;
    int status = attach_either(&attach, poptGetArgs(context), command);
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_attach = {
    .name = "attach",
    .arguments = "[OPTIONS] PID|PATH... | [OPTIONS] --exec COMMAND...",
    .summary = "follow runs that are going, and print advisories as they happen",
    .run = run,
};
