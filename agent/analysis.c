/* Reading one log through a source into a watch. */
#include "agent/analysis.h"

#include "agent/find_logs.h"
#include "agent/read_ahead.h"

#include "sources/logs/format_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Items of a log that one thread takes sooner than a second one is there. */
enum { FEW = 4096 };

/* Why no source takes it. */
static int refuse(const char *path, struct tw_error *error)
{
    struct stat status;
    bool is_there = !stat(path, &status), is_file = is_there && S_ISREG(status.st_mode);
    if (is_there && !is_file && !S_ISDIR(status.st_mode))
        return tw_error_at(error, -ENOMSG, path, 0, 0,
                           "is a pipe or a device; only files and folders are read");
    if (is_file && access(path, R_OK))
        return tw_error_at(error, -ENOMSG, path, 0, 0, "may not be read");
    int result = is_file ? tw_log_format_fault(path, error) : 0;
    return result ? result
                  : tw_error_at(error, -ENOMSG, path, 0, 0,
                                "is no training log that can be read; docs/logs.md lists what is");
}

static int open_source(struct tw_analysis *analysis, const struct tw_source_request *request,
                       struct tw_error *error)
{
    analysis->source = tw_source_probe(analysis->path, request->map);
    if (!analysis->source && request->follow)
        analysis->source = tw_source_find("run_directory"); /* may be empty as yet */
    if (!analysis->source)
        return refuse(analysis->path, error);
    return analysis->source->open(&analysis->handle, request, error);
}

int tw_analysis_open_log(struct tw_analysis *analysis, const struct tw_source_request *request,
                         const struct tw_watch_options *options, struct tw_error *error)
{
    struct stat status;
    const char *path = request->path;
    *analysis = (struct tw_analysis){.path = path, .follow = request->follow};
    int result = open_source(analysis, request, error);
    if (!result)
        result = tw_watch_open(&analysis->watch, options, error);
    if (result) {
        tw_error_add_place(error, path);
        tw_analysis_close(analysis);
        return result;
    }
    if (tw_stat_log(path, &status))
        analysis->time_base_ms = (int64_t)status.st_mtime * 1000;
    tw_watch_set_time_base(analysis->watch, analysis->time_base_ms);
    return 0;
}

int tw_analysis_open(struct tw_analysis *analysis, const char *path, bool follow,
                     const struct tw_watch_options *options, struct tw_error *error)
{
    struct tw_source_request request = {.path = path, .follow = follow};
    return tw_analysis_open_log(analysis, &request, options, error);
}

/* A file that is there may be empty as yet. */
static bool is_there(const char *path)
{
    struct stat status;
    return tw_stat_log(path, &status) || (!stat(path, &status) && S_ISREG(status.st_mode));
}

/* A file may hold several runs: the end of one is not that of the others. */
static bool goes_on(const struct tw_analysis *analysis)
{
    const struct tw_run *run = NULL;
    bool all_ended = true;
    while ((run = tw_watch_next(analysis->watch, run)))
        all_ended &= run->core.ended;
    return analysis->follow && !all_ended && is_there(analysis->path);
}

static void pause_for(double seconds)
{
    struct timespec pause = {.tv_sec = (time_t)seconds};
    pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
    if (seconds > 0)
        nanosleep(&pause, NULL);
}

static void note_position(struct tw_analysis *analysis, const struct tw_position *position)
{
    if (position->offset < analysis->position.offset) {
        analysis->rewinds++;
        tw_watch_rewind(analysis->watch);
    }
    analysis->position = *position;
}

static void note_skip(struct tw_analysis *analysis, const struct tw_source_item *item)
{
    if (analysis->skipped++ == 0)
        snprintf(analysis->first_skip, sizeof analysis->first_skip, "%.200s (byte %lld)",
                 item->reason, (long long)item->position.offset);
}

static int take(void *closure, int next, struct tw_source_item *item, struct tw_error *error)
{
    struct tw_analysis *analysis = closure;
    note_position(analysis, &item->position);
    if (next == TW_NEXT_BROKEN) {
        note_skip(analysis, item);
        return 0;
    }
    analysis->records++;
    return tw_watch_record(analysis->watch, item->record, &item->position, error);
}

int tw_analysis_step(struct tw_analysis *analysis, double timeout_seconds, struct tw_error *error)
{
    struct tw_source_item item;
    tw_source_item_clear(&item);
    int next = analysis->source->next(analysis->handle, timeout_seconds, &item, error);
    if (next == TW_NEXT_END && goes_on(analysis)) {
        pause_for(timeout_seconds);
        return TW_NEXT_WAIT;
    }
    int result = 0;
    if (next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN)
        result = take(analysis, next, &item, error);
    return result ? result : next;
}

void tw_analysis_no_more(struct tw_analysis *analysis)
{
    analysis->follow = false;
    if (analysis->source->no_more)
        analysis->source->no_more(analysis->handle);
}

int tw_analysis_finish(struct tw_analysis *analysis, struct tw_error *error)
{
    int result = 0;
    struct tw_run *run = NULL;
    while (!result && (run = tw_watch_next(analysis->watch, run)))
        result = tw_watch_end(analysis->watch, run, error);
    return result;
}

/* Goes on to the end with two threads, or with one. */
static int read_on(struct tw_analysis *analysis, struct tw_error *error)
{
    struct tw_read_ahead *ahead = tw_read_ahead_open(analysis->source, analysis->handle);
    int next = TW_NEXT_RECORD;
    if (ahead)
        next = tw_read_ahead_run(ahead, take, analysis, error);
    tw_read_ahead_close(ahead);
    while (next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN)
        next = tw_analysis_step(analysis, 0, error);
    return next;
}

int tw_analysis_read_all(struct tw_analysis *analysis, struct tw_error *error)
{
    int next = TW_NEXT_RECORD;
    struct stat status;
    for (unsigned i = 0; i < FEW && (next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN); i++)
        next = tw_analysis_step(analysis, 0, error);
    if (next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN)
        next = read_on(analysis, error);
    if (next < 0)
        return next;
    if (analysis->records)
        return tw_analysis_finish(analysis, error);
    bool is_empty = !tw_stat_log(analysis->path, &status) || !status.st_size;
    return tw_error_at(error, -ENODATA, analysis->path, 0, 0, "holds no training record%s%s%s",
                       is_empty ? " (it is empty)" : "", analysis->skipped ? "; " : "",
                       analysis->first_skip);
}

void tw_analysis_close_log(struct tw_analysis *analysis)
{
    if (analysis->source && analysis->handle)
        analysis->source->close(analysis->handle);
    analysis->handle = NULL;
}

void tw_analysis_close(struct tw_analysis *analysis)
{
    tw_analysis_close_log(analysis);
    tw_watch_close(analysis->watch);
    analysis->watch = NULL;
}

const char *tw_analysis_format(const struct tw_analysis *analysis, char *buffer, size_t size)
{
    struct stat status;
    char file[4200];
    if (analysis->source->format) {
        snprintf(buffer, size, "%s", analysis->source->format(analysis->handle));
        return buffer;
    }
    const char *form = strstr(analysis->path, ".cbor") ? "cbor" : "jsonl";
    snprintf(file, sizeof file, "%s/telemetry.cbor", analysis->path);
    if (!stat(file, &status))
        form = "cbor";
    snprintf(buffer, size, "%s/%s", analysis->source->name, form);
    return buffer;
}
