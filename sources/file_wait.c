/* Waiting for a directory's files; see file_wait.h. */
#include <config.h>

#include "sources/file_wait.h"

#include <poll.h>
#include <unistd.h>
#ifdef HAVE_SYS_INOTIFY_H
#include <sys/inotify.h>
#endif

#define POLL_SECONDS .25

void tw_file_wait_init(struct tw_file_wait *wait)
{
    wait->fd = -1;
    wait->is_started = 0;
}

#ifdef HAVE_SYS_INOTIFY_H
/* Only at the first wait: a process may have few inotify instances (128 a user), and whoever reads
 * many files never waits for a single one. */
static void start(struct tw_file_wait *wait, const char *dir)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    wait->is_started = 1;
    if (fd < 0)
        return;
    if (inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
        close(fd);
        wait->is_started = 0; /* the directory may come later */
        return;
    }
    wait->fd = fd;
}

static void forget_events(int fd)
{
    char events[4096];
    while (read(fd, events, sizeof events) > 0)
        ;
}
#else
static void start(struct tw_file_wait *wait, const char *dir)
{
    (void)dir;
    wait->is_started = 1;
}

static void forget_events(int fd)
{
    (void)fd;
}
#endif

void tw_file_wait(struct tw_file_wait *wait, const char *dir, double seconds)
{
    if (seconds <= 0)
        return;
    if (!wait->is_started)
        start(wait, dir);
    struct pollfd changes = {.fd = wait->fd, .events = POLLIN};
    if (seconds > POLL_SECONDS)
        seconds = POLL_SECONDS;
    if (poll(&changes, wait->fd >= 0, (int)(seconds * 1000) + 1) > 0)
        forget_events(wait->fd);
}

void tw_file_wait_done(struct tw_file_wait *wait)
{
    if (wait->fd >= 0)
        close(wait->fd);
    wait->fd = -1;
}
