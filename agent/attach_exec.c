/* Runs a command and watches it: its output is a log or two, and it is a process like others. */
#include "agent/attach_exec.h"

#include "agent/attach_origin.h"
#include "agent/job_command.h"
#include "agent/usage.h"
#include "agent/verdict_status.h"

#include "sources/logs/tree.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define WAIT_SECONDS .25
/* A format that is not sure is taken when there is so much of the output, or after so long. */
#define DOUBT_BYTES 4096
#define DOUBT_SECONDS 3.0

struct watched_stream {
    struct tw_followed *log; /* NULL: is not known to be one */
    off_t looked_at;         /* its size then */
    double since;            /* the first byte came */
};

struct exec {
    struct tw_attach *attach;
    char *const *argv;
    struct tw_job_output *output;
    struct watched_stream streams[TW_JOB_STREAMS_MAX];
    struct tw_attach_origin origin; /* the command as a process */
    pid_t pid;
    int status; /* the command's */
};

/* ---- output as a log ---- */

/* A run is called by the script that is run, else by the program. */
static const char *run_name(char *const *argv)
{
    const char *name = argv[0];
    for (size_t i = 0; argv[i]; i++) {
        const char *dot = strrchr(argv[i], '.');
        if (argv[i][0] != '-' && dot && (!strcmp(dot, ".py") || !strcmp(dot, ".sh"))) {
            name = argv[i];
            break;
        }
    }
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

/* By the command's own end there is nothing to wait for. */
static bool is_sure_enough(const struct watched_stream *stream, int sure, bool has_ended)
{
    bool is_settled = has_ended || stream->looked_at >= DOUBT_BYTES ||
                      tw_now_seconds() - stream->since >= DOUBT_SECONDS;
    return sure >= TW_LOG_SURE_IN_TREE || (is_settled && sure >= TW_LOG_SURE_WHEN_NAMED);
}

static int add_stream(struct exec *exec, size_t i, struct tw_error *error)
{
    const char *name = tw_job_output_name(exec->output, i);
    const struct tw_attach_log wanted = {
        .path = tw_job_output_path(exec->output, i),
        .shown = name,
        .run = run_name(exec->argv),
        .reason = "of the command",
        .is_output = true,
        .owner = &exec->origin,
    };
    tw_job_output_is_log(exec->output, i);
    int result = tw_attach_add(exec->attach, &wanted, error);
    if (!result)
        exec->streams[i].log = exec->attach->logs[exec->attach->n_logs - 1];
    return result;
}

/* Looks at output that has grown, until it is known for a log. */
static int look_at_stream(struct exec *exec, size_t i, bool has_ended, struct tw_error *error)
{
    struct watched_stream *stream = &exec->streams[i];
    struct stat status;
    const char *path = tw_job_output_path(exec->output, i);
    if (stream->log || stat(path, &status) || !status.st_size)
        return 0;
    if (stream->since == 0)
        stream->since = tw_now_seconds();
    bool is_in_doubt = tw_now_seconds() - stream->since < 2 * DOUBT_SECONDS;
    if (status.st_size == stream->looked_at && !is_in_doubt && !has_ended)
        return 0;
    stream->looked_at = status.st_size;
    return is_sure_enough(stream, tw_log_group_probe(path, NULL), has_ended)
               ? add_stream(exec, i, error)
               : 0;
}

static int look_at_output(struct exec *exec, bool has_ended, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; tw_job_output_path(exec->output, i) && !result; i++)
        result = look_at_stream(exec, i, has_ended, error);
    return result;
}

static void release_what_was_read(struct exec *exec)
{
    for (size_t i = 0; tw_job_output_path(exec->output, i); i++) {
        const struct tw_followed *log = exec->streams[i].log;
        if (log)
            tw_job_output_was_read(exec->output, i, log->analysis.position.offset);
    }
}

/* ---- following ---- */

static void pause_for(double seconds)
{
    struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
    nanosleep(&pause, NULL); /* a signal may end it */
}

static int watch_once(struct exec *exec, struct tw_error *error)
{
    int result = look_at_output(exec, false, error);
    if (!result)
        result = tw_attach_look(&exec->origin, error);
    if (result)
        return result;
    long going = tw_attach_follow(exec->attach, WAIT_SECONDS, error);
    release_what_was_read(exec);
    if (going == 0)
        pause_for(WAIT_SECONDS);
    return going < 0 ? (int)going : 0;
}

/* After its end: the rest of everything. */
static int watch_rest(struct exec *exec, struct tw_error *error)
{
    int result = look_at_output(exec, true, error);
    if (!result)
        result = tw_attach_look_last(&exec->origin, error);
    long going = result ? result : 1;
    while (going > 0)
        going = tw_attach_follow(exec->attach, 0, error);
    return going < 0 ? (int)going : tw_attach_end(exec->attach, error);
}

static int watch(struct exec *exec, struct tw_error *error)
{
    int result = tw_attach_command(&exec->origin, exec->attach, exec->pid, error);
    while (!tw_job_command_has_ended(exec->pid, exec->output, &exec->status)) {
        if (result)
            pause_for(WAIT_SECONDS);
        else
            result = watch_once(exec, error);
    }
    int finished = tw_job_output_finish(exec->output, result ? NULL : error);
    if (result)
        return result;
    result = watch_rest(exec, finished ? NULL : error);
    return finished ? finished : result;
}

/* ---- the end ---- */

static int exit_status(const struct exec *exec)
{
    if (exec->status)
        return exec->status;
    if (tw_job_output_is_lost(exec->output))
        return TW_EXIT_WRONG;
    /* A job that did its work has not failed because nobody could judge it. */
    return tw_attach_has_problem(exec->attach) ? TW_EXIT_PROBLEM : 0;
}

int tw_attach_exec(struct tw_attach *attach, char *const *argv)
{
    struct exec exec = {.attach = attach, .argv = argv};
    struct tw_error error = {0};
    int result = tw_job_output_open(&exec.output, &error);
    bool is_ready = !result;
    if (is_ready)
        result = tw_job_command_start(&exec.pid, argv, exec.output, &error);
    if (result) {
        tw_usage_error("attach", &error);
        tw_job_output_close(exec.output);
        return is_ready && result == -ENOENT ? TW_EXIT_NOT_FOUND : TW_EXIT_NOT_RUN;
    }
    result = tw_job_output_start(exec.output, &error);
    if (!result)
        result = watch(&exec, &error);
    if (result)
        tw_usage_error("attach", &error);
    else if (!attach->n_logs)
        fputs("trainward attach: no training log was found, neither in the output nor in files\n",
              stderr);
    int status = exit_status(&exec);
    tw_job_output_close(exec.output);
    tw_attach_origin_release(&exec.origin);
    return status;
}
