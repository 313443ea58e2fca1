/* The source "run_directory": the telemetry files of a run directory, one a rank, merged by step;
 * or one file of telemetry records. Reads only, and never holds a lock. */
#include "sources/file_wait.h"
#include "sources/merge_place.h"
#include "sources/probe.h"
#include "sources/record_file.h"

#include "telemetry/clock.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Each file costs a descriptor and a buffer; a step of a larger world is judged by these ranks. */
#define RANKS_MAX 256
#define PATH_SIZE 4200
/* Files of further ranks are looked for this often while rank 0 has nothing new. */
#define LOOK_SECONDS 1.0
/* While rank 0 has nothing new the others do not go far ahead of it, until it has been silent for
 * so long. */
#define SILENT_SECONDS 5.0

struct rank_file {
    uint32_t rank;
    struct tw_record_file *file;
    int next;      /* enum tw_next of `head`; 0 (RECORD) only when has_head */
    bool has_head; /* `head` is not given out yet */
    struct tw_source_item head;
    struct tw_merge_place place; /* of the newest record */
};

struct run_directory {
    char path[PATH_SIZE], dir[PATH_SIZE];
    bool follow, is_file;
    struct rank_file *files; /* rank 0 first */
    size_t n_files;
    /* Positions are rank 0's: offset in its file, and how many records of others came since. */
    struct tw_position position;
    bool is_resuming;   /* other ranks' files are passed over up to near where rank 0 goes on */
    double waits_since; /* rank 0 has nothing new; 0: it has */
    struct tw_file_wait wait;
    double next_look;
};

/* ---- which files ---- */

static int add_file(struct run_directory *run, uint32_t rank, const char *path,
                    struct tw_error *error)
{
    struct rank_file *grown = realloc(run->files, (run->n_files + 1) * sizeof *grown);
    if (!grown)
        return tw_error_set(error, -ENOMEM, "out of memory");
    run->files = grown;
    struct rank_file *file = &grown[run->n_files];
    *file = (struct rank_file){.rank = rank};
    file->file = tw_record_file_new(path, run->follow);
    if (!file->file)
        return tw_error_set(error, -ENOMEM, "out of memory");
    run->n_files++;
    return 0;
}

static bool is_there(const char *path, bool even_empty)
{
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode) && (even_empty || status.st_size > 0);
}

/* Rank 0's file: the first of the two that holds something. False while there is none. */
static bool find_first(const char *dir, char *path)
{
    static const char *const names[] = {"telemetry.cbor", "telemetry.jsonl"};
    for (int i = 0; i < 4; i++) {
        int length = snprintf(path, PATH_SIZE, "%s/%s", dir, names[i % 2]);
        if (length > 0 && length < PATH_SIZE && is_there(path, i >= 2))
            return true;
    }
    return false;
}

/* N of telemetry.rank<N>.cbor or .jsonl; 0 for any other name. */
static uint32_t rank_of(const char *name)
{
    char *end;
    if (strncmp(name, "telemetry.rank", 14) || name[14] < '0' || name[14] > '9')
        return 0;
    unsigned long rank = strtoul(name + 14, &end, 10);
    bool is_ours = !strcmp(end, ".cbor") || !strcmp(end, ".jsonl");
    return is_ours && rank <= UINT32_MAX ? (uint32_t)rank : 0;
}

static bool knows_rank(const struct run_directory *run, uint32_t rank)
{
    for (size_t i = 0; i < run->n_files; i++) {
        if (run->files[i].rank == rank)
            return true;
    }
    return false;
}

static int by_rank(const void *a, const void *b)
{
    const struct rank_file *left = a, *right = b;
    return left->rank < right->rank ? -1 : left->rank > right->rank;
}

static int find_other_ranks(struct run_directory *run, struct tw_error *error)
{
    char path[PATH_SIZE];
    struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(run->dir);
    if (!dir)
        return 0;
    while (!result && run->n_files < RANKS_MAX && (entry = readdir(dir))) {
        uint32_t rank = rank_of(entry->d_name);
        if (!rank || knows_rank(run, rank))
            continue;
        int length = snprintf(path, sizeof path, "%s/%s", run->dir, entry->d_name);
        if (length > 0 && length < PATH_SIZE)
            result = add_file(run, rank, path, error);
    }
    closedir(dir);
    qsort(run->files, run->n_files, sizeof *run->files, by_rank);
    return result;
}

static int look(struct run_directory *run, struct tw_error *error)
{
    char path[PATH_SIZE];
    int result = 0;
    run->next_look = tw_now_seconds() + LOOK_SECONDS;
    if (run->is_file)
        return run->n_files ? 0 : add_file(run, 0, run->path, error);
    if (!run->n_files && !find_first(run->dir, path))
        return 0;
    if (!run->n_files) {
        result = add_file(run, 0, path, error);
        if (!result && run->is_resuming)
            tw_record_file_start(run->files[0].file, run->position.offset);
    }
    return result ? result : find_other_ranks(run, error);
}

/* ---- the merge ---- */

/* Fills the head of a file that has none. */
static int peek(struct rank_file *file, struct tw_error *error)
{
    if (file->has_head)
        return 0;
    int next = tw_record_file_next(file->file, &file->head, error);
    if (next < 0)
        return next;
    file->next = next;
    file->has_head = next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN;
    if (next == TW_NEXT_RECORD)
        tw_merge_place_move(&file->place, file->head.record);
    return 0;
}

/* Where rank 0 was at the saved position: its file is read up to there. */
static int find_saved_place(struct run_directory *run, struct tw_merge_place *ret,
                            struct tw_error *error)
{
    char path[PATH_SIZE];
    struct tw_source_item item = {0};
    *ret = (struct tw_merge_place){0};
    if (!find_first(run->dir, path))
        return 0;
    struct tw_record_file *file = tw_record_file_new(path, false);
    if (!file)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int next = tw_record_file_next(file, &item, error);
    while ((next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN) &&
           item.position.offset <= run->position.offset) {
        if (next == TW_NEXT_RECORD)
            tw_merge_place_move(ret, item.record);
        next = tw_record_file_next(file, &item, error);
    }
    tw_record_file_free(file);
    return next < 0 ? next : 0;
}

/* Behind a saved position the others have given all that stands far before rank 0's already. What
 * comes again of the last steps is told from what is new by who judges it. */
static int catch_up(struct rank_file *file, const struct tw_merge_place *place,
                    struct tw_error *error)
{
    int result = peek(file, error);
    while (!result && file->has_head && tw_merge_place_is_far_ahead(&file->place, place)) {
        file->has_head = false;
        result = peek(file, error);
    }
    return result;
}

static int catch_up_all(struct run_directory *run, struct tw_error *error)
{
    struct tw_merge_place place;
    int result = find_saved_place(run, &place, error);
    for (size_t i = 1; i < run->n_files && !result; i++)
        result = catch_up(&run->files[i], &place, error);
    struct rank_file *first = &run->files[0];
    first->place = place;
    if (first->has_head && first->next == TW_NEXT_RECORD)
        tw_merge_place_move(&first->place, first->head.record);
    run->is_resuming = false;
    return result;
}

static int peek_all(struct run_directory *run, struct tw_error *error)
{
    int result = peek(&run->files[0], error);
    if (!result && run->is_resuming && run->n_files > 1)
        result = catch_up_all(run, error);
    for (size_t i = 1; i < run->n_files && !result; i++)
        result = peek(&run->files[i], error);
    return result;
}

/* Rank 0 has nothing new for now, so that the others must not go far ahead. */
static bool is_first_waiting(struct run_directory *run)
{
    const struct rank_file *first = &run->files[0];
    if (first->has_head || first->next != TW_NEXT_WAIT) {
        run->waits_since = 0;
        return false;
    }
    if (run->waits_since == 0)
        run->waits_since = tw_now_seconds();
    return tw_now_seconds() - run->waits_since < SILENT_SECONDS;
}

/* The head that is next, or NULL when all wait. */
static struct rank_file *choose(struct run_directory *run)
{
    struct rank_file *first = &run->files[0], *chosen = NULL;
    bool is_waiting = is_first_waiting(run);
    for (size_t i = 0; i < run->n_files; i++) {
        struct rank_file *file = &run->files[i];
        if (!file->has_head ||
            (is_waiting && tw_merge_place_is_far_ahead(&first->place, &file->place)))
            continue;
        if (!chosen || tw_merge_place_compare(&file->place, &chosen->place) < 0)
            chosen = file;
    }
    return chosen;
}

static int give(struct run_directory *run, struct rank_file *file, struct tw_source_item *ret)
{
    *ret = file->head;
    file->has_head = false;
    if (file->rank == 0) {
        run->position.offset = ret->position.offset;
        run->position.index = 0;
    } else {
        run->position.index++;
    }
    ret->position = run->position;
    return file->next;
}

static int try_next(struct run_directory *run, struct tw_source_item *ret, struct tw_error *error)
{
    tw_source_item_clear(ret);
    if (!run->n_files || (run->follow && tw_now_seconds() >= run->next_look)) {
        int result = look(run, error);
        if (result)
            return result;
    }
    if (!run->n_files)
        return run->follow ? TW_NEXT_WAIT : TW_NEXT_END;
    int result = peek_all(run, error);
    if (result)
        return result;
    struct rank_file *file = choose(run);
    return file ? give(run, file, ret) : run->files[0].next;
}

/* ---- the source ---- */

static int run_directory_next(void *opaque, double timeout_seconds, struct tw_source_item *ret,
                              struct tw_error *error)
{
    struct run_directory *run = opaque;
    int next = try_next(run, ret, error);
    if (next != TW_NEXT_WAIT || timeout_seconds <= 0)
        return next;
    double deadline = tw_now_seconds() + timeout_seconds;
    for (double left = timeout_seconds; next == TW_NEXT_WAIT && left > 0;
         left = deadline - tw_now_seconds()) {
        tw_file_wait(&run->wait, run->dir, left);
        next = try_next(run, ret, error);
    }
    return next;
}

static int run_directory_start(void *opaque, const struct tw_position *position,
                               struct tw_error *error)
{
    struct run_directory *run = opaque;
    (void)error;
    run->position = *position;
    if (run->position.offset < 0)
        run->position.offset = 0;
    run->is_resuming = run->position.offset > 0;
    if (run->n_files) {
        run->files[0].has_head = false;
        tw_record_file_start(run->files[0].file, run->position.offset);
    }
    return 0;
}

static void run_directory_no_more(void *opaque)
{
    struct run_directory *run = opaque;
    run->follow = false;
    for (size_t i = 0; i < run->n_files; i++)
        tw_record_file_no_more(run->files[i].file);
}

static void run_directory_close(void *opaque)
{
    struct run_directory *run = opaque;
    if (!run)
        return;
    for (size_t i = 0; i < run->n_files; i++)
        tw_record_file_free(run->files[i].file);
    tw_file_wait_done(&run->wait);
    free(run->files);
    free(run);
}

/* Sets `dir` to where changes are watched. */
static int set_paths(struct run_directory *run, const char *path, struct tw_error *error)
{
    struct stat status;
    bool is_missing = stat(path, &status) != 0;
    if (is_missing && !run->follow)
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    const char *name = strrchr(path, '/');
    /* What is not there yet is a file when it looks like one. */
    run->is_file = is_missing
                       ? strstr(name ? name : path, ".jsonl") || strstr(name ? name : path, ".cbor")
                       : !S_ISDIR(status.st_mode);
    size_t length = strlen(path);
    if (length + sizeof "/telemetry.rank4294967295.jsonl" > PATH_SIZE)
        return tw_error_at(error, -ENAMETOOLONG, path, 0, 0, "this path is too long");
    memcpy(run->path, path, length + 1);
    if (!run->is_file || !name)
        snprintf(run->dir, sizeof run->dir, "%s", run->is_file ? "." : path);
    else
        snprintf(run->dir, sizeof run->dir, "%.*s", name == path ? 1 : (int)(name - path), path);
    return 0;
}

static int run_directory_open(void **ret, const struct tw_source_request *request,
                              struct tw_error *error)
{
    struct run_directory *run = calloc(1, sizeof *run);
    if (!run)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_file_wait_init(&run->wait);
    run->follow = request->follow;
    int result = set_paths(run, request->path, error);
    if (!result)
        result = look(run, error);
    if (!result && !run->n_files && !run->follow)
        result = tw_error_at(error, -ENOENT, request->path, 0, 0,
                             "holds no telemetry.cbor or telemetry.jsonl");
    /* What cannot be read is told now and not at the first record. */
    if (!result && run->n_files)
        result = peek(&run->files[0], error);
    if (result) {
        run_directory_close(run);
        return result;
    }
    *ret = run;
    return 0;
}

static int run_directory_probe(const char *path, const struct tw_texts *map)
{
    (void)map;
    char first[PATH_SIZE];
    struct stat status;
    if (stat(path, &status))
        return 0;
    if (!S_ISDIR(status.st_mode))
        return tw_probe_file(path);
    return find_first(path, first) ? tw_probe_file(first) : 0;
}

const struct tw_source tw_source_run_directory = {
    .name = "run_directory",
    .description = "the telemetry of a run directory, or a file of telemetry records",
    .probe = run_directory_probe,
    .open = run_directory_open,
    .start = run_directory_start,
    .next = run_directory_next,
    .no_more = run_directory_no_more,
    .close = run_directory_close,
};
