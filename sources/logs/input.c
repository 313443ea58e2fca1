/* A followed file. Whether it is still the one that was read is told by its inode, its size, and a
 * copy of the bytes at its beginning and before our place: writers that replace a file by another
 * one (os.replace), cut it off (logrotate's copytruncate) or write it anew in place (Lightning's
 * CSVLogger at each new column) look alike from its size alone. */
#include "sources/logs/input.h"

#include "sources/logs/unpack.h"
#include "sources/open_log.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 1024u
#define TAIL_BYTES 256u
#define PACKED_BYTES 65536u
/* Between two names, as when a writer rotates its logs, there is none for a moment. */
#define GONE_SECONDS 2.0

struct tw_log_input {
    char *path;
    int fd; /* -1: not open */
    bool follow, was_at_end, has_started, is_dead;
    double missing_since;    /* 0: it is there */
    int64_t place;           /* of the next byte to be read */
    struct timespec changed; /* when we last looked at `head` and `tail` */
    unsigned char head[HEAD_BYTES], tail[TAIL_BYTES];
    size_t n_head, n_tail;
    struct tw_unpack *unpack; /* NULL: the bytes are as they are */
    unsigned char *packed;    /* read and not unpacked yet: `n_packed` from `packed_at` */
    const unsigned char *packed_at;
    size_t n_packed;
};

struct tw_log_input *tw_log_input_new(const char *path, bool follow)
{
    struct tw_log_input *input = calloc(1, sizeof *input);
    if (!input)
        return NULL;
    input->fd = -1;
    input->follow = follow;
    input->path = strdup(path);
    if (input->path)
        return input;
    free(input);
    return NULL;
}

void tw_log_input_free(struct tw_log_input *input)
{
    if (!input)
        return;
    if (input->fd >= 0)
        close(input->fd);
    tw_unpack_free(input->unpack);
    free(input->packed);
    free(input->path);
    free(input);
}

/* ---- the bytes on disk ---- */

static ssize_t read_at(int fd, void *bytes, size_t size, int64_t place)
{
    ssize_t n;
    do
        n = pread(fd, bytes, size, place);
    while (n < 0 && errno == EINTR);
    return n;
}

static int cannot_read(const struct tw_log_input *input, struct tw_error *error)
{
    return tw_error_at(error, -errno, input->path, 0, 0, "cannot be read: %s", strerror(errno));
}

/* 1 when it is open, 0 when it is not there as yet. */
static int open_file(struct tw_log_input *input, struct tw_error *error)
{
    struct stat status;
    if (input->fd >= 0)
        return 1;
    input->fd = tw_open_log(input->path);
    if (input->fd < 0 && input->follow && errno == ENOENT)
        return 0;
    if (input->fd < 0)
        return cannot_read(input, error);
    input->missing_since = 0;
    if (!fstat(input->fd, &status) && S_ISREG(status.st_mode))
        return 1;
    close(input->fd);
    input->fd = -1;
    return tw_error_at(error, -EINVAL, input->path, 0, 0, "is not a regular file");
}

static void forget(struct tw_log_input *input)
{
    input->place = 0;
    input->n_head = input->n_tail = input->n_packed = 0;
    input->was_at_end = input->has_started = input->is_dead = false;
    tw_unpack_free(input->unpack);
    input->unpack = NULL;
}

/* Keeps a copy of what was read, to know it again. */
static void remember(struct tw_log_input *input, const unsigned char *bytes, size_t n)
{
    size_t missing = HEAD_BYTES - input->n_head;
    size_t more = n < missing ? n : missing;
    memcpy(input->head + input->n_head, bytes, more);
    input->n_head += more;
    if (n >= TAIL_BYTES) {
        memcpy(input->tail, bytes + n - TAIL_BYTES, TAIL_BYTES);
        input->n_tail = TAIL_BYTES;
        return;
    }
    size_t kept = input->n_tail < TAIL_BYTES - n ? input->n_tail : TAIL_BYTES - n;
    memmove(input->tail, input->tail + input->n_tail - kept, kept);
    memcpy(input->tail + kept, bytes, n);
    input->n_tail = kept + n;
}

static bool is_same(const struct tw_log_input *input, const unsigned char *bytes, size_t n,
                    int64_t place)
{
    unsigned char now[HEAD_BYTES];
    return read_at(input->fd, now, n, place) == (ssize_t)n && !memcmp(now, bytes, n);
}

static int restart(struct tw_log_input *input)
{
    bool has_given = input->place > 0;
    forget(input);
    return has_given ? TW_LOG_RESTARTED : TW_LOG_NOTHING;
}

/* Before more is read behind an end that was reached: is this still the same file? */
static int check_content(struct tw_log_input *input)
{
    struct stat status;
    if (fstat(input->fd, &status))
        return TW_LOG_NOTHING;
    if (status.st_size < input->place)
        return restart(input);
    if (status.st_mtim.tv_sec == input->changed.tv_sec &&
        status.st_mtim.tv_nsec == input->changed.tv_nsec)
        return TW_LOG_NOTHING;
    input->changed = status.st_mtim;
    if (is_same(input, input->head, input->n_head, 0) &&
        is_same(input, input->tail, input->n_tail, input->place - (int64_t)input->n_tail))
        return TW_LOG_NOTHING;
    return restart(input);
}

static int miss(struct tw_log_input *input)
{
    double now = tw_now_seconds();
    if (!input->missing_since)
        input->missing_since = now;
    return now - input->missing_since < GONE_SECONDS ? TW_LOG_NOTHING : TW_LOG_GONE;
}

/* At the end of what is open: has another file taken its name? One that was renamed may still be
 * written, and another may come for it at its writer's next line only. */
static int check_name(struct tw_log_input *input)
{
    struct stat ours, named;
    bool has_name = !stat(input->path, &named), is_missing = !has_name && errno == ENOENT;
    if (fstat(input->fd, &ours))
        return TW_LOG_NOTHING;
    bool is_renamed = ours.st_nlink > 0;
    if (!has_name)
        return is_missing && !is_renamed ? miss(input) : TW_LOG_NOTHING;
    input->missing_since = 0;
    bool is_known = named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
    bool has_more = input->has_started && !input->is_dead && ours.st_size > input->place;
    if (is_known || has_more)
        return TW_LOG_NOTHING;
    close(input->fd);
    input->fd = -1;
    int news = restart(input);
    return news == TW_LOG_RESTARTED && is_renamed ? TW_LOG_ROTATED : news;
}

/* As tw_log_input_read(), of the bytes on disk. */
static int read_raw(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                    struct tw_error *error)
{
    *ret_n = 0;
    if (input->was_at_end && input->follow) {
        int news = check_content(input);
        if (news != TW_LOG_NOTHING)
            return news;
    }
    ssize_t n = read_at(input->fd, bytes, size, input->place);
    if (n < 0)
        return cannot_read(input, error);
    if (n == 0) {
        input->was_at_end = true;
        return input->follow ? check_name(input) : TW_LOG_NOTHING;
    }
    remember(input, bytes, (size_t)n);
    input->place += n;
    input->was_at_end = false;
    *ret_n = (size_t)n;
    return TW_LOG_BYTES_CAME;
}

/* ---- unpacked ---- */

static int start(struct tw_log_input *input, struct tw_error *error)
{
    unsigned char magic[4];
    ssize_t n = read_at(input->fd, magic, sizeof magic, 0);
    if (n < 0)
        return cannot_read(input, error);
    /* Nobody can tell yet what a beginning of a few bytes will be, unless it is all there is. */
    if (n == 0 ||
        (input->follow && n < (ssize_t)sizeof magic && (magic[0] == 0x1f || magic[0] == 0x28)))
        return 0;
    enum tw_packing packing = tw_packing_of(magic, (size_t)n);
    if (packing != TW_PACKED_NOT) {
        input->unpack = tw_unpack_new(packing);
        if (!input->packed)
            input->packed = malloc(PACKED_BYTES);
        if (!input->unpack || !input->packed)
            return tw_error_set(error, -ENOMEM, "out of memory");
    }
    input->has_started = true;
    return 0;
}

static int damaged(struct tw_log_input *input)
{
    input->is_dead = true;
    input->n_packed = 0;
    return TW_LOG_DAMAGED;
}

static int read_packed(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                       struct tw_error *error)
{
    for (;;) {
        if (tw_unpack_some(input->unpack, &input->packed_at, &input->n_packed, bytes, size, ret_n))
            return *ret_n ? TW_LOG_BYTES_CAME : damaged(input);
        if (*ret_n)
            return TW_LOG_BYTES_CAME;
        size_t n;
        int news = read_raw(input, input->packed, PACKED_BYTES, &n, error);
        if (news == TW_LOG_NOTHING && !input->follow && !tw_unpack_is_complete(input->unpack))
            return damaged(input);
        if (news != TW_LOG_BYTES_CAME)
            return news;
        input->packed_at = input->packed;
        input->n_packed = n;
    }
}

int tw_log_input_read(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                      struct tw_error *error)
{
    *ret_n = 0;
    int result = open_file(input, error);
    if (result <= 0)
        return result ? result : miss(input);
    if (!input->has_started && (result = start(input, error)))
        return result;
    if (!input->has_started || input->is_dead)
        return input->follow ? check_name(input) : TW_LOG_NOTHING;
    return input->unpack ? read_packed(input, bytes, size, ret_n, error)
                         : read_raw(input, bytes, size, ret_n, error);
}

int64_t tw_log_input_place(const struct tw_log_input *input)
{
    return input->place;
}

/* ---- all at once ---- */

long tw_log_input_peek(const char *path, void *bytes, size_t size, bool *ret_is_whole)
{
    struct tw_log_input *input = tw_log_input_new(path, false);
    size_t used = 0, n;
    int news = input ? TW_LOG_BYTES_CAME : -ENOMEM;
    while (news == TW_LOG_BYTES_CAME && used < size) {
        news = tw_log_input_read(input, (char *)bytes + used, size - used, &n, NULL);
        used += n;
    }
    *ret_is_whole = news == TW_LOG_NOTHING;
    tw_log_input_free(input);
    return news < 0 ? news : (long)used;
}

/* From behind the first line's end, which may be the end of half a line. */
static long cut_first_line(char *bytes, long n)
{
    const char *newline = n > 0 ? memchr(bytes, '\n', (size_t)n) : NULL;
    long first = newline ? newline + 1 - bytes : n;
    if (n > first)
        memmove(bytes, bytes + first, (size_t)(n - first));
    return n < 0 ? n : n - first;
}

long tw_log_input_peek_end(const char *path, void *bytes, size_t size)
{
    struct stat status;
    unsigned char magic[4];
    struct tw_log_input *input = tw_log_input_new(path, false);
    long n = input ? open_file(input, NULL) : -ENOMEM;
    if (n > 0) {
        bool is_plain = read_at(input->fd, magic, sizeof magic, 0) == sizeof magic &&
                        tw_packing_of(magic, sizeof magic) == TW_PACKED_NOT;
        bool is_large = !fstat(input->fd, &status) && status.st_size > (off_t)size;
        n = is_plain && is_large ? read_at(input->fd, bytes, size, status.st_size - (off_t)size)
                                 : 0;
        n = n < 0 ? -errno : cut_first_line(bytes, n);
    }
    tw_log_input_free(input);
    return n;
}

int tw_log_input_whole(const char *path, size_t max, char **ret, size_t *ret_size,
                       struct tw_error *error)
{
    struct tw_log_input *input = tw_log_input_new(path, false);
    size_t used = 0, capacity = 0, n;
    char *bytes = NULL;
    int news = input ? TW_LOG_BYTES_CAME : tw_error_set(error, -ENOMEM, "out of memory");
    while (news == TW_LOG_BYTES_CAME) {
        if (capacity - used < 2) {
            capacity = capacity ? capacity * 2 : 65536;
            char *grown = used > max ? NULL : realloc(bytes, capacity);
            if (!grown) {
                news = tw_error_at(error, used > max ? -EFBIG : -ENOMEM, path, 0, 0,
                                   "is too large to be read at once");
                break;
            }
            bytes = grown;
        }
        news = tw_log_input_read(input, bytes + used, capacity - used - 1, &n, error);
        used += n;
    }
    tw_log_input_free(input);
    if (news < 0) {
        free(bytes);
        return news;
    }
    bytes[used] = '\0';
    *ret = bytes;
    *ret_size = used;
    return 0;
}
