/* Reading small texts of /proc, and why one may not. */
#include "sources/process_text.h"

#include "sources/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

long tw_process_text(char *ret, size_t size, const char *proc, long pid, const char *name)
{
    char path[300];
    size_t used = 0;
    ssize_t n = 1;
    snprintf(path, sizeof path, "%.200s/%ld/%.64s", proc, pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (used < size - 1 && (n = read(fd, ret + used, size - 1 - used)) > 0)
        used += (size_t)n;
    int number = errno;
    close(fd);
    ret[used] = '\0';
    return n < 0 ? -number : (long)used;
}

/* What /proc does not show refuses our signals all the same. */
static bool is_hidden(const char *proc, long pid)
{
    bool may_be = !strcmp(proc, TW_PROC) && pid > 0 && pid <= INT_MAX;
    return may_be && kill((pid_t)pid, 0) && errno == EPERM;
}

int tw_process_missing(struct tw_error *error, const char *proc, long pid)
{
    char place[64];
    snprintf(place, sizeof place, "process %ld", pid);
    if (is_hidden(proc, pid))
        return tw_error_at(error, -EACCES, place, 0, 0,
                           "is hidden from us: it is another user's, and /proc shows each user the "
                           "own ones alone (hidepid); run trainward as that user or as root, or "
                           "name the job's log instead");
    return tw_error_at(error, -ESRCH, place, 0, 0, "there is no such process");
}

int tw_process_refused(struct tw_error *error, const char *proc, long pid)
{
    char path[300], place[64], user[64];
    struct stat status;
    snprintf(path, sizeof path, "%.200s/%ld", proc, pid);
    snprintf(place, sizeof place, "process %ld", pid);
    if (stat(path, &status))
        return tw_process_missing(error, proc, pid);
    if (geteuid() == 0 || geteuid() == status.st_uid)
        return tw_error_at(error, -EACCES, place, 0, 0,
                           "may not be looked into, even by its user: it is protected, or has more "
                           "rights than we do (in a container: CAP_SYS_PTRACE is missing); name "
                           "the job's log instead");
    const struct passwd *entry = getpwuid(status.st_uid);
    if (entry)
        snprintf(user, sizeof user, "%.60s", entry->pw_name);
    else
        snprintf(user, sizeof user, "%u", (unsigned)status.st_uid);
    return tw_error_at(error, -EACCES, place, 0, 0,
                       "may not be looked into, it is user %s's: run trainward as that user or as "
                       "root (or with CAP_SYS_PTRACE), or name the job's log instead",
                       user);
}

int tw_process_failed(struct tw_error *error, const char *proc, long pid, int number)
{
    char place[64];
    snprintf(place, sizeof place, "process %ld", pid);
    if (number == EACCES || number == EPERM)
        return tw_process_refused(error, proc, pid);
    if (number == ENOENT || number == ESRCH)
        return tw_process_missing(error, proc, pid);
    return tw_error_at(error, -number, place, 0, 0, "cannot be looked into: %s", strerror(number));
}
