/* The open files of a process: /proc/PID/fd and fdinfo, see proc_pid_fd(5). */
#include "sources/process.h"

#include "sources/process_text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 65536
#define PATH_SIZE 4200
#define DELETED " (deleted)"
#define SHARED "/dev/shm/"

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static bool read_info_text(char *ret, size_t size, const char *proc, long pid, int fd)
{
    char name[64];
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    return tw_process_text(ret, size, proc, pid, name) > 0;
}

static void read_info(const char *proc, long pid, int fd, bool *ret_is_written,
                      int64_t *ret_position)
{
    char text[512];
    unsigned flags = 0;
    long long position = 0;
    if (!read_info_text(text, sizeof text, proc, pid, fd))
        return;
    const char *place = strstr(text, "pos:"), *how = strstr(text, "flags:");
    if (place && sscanf(place, "pos: %lld", &position) == 1)
        *ret_position = position;
    if (how && sscanf(how, "flags: %o", &flags) == 1)
        *ret_is_written = (flags & O_ACCMODE) != O_RDONLY;
}

long tw_process_file_terminal(const char *proc, long pid, int fd)
{
    char text[512];
    long ret = -1;
    const char *place =
        read_info_text(text, sizeof text, proc, pid, fd) ? strstr(text, "tty-index:") : NULL;
    return place && sscanf(place, "tty-index: %ld", &ret) == 1 ? ret : -1;
}

bool tw_process_file_is_written(const char *proc, long pid, int fd)
{
    bool is_written = false;
    int64_t position;
    read_info(proc, pid, fd, &is_written, &position);
    return is_written;
}

static bool is_deleted(const char *link)
{
    size_t length = strlen(link), more = strlen(DELETED);
    return length > more && !strcmp(link + length - more, DELETED);
}

/* Memory that processes share lies there, too, any number of pieces: torch_7_1, psm_2a, nccl-x,
 * sem.y, or deleted at once. */
static bool is_file_in_memory(const char *name)
{
    bool has_extension = strchr(name, '.') && !begins(name, "sem.");
    return (has_extension || strchr(name, '/')) && !is_deleted(name);
}

static enum tw_process_file_kind kind_of(const char *link)
{
    if (begins(link, "pipe:["))
        return TW_FILE_PIPE;
    if (begins(link, "socket:["))
        return TW_FILE_SOCKET;
    if (!strcmp(link, "/dev/null"))
        return TW_FILE_NULL;
    if (begins(link, "/dev/pts/") || begins(link, "/dev/tty") || !strcmp(link, "/dev/console"))
        return TW_FILE_TERMINAL;
    if (begins(link, SHARED) && is_file_in_memory(link + strlen(SHARED)))
        return TW_FILE_REGULAR;
    /* Memory that goes by a name, and the kernel's own: no logs. */
    if (link[0] != '/' || begins(link, "/dev/") || begins(link, "/memfd:") ||
        begins(link, "/SYSV") || begins(link, "/proc/") || begins(link, "/sys/"))
        return TW_FILE_OTHER;
    return TW_FILE_REGULAR;
}

static void cut_deleted(char *path)
{
    if (is_deleted(path))
        path[strlen(path) - strlen(DELETED)] = '\0';
}

/* A file without a name is read through /proc itself, for as long as the process has it. */
static void set_path(struct tw_process_file *file, const char *proc, long pid, char *link,
                     const struct stat *status)
{
    char path[PATH_SIZE];
    struct stat named;
    cut_deleted(link);
    bool is_named = tw_process_path(path, sizeof path, proc, pid, link) && !stat(path, &named) &&
                    named.st_ino == status->st_ino && named.st_dev == status->st_dev;
    file->is_deleted = !is_named;
    if (!is_named)
        snprintf(path, sizeof path, "%s/%ld/fd/%d", proc, pid, file->fd);
    file->path = strdup(path);
}

/* False where the descriptor has gone meanwhile. */
static bool read_file(struct tw_process_file *file, const char *proc, long pid)
{
    char path[300], link[PATH_SIZE];
    struct stat status;
    snprintf(path, sizeof path, "%.200s/%ld/fd/%d", proc, pid, file->fd);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n <= 0)
        return false;
    link[n] = '\0';
    file->kind = kind_of(link);
    read_info(proc, pid, file->fd, &file->is_written, &file->position);
    if (file->kind == TW_FILE_PIPE)
        file->inode = strtoull(link + strlen("pipe:["), NULL, 10);
    if (file->kind == TW_FILE_REGULAR && (stat(path, &status) || !S_ISREG(status.st_mode)))
        file->kind = TW_FILE_OTHER;
    if (file->kind == TW_FILE_REGULAR)
        set_path(file, proc, pid, link, &status);
    else
        file->path = strdup(link);
    return file->path != NULL;
}

static int by_number(const void *a, const void *b)
{
    const struct tw_process_file *left = a, *right = b;
    return (left->fd > right->fd) - (left->fd < right->fd);
}

static int add(struct tw_process_files *files, const struct tw_process_file *file)
{
    struct tw_process_file *grown = files->at;
    if ((files->n & (files->n - 1)) == 0) /* a power of two: full */
        grown = realloc(files->at, (files->n ? files->n * 2 : 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    files->at = grown;
    grown[files->n++] = *file;
    return 0;
}

int tw_process_files(struct tw_process_files *ret, const char *proc, long pid,
                     struct tw_error *error)
{
    char path[300];
    struct dirent *entry;
    int result = 0;
    snprintf(path, sizeof path, "%.200s/%ld/fd", proc, pid);
    DIR *dir = opendir(path);
    if (!dir)
        return tw_process_failed(error, proc, pid, errno);
    while (!result && ret->n < FILES_MAX && (entry = readdir(dir))) {
        struct tw_process_file file = {.fd = atoi(entry->d_name)};
        if (!isdigit((unsigned char)entry->d_name[0]) || !read_file(&file, proc, pid))
            continue;
        if ((result = add(ret, &file)))
            free(file.path);
    }
    closedir(dir);
    if (ret->n)
        qsort(ret->at, ret->n, sizeof *ret->at, by_number);
    return result ? tw_error_set(error, result, "out of memory") : 0;
}

void tw_process_files_release(struct tw_process_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->at[i].path);
    free(files->at);
    *files = (struct tw_process_files){0};
}
