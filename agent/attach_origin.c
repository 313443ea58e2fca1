/* Looking for logs, now and again. */
#include "agent/attach_origin.h"

#include "agent/daemon.h"
#include "agent/find_logs.h"
#include "agent/rotated_name.h"
#include "agent/usage.h"

#include "sinks/terminal.h"
#include "sources/process_others.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For looking: of a processor, and of the time, which slow disks and others' work take, too. */
#define LOOK_SHARE .04
#define LOOK_SHARE_OF_TIME .2
/* A machine that was busy just then is no reason to wait for longer. */
#define LOOK_SECONDS_MAX 10.0
/* A step or an evaluation may take long, hardly so long. */
#define OLD_SECONDS 3600

/* ---- logs that are found ---- */

static bool has_refused(const struct tw_attach_origin *origin, const char *log)
{
    for (size_t i = 0; i < origin->refused.n; i++) {
        if (!strcmp(origin->refused.at[i], log))
            return true;
    }
    return false;
}

static int refuse(struct tw_attach_origin *origin, const char *log, const char *why,
                  struct tw_error *error)
{
    fputs("trainward attach: ", stderr);
    tw_terminal_print_clean(stderr, log, strlen(log));
    fputs(": is not followed: ", stderr);
    tw_terminal_print_clean(stderr, why, strlen(why));
    putc('\n', stderr);
    return tw_texts_add(&origin->refused, log) ? tw_error_set(error, -ENOMEM, "out of memory") : 0;
}

/* One that cannot be opened now keeps nobody from the others. */
static int follow(struct tw_attach_origin *origin, const struct tw_attach_log *wanted,
                  struct tw_error *error)
{
    struct tw_error why = {0};
    int result = tw_attach_add(origin->attach, wanted, &why);
    origin->has_log |= !result;
    if (result && result != -ENOMEM)
        return refuse(origin, wanted->path, why.text, error);
    if (result && error)
        *error = why;
    return result;
}

/* What we print ourselves may lie in the folder that is looked through. */
static bool is_our_output(const char *log)
{
    struct stat status, ours;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (!stat(log, &status) && !fstat(fd, &ours) && status.st_ino == ours.st_ino &&
            status.st_dev == ours.st_dev)
            return true;
    }
    return false;
}

/* What was rotated away was read under its name, or comes from before we began. */
static bool is_rotated(const struct tw_attach_origin *origin, const char *log)
{
    char name[4200];
    struct stat status;
    if (stat(log, &status) || !S_ISREG(status.st_mode) || !tw_rotated_name(name, sizeof name, log))
        return false;
    bool is_fresh = !stat(name, &status) && S_ISREG(status.st_mode) && !status.st_size;
    return is_fresh || tw_attach_knows(origin->attach, name);
}

static bool is_passed_over(const struct tw_attach_origin *origin, const char *log)
{
    return has_refused(origin, log) || is_rotated(origin, log) || is_our_output(log);
}

static int take_found(void *closure, const char *log, const char *named,
                      const struct tw_process_place *place, struct tw_error *error)
{
    struct tw_attach_origin *origin = closure;
    char reason[128];
    if (tw_attach_knows(origin->attach, log) || is_passed_over(origin, log))
        return 0;
    if (place->reason == TW_PLACE_FOLDER &&
        tw_process_is_written_by_others(TW_PROC, &origin->job.family, log))
        return refuse(origin, log, "another process writes it", error);
    snprintf(reason, sizeof reason, "%s, process %ld", tw_place_reason_name(place->reason),
             place->pid);
    const struct tw_attach_log wanted = {
        .path = log,
        .named = named,
        .reason = reason,
        .is_output = place->reason == TW_PLACE_OUTPUT || place->reason == TW_PLACE_PIPED,
        .owner = origin,
    };
    return follow(origin, &wanted, error);
}

/* ---- what is told of a process ---- */

static void print_clean(FILE *out, const char *text)
{
    tw_terminal_print_clean(out, text, strlen(text));
}

static void tell_process(const struct tw_attach_origin *origin)
{
    FILE *out = origin->attach->out;
    const struct tw_job *job = &origin->job;
    size_t children = job->family.n ? job->family.n - 1 : 0;
    fprintf(out, "process %ld (", job->process.pid);
    print_clean(out, job->process.name);
    fputs(") in ", out);
    print_clean(out, job->folder);
    if (children)
        fprintf(out, ", with %zu of its descendants", children);
    putc('\n', out);
    fflush(out);
}

static const char *name_lost_output(unsigned lost)
{
    if (lost & 1u << TW_FILE_PIPE)
        return "a pipe";
    if (lost & 1u << TW_FILE_TERMINAL)
        return "a terminal";
    if (lost & 1u << TW_FILE_SOCKET)
        return "a socket (a service's journal?)";
    if (lost & 1u << TW_FILE_NULL)
        return "/dev/null";
    return NULL;
}

/* A file of its output, where all of them are empty; else NULL. */
static const char *find_empty_output(const struct tw_job *job)
{
    const char *ret = NULL;
    struct stat status;
    for (size_t i = 0; i < job->places.n; i++) {
        const struct tw_process_place *place = &job->places.at[i];
        if (place->reason != TW_PLACE_OUTPUT && place->reason != TW_PLACE_PIPED)
            continue;
        if (stat(place->path, &status) || status.st_size)
            return NULL;
        ret = ret ? ret : place->path;
    }
    return ret;
}

static void tell_empty_output(const char *path)
{
    fputs("; its output ", stderr);
    print_clean(stderr, path);
    fputs(" is empty so far: Python holds back what it prints into a file or pipe, unless it is "
          "started with PYTHONUNBUFFERED=1",
          stderr);
}

/* A job that prints its losses only, where nobody else can read them. */
static void tell_none(struct tw_attach_origin *origin)
{
    const struct tw_job *job = &origin->job;
    const char *lost = name_lost_output(job->places.lost_outputs);
    const char *empty = find_empty_output(job);
    if (origin->has_log)
        return;
    fprintf(stderr,
            "trainward attach: process %ld: no training log so far in %zu files and "
            "folders that it writes or was told of",
            job->process.pid, job->places.n);
    if (empty)
        tell_empty_output(empty);
    else if (lost)
        fprintf(stderr,
                "; its output goes to %s, which cannot be read by others: start the job by "
                "'trainward attach --exec COMMAND', or send its output to a file",
                lost);
    fputs("; looking on\n", stderr);
}

static void tell_cut(struct tw_attach_origin *origin)
{
    if (!origin->job.cut_at || origin->has_told_cut)
        return;
    origin->has_told_cut = true;
    fprintf(stderr,
            "trainward attach: process %ld: a folder of its holds more than %u files, of which "
            "only the newest were looked at; a log that is missing can be named instead\n",
            origin->job.process.pid, origin->job.cut_at);
}

/* ---- looking ---- */

static void plan_next(struct tw_attach_origin *origin, double cost, double seconds)
{
    double least = origin->has_log ? TW_ATTACH_LOOK_SECONDS : TW_ATTACH_FIRST_LOOK_SECONDS;
    double share = fmax(cost / LOOK_SHARE, seconds / LOOK_SHARE_OF_TIME);
    double pause = fmin(share, LOOK_SECONDS_MAX);
    origin->next_look = tw_now_seconds() + fmax(pause, least);
}

/* A folder's own time tells nothing of what is written deeper in a store. */
static int64_t changed_at(const char *log)
{
    struct stat status;
    return tw_stat_log(log, &status) && S_ISREG(status.st_mode) ? (int64_t)status.st_mtime
                                                                : INT64_MAX;
}

/* Of a folder's runs those are over whose logs nobody has written for so long; the newest is
 * followed in any case. Once, all are judged. */
static int64_t find_oldest(const struct tw_attach_origin *origin, const struct tw_texts *logs)
{
    int64_t newest = INT64_MIN, recent = tw_wall_ms() / 1000 - OLD_SECONDS;
    if (origin->has_log && !origin->attach->is_once)
        return recent;
    for (size_t i = 0; i < logs->n && newest < recent && !origin->attach->is_once; i++) {
        int64_t changed = changed_at(logs->at[i]);
        newest = changed > newest ? changed : newest;
    }
    return newest < recent ? newest : recent;
}

static void tell_old(struct tw_attach_origin *origin, size_t n)
{
    FILE *out = origin->attach->out;
    if (!n || origin->has_told_old)
        return;
    origin->has_told_old = true;
    fprintf(out, "%zu more log%s in ", n, n == 1 ? "" : "s");
    print_clean(out, origin->path);
    fprintf(out,
            " not written for %d minutes: left until %s written again ('trainward analyze' "
            "judges what is there)\n",
            OLD_SECONDS / 60, n == 1 ? "it is" : "they are");
    fflush(out);
}

/* Of logs that are judged once one is open at a time: there may be more than descriptors. */
static int follow_or_read(struct tw_attach_origin *origin, const char *log, struct tw_error *error)
{
    struct tw_attach *attach = origin->attach;
    const struct tw_attach_log wanted = {.path = log, .named = origin->path, .owner = origin};
    size_t before = attach->n_logs;
    int result = follow(origin, &wanted, error);
    if (result || !attach->is_once || attach->n_logs == before)
        return result;
    return tw_attach_read_newest(attach, tw_daemon_is_stopping, error);
}

static int take_new(struct tw_attach_origin *origin, const struct tw_texts *logs,
                    struct tw_error *error)
{
    int64_t oldest = find_oldest(origin, logs);
    size_t n_old = 0;
    int result = 0;
    for (size_t i = 0; i < logs->n && !result && !tw_daemon_is_stopping(); i++) {
        const char *log = logs->at[i];
        if (tw_attach_knows(origin->attach, log))
            origin->has_log = true;
        else if (changed_at(log) < oldest)
            n_old++;
        else if (!is_passed_over(origin, log))
            result = follow_or_read(origin, log, error);
    }
    tell_old(origin, n_old);
    return result;
}

/* All that lies below a store or a run directory is part of it. */
static enum tw_log_shape shape_of(const void *attach, const char *path)
{
    const struct tw_followed *log = tw_attach_find(attach, path);
    if (!log)
        return TW_SHAPE_NONE;
    bool is_whole = log->is_store || log->analysis.source == tw_source_find("run_directory");
    return is_whole ? TW_SHAPE_STORE : TW_SHAPE_FILES;
}

static int look_at_path(struct tw_attach_origin *origin, struct tw_error *error)
{
    struct tw_texts found = {0};
    double begun = tw_now_seconds(), cost = tw_thread_seconds();
    int result = tw_find_logs_again(&found, origin->path, shape_of, origin->attach, error);
    if (!result)
        result = take_new(origin, &found, error);
    tw_texts_release(&found);
    plan_next(origin, tw_thread_seconds() - cost, tw_now_seconds() - begun);
    return result;
}

/* A folder that has gone, or cannot be read at the moment, keeps nobody from its logs. */
static int look_again(struct tw_attach_origin *origin, struct tw_error *error)
{
    struct tw_error why = {0};
    int result = look_at_path(origin, &why);
    if (result == -ENOMEM && error)
        *error = why;
    if (result == -ENOMEM)
        return result;
    if (result && !origin->has_told_trouble)
        tw_usage_error("attach", &why);
    origin->has_told_trouble = result != 0;
    return 0;
}

static int look_at_process(struct tw_attach_origin *origin, bool has_ended, struct tw_error *error)
{
    struct tw_error why = {0};
    double begun = tw_now_seconds(), cost = tw_thread_seconds();
    int result = tw_job_look(&origin->job, take_found, origin, &why);
    if (result && result != -ESRCH) { /* it may go in the middle of a look */
        if (error)
            *error = why;
        return result;
    }
    plan_next(origin, tw_thread_seconds() - cost, tw_now_seconds() - begun);
    tell_cut(origin);
    if (has_ended) {
        origin->is_over = true;
        tw_attach_no_more(origin->attach, origin);
    }
    return 0;
}

bool tw_attach_is_waiting(const struct tw_attach_origin *origin)
{
    return !origin->is_over && !(origin->path && origin->has_log);
}

/* Its end is seen at once. */
static bool has_just_gone(struct tw_attach_origin *origin)
{
    if (origin->path || origin->is_process_gone)
        return false;
    origin->is_process_gone = !tw_process_is_alive(TW_PROC, &origin->job.process);
    return origin->is_process_gone;
}

int tw_attach_look(struct tw_attach_origin *origin, struct tw_error *error)
{
    if (origin->is_over || (!has_just_gone(origin) && tw_now_seconds() < origin->next_look))
        return 0;
    return origin->path ? look_again(origin, error)
                        : look_at_process(origin, tw_job_has_ended(&origin->job), error);
}

/* ---- the start ---- */

int tw_attach_process(struct tw_attach_origin *ret, struct tw_attach *attach, long pid,
                      struct tw_error *error)
{
    ret->attach = attach;
    int result = tw_job_open(&ret->job, pid, error);
    if (result)
        return result;
    tell_process(ret);
    result = look_at_process(ret, tw_job_has_ended(&ret->job), error);
    if (!result && !ret->is_over)
        tell_none(ret);
    return result;
}

int tw_attach_command(struct tw_attach_origin *ret, struct tw_attach *attach, long pid,
                      struct tw_error *error)
{
    struct tw_error why = {0};
    ret->attach = attach;
    int result = tw_job_open(&ret->job, pid, &why);
    if (!result)
        return look_at_process(ret, false, error);
    ret->is_over = true;
    if (result != -ESRCH && error)
        *error = why;
    return result == -ESRCH ? 0 : result; /* it was that quick */
}

int tw_attach_look_last(struct tw_attach_origin *origin, struct tw_error *error)
{
    int result = origin->is_over ? 0 : look_at_process(origin, true, error);
    tw_attach_no_more(origin->attach, origin);
    return result;
}

/* What is named must be there. */
static int start_file(struct tw_attach_origin *origin, struct tw_error *error)
{
    const struct tw_attach_log wanted = {
        .path = origin->path, .named = origin->path, .owner = origin, .is_named = true};
    bool is_followed = tw_attach_knows(origin->attach, origin->path);
    origin->is_over = true;
    int result = is_followed ? 0 : tw_attach_add(origin->attach, &wanted, error);
    origin->has_log = !result;
    return result;
}

int tw_attach_path(struct tw_attach_origin *ret, struct tw_attach *attach, const char *path,
                   struct tw_error *error)
{
    struct stat status;
    ret->attach = attach;
    ret->path = path;
    if (stat(path, &status))
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
        return tw_error_at(error, -EINVAL, path, 0, 0,
                           "is a pipe or a device; only files and folders are read: run the job by "
                           "'trainward attach --exec COMMAND', or send its output to a file");
    if (!S_ISDIR(status.st_mode))
        return start_file(ret, error);
    int result = look_at_path(ret, error);
    if (!result && !ret->has_log) {
        fputs("following ", attach->out);
        print_clean(attach->out, path);
        fputs(" (no log in it so far)\n", attach->out);
        fflush(attach->out);
    }
    return result;
}

void tw_attach_origin_release(struct tw_attach_origin *origin)
{
    tw_job_close(&origin->job);
    tw_texts_release(&origin->refused);
}
