/* Looks through the open files of all processes. */
#include "sources/process_others.h"

#include "sources/process_text.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4200

/* A descriptor by what /proc shows of it alone: there may be a hundred thousand of them. */
struct question {
    const char *link; /* "pipe:[123]", or a path */
    bool is_written;  /* how it is open */
    bool or_below;    /* of the path */
    bool is_terminal; /* the other side of `terminal` is asked for, by whatever link */
    long terminal;
};

static bool is_asked_for(const char *link, const struct question *question)
{
    size_t length = strlen(question->link);
    return !strncmp(link, question->link, length) &&
           (!link[length] || (question->or_below && link[length] == '/'));
}

/* "/dev/ptmx", "/dev/pts/ptmx": which terminal it was opened for is told elsewhere. */
static bool is_other_side(const char *link)
{
    size_t length = strlen(link), end = strlen("/ptmx");
    return length > end && !strcmp(link + length - end, "/ptmx");
}

static bool is_it(const char *proc, long pid, int fd, const char *link,
                  const struct question *question)
{
    if (question->is_terminal)
        return is_other_side(link) && tw_process_file_terminal(proc, pid, fd) == question->terminal;
    return is_asked_for(link, question) &&
           tw_process_file_is_written(proc, pid, fd) == question->is_written;
}

static bool has_file(const char *proc, long pid, const struct question *question)
{
    char path[300], link[PATH_SIZE];
    struct dirent *entry;
    bool has_any = false;
    snprintf(path, sizeof path, "%.200s/%ld/fd", proc, pid);
    DIR *dir = opendir(path);
    while (dir && !has_any && (entry = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        has_any = n > 0 && is_it(proc, pid, atoi(entry->d_name), link, question);
    }
    if (dir)
        closedir(dir);
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
    char link[64];
    size_t n;
    snprintf(link, sizeof link, "pipe:[%" PRIu64 "]", inode);
    const struct question question = {.link = link};
    struct tw_process *all = tw_process_all(proc, &n);
    for (size_t i = 0; i < n && ret->n < TW_PROCESSES_MAX; i++) {
        long pid = all[i].pid;
        if (pid != getpid() && !is_one_of(family, pid) && !is_one_of(ret, pid) &&
            has_file(proc, pid, &question))
            ret->at[ret->n++] = all[i];
    }
    free(all);
}

void tw_process_terminal_readers(struct tw_processes *ret, const char *proc,
                                 const struct tw_processes *family, const char *terminal)
{
    struct question question = {.is_terminal = true};
    struct tw_process above;
    char more;
    if (!family->n || sscanf(terminal, "/dev/pts/%ld%c", &question.terminal, &more) != 1)
        return;
    long pid = family->at[0].parent;
    for (; pid > 1 && !tw_process_read(&above, proc, pid, NULL); pid = above.parent) {
        if (pid != getpid() && ret->n < TW_PROCESSES_MAX && !is_one_of(ret, pid) &&
            has_file(proc, pid, &question))
            ret->at[ret->n++] = above;
    }
}

bool tw_process_is_written_by_others(const char *proc, const struct tw_processes *family,
                                     const char *path)
{
    char whole[PATH_MAX];
    const struct question question = {
        .link = realpath(path, whole) ? whole : path, .is_written = true, .or_below = true};
    bool is_written = false;
    size_t n;
    struct tw_process *all = tw_process_all(proc, &n);
    for (size_t i = 0; i < n && !is_written; i++) {
        long pid = all[i].pid;
        is_written = pid != getpid() && !is_one_of(family, pid) && has_file(proc, pid, &question);
    }
    free(all);
    return is_written;
}
