/* From the places where a job may write to the logs that lie there. */
#include "agent/job_logs.h"

#include "agent/find_logs.h"

#include "sources/logs/tree.h"
#include "sources/process_others.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct look {
    struct tw_job *job;
    tw_job_found *found;
    void *closure;
    struct tw_error *error;
};

/* Both look like processes, and have no files. */
static int refuse_empty(const struct tw_process *process, struct tw_error *error)
{
    char place[64];
    snprintf(place, sizeof place, "process %ld", process->pid);
    if (process->state == 'Z' || process->state == 'X')
        return tw_error_at(error, -ESRCH, place, 0, 0, "has ended; its log can be named instead");
    if (process->is_kernel)
        return tw_error_at(error, -EINVAL, place, 0, 0,
                           "is a thread of the kernel, which trains nothing");
    return 0;
}

int tw_job_open(struct tw_job *ret, long pid, struct tw_error *error)
{
    *ret = (struct tw_job){0};
    int result = tw_process_read(&ret->process, TW_PROC, pid, error);
    if (!result)
        result = refuse_empty(&ret->process, error);
    if (!result)
        result = tw_process_folder(ret->folder, sizeof ret->folder, TW_PROC, pid, error);
    if (result)
        return result;
    ret->started = tw_process_started(&ret->process);
    ret->family.n = 1;
    ret->family.at[0] = ret->process;
    tw_process_family(&ret->family, TW_PROC);
    return 0;
}

void tw_job_close(struct tw_job *job)
{
    tw_process_places_release(&job->places);
}

/* ---- a look ---- */

static int tell(struct look *look, const char *log, const struct tw_process_place *place)
{
    size_t length = strlen(look->job->folder);
    bool is_below = !strncmp(log, look->job->folder, length) && log[length] == '/';
    const char *named = is_below ? look->job->folder : place->is_folder ? place->path : log;
    return look->found(look->closure, log, named, place, look->error);
}

static int look_at_file(struct look *look, const struct tw_process_place *place)
{
    char log[4200];
    /* What it writes out is a log if anything is; of other files that must be plain. */
    bool is_likely = place->reason == TW_PLACE_OUTPUT || place->reason == TW_PLACE_PIPED ||
                     place->reason == TW_PLACE_ARGUMENT;
    int sure = is_likely ? TW_LOG_SURE_WHEN_NAMED : TW_LOG_SURE_IN_TREE;
    return tw_log_that_holds(log, sizeof log, place->path, sure) ? tell(look, log, place) : 0;
}

static int look_below(struct look *look, const struct tw_process_place *place)
{
    struct tw_texts logs = {0};
    bool is_named = place->reason != TW_PLACE_FOLDER;
    struct tw_log_search search = {
        .changed_since = look->job->started,
        .depth_max = TW_JOB_DEPTH,
        .entries_max = is_named ? TW_JOB_NAMED_ENTRIES : TW_JOB_ENTRIES,
    };
    /* A folder that cannot be read, or has gone, hides no others. */
    int result = 0;
    tw_find_logs_within(&logs, place->path, &search, NULL);
    for (size_t i = 0; i < logs.n && !result; i++)
        result = tell(look, logs.at[i], place);
    if (search.is_cut && search.entries_max > look->job->cut_at)
        look->job->cut_at = search.entries_max;
    tw_texts_release(&logs);
    return result;
}

/* As they are now, or were when the job was last there. */
static int find_places(struct tw_job *job, struct tw_error *error)
{
    struct tw_process_places places;
    tw_process_family(&job->family, TW_PROC);
    if (!job->family.n)
        return 0;
    int result = tw_process_places_find(&places, TW_PROC, &job->family, error);
    if (result)
        return result;
    tw_process_places_release(&job->places);
    job->places = places;
    return 0;
}

int tw_job_look(struct tw_job *job, tw_job_found *found, void *closure, struct tw_error *error)
{
    struct look look = {job, found, closure, error};
    struct tw_error why = {0};
    int result = find_places(job, &why);
    /* One that has just ended is looked at no more. */
    if (result && tw_process_is_alive(TW_PROC, &job->process)) {
        if (error)
            *error = why;
        return result;
    }
    result = 0;
    for (size_t i = 0; i < job->places.n && !result; i++) {
        const struct tw_process_place *place = &job->places.at[i];
        result = place->is_folder ? look_below(&look, place) : look_at_file(&look, place);
    }
    return result;
}

/* ---- the end ---- */

static bool has_log_open(const struct tw_job *job)
{
    for (size_t i = 0; i < job->places.n; i++) {
        const struct tw_process_place *place = &job->places.at[i];
        char log[4200];
        if (!place->is_folder && place->reason <= TW_PLACE_OUTPUT &&
            tw_log_that_holds(log, sizeof log, place->path, TW_LOG_SURE_WHEN_NAMED))
            return true;
    }
    return false;
}

bool tw_job_has_ended(struct tw_job *job)
{
    if (tw_process_is_alive(TW_PROC, &job->process))
        return false;
    tw_process_family(&job->family, TW_PROC);
    if (!job->family.n)
        return true;
    return find_places(job, NULL) || !has_log_open(job);
}
