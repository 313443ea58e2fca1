/* The feed of a directory: every run directory below it is followed; new ones are looked for every
 * other second, and one whose run ended is opened again when its log grows. */
#include "agent/feed.h"

#include "agent/analysis.h"
#include "agent/find_runs.h"
#include "agent/feed_wait.h"
#include "agent/heartbeat.h"
#include "agent/known_logs.h"
#include "agent/logging.h"
#include "agent/silence.h"
#include "agent/snapshot.h"
#include "agent/state_files.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <utlist.h>

#define LOGS_MAX 4096 /* open at once */
#define LOOK_SECONDS 2
/* Of one round, for looking and for reading each: then others have their turn, and it is seen
 * whether the agent is to stop. What is left comes in the next. */
#define SHARE_SECONDS .5
/* What an open log is taken to need of limits.memory: a run with layers, and its readers' buffers.
 */
#define LOG_BYTES 65536.

/* An open log. */
struct log {
    struct tw_known_log *known;
    const char *path; /* borrowed */
    bool is_dirty;
    struct tw_analysis analysis;
    struct tw_position position;
    uint64_t inode, rewinds; /* of the file that the position is in */
    uint64_t told_repeats;   /* of the watch's, in the figures already */
    struct tw_silence silence;
    bool has_drained;        /* since its newest tick */
    struct log *prev, *next; /* in order of opening */
};

/* A look at the directory. It goes on from round to round: opening thousands of logs takes a
 * minute. */
struct look {
    bool is_on;
    struct tw_texts paths;
    size_t done;       /* of these */
    size_t waiting;    /* logs that were found and not opened, as enough are open */
    char trouble[160]; /* why logs are not watched, not their own fault */
};

struct directory_feed {
    struct tw_feed feed;
    struct tw_feed_services *services;
    const struct tw_directory_config *directory;
    struct tw_state_files *states;
    struct tw_known_logs known;
    struct log *logs; /* the open ones */
    size_t n_open, open_max;
    struct log *next;            /* has the next turn; NULL: the first */
    struct look look, last_look; /* the present one, and the newest that saw all */
    bool has_looked;             /* there is such a one */
    char told_trouble[160];
    double next_look;
    struct tw_source_figures *figures;
};

/* ---- saved state: what the log is, then [size][snapshot] for each of its runs ---- */

struct saved {
    int64_t offset, time_base_ms;
    uint64_t inode;
    uint32_t runs;
    uint32_t index;
};

static int append(unsigned char **data, size_t *size, const void *more, size_t n)
{
    unsigned char *grown = realloc(*data, *size + n);
    if (!grown)
        return -ENOMEM;
    memcpy(grown + *size, more, n);
    *data = grown;
    *size += n;
    return 0;
}

static int append_run(unsigned char **data, size_t *size, const struct tw_run *run,
                      const struct tw_settings *settings)
{
    size_t run_size;
    unsigned char *bytes = tw_snapshot_save(run, settings, &run_size);
    uint64_t told = run_size;
    int result = bytes ? append(data, size, &told, sizeof told) : -ENOMEM;
    if (!result)
        result = append(data, size, bytes, run_size);
    free(bytes);
    return result;
}

static int save_log(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    unsigned char *data = NULL;
    size_t size = 0;
    struct saved saved = {.offset = log->position.offset,
                          .index = log->position.index,
                          .time_base_ms = log->analysis.time_base_ms,
                          .inode = log->inode};
    struct tw_run *run = NULL;
    while ((run = tw_watch_next(log->analysis.watch, run)))
        saved.runs++;
    int result = append(&data, &size, &saved, sizeof saved);
    while (!result && (run = tw_watch_next(log->analysis.watch, run)))
        result = append_run(&data, &size, run, &feed->services->config->settings);
    if (result)
        tw_error_set(error, result, "out of memory");
    else
        result = tw_state_files_put(feed->states, log->path, data, size, error);
    free(data);
    if (!result)
        log->is_dirty = false;
    feed->figures->snapshots += !result;
    feed->figures->snapshot_bytes += result ? 0 : size;
    feed->figures->snapshot_failures += result != 0;
    return result;
}

struct restoring {
    struct directory_feed *feed;
    struct log *log;
    bool is_found;
};

static int restore_run(struct restoring *restoring, const unsigned char **at, size_t *left,
                       struct tw_error *error)
{
    uint64_t size;
    struct tw_run *run;
    if (*left < sizeof size)
        return -EBADMSG;
    memcpy(&size, *at, sizeof size);
    *at += sizeof size;
    *left -= sizeof size;
    if (size > *left)
        return -EBADMSG;
    int result = tw_snapshot_load(&run, *at, (size_t)size,
                                  &restoring->feed->services->config->settings, error);
    *at += size;
    *left -= size;
    if (result)
        return result;
    run->is_dirty = false;
    result = tw_watch_adopt(restoring->log->analysis.watch, run, error);
    if (result) {
        tw_run_free(run);
        return result;
    }
    /* What an earlier life had found due it may have done already: it is the same again. */
    result = tw_watch_carry_out(restoring->log->analysis.watch, run, error);
    restoring->log->is_dirty |= run->is_dirty;
    return result;
}

static void take_saved(struct restoring *restoring, const struct saved *saved)
{
    struct log *log = restoring->log;
    restoring->is_found = true;
    restoring->feed->figures->restored_runs += saved->runs;
    log->position.offset = saved->offset;
    log->position.index = saved->index;
    log->analysis.position = log->position;
    log->analysis.time_base_ms = saved->time_base_ms;
    tw_watch_set_time_base(log->analysis.watch, saved->time_base_ms);
}

static int restore_log(void *closure, const char *key, const void *data, size_t size,
                       struct tw_error *error)
{
    struct restoring *restoring = closure;
    struct saved saved;
    (void)key;
    if (size < sizeof saved)
        return -EBADMSG;
    memcpy(&saved, data, sizeof saved);
    if (saved.inode != restoring->log->inode)
        return -ESTALE; /* another file took its place */
    const unsigned char *at = (const unsigned char *)data + sizeof saved;
    size_t left = size - sizeof saved;
    int result = 0;
    for (uint32_t i = 0; i < saved.runs && !result; i++)
        result = restore_run(restoring, &at, &left, error);
    if (!result)
        take_saved(restoring, &saved);
    return result;
}

/* ---- logs ---- */

static off_t telemetry_size(const char *path)
{
    struct stat status;
    return tw_stat_telemetry(path, &status) ? status.st_size : -1;
}

static uint64_t telemetry_inode(const char *path)
{
    struct stat status;
    return tw_stat_telemetry(path, &status) ? status.st_ino : 0;
}

static int open_analysis(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    struct tw_watch_options options = tw_feed_watch_options(feed->services);
    options.room = NULL; /* a log that there is no room for is not opened, and nothing is lost */
    log->position = (struct tw_position){0};
    log->rewinds = 0;
    log->told_repeats = 0;
    log->inode = telemetry_inode(log->path);
    return tw_analysis_open(&log->analysis, log->path, true, &options, error);
}

static bool does_not_fit(int code)
{
    return code == -ESTALE || code == -EBADMSG || code == -EFBIG;
}

/* The log with its saved state, if there is one. */
static int restore(struct directory_feed *feed, struct log *log, bool *ret_is_found,
                   struct tw_error *error)
{
    struct restoring restoring = {.feed = feed, .log = log};
    struct tw_error why = {0};
    double begun = tw_now_seconds();
    int result = tw_state_files_visit(feed->states, log->path, restore_log, &restoring, &why);
    *ret_is_found = restoring.is_found;
    feed->figures->restore_seconds += tw_now_seconds() - begun;
    if (!does_not_fit(result)) {
        if (result && error)
            *error = why;
        return result;
    }
    /* Nothing is lost but time: the log itself is still there. */
    feed->figures->stale_runs++;
    tw_logging(TW_LOG_WARNING, "%s: saved state does not fit, the log is read from its start",
               log->path);
    tw_analysis_close(&log->analysis);
    return open_analysis(feed, log, error);
}

static bool have_all_ended(const struct log *log)
{
    const struct tw_run *run = tw_watch_next(log->analysis.watch, NULL);
    bool ended = run != NULL;
    for (; run && ended; run = tw_watch_next(log->analysis.watch, run))
        ended = run->core.ended;
    return ended;
}

/* Before its watch is closed: the repeats of a log are those of its watch. */
static void count_repeats(struct directory_feed *feed, struct log *log)
{
    struct tw_watch_counts counts;
    tw_watch_counts(log->analysis.watch, &counts);
    uint64_t repeats = counts.repeats + counts.passed_over;
    feed->figures->repeats += repeats - log->told_repeats;
    log->told_repeats = repeats;
}

/* Every run of a log that was dealt with to its end has ended: it sleeps until it grows. */
static bool has_ended(const struct log *log)
{
    return log->position.offset == telemetry_size(log->path) && have_all_ended(log);
}

static void close_log(struct directory_feed *feed, struct log *log)
{
    count_repeats(feed, log);
    log->known->size_at_end = log->position.offset;
    log->known->open = NULL;
    tw_projects_leave(feed->services->projects, log->analysis.watch);
    tw_silence_stop(&log->silence, NULL);
    tw_analysis_close(&log->analysis);
    if (feed->next == log)
        feed->next = log->next;
    DL_DELETE(feed->logs, log);
    feed->n_open--;
    free(log);
}

/* From where an earlier life of the agent left it. `*ret_is_passing`: what failed is the state. */
static int begin_log(struct directory_feed *feed, struct log *log, bool *ret_is_passing,
                     struct tw_error *error)
{
    bool is_found = false;
    int result = open_analysis(feed, log, error);
    if (result)
        return result;
    result = restore(feed, log, &is_found, error);
    /* The time that records without one count from must not change with the next life. */
    if (!result && !is_found)
        result = save_log(feed, log, error);
    *ret_is_passing = result != 0;
    if (!result && log->position.offset > 0)
        result = log->analysis.source->start(log->analysis.handle, &log->position, error);
    if (result)
        tw_analysis_close(&log->analysis);
    return result;
}

static int open_log(struct directory_feed *feed, struct tw_known_log *known, bool *ret_is_passing,
                    struct tw_error *error)
{
    struct log *log = calloc(1, sizeof *log);
    *ret_is_passing = !log;
    if (!log)
        return tw_error_set(error, -ENOMEM, "out of memory");
    log->known = known;
    log->path = known->path;
    int result = begin_log(feed, log, ret_is_passing, error);
    if (result) {
        free(log);
        return result;
    }
    known->open = log;
    DL_APPEND(feed->logs, log);
    feed->n_open++;
    tw_silence_fall_behind(&log->silence, log->analysis.watch, tw_wall_ms());
    log->silence.projects = feed->services->projects;
    tw_projects_join(feed->services->projects, log->analysis.watch);
    if (has_ended(log) && !log->is_dirty)
        close_log(feed, log);
    return 0;
}

/* Not the log's fault: tried again. */
static bool is_passing(int code)
{
    return code == -ENOSPC || code == -EDQUOT || code == -EMFILE || code == -ENFILE ||
           code == -ENOMEM;
}

/* The first of a look stands for all: a full disk refuses every log, every other second. */
static void note_trouble(struct directory_feed *feed, const struct tw_error *error)
{
    char *trouble = feed->look.trouble;
    if (!trouble[0])
        snprintf(trouble, sizeof feed->look.trouble, "%.150s", error->text);
    if (!strcmp(trouble, feed->told_trouble))
        return;
    tw_logging_error(TW_LOG_WARNING, "logs are not watched until this is mended", error);
    memcpy(feed->told_trouble, trouble, sizeof feed->told_trouble);
}

static void tell_end_of_trouble(struct directory_feed *feed)
{
    if (feed->look.trouble[0] || !feed->told_trouble[0])
        return;
    tw_logging(TW_LOG_INFO, "%s: logs are watched again", feed->directory->path);
    feed->told_trouble[0] = '\0';
}

static void tell_waiting(const struct directory_feed *feed)
{
    if (feed->look.waiting > 0 && !feed->last_look.waiting)
        tw_logging(TW_LOG_WARNING,
                   "%s: %zu open logs are as many as can be watched; further ones wait, %zu by now",
                   feed->directory->path, feed->n_open, feed->look.waiting);
}

static void try_log(struct directory_feed *feed, struct tw_known_log *known, bool is_new)
{
    struct tw_error error = {0};
    bool is_state = false;
    int result = open_log(feed, known, &is_state, &error);
    if (result && (is_state || is_passing(result))) {
        known->size_at_end = -1;
        note_trouble(feed, &error);
    } else if (result) {
        known->size_at_end = telemetry_size(known->path);
        tw_logging_error(TW_LOG_WARNING, "not watched", &error);
    } else if (is_new || known->open) {
        tw_logging_about(TW_LOG_INFO, (struct tw_logging_fields){.source = feed->figures->name},
                         "watching %s", known->path);
    }
}

static void look_at(struct directory_feed *feed, const char *path)
{
    struct tw_error error = {0};
    struct tw_known_log *known = tw_known_logs_found(&feed->known, path);
    bool is_new = !known;
    if (known && (known->open || known->size_at_end == telemetry_size(path))) {
        return;
    } else if (feed->n_open >= feed->open_max) {
        feed->look.waiting++;
    } else if (!known && !(known = tw_known_logs_add(&feed->known, path))) {
        tw_error_set(&error, -ENOMEM, "out of memory");
        note_trouble(feed, &error);
    } else {
        try_log(feed, known, is_new);
    }
}

/* What it was judged by goes along. */
static void forget_log(void *closure, const char *path)
{
    struct directory_feed *feed = closure;
    struct tw_error error = {0};
    if (tw_state_files_remove(feed->states, path, &error))
        tw_logging_error(TW_LOG_WARNING, "a log is gone and its saved state is not", &error);
    else
        tw_logging(TW_LOG_DEBUG, "%s is gone, and its saved state", path);
}

static void end_look(struct directory_feed *feed)
{
    /* Where all are gone at once, a file system is rather not mounted. */
    if (feed->look.paths.n > 0)
        tw_known_logs_forget(&feed->known, forget_log, feed);
    tell_end_of_trouble(feed);
    tell_waiting(feed);
    tw_texts_release(&feed->look.paths);
    feed->look.is_on = false;
    feed->last_look = feed->look;
    feed->has_looked = true;
    feed->next_look = tw_now_seconds() + LOOK_SECONDS;
}

static int begin_look(struct directory_feed *feed, struct tw_error *error)
{
    feed->look = (struct look){.is_on = true};
    tw_known_logs_begin_look(&feed->known);
    tw_heartbeat(TW_HEARTBEAT_LOOP_SECONDS);
    return tw_find_runs(&feed->look.paths, feed->directory->path, feed->directory->recursive,
                        error);
}

static bool is_over(const struct directory_feed *feed, double deadline)
{
    bool (*is_stopping)(void) = feed->services->is_stopping;
    return tw_now_seconds() >= deadline || (is_stopping && is_stopping());
}

static void go_on_looking(struct directory_feed *feed, double deadline)
{
    struct look *look = &feed->look;
    while (look->done < look->paths.n && !is_over(feed, deadline)) {
        tw_heartbeat(TW_HEARTBEAT_LOOP_SECONDS);
        look_at(feed, look->paths.at[look->done++]);
    }
    if (look->done == look->paths.n)
        end_look(feed);
}

static void look(struct directory_feed *feed, double deadline)
{
    struct tw_error error = {0};
    if (!feed->look.is_on && tw_now_seconds() < feed->next_look)
        return;
    if (feed->look.is_on || !begin_look(feed, &error)) {
        go_on_looking(feed, deadline);
        return;
    }
    note_trouble(feed, &error);
    snprintf(feed->last_look.trouble, sizeof feed->last_look.trouble, "%s", feed->look.trouble);
    tw_texts_release(&feed->look.paths);
    feed->look.is_on = false;
    feed->next_look = tw_now_seconds() + LOOK_SECONDS;
}

static int wait_for_log(struct directory_feed *feed, struct tw_error *error)
{
    return tw_feed_wait_for_log(feed->services, tw_now_seconds() + TW_FEED_FLUSH_SECONDS, error);
}

static int end_log(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    tw_heartbeat(3 * TW_FEED_FLUSH_SECONDS); /* as tw_feed_keep() has */
    int result = tw_analysis_finish(&log->analysis, error);
    if (!result)
        result = wait_for_log(feed, error);
    if (!result)
        result = save_log(feed, log, error);
    close_log(feed, log);
    return result;
}

static long work_log(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    long taken = 0;
    while (taken < TW_FEED_BATCH) {
        uint64_t skipped = log->analysis.skipped;
        int next = tw_analysis_step(&log->analysis, 0, error);
        if (next < 0)
            return next;
        if (next == TW_NEXT_END) {
            int result = end_log(feed, log, error);
            return result ? result : taken;
        }
        if (log->analysis.skipped == 1 && skipped == 0)
            tw_logging(TW_LOG_WARNING, "%s: %s", log->path, log->analysis.first_skip);
        log->has_drained |= next == TW_NEXT_WAIT;
        if (next == TW_NEXT_WAIT)
            break;
        feed->figures->records += next == TW_NEXT_RECORD;
        feed->figures->broken += log->analysis.skipped - skipped;
        log->position = log->analysis.position;
        log->is_dirty = true;
        if (log->rewinds != log->analysis.rewinds)
            log->inode = telemetry_inode(log->path);
        log->rewinds = log->analysis.rewinds;
        taken++;
    }
    return taken;
}

/* ---- silence ---- */

/* What is due is in the saved state before it is done. */
static int carry_out(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    tw_heartbeat(3 * TW_FEED_FLUSH_SECONDS); /* as tw_feed_keep() has */
    int result = wait_for_log(feed, error);
    if (!result)
        result = save_log(feed, log, error);
    log->is_dirty = true;
    if (!result)
        result = tw_silence_carry_out(&log->silence, log->analysis.watch, error);
    return result;
}

/* All its runs are over, by their own word or by our patience: it sleeps until it grows, even if
 * half a record stands at its end. */
static int put_to_sleep(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    struct tw_known_log *known = log->known;
    off_t size = telemetry_size(log->path);
    /* What was written up to now is read before: only what comes later makes it grow. */
    long more = work_log(feed, log, error);
    if (more < 0)
        return (int)more;
    if (more > 0 || !known->open)
        return 0;
    feed->figures->retired++;
    int result = end_log(feed, log, error);
    known->size_at_end = size;
    return result;
}

/* What the clock makes of a log's silent runs. Returns how many changed, or negative. */
static long mind_silence(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    struct tw_silence *silence = &log->silence;
    const struct tw_silence_moment moment = {
        .now = tw_now_seconds(),
        .wall_ms = tw_wall_ms(),
        .is_listening = log->has_drained,
    };
    if (!tw_silence_is_time(silence, moment.now))
        return 0;
    tw_silence_tick(silence, log->analysis.watch, feed->services->config, NULL, &moment);
    log->has_drained = false;
    long changed = (long)(silence->n_due + silence->n_gone);
    int result = silence->n_due ? carry_out(feed, log, error) : 0;
    bool may_sleep = moment.is_listening && (changed || log->is_dirty);
    if (!result && may_sleep && have_all_ended(log))
        result = put_to_sleep(feed, log, error);
    return result ? result : changed;
}

/* ---- the feed ---- */

/* Returns how much happened, or negative. */
static long turn(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    struct tw_known_log *known = log->known;
    long taken = work_log(feed, log, error);
    if (taken < 0 || !known->open)
        return taken;
    long changed = mind_silence(feed, log, error);
    return changed < 0 ? changed : taken + changed;
}

static long work_logs(struct directory_feed *feed, double deadline, struct tw_error *error)
{
    long taken = 0;
    for (size_t left = feed->n_open; left > 0 && !is_over(feed, deadline); left--) {
        struct log *log = feed->next ? feed->next : feed->logs;
        feed->next = log->next;
        tw_heartbeat(TW_HEARTBEAT_LOOP_SECONDS);
        long more = turn(feed, log, error);
        if (more < 0)
            return more;
        taken += more;
    }
    return taken;
}

static long work(struct tw_feed *base, double timeout_seconds, struct tw_error *error)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    look(feed, tw_now_seconds() + SHARE_SECONDS);
    long taken = work_logs(feed, tw_now_seconds() + SHARE_SECONDS, error);
    if (!taken && timeout_seconds > 0 && !feed->look.is_on) {
        struct timespec pause = {0, (long)((timeout_seconds < .1 ? timeout_seconds : .1) * 1e9)};
        nanosleep(&pause, NULL);
    }
    return taken;
}

/* Of a stop that takes too long the rest is read again by the next life. */
static int keep_log(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    if (tw_feed_patience(feed->services) <= 0)
        return tw_error_at(error, -ETIMEDOUT, log->path, 0, 0,
                           "its state was not saved before the stop's time was over");
    tw_heartbeat(3 * TW_FEED_FLUSH_SECONDS);
    return save_log(feed, log, error);
}

static int checkpoint(struct tw_feed *base, struct tw_error *error)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    int result = wait_for_log(feed, error);
    for (struct log *log = feed->logs; log && !result; log = log->next)
        result = log->is_dirty ? keep_log(feed, log, error) : 0;
    return result;
}

/* ---- figures ---- */

static void visit_runs(struct tw_feed *base, tw_feed_visit *visit, void *closure)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    for (const struct log *log = feed->logs; log; log = log->next) {
        const struct tw_run *run = NULL;
        while ((run = tw_watch_next(log->analysis.watch, run)))
            visit(closure, run);
    }
}

static void dismiss(struct tw_feed *base, const char *run, const char *episode)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    for (struct log *log = feed->logs; log; log = log->next)
        log->is_dirty |= tw_watch_dismiss(log->analysis.watch, run, episode);
}

static void fill_waiting(const struct directory_feed *feed)
{
    const struct look *look = feed->has_looked ? &feed->last_look : &feed->look;
    size_t to_come = feed->has_looked ? 0 : look->paths.n - look->done;
    char *waiting = feed->figures->waiting;
    size_t size = sizeof feed->figures->waiting;
    feed->figures->waiting_logs = look->waiting + to_come;
    if (look->trouble[0])
        snprintf(waiting, size, "%s", look->trouble);
    else if (to_come)
        snprintf(waiting, size, "%zu of %zu logs are still to be opened", to_come, look->paths.n);
    else if (look->waiting)
        snprintf(waiting, size, "%zu logs are not open, as many are as can be watched",
                 look->waiting);
    else
        waiting[0] = '\0';
}

static void fill_figures(struct tw_feed *base)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    feed->figures->runs = 0;
    fill_waiting(feed);
    for (struct log *log = feed->logs; log; log = log->next) {
        feed->figures->runs += tw_watch_size(log->analysis.watch);
        count_repeats(feed, log);
    }
}

static void close_feed(struct tw_feed *base)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    while (feed->logs)
        close_log(feed, feed->logs);
    tw_known_logs_release(&feed->known);
    tw_texts_release(&feed->look.paths);
    tw_state_files_close(feed->states);
    free(feed);
}

static size_t least(double a, double b, double c)
{
    double smallest = a < b ? a : b;
    return (size_t)(smallest < c ? smallest : c);
}

/* A log takes a descriptor for each rank, and the rest of the agent needs some too. */
static size_t open_max(const struct tw_limits *limits)
{
    struct rlimit limit;
    double logs = LOGS_MAX;
    if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur != RLIM_INFINITY)
        logs = least(LOGS_MAX, (double)(limit.rlim_cur / 2), LOGS_MAX);
    return least(logs, (double)limits->runs, (double)limits->memory / LOG_BYTES);
}

int tw_feed_directory_open(struct tw_feed **ret, struct tw_feed_services *services,
                           const struct tw_directory_config *directory, struct tw_error *error)
{
    struct directory_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return tw_error_set(error, -ENOMEM, "out of memory");
    feed->feed = (struct tw_feed){.work = work,
                                  .checkpoint = checkpoint,
                                  .close = close_feed,
                                  .figures = fill_figures,
                                  .visit_runs = visit_runs,
                                  .dismiss = dismiss};
    feed->services = services;
    feed->directory = directory;
    feed->figures = tw_metrics_source(services->metrics, "directory", directory->path);
    if (!feed->figures) {
        free(feed);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    feed->open_max = open_max(&services->config->limits);
    int result = tw_state_files_open(&feed->states, services->config->state_dir, error);
    if (!result)
        result = begin_look(feed, error);
    if (result) {
        close_feed(&feed->feed);
        return result;
    }
    go_on_looking(feed, tw_now_seconds() + SHARE_SECONDS);
    *ret = &feed->feed;
    return 0;
}
