/* Looks through the open files of all processes. */
#include "sources/process_others.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct question {
    uint64_t inode;
    const char *path;
};

static bool reads_pipe(const struct tw_process_file *file, const struct question *question)
{
    return file->kind == TW_FILE_PIPE && file->inode == question->inode && !file->is_written;
}

static bool writes_path(const struct tw_process_file *file, const struct question *question)
{
    size_t length = strlen(question->path);
    return file->kind == TW_FILE_REGULAR && file->is_written &&
           !strncmp(file->path, question->path, length) &&
           (file->path[length] == '\0' || file->path[length] == '/');
}

static bool has_file(const char *proc, long pid, const struct question *question,
                     bool (*is_it)(const struct tw_process_file *, const struct question *))
{
    struct tw_process_files files = {0};
    bool has_any = false;
    tw_process_files(&files, proc, pid, NULL);
    for (size_t i = 0; i < files.n && !has_any; i++)
        has_any = is_it(&files.at[i], question);
    tw_process_files_release(&files);
    return has_any;
}

static bool is_one_of(const struct tw_processes *family, long pid)
{
    for (size_t i = 0; i < family->n; i++) {
        if (family->at[i].pid == pid)
            return true;
    }
    return false;
}

void tw_process_pipe_readers(struct tw_processes *ret, const char *proc,
                             const struct tw_processes *family, uint64_t inode)
{
    const struct question question = {.inode = inode};
    size_t n;
    struct tw_process *all = tw_process_all(proc, &n);
    for (size_t i = 0; i < n && ret->n < TW_PROCESSES_MAX; i++) {
        long pid = all[i].pid;
        if (pid != getpid() && !is_one_of(family, pid) && !is_one_of(ret, pid) &&
            has_file(proc, pid, &question, reads_pipe))
            ret->at[ret->n++] = all[i];
    }
    free(all);
}

bool tw_process_is_written_by_others(const char *proc, const struct tw_processes *family,
                                     const char *path)
{
    char whole[PATH_MAX];
    const struct question question = {.path = realpath(path, whole) ? whole : path};
    bool is_written = false;
    size_t n;
    struct tw_process *all = tw_process_all(proc, &n);
    for (size_t i = 0; i < n && !is_written; i++) {
        long pid = all[i].pid;
        is_written = pid != getpid() && !is_one_of(family, pid) &&
                     has_file(proc, pid, &question, writes_path);
    }
    free(all);
    return is_written;
}
