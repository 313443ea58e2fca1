/* Keeping a helper process: posix_spawn(), a socket, a deadline, SIGKILL. */
#include "sinks/mail/helper.h"

#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "trainward-esmtp"
/* How long an interrupt may go unseen. */
#define SLICE_MS 200
/* An answer is a line of a few hundred bytes. */
#define ANSWER_MAX 4096

bool tw_mail_helper_find(const char *configured, char *ret, size_t size)
{
    char self[4096];
    if (configured) {
        snprintf(ret, size, "%s", configured);
        return !access(ret, X_OK);
    }
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        snprintf(ret, size, "%s/" NAME, dirname(self));
        if (!access(ret, X_OK))
            return true;
    }
    snprintf(ret, size, TW_LIBEXECDIR "/" NAME);
    return !access(ret, X_OK);
}

/* The child has no environment: libesmtp looks into $HOME for certificates of its own. */
static int spawn(struct tw_mail_helper *helper, const char *path, int theirs)
{
    char name[] = NAME, *arguments[] = {name, NULL}, *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, theirs, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    /* A group of its own: Ctrl-C is for us, who then stop it. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int result = posix_spawn(&helper->pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (result)
        helper->pid = 0;
    return result;
}

static bool start(struct tw_mail_helper *helper, const char *path, char *reason, size_t size)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        snprintf(reason, size, "no socket for " NAME ": %s", strerrordesc_np(errno));
        return false;
    }
    int result = spawn(helper, path, pair[1]);
    close(pair[1]);
    if (result) {
        close(pair[0]);
        snprintf(reason, size, "%s cannot be started: %s", path, strerrordesc_np(result));
        return false;
    }
    helper->fd = pair[0];
    return true;
}

void tw_mail_helper_stop(struct tw_mail_helper *helper)
{
    if (!helper->pid)
        return;
    close(helper->fd);
    kill(helper->pid, SIGKILL);
    while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    helper->pid = 0;
}

void tw_mail_helper_interrupt(struct tw_mail_helper *helper)
{
    __atomic_store_n(&helper->is_interrupted, 1, __ATOMIC_RELAXED);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Waits until the socket is ready for `events`. */
static bool wait_for(const struct tw_mail_helper *helper, short events, double deadline,
                     char *reason, size_t size)
{
    struct pollfd ready = {.fd = helper->fd, .events = events};
    while (!__atomic_load_n(&helper->is_interrupted, __ATOMIC_RELAXED)) {
        if (now() > deadline) {
            snprintf(reason, size, "no answer in time, so " NAME " was killed");
            return false;
        }
        if (poll(&ready, 1, SLICE_MS) > 0)
            return true;
    }
    snprintf(reason, size, "interrupted");
    return false;
}

static bool write_line(const struct tw_mail_helper *helper, const char *text, size_t left,
                       double deadline, char *reason, size_t size)
{
    while (left) {
        if (!wait_for(helper, POLLOUT, deadline, reason, size))
            return false;
        ssize_t n = send(helper->fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            snprintf(reason, size, NAME " has ended: %s", strerrordesc_np(errno));
            return false;
        }
        if (n > 0) {
            text += n;
            left -= (size_t)n;
        }
    }
    return true;
}

static json_t *read_answer(const struct tw_mail_helper *helper, double deadline, char *reason,
                           size_t size)
{
    char text[ANSWER_MAX];
    size_t length = 0;
    while (!length || text[length - 1] != '\n') {
        if (!wait_for(helper, POLLIN, deadline, reason, size))
            return NULL;
        ssize_t n = length < sizeof text
                        ? recv(helper->fd, text + length, sizeof text - length, MSG_DONTWAIT)
                        : 0;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0) {
            snprintf(reason, size, NAME " ended without an answer");
            return NULL;
        }
        length += (size_t)n;
    }
    json_t *answer = json_loadb(text, length, 0, NULL);
    if (!answer)
        snprintf(reason, size, NAME " gave no answer that can be read");
    return answer;
}

/* A helper may have been killed since the last answer. */
static void forget_ended(struct tw_mail_helper *helper)
{
    if (helper->pid && waitpid(helper->pid, NULL, WNOHANG) == helper->pid) {
        close(helper->fd);
        helper->pid = 0;
    }
}

struct json_t *tw_mail_helper_ask(struct tw_mail_helper *helper, const char *path,
                                  const struct json_t *request, double seconds, char *reason,
                                  size_t reason_size)
{
    double deadline = now() + seconds;
    json_t *answer = NULL;
    char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
    int length = text ? asprintf(&line, "%s\n", text) : -1;
    forget_ended(helper);
    if (length < 0)
        snprintf(reason, reason_size, "out of memory");
    else if ((helper->pid || start(helper, path, reason, reason_size)) &&
             write_line(helper, line, (size_t)length, deadline, reason, reason_size))
        answer = read_answer(helper, deadline, reason, reason_size);
    if (!answer || json_is_true(json_object_get(answer, "is_last")))
        tw_mail_helper_stop(helper);
    if (length >= 0) {
        explicit_bzero(line, (size_t)length); /* it holds the password */
        free(line);
    }
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return answer;
}
