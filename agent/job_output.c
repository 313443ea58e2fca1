/* Pipes and pseudo-terminals. A terminal is given to the command as an output alone: its input, its
 * session and its process group are ours, so that keys (Ctrl-C, Ctrl-Z) and job control reach it as
 * they would without us. */
#include <config.h>

#include "agent/job_output.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define READ_BYTES 65536u
/* A log's reader looks at its beginning and before its place to know it again. */
#define REMEMBERED_BYTES 65536
/* Given back in pieces of at least so many. */
#define RELEASE_BYTES (1 << 20)

struct stream {
    const char *name;
    char path[64];
    int ours, theirs; /* of the pipe or terminal; -1: closed */
    int target;       /* our own standard output or error */
    int kept;         /* the file; -1: could not be written any more */
    bool is_terminal;
    int64_t owed;       /* bytes that came before the command's end was noticed, and are not read */
    int64_t n_kept;     /* bytes in the file */
    int64_t n_released; /* the reader's side alone */
    atomic_bool is_log;
};

struct tw_job_output {
    struct stream streams[TW_JOB_STREAMS_MAX];
    size_t n_streams;
    pthread_mutex_t lock; /* of `ours`, which the thread closes */
    pthread_t thread;
    bool is_started;
    int wake[2];     /* written to when the command has ended */
    double ended_at; /* the thread's: when it learned of the command's end; 0: it has not */
    int trouble;     /* likewise: error number of what could not be kept */
    int lost;        /* likewise: of what our own output would not take */
    char bytes[READ_BYTES];
};

/* ---- opening ---- */

static int open_terminal(struct stream *stream)
{
    struct termios modes;
    struct winsize size;
    stream->ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (stream->ours < 0 || grantpt(stream->ours) || unlockpt(stream->ours))
        return -errno;
    char name[64];
    if (ptsname_r(stream->ours, name, sizeof name))
        return -errno;
    stream->theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (stream->theirs < 0)
        return -errno;
    /* Our own terminal turns "\n" into "\r\n"; twice would be once too often. */
    if (!tcgetattr(stream->theirs, &modes)) {
        modes.c_oflag &= ~(tcflag_t)OPOST;
        modes.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(stream->theirs, TCSANOW, &modes);
    }
    if (!ioctl(stream->target, TIOCGWINSZ, &size))
        ioctl(stream->ours, TIOCSWINSZ, &size);
    return 0;
}

static int open_pipe(struct stream *stream)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    stream->ours = ends[0];
    stream->theirs = ends[1];
    return 0;
}

/* Without a name, so that nothing is left of it however we end. */
static int open_kept(struct stream *stream)
{
    char path[300];
    const char *folder = getenv("TMPDIR");
    int length =
        snprintf(path, sizeof path, "%s/trainward-XXXXXX", folder && *folder ? folder : "/tmp");
    if (length < 0 || length >= (int)sizeof path)
        return -ENAMETOOLONG;
    stream->kept = mkostemp(path, O_CLOEXEC);
    if (stream->kept < 0)
        return -errno;
    unlink(path);
    snprintf(stream->path, sizeof stream->path, "/proc/self/fd/%d", stream->kept);
    return 0;
}

static int open_stream(struct tw_job_output *output, const char *name, int target,
                       struct tw_error *error)
{
    struct stream *stream = &output->streams[output->n_streams++];
    *stream = (struct stream){.name = name, .ours = -1, .theirs = -1, .target = target, .kept = -1};
    stream->is_terminal = isatty(target) == 1;
    int result = stream->is_terminal ? open_terminal(stream) : open_pipe(stream);
    if (result)
        return tw_error_set(error, result, "no %s for the command: %s",
                            stream->is_terminal ? "terminal" : "pipe", strerror(-result));
    result = open_kept(stream);
    return result ? tw_error_set(error, result,
                                 "no temporary file for the command's output: %s (TMPDIR says "
                                 "where it is)",
                                 strerror(-result))
                  : 0;
}

static bool have_same_target(void)
{
    struct stat out, err;
    return !fstat(STDOUT_FILENO, &out) && !fstat(STDERR_FILENO, &err) && out.st_dev == err.st_dev &&
           out.st_ino == err.st_ino;
}

int tw_job_output_open(struct tw_job_output **ret, struct tw_error *error)
{
    struct tw_job_output *output = calloc(1, sizeof *output);
    if (!output)
        return tw_error_set(error, -ENOMEM, "out of memory");
    pthread_mutex_init(&output->lock, NULL);
    output->wake[0] = output->wake[1] = -1;
    int result = pipe2(output->wake, O_CLOEXEC)
                     ? tw_error_set(error, -errno, "no pipe: %s", strerror(errno))
                     : 0;
    bool is_one = have_same_target();
    if (!result)
        result = open_stream(output, is_one ? "output" : "stdout", STDOUT_FILENO, error);
    if (!result && !is_one)
        result = open_stream(output, "stderr", STDERR_FILENO, error);
    if (result) {
        tw_job_output_close(output);
        return result;
    }
    *ret = output;
    return 0;
}

void tw_job_output_become(const struct tw_job_output *output)
{
    const struct stream *last = &output->streams[output->n_streams - 1];
    dup2(output->streams[0].theirs, STDOUT_FILENO);
    dup2(last->theirs, STDERR_FILENO);
}

/* ---- passing on ---- */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* False where nobody takes it any more. */
static bool pass_on(int target, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(target, bytes, size);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = target, .events = POLLOUT};
            poll(&room, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        } else if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
    return true;
}

/* What is no log may go on for ever. */
static void drop_old(struct stream *stream)
{
    if (stream->n_kept < TW_JOB_KEPT_BYTES || atomic_load(&stream->is_log))
        return;
    if (!ftruncate(stream->kept, 0))
        stream->n_kept = 0;
}

static void keep(struct tw_job_output *output, struct stream *stream, const char *bytes,
                 size_t size)
{
    if (stream->kept < 0 || output->trouble)
        return;
    drop_old(stream);
    while (size) {
        ssize_t n = pwrite(stream->kept, bytes, size, stream->n_kept);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            output->trouble = n ? errno : EIO;
            return;
        }
        bytes += n;
        size -= (size_t)n;
        stream->n_kept += n;
    }
}

/* A terminal whose other side was closed gives EIO, a pipe 0 bytes. When ours goes, the command
 * gets what it would have got without us. */
static void take(struct tw_job_output *output, struct stream *stream)
{
    ssize_t n = read(stream->ours, output->bytes, sizeof output->bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    bool is_passed_on = n > 0 && pass_on(stream->target, output->bytes, (size_t)n);
    if (n > 0 && !is_passed_on && errno != EPIPE) /* a reader may have had enough */
        output->lost = errno;
    if (!is_passed_on) {
        pthread_mutex_lock(&output->lock);
        close_end(&stream->ours);
        pthread_mutex_unlock(&output->lock);
    }
    if (n <= 0)
        return;
    stream->owed -= n;
    keep(output, stream, output->bytes, (size_t)n);
}

/* What lies in a pipe when the command has ended may be the command's: it is passed on in any
 * case. */
static void note_end(struct tw_job_output *output)
{
    output->ended_at = tw_now_seconds();
    for (size_t i = 0; i < output->n_streams; i++) {
        struct stream *stream = &output->streams[i];
        int n = 0;
        if (stream->ours >= 0 && !ioctl(stream->ours, FIONREAD, &n))
            stream->owed = n;
    }
}

/* Milliseconds to wait for more, or -1: for ever. */
static int patience(const struct tw_job_output *output)
{
    if (!output->ended_at)
        return -1;
    double left = output->ended_at + TW_JOB_REST_SECONDS - tw_now_seconds();
    return (int)(1000 * fmax(0, fmin(left, TW_JOB_SILENCE_SECONDS)));
}

static bool is_over(const struct tw_job_output *output)
{
    bool is_open = false, is_owed = false;
    for (size_t i = 0; i < output->n_streams; i++) {
        const struct stream *stream = &output->streams[i];
        is_open |= stream->ours >= 0;
        is_owed |= stream->ours >= 0 && stream->owed > 0;
    }
    return !is_open || (!is_owed && !patience(output));
}

static void *run_thread(void *closure)
{
    struct tw_job_output *output = closure;
    while (!is_over(output)) {
        struct pollfd fds[TW_JOB_STREAMS_MAX + 1] = {{.fd = output->wake[0], .events = POLLIN}};
        for (size_t i = 0; i < output->n_streams; i++)
            fds[1 + i] = (struct pollfd){.fd = output->streams[i].ours, .events = POLLIN};
        if (output->ended_at)
            fds[0].fd = -1;
        int n = poll(fds, (nfds_t)output->n_streams + 1, patience(output));
        if (n == 0)
            return NULL;
        if (n > 0 && fds[0].revents)
            note_end(output);
        for (size_t i = 0; i < output->n_streams; i++) {
            if (n > 0 && fds[1 + i].revents)
                take(output, &output->streams[i]);
        }
    }
    return NULL;
}

int tw_job_output_start(struct tw_job_output *output, struct tw_error *error)
{
    sigset_t all, before;
    for (size_t i = 0; i < output->n_streams; i++)
        close_end(&output->streams[i].theirs);
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&output->thread, NULL, run_thread, output);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    output->is_started = !number;
    return number ? tw_error_set(error, -number, "no thread: %s", strerror(number)) : 0;
}

/* ---- reading ---- */

const char *tw_job_output_path(const struct tw_job_output *output, size_t stream)
{
    return stream < output->n_streams ? output->streams[stream].path : NULL;
}

const char *tw_job_output_name(const struct tw_job_output *output, size_t stream)
{
    return output->streams[stream].name;
}

void tw_job_output_was_read(struct tw_job_output *output, size_t i, int64_t bytes)
{
    struct stream *stream = &output->streams[i];
    int64_t first = stream->n_released ? stream->n_released : REMEMBERED_BYTES;
    int64_t last = (bytes - REMEMBERED_BYTES) & ~(int64_t)(REMEMBERED_BYTES - 1);
    if (last - first < RELEASE_BYTES)
        return;
    /* A file system that cannot do it keeps everything. */
    (void)!fallocate(stream->kept, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first, last - first);
    stream->n_released = last;
}

void tw_job_output_is_log(struct tw_job_output *output, size_t stream)
{
    atomic_store(&output->streams[stream].is_log, true);
}

void tw_job_output_resize(struct tw_job_output *output)
{
    struct winsize size;
    pthread_mutex_lock(&output->lock);
    for (size_t i = 0; i < output->n_streams; i++) {
        const struct stream *stream = &output->streams[i];
        if (stream->is_terminal && !ioctl(stream->target, TIOCGWINSZ, &size))
            ioctl(stream->ours, TIOCSWINSZ, &size);
    }
    pthread_mutex_unlock(&output->lock);
}

/* ---- the end ---- */

int tw_job_output_finish(struct tw_job_output *output, struct tw_error *error)
{
    if (output->is_started) {
        (void)!write(output->wake[1], "", 1);
        pthread_join(output->thread, NULL);
    }
    output->is_started = false;
    if (output->lost)
        return tw_error_set(error, -output->lost,
                            "the command's output could not be passed on to its end: %s",
                            strerror(output->lost));
    return output->trouble ? tw_error_set(error, -output->trouble,
                                          "the command's output could not be kept to the end: %s "
                                          "(TMPDIR says where it is)",
                                          strerror(output->trouble))
                           : 0;
}

bool tw_job_output_is_lost(const struct tw_job_output *output)
{
    return output->lost;
}

void tw_job_output_close(struct tw_job_output *output)
{
    if (!output)
        return;
    tw_job_output_finish(output, NULL);
    for (size_t i = 0; i < output->n_streams; i++) {
        close_end(&output->streams[i].ours);
        close_end(&output->streams[i].theirs);
        close_end(&output->streams[i].kept);
    }
    close_end(&output->wake[0]);
    close_end(&output->wake[1]);
    pthread_mutex_destroy(&output->lock);
    free(output);
}
