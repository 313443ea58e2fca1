/* Gathers places from a family of processes. */
#include "sources/process_logs.h"

#include "sources/process_arguments.h"
#include "sources/process_others.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A job may have any number of files open, and each of them is looked at again and again. */
#define FILES_MAX 1024
#define PATH_SIZE 4200

struct search {
    struct tw_process_places *places;
    const char *proc;
    struct tw_processes readers; /* of the family's output */
    size_t n_files;
    struct tw_error *error;
};

const char *tw_place_reason_name(enum tw_place_reason reason)
{
    static const char *const names[TW_PLACE_REASONS] = {
        "an open file",
        "its output",
        "written by who reads its output",
        "named on its command line",
        "named in its environment",
        "below its working directory",
    };
    return names[reason];
}

/* ---- places ---- */

static struct tw_process_place *find_place(struct tw_process_places *places, const char *path)
{
    for (size_t i = 0; i < places->n; i++) {
        if (!strcmp(places->at[i].path, path))
            return &places->at[i];
    }
    return NULL;
}

/* What is empty may become a log, but takes no place from what may be one already. */
static bool is_place(const struct search *search, const struct stat *status)
{
    if (S_ISDIR(status->st_mode))
        return true;
    size_t most = status->st_size > 0 ? FILES_MAX : FILES_MAX / 2;
    return S_ISREG(status->st_mode) && search->n_files < most;
}

/* `path` is one of ours. What is neither a regular file nor a folder is no place. */
static int add_place(struct search *search, const char *path, enum tw_place_reason reason, long pid)
{
    struct stat status;
    struct tw_process_places *places = search->places;
    if (stat(path, &status) || !is_place(search, &status))
        return 0;
    struct tw_process_place *known = find_place(places, path);
    if (known) {
        known->reason = reason < known->reason ? reason : known->reason;
        return 0;
    }
    struct tw_process_place *grown = realloc(places->at, (places->n + 1) * sizeof *grown);
    char *copy = strdup(path);
    if (grown)
        places->at = grown;
    if (!grown || !copy) {
        free(copy);
        return tw_error_set(search->error, -ENOMEM, "out of memory");
    }
    search->n_files += S_ISREG(status.st_mode);
    grown[places->n++] = (struct tw_process_place){copy, reason, S_ISDIR(status.st_mode) != 0, pid};
    return 0;
}

static int add_texts(struct search *search, const struct tw_texts *paths,
                     enum tw_place_reason reason, long pid)
{
    char path[PATH_SIZE];
    int result = 0;
    for (size_t i = 0; i < paths->n && !result; i++) {
        bool fits = tw_process_path(path, sizeof path, search->proc, pid, paths->at[i]);
        result = fits ? add_place(search, path, reason, pid) : 0;
    }
    return result;
}

/* ---- files ---- */

/* What has more logs open than that serves many jobs, and tells nothing of this one. */
#define READER_FILES_MAX 8

static size_t count_written(const struct tw_process_files *files)
{
    size_t n = 0;
    for (size_t i = 0; i < files->n; i++)
        n += files->at[i].kind == TW_FILE_REGULAR && files->at[i].is_written;
    return n;
}

static int add_written(struct search *search, const struct tw_process_files *files,
                       enum tw_place_reason reason, long pid)
{
    int result = 0;
    for (size_t i = 0; i < files->n && !result; i++) {
        const struct tw_process_file *file = &files->at[i];
        bool is_output = reason == TW_PLACE_OPEN && (file->fd == 1 || file->fd == 2);
        if (file->kind == TW_FILE_REGULAR && file->is_written)
            result = add_place(search, file->path, is_output ? TW_PLACE_OUTPUT : reason, pid);
    }
    return result;
}

/* What is written there may be what we say ourselves. */
static bool is_ours(const struct tw_process_file *file)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        char ours[64];
        struct stat status;
        if (file->kind == TW_FILE_TERMINAL && !ttyname_r(fd, ours, sizeof ours) &&
            !strcmp(ours, file->path))
            return true;
        if (file->kind == TW_FILE_PIPE && !fstat(fd, &status) && S_ISFIFO(status.st_mode) &&
            status.st_ino == file->inode)
            return true;
    }
    return false;
}

/* Who reads the output, and who reads theirs: `train | ts | tee log`, `script -c train log`. */
static void note_readers(struct search *search, const struct tw_processes *family,
                         const struct tw_process_files *files)
{
    for (size_t i = 0; i < files->n && files->at[i].fd <= 2; i++) {
        const struct tw_process_file *file = &files->at[i];
        if (!file->is_written || is_ours(file))
            continue;
        if (file->kind == TW_FILE_PIPE)
            tw_process_pipe_readers(&search->readers, search->proc, family, file->inode);
        if (file->kind == TW_FILE_TERMINAL)
            tw_process_terminal_readers(&search->readers, search->proc, family, file->path);
    }
}

static int add_files_of_readers(struct search *search, const struct tw_processes *family)
{
    int result = 0;
    for (size_t i = 0; i < search->readers.n && !result; i++) {
        struct tw_process_files files = {0};
        long pid = search->readers.at[i].pid;
        tw_process_files(&files, search->proc, pid, NULL);
        note_readers(search, family, &files);
        if (count_written(&files) <= READER_FILES_MAX)
            result = add_written(search, &files, TW_PLACE_PIPED, pid);
        tw_process_files_release(&files);
    }
    return result;
}

static void note_lost(struct tw_process_places *places, const struct tw_process_files *files)
{
    for (size_t i = 0; i < files->n && files->at[i].fd <= 2; i++) {
        const struct tw_process_file *file = &files->at[i];
        if (file->fd >= 1 && file->kind != TW_FILE_REGULAR)
            places->lost_outputs |= 1u << file->kind;
    }
}

static int add_files(struct search *search, const struct tw_processes *family, size_t i)
{
    struct tw_process_files files = {0};
    long pid = family->at[i].pid;
    int result = tw_process_files(&files, search->proc, pid, search->error);
    if (!result)
        result = add_written(search, &files, TW_PLACE_OPEN, pid);
    if (!result)
        note_readers(search, family, &files);
    if (!result && i == 0)
        note_lost(search->places, &files);
    tw_process_files_release(&files);
    return result;
}

/* ---- folders ---- */

/* Relative paths as they were meant when the program was started; it may work elsewhere by now. */
static int add_from_start(struct search *search, const struct tw_texts *paths, long pid)
{
    static const char *const names[] = {"PWD", NULL};
    char whole[PATH_SIZE], path[PATH_SIZE];
    struct tw_texts folder = {0};
    int result = tw_process_environment(&folder, search->proc, pid, names, search->error);
    for (size_t i = 0; i < paths->n && folder.n && !result; i++) {
        int length =
            snprintf(whole, sizeof whole, "%s/%s", folder.at[0] + strlen("PWD="), paths->at[i]);
        if (paths->at[i][0] != '/' && whole[0] == '/' && length < (int)sizeof whole &&
            tw_process_path(path, sizeof path, search->proc, pid, whole))
            result = add_place(search, path, TW_PLACE_ARGUMENT, pid);
    }
    tw_texts_release(&folder);
    return result;
}

static int add_named(struct search *search, long pid)
{
    struct tw_texts texts = {0}, paths = {0};
    int result = tw_process_arguments(&texts, search->proc, pid, search->error);
    if (!result)
        result = tw_process_output_arguments(&paths, &texts);
    if (!result)
        result = add_texts(search, &paths, TW_PLACE_ARGUMENT, pid);
    if (!result)
        result = add_from_start(search, &paths, pid);
    tw_texts_release(&texts);
    tw_texts_release(&paths);
    return result;
}

static int add_environment(struct search *search, long pid)
{
    struct tw_texts texts = {0}, paths = {0};
    int result = tw_process_environment(&texts, search->proc, pid, tw_process_output_variables,
                                        search->error);
    if (!result)
        result = tw_process_output_paths(&paths, &texts);
    if (!result)
        result = add_texts(search, &paths, TW_PLACE_ENVIRONMENT, pid);
    tw_texts_release(&texts);
    tw_texts_release(&paths);
    return result;
}

/* A service's root is no place for logs, and a container's is searched through nowhere else. */
static int add_folder(struct search *search, long pid)
{
    char path[PATH_SIZE];
    int result = tw_process_folder(path, sizeof path, search->proc, pid, search->error);
    if (result || !strcmp(path, "/"))
        return result;
    return add_place(search, path, TW_PLACE_FOLDER, pid);
}

static int add_all(struct search *search, const struct tw_processes *family, size_t i)
{
    long pid = family->at[i].pid;
    int result = add_files(search, family, i);
    if (!result)
        result = add_named(search, pid);
    if (!result)
        result = add_environment(search, pid);
    return result ? result : add_folder(search, pid);
}

/* A child may have ended meanwhile, or be another user's. */
static int add_family(struct search *search, const struct tw_processes *family,
                      struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < family->n; i++) {
        struct tw_error why = {0};
        search->error = &why;
        result = add_all(search, family, i);
        if (result && error && (i == 0 || result == -ENOMEM))
            *error = why;
        if (result && (i == 0 || result == -ENOMEM))
            return result;
    }
    search->error = error;
    return add_files_of_readers(search, family);
}

static int by_reason(const void *a, const void *b)
{
    const struct tw_process_place *left = a, *right = b;
    if (left->reason != right->reason)
        return left->reason < right->reason ? -1 : 1;
    return strcmp(left->path, right->path);
}

int tw_process_places_find(struct tw_process_places *ret, const char *proc,
                           const struct tw_processes *family, struct tw_error *error)
{
    struct search search = {.places = ret, .proc = proc};
    *ret = (struct tw_process_places){0};
    int result = add_family(&search, family, error);
    if (result)
        tw_process_places_release(ret);
    else if (ret->n)
        qsort(ret->at, ret->n, sizeof *ret->at, by_reason);
    return result;
}

void tw_process_places_release(struct tw_process_places *places)
{
    for (size_t i = 0; i < places->n; i++)
        free(places->at[i].path);
    free(places->at);
    *places = (struct tw_process_places){0};
}
