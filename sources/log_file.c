/* The source "log": a log that trainward did not write, in any of the formats of sources/logs/; a
 * file, or the files of a folder that tell of one run, merged by their times or steps.
 *
 * A position is how many bytes were read, and how many records were made at that place. To go on
 * from a saved one, the log is read again from its start: the same bytes make the same records, and
 * who has dealt with them passes over them. */
#include "sources/file_wait.h"
#include "sources/logs/assemble.h"
#include "sources/logs/companions.h"
#include "sources/logs/reader.h"
#include "sources/logs/rows_queue.h"
#include "sources/logs/tree.h"
#include "sources/source.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 4200
/* New files of a folder are looked for this often, more rarely where none have come for long, or
 * where looking costs more than a share of a processor: a folder may have thousands. */
#define LOOK_SECONDS 1.0
#define LOOK_SECONDS_QUIET 3.0
#define LOOK_SECONDS_MAX 10.0
#define LOOK_SHARE .04
/* Telemetry of our own (95) goes before anything that is read here. */
#define SURE_MOST 90

struct member {
    char *path;
    struct tw_log_reader *reader;
    struct tw_rows_queue queue;
    int progress; /* enum tw_log_progress of its newest step */
};

struct log_source {
    char path[PATH_SIZE], dir[PATH_SIZE];
    const struct tw_texts *map; /* the request's */
    bool follow, is_folder, has_companions, has_finished;
    struct member *members;
    size_t n_members;
    struct tw_assemble *assemble;
    struct tw_log_sink sink; /* of the assembler */
    struct tw_position position;
    uint64_t n_broken; /* to be told */
    char broken[200];  /* the first of these */
    struct tw_file_wait wait;
    struct tw_log_group found; /* by the newest look */
    double look_pause, next_look;
    bool has_told_left_out;
};

/* ---- the sink: the assembler ---- */

static int take_row(void *closure, const struct tw_row *row)
{
    return tw_assemble_row(((struct log_source *)closure)->assemble, row);
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    return tw_assemble_parameter(((struct log_source *)closure)->assemble, run, name, value);
}

static int take_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    return tw_assemble_event(((struct log_source *)closure)->assemble, run, event, step);
}

static int take_broken(void *closure, const char *reason)
{
    struct log_source *log = closure;
    if (log->n_broken++ == 0)
        snprintf(log->broken, sizeof log->broken, "%.199s", reason);
    return 0;
}

/* ---- members ---- */

static bool knows(const struct log_source *log, const char *path)
{
    if (tw_log_group_member(&log->found, path))
        return true;
    for (size_t i = 0; i < log->n_members; i++) {
        if (!strcmp(log->members[i].path, path))
            return true;
    }
    return false;
}

static int add_member(struct log_source *log, const struct tw_log_member *found)
{
    struct member *grown = realloc(log->members, (log->n_members + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    log->members = grown;
    struct member *member = &grown[log->n_members];
    *member = (struct member){.queue.part = found->part, .progress = TW_LOG_READ_SOME};
    member->path = strdup(found->path);
    member->reader = tw_log_reader_new(found->path, found->format, log->follow, log->map);
    if (!member->path || !member->reader) {
        free(member->path);
        tw_log_reader_free(member->reader);
        return -ENOMEM;
    }
    log->n_members++;
    return 0;
}

/* The only document of a folder is another one now: its newest checkpoint. */
static int move_document(struct log_source *log, const char *path)
{
    struct member *only = &log->members[0];
    char *copy = strdup(path);
    if (!copy || tw_log_reader_move(only->reader, path)) {
        free(copy);
        return -ENOMEM;
    }
    free(only->path);
    only->path = copy;
    return 0;
}

static int take_found(struct log_source *log, const struct tw_log_group *group, size_t i)
{
    const struct tw_log_member *found = &group->members[i];
    if (knows(log, found->path))
        return 0;
    bool is_document = group->n == 1 && log->n_members == 1 && found->format &&
                       found->format->kind == TW_LOG_DOCUMENT;
    return is_document ? move_document(log, found->path) : add_member(log, found);
}

/* Once: while it is followed, older files are left out for new ones. */
static void tell_left_out(struct log_source *log, const struct tw_log_group *group)
{
    char reason[sizeof log->broken];
    if (!group->left_out || log->has_told_left_out)
        return;
    log->has_told_left_out = true;
    snprintf(reason, sizeof reason,
             "%zu of %zu files are left out: no more than the newest %zu are read at once",
             group->left_out, group->left_out + group->n, group->n);
    take_broken(log, reason);
}

static void plan_next_look(struct log_source *log, double cost, bool has_news)
{
    double pause = has_news ? LOOK_SECONDS : fmin(log->look_pause * 2, LOOK_SECONDS_QUIET);
    log->look_pause = fmax(pause, fmin(cost / LOOK_SHARE, LOOK_SECONDS_MAX));
    log->next_look = tw_now_seconds() + log->look_pause;
}

/* Takes what is there; a folder that is followed may get more. */
static int look(struct log_source *log, struct tw_error *error)
{
    struct tw_log_group group;
    size_t n_before = log->n_members;
    double begun = tw_thread_seconds();
    int result = tw_log_group_find_again(&group, log->path, &log->found);
    for (size_t i = 0; i < group.n && !result; i++)
        result = take_found(log, &group, i);
    tell_left_out(log, &group);
    tw_log_group_release(&log->found);
    log->found = group;
    plan_next_look(log, tw_thread_seconds() - begun, log->n_members > n_before);
    return result ? tw_error_set(error, result, "out of memory") : 0;
}

static int step_member(struct log_source *log, struct member *member, bool is_only,
                       struct tw_error *error)
{
    struct tw_log_sink queued = tw_rows_queue_sink(&member->queue);
    bool is_direct = is_only && member->queue.part == TW_PART_BY_NAME;
    int progress = tw_log_reader_step(member->reader, is_direct ? &log->sink : &queued, error);
    if (progress >= 0)
        member->progress = progress;
    return progress;
}

/* The member whose first row is next, or NULL where none has any. */
static struct member *earliest(struct log_source *log)
{
    struct member *best = NULL;
    int64_t best_time = 0, time;
    double best_step = 0, step;
    for (size_t i = 0; i < log->n_members; i++) {
        struct member *member = &log->members[i];
        if (tw_rows_queue_is_empty(&member->queue))
            continue;
        tw_rows_queue_place(&member->queue, &time, &step);
        if (time < 0 && isnan(step))
            return member;
        bool is_earlier =
            !best || (time >= 0 && best_time >= 0 ? time < best_time : step < best_step);
        if (is_earlier) {
            best = member;
            best_time = time;
            best_step = step;
        }
    }
    return best;
}

/* Gives queued rows in their order as long as no member could have an earlier one. */
static int merge(struct log_source *log)
{
    int result = 0;
    for (;;) {
        for (size_t i = 0; i < log->n_members; i++) {
            const struct member *member = &log->members[i];
            if (tw_rows_queue_is_empty(&member->queue) && member->progress == TW_LOG_READ_SOME)
                return 0;
        }
        struct member *member = earliest(log);
        if (!member)
            return 0;
        result = tw_rows_queue_give(&member->queue, &log->sink);
        if (result)
            return result;
    }
}

/* Reads a portion of each that has nothing left. Returns 1 when there was something, 0: all of them
 * are at their ends. */
static int read_some(struct log_source *log, struct tw_error *error)
{
    bool is_only = log->n_members == 1, has_some = false;
    for (size_t i = 0; i < log->n_members; i++) {
        struct member *member = &log->members[i];
        int progress = tw_rows_queue_is_empty(&member->queue)
                           ? step_member(log, member, is_only, error)
                           : member->progress; /* there may be more behind what is queued */
        if (progress < 0)
            return progress;
        has_some |= progress == TW_LOG_READ_SOME;
    }
    int result = merge(log);
    return result ? tw_error_set(error, result, "out of memory") : has_some;
}

static bool is_gone(const struct log_source *log)
{
    for (size_t i = 0; i < log->n_members; i++) {
        if (log->members[i].progress != TW_LOG_READ_GONE)
            return false;
    }
    return log->n_members > 0;
}

/* A job makes more runs in a store: their ends are not its own. */
static bool is_over(const struct log_source *log)
{
    bool is_store = log->n_members && tw_log_reader_format(log->members[0].reader) &&
                    tw_log_reader_format(log->members[0].reader)->kind == TW_LOG_STORE;
    return is_gone(log) || (!is_store && tw_assemble_has_ended(log->assemble));
}

static int finish(struct log_source *log, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < log->n_members && !result; i++) {
        struct member *member = &log->members[i];
        struct tw_log_sink queued = tw_rows_queue_sink(&member->queue);
        result = tw_log_reader_finish(member->reader, &queued, error);
    }
    if (!result)
        result = merge(log);
    if (!result)
        result = tw_assemble_flush(log->assemble, true);
    log->has_finished = true;
    return result ? tw_error_set(error, result, "out of memory") : 0;
}

/* ---- things out ---- */

static void move_position(struct log_source *log, struct tw_position *ret)
{
    int64_t offset = 0;
    for (size_t i = 0; i < log->n_members; i++)
        offset += tw_log_reader_place(log->members[i].reader);
    bool has_moved = offset != log->position.offset;
    log->position.offset = offset;
    log->position.index = has_moved ? 0 : log->position.index + 1;
    *ret = log->position;
}

static bool give(struct log_source *log, struct tw_source_item *ret, int *ret_next)
{
    struct tw_record *record = tw_assemble_next(log->assemble);
    if (record) {
        ret->record = record;
        move_position(log, &ret->position);
        *ret_next = TW_NEXT_RECORD;
        return true;
    }
    if (!log->n_broken)
        return false;
    log->n_broken--;
    snprintf(ret->reason, sizeof ret->reason, "%s", log->broken);
    move_position(log, &ret->position);
    *ret_next = TW_NEXT_BROKEN;
    return true;
}

static int read_companions(struct log_source *log, struct tw_error *error)
{
    log->has_companions = true;
    int result = tw_log_companions_read(log->path, &log->sink);
    if (!result && log->is_folder)
        tw_log_tree_parameters(log->path, &log->sink);
    return result ? tw_error_set(error, result, "out of memory") : 0;
}

static int try_next(struct log_source *log, struct tw_source_item *ret, struct tw_error *error)
{
    int next, result = 0;
    tw_source_item_clear(ret);
    for (;;) {
        if (give(log, ret, &next))
            return next;
        if (log->has_finished)
            return TW_NEXT_END;
        if (log->follow && log->is_folder && tw_now_seconds() >= log->next_look)
            result = look(log, error);
        if (!result && !log->has_companions)
            result = read_companions(log, error);
        int has_some = result ? result : read_some(log, error);
        if (has_some < 0)
            return has_some;
        if (has_some)
            continue;
        if (!log->follow) {
            if ((result = finish(log, error)))
                return result;
            continue;
        }
        if (tw_assemble_flush(log->assemble, false))
            return tw_error_set(error, -ENOMEM, "out of memory");
        if (give(log, ret, &next))
            return next;
        return is_over(log) ? TW_NEXT_END : TW_NEXT_WAIT;
    }
}

static int log_next(void *opaque, double timeout_seconds, struct tw_source_item *ret,
                    struct tw_error *error)
{
    struct log_source *log = opaque;
    int next = try_next(log, ret, error);
    if (next != TW_NEXT_WAIT || timeout_seconds <= 0)
        return next;
    double deadline = tw_now_seconds() + timeout_seconds;
    for (double left = timeout_seconds; next == TW_NEXT_WAIT && left > 0;
         left = deadline - tw_now_seconds()) {
        tw_file_wait(&log->wait, log->dir, left);
        next = try_next(log, ret, error);
    }
    return next;
}

/* ---- life ---- */

static void log_close(void *opaque)
{
    struct log_source *log = opaque;
    if (!log)
        return;
    for (size_t i = 0; i < log->n_members; i++) {
        tw_rows_queue_clear(&log->members[i].queue);
        tw_log_reader_free(log->members[i].reader);
        free(log->members[i].path);
    }
    free(log->members);
    tw_log_group_release(&log->found);
    tw_assemble_free(log->assemble);
    tw_file_wait_done(&log->wait);
    free(log);
}

static int set_paths(struct log_source *log, const char *path, struct tw_error *error)
{
    struct stat status;
    const char *slash = strrchr(path, '/');
    if (strlen(path) >= PATH_SIZE)
        return tw_error_at(error, -ENAMETOOLONG, path, 0, 0, "this path is too long");
    log->is_folder = !stat(path, &status) && S_ISDIR(status.st_mode);
    strcpy(log->path, path);
    if (log->is_folder || !slash)
        snprintf(log->dir, sizeof log->dir, "%s", log->is_folder ? path : ".");
    else
        snprintf(log->dir, sizeof log->dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return 0;
}

static int start_assembler(struct log_source *log, const struct tw_source_request *request)
{
    struct tw_assemble_options options = {
        .run = request->run ? request->run : request->path,
        .framework = log->n_members ? tw_log_reader_format(log->members[0].reader)->name : NULL,
        .map = request->map,
    };
    log->assemble = tw_assemble_new(&options);
    log->sink = (struct tw_log_sink){log, take_row, take_parameter, take_event, take_broken};
    return log->assemble ? 0 : -ENOMEM;
}

static int log_open(void **ret, const struct tw_source_request *request, struct tw_error *error)
{
    struct log_source *log = calloc(1, sizeof *log);
    if (!log)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_file_wait_init(&log->wait);
    log->follow = request->follow;
    log->map = log->found.map = request->map;
    int result = set_paths(log, request->path, error);
    if (!result)
        result = look(log, error);
    if (!result && !log->n_members)
        result = tw_error_at(error, -ENOMSG, request->path, 0, 0, "is no log that can be read");
    if (!result && start_assembler(log, request))
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (result) {
        log_close(log);
        return result;
    }
    *ret = log;
    return 0;
}

/* Nothing is passed over: see above. */
static int log_start(void *opaque, const struct tw_position *position, struct tw_error *error)
{
    (void)opaque, (void)position, (void)error;
    return 0;
}

static void log_no_more(void *opaque)
{
    struct log_source *log = opaque;
    log->follow = false;
    for (size_t i = 0; i < log->n_members; i++)
        tw_log_reader_no_more(log->members[i].reader);
}

static int log_probe(const char *path, const struct tw_texts *map)
{
    int sure = tw_log_group_probe(path, map);
    return sure < SURE_MOST ? sure : SURE_MOST;
}

static const char *log_format(void *opaque)
{
    const struct log_source *log = opaque;
    return tw_log_reader_format(log->members[0].reader)->name;
}

static const char *log_raw_name(void *opaque, const char *run, enum tw_signal signal)
{
    return tw_assemble_raw_name(((struct log_source *)opaque)->assemble, run, signal);
}

static const char *log_axis(void *opaque, const char *run)
{
    return tw_assemble_axis(((struct log_source *)opaque)->assemble, run);
}

const struct tw_source tw_source_log = {
    .name = "log",
    .description = "a log that another program wrote, in any of the formats of docs/logs.md",
    .probe = log_probe,
    .open = log_open,
    .start = log_start,
    .next = log_next,
    .no_more = log_no_more,
    .format = log_format,
    .raw_name = log_raw_name,
    .axis = log_axis,
    .close = log_close,
};
