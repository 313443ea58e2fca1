/* The feed of a directory: every run directory below it is followed; new ones are looked for every
 * other second, and one whose run ended is opened again when its log grows. */
#include "agent/feed.h"

#include "agent/analysis.h"
#include "agent/find_runs.h"
#include "agent/logging.h"
#include "agent/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define LOGS_MAX 4096
#define LOOK_SECONDS 2

/* One followed log. */
struct log {
    char *path;
    bool is_open, is_dirty;
    off_t size_at_end; /* of the telemetry file when the run ended; another size: look again */
    struct tw_analysis analysis;
    struct tw_position position;
    uint64_t inode, rewinds; /* of the file that the position is in */
};

struct directory_feed {
    struct tw_feed feed;
    struct tw_feed_services *services;
    const struct tw_directory_config *directory;
    struct tw_state_store *store;
    struct log *logs;
    size_t n_logs, n_open, open_max;
    bool has_told_ceiling;
    time_t next_look;
};

/* ---- saved state: what the log is, then [size][snapshot] for each of its runs ---- */

struct saved {
    int64_t offset, time_base_ms;
    uint64_t inode;
    uint32_t runs;
    uint32_t reserved;
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
        result = tw_state_store_put(feed->store, log->path, 0, data, size, error);
    free(data);
    if (!result)
        log->is_dirty = false;
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
    if (result)
        tw_run_free(run);
    return result;
}

static void take_saved(struct restoring *restoring, const struct saved *saved)
{
    struct log *log = restoring->log;
    restoring->is_found = true;
    log->position.offset = saved->offset;
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
    log->position = (struct tw_position){0};
    log->rewinds = 0;
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
    int result = tw_state_store_visit(feed->store, log->path, 0, 0, restore_log, &restoring, &why);
    *ret_is_found = restoring.is_found;
    if (!does_not_fit(result)) {
        if (result && error)
            *error = why;
        return result;
    }
    /* Nothing is lost but time: the log itself is still there. */
    tw_logging(TW_LOG_WARNING, "%s: saved state does not fit, the log is read from its start",
               log->path);
    tw_analysis_close(&log->analysis);
    return open_analysis(feed, log, error);
}

/* Every run of a log that was dealt with to its end has ended: it sleeps until it grows. */
static bool has_ended(const struct log *log)
{
    const struct tw_run *run = tw_watch_next(log->analysis.watch, NULL);
    bool ended = run && log->position.offset == telemetry_size(log->path);
    for (; run && ended; run = tw_watch_next(log->analysis.watch, run))
        ended = run->core.ended;
    return ended;
}

static void close_log(struct directory_feed *feed, struct log *log)
{
    log->size_at_end = log->position.offset;
    tw_analysis_close(&log->analysis);
    feed->n_open -= log->is_open;
    log->is_open = false;
}

static int open_log(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    bool is_found = false;
    int result = open_analysis(feed, log, error);
    if (result)
        return result;
    result = restore(feed, log, &is_found, error);
    /* The time that records without one count from must not change with the next life. */
    if (!result && !is_found)
        result = save_log(feed, log, error);
    if (!result && log->position.offset > 0)
        result = log->analysis.source->start(log->analysis.handle, &log->position, error);
    if (result) {
        tw_analysis_close(&log->analysis);
        return result;
    }
    log->is_open = true;
    feed->n_open++;
    if (has_ended(log))
        close_log(feed, log);
    return 0;
}

static struct log *known_log(struct directory_feed *feed, const char *path)
{
    for (size_t i = 0; i < feed->n_logs; i++) {
        if (!strcmp(feed->logs[i].path, path))
            return &feed->logs[i];
    }
    return NULL;
}

static struct log *add_log(struct directory_feed *feed, const char *path)
{
    struct log *grown =
        feed->n_logs < LOGS_MAX ? realloc(feed->logs, (feed->n_logs + 1) * sizeof *grown) : NULL;
    if (!grown)
        return NULL;
    feed->logs = grown;
    struct log *log = &grown[feed->n_logs];
    memset(log, 0, sizeof *log);
    log->path = strdup(path);
    if (!log->path)
        return NULL;
    log->size_at_end = -1;
    feed->n_logs++;
    return log;
}

static void tell_ceiling(struct directory_feed *feed)
{
    if (!feed->has_told_ceiling)
        tw_logging(TW_LOG_WARNING,
                   "%s: %zu logs of which %zu are open are as many as can be watched; further ones "
                   "wait",
                   feed->directory->path, feed->n_logs, feed->n_open);
    feed->has_told_ceiling = true;
}

/* Not the log's fault: tried again. */
static bool is_passing(int code)
{
    return code == -ENOSPC || code == -EDQUOT || code == -EMFILE || code == -ENFILE ||
           code == -ENOMEM;
}

static void look_at(struct directory_feed *feed, const char *path)
{
    struct tw_error error = {0};
    struct log *log = known_log(feed, path);
    bool is_new = !log;
    if (log && (log->is_open || log->size_at_end == telemetry_size(path)))
        return;
    if (feed->n_open >= feed->open_max || (!log && !(log = add_log(feed, path)))) {
        tell_ceiling(feed);
        return;
    }
    int result = open_log(feed, log, &error);
    if (result) {
        log->size_at_end = is_passing(result) ? -1 : telemetry_size(path);
        tw_logging_error(TW_LOG_WARNING, "not watched", &error);
    } else if (is_new || log->is_open) {
        tw_logging(TW_LOG_INFO, "watching %s", path);
    }
}

static int look(struct directory_feed *feed, struct tw_error *error)
{
    struct tw_texts paths = {0};
    int result = tw_find_runs(&paths, feed->directory->path, feed->directory->recursive, error);
    for (size_t i = 0; i < paths.n && !result; i++)
        look_at(feed, paths.at[i]);
    tw_texts_release(&paths);
    return result;
}

static int end_log(struct directory_feed *feed, struct log *log, struct tw_error *error)
{
    int result = tw_analysis_finish(&log->analysis, error);
    if (!result)
        result = tw_log_flush(feed->services->log, TW_FEED_FLUSH_SECONDS, error);
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
        if (next == TW_NEXT_WAIT)
            break;
        log->position = log->analysis.position;
        log->is_dirty = true;
        if (log->rewinds != log->analysis.rewinds)
            log->inode = telemetry_inode(log->path);
        log->rewinds = log->analysis.rewinds;
        taken++;
    }
    return taken;
}

/* ---- the feed ---- */

static long work(struct tw_feed *base, double timeout_seconds, struct tw_error *error)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    long taken = 0;
    time_t now = time(NULL);
    if (now >= feed->next_look) {
        feed->next_look = now + LOOK_SECONDS;
        struct tw_error unreadable = {0};
        if (look(feed, &unreadable))
            tw_logging_error(TW_LOG_WARNING, "looking for runs", &unreadable);
    }
    for (size_t i = 0; i < feed->n_logs; i++) {
        long more = feed->logs[i].is_open ? work_log(feed, &feed->logs[i], error) : 0;
        if (more < 0)
            return more;
        taken += more;
    }
    if (!taken && timeout_seconds > 0) {
        struct timespec pause = {0, (long)((timeout_seconds < .1 ? timeout_seconds : .1) * 1e9)};
        nanosleep(&pause, NULL);
    }
    return taken;
}

static int checkpoint(struct tw_feed *base, struct tw_error *error)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    int result = tw_log_flush(feed->services->log, TW_FEED_FLUSH_SECONDS, error);
    for (size_t i = 0; i < feed->n_logs && !result; i++) {
        if (feed->logs[i].is_open && feed->logs[i].is_dirty)
            result = save_log(feed, &feed->logs[i], error);
    }
    if (!result)
        result = tw_state_store_flush(feed->store, TW_FEED_FLUSH_SECONDS, error);
    return result;
}

static void close_feed(struct tw_feed *base)
{
    struct directory_feed *feed = (struct directory_feed *)base;
    for (size_t i = 0; i < feed->n_logs; i++) {
        if (feed->logs[i].is_open)
            tw_analysis_close(&feed->logs[i].analysis);
        free(feed->logs[i].path);
    }
    free(feed->logs);
    tw_state_store_close(feed->store);
    free(feed);
}

/* A log takes a descriptor for each rank, and the rest of the agent needs some too. */
static size_t open_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return LOGS_MAX;
    return limit.rlim_cur / 2 < LOGS_MAX ? (size_t)limit.rlim_cur / 2 : LOGS_MAX;
}

int tw_feed_directory_open(struct tw_feed **ret, struct tw_feed_services *services,
                           const struct tw_directory_config *directory, struct tw_error *error)
{
    struct directory_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return tw_error_set(error, -ENOMEM, "out of memory");
    feed->feed = (struct tw_feed){.work = work, .checkpoint = checkpoint, .close = close_feed};
    feed->services = services;
    feed->directory = directory;
    feed->open_max = open_max();
    int result = tw_state_files_open(&feed->store, services->config->state_dir, error);
    if (!result)
        result = look(feed, error);
    if (result) {
        close_feed(&feed->feed);
        return result;
    }
    *ret = &feed->feed;
    return 0;
}
