/* Files that fail as those of a network do, and a clock that the test sets. The linker puts these
 * functions before the real ones (-Wl,--wrap, in sources/local.mk). */
#ifndef FAILING_FILES_H
#define FAILING_FILES_H

#include <errno.h>
#include <sys/types.h>

static int open_error, read_error;
static double seconds;

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t place);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t place);
int __real_tw_open_log(const char *path);
int __wrap_tw_open_log(const char *path);
double __wrap_tw_now_seconds(void);

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t place)
{
    errno = read_error;
    return read_error ? -1 : __real_pread(fd, bytes, size, place);
}

int __wrap_tw_open_log(const char *path)
{
    errno = open_error;
    return open_error ? -1 : __real_tw_open_log(path);
}

double __wrap_tw_now_seconds(void)
{
    return seconds;
}

static inline void reading_fails(int error)
{
    read_error = error;
}

static inline void opening_fails(int error)
{
    open_error = error;
}

static inline void files_are_well(void)
{
    open_error = read_error = 0;
}

static inline void seconds_pass(double n)
{
    seconds += n;
}

#endif
