/* A followed file. Whether it is still the one that was read is told by its inode, its size, and a
 * copy of the bytes at its beginning and before our place: writers that replace a file by another
 * one (os.replace), cut it off (logrotate's copytruncate) or write it anew in place (Lightning's
 * CSVLogger at each new column) look alike from its size alone. */
#include "sources/logs/input.h"

#include "sources/held_file.h"
#include "sources/logs/packed_away.h"
#include "sources/logs/patience.h"
#include "sources/logs/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 1024u
#define TAIL_BYTES 256u
#define PACKED_BYTES 65536u

struct tw_log_input {
    char *path;
    struct tw_held_file file;
    bool follow, has_no_more, has_started, is_dead;
    bool is_at_end;              /* the newest read gave nothing */
    bool is_rotated, is_deleted; /* known of a file that has its name no more */
    struct tw_patience missing, failing;
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
    input->file = TW_HELD_FILE_INIT;
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
    tw_held_file_close(&input->file);
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

/* What failed may be well again soon. A file that its server has no more under our handle is opened
 * anew, and goes on where it holds what was read. */
static int fail(struct tw_log_input *input, struct tw_error *error)
{
    int why = errno;
    if (why == ESTALE && input->file.fd >= 0) {
        tw_held_file_close(&input->file);
        input->changed = (struct timespec){.tv_nsec = -1};
    }
    if (input->follow && !input->has_no_more && tw_patience_lasts(&input->failing, why))
        return TW_LOG_NOTHING;
    return tw_error_at(error, -why, input->path, 0, 0, "cannot be read: %s", strerror(why));
}

/* Between two names, as when a writer rotates its logs, there is none for a moment. */
static int miss(struct tw_log_input *input)
{
    return tw_patience_lasts(&input->missing, ENOENT) ? TW_LOG_NOTHING : TW_LOG_GONE;
}

static void forget(struct tw_log_input *input)
{
    input->place = 0;
    input->n_head = input->n_tail = input->n_packed = 0;
    input->has_started = input->is_dead = input->is_rotated = input->is_deleted = false;
    tw_unpack_free(input->unpack);
    input->unpack = NULL;
}

/* Another file's first byte comes next; with `goes_on` it goes on where this one ended. */
static int restart(struct tw_log_input *input, bool goes_on)
{
    bool has_given = input->place > 0;
    forget(input);
    if (!has_given)
        return TW_LOG_NOTHING;
    return goes_on ? TW_LOG_ROTATED : TW_LOG_RESTARTED;
}

/* What was closed meanwhile, and is neither at its name nor beside it. */
static bool was_packed_away(const struct tw_log_input *input)
{
    return tw_log_is_packed_away(input->path, &input->file.seen);
}

static int fail_to_open(struct tw_log_input *input, struct tw_error *error)
{
    if (!input->follow || errno != ENOENT)
        return fail(input, error);
    bool goes_on = input->file.is_resting && was_packed_away(input);
    return goes_on ? TW_LOG_NOTHING : miss(input);
}

/* BYTES_CAME: it is open, and there may be some. */
static int open_file(struct tw_log_input *input, struct tw_error *error)
{
    struct stat status;
    bool is_other;
    if (input->file.fd >= 0)
        return TW_LOG_BYTES_CAME;
    if (tw_held_file_open(&input->file, input->path, &is_other) < 0)
        return fail_to_open(input, error);
    tw_patience_restore(&input->missing);
    bool is_seen = !fstat(input->file.fd, &status);
    if (is_seen && S_ISREG(status.st_mode))
        return is_other ? restart(input, was_packed_away(input)) : TW_LOG_BYTES_CAME;
    int why = errno;
    tw_held_file_close(&input->file);
    errno = why;
    return is_seen ? tw_error_at(error, -EINVAL, input->path, 0, 0, "is not a regular file")
                   : fail(input, error);
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

/* 1 or 0; negative: it cannot be read, by errno. */
static int is_same(const struct tw_log_input *input, const unsigned char *bytes, size_t n,
                   int64_t place)
{
    unsigned char now[HEAD_BYTES];
    ssize_t got = read_at(input->file.fd, now, n, place);
    return got < 0 ? -1 : got == (ssize_t)n && !memcmp(now, bytes, n);
}

/* Before more is read: is this still the same file? It may be cut back, and grow again, while we
 * are far from its end, too. BYTES_CAME: it is, and there may be some. */
static int check_content(struct tw_log_input *input, struct tw_error *error)
{
    struct stat status;
    if (fstat(input->file.fd, &status))
        return fail(input, error);
    if (status.st_size < input->place)
        return restart(input, false);
    if (status.st_mtim.tv_sec == input->changed.tv_sec &&
        status.st_mtim.tv_nsec == input->changed.tv_nsec)
        return TW_LOG_BYTES_CAME;
    int is_ours = is_same(input, input->head, input->n_head, 0);
    if (is_ours > 0)
        is_ours = is_same(input, input->tail, input->n_tail, input->place - (int64_t)input->n_tail);
    if (is_ours < 0)
        return fail(input, error);
    input->changed = status.st_mtim;
    return is_ours ? TW_LOG_BYTES_CAME : restart(input, false);
}

/* Renamed, and maybe packed then. Looked up once: a folder may be large. */
static bool is_rotated(struct tw_log_input *input, const struct stat *ours)
{
    if (!input->is_rotated && !input->is_deleted) {
        input->is_rotated = ours->st_nlink > 0 || tw_log_is_packed_away(input->path, ours);
        input->is_deleted = !input->is_rotated;
    }
    return input->is_rotated;
}

/* At the end of what is open: has another file taken its name? One that was renamed may still be
 * written, and another may come for it at its writer's next line only. */
static int check_name(struct tw_log_input *input, struct tw_error *error)
{
    struct stat ours, named;
    bool has_name = !stat(input->path, &named), is_missing = !has_name && errno == ENOENT;
    if (fstat(input->file.fd, &ours))
        return fail(input, error);
    if (!has_name)
        return is_missing && !is_rotated(input, &ours) ? miss(input) : TW_LOG_NOTHING;
    tw_patience_restore(&input->missing);
    bool is_known = named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
    bool has_more = input->has_started && !input->is_dead && ours.st_size > input->place;
    if (is_known)
        input->is_rotated = input->is_deleted = false;
    if (is_known || has_more)
        return TW_LOG_NOTHING;
    bool goes_on = is_rotated(input, &ours);
    tw_held_file_close(&input->file);
    return restart(input, goes_on);
}

/* As tw_log_input_read(), of the bytes on disk. */
static int read_raw(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                    struct tw_error *error)
{
    *ret_n = 0;
    if (input->follow) {
        int news = check_content(input, error);
        if (news != TW_LOG_BYTES_CAME)
            return news;
    }
    ssize_t n = read_at(input->file.fd, bytes, size, input->place);
    if (n < 0)
        return fail(input, error);
    tw_patience_restore(&input->failing);
    if (n == 0)
        return input->follow ? check_name(input, error) : TW_LOG_NOTHING;
    remember(input, bytes, (size_t)n);
    input->place += n;
    *ret_n = (size_t)n;
    return TW_LOG_BYTES_CAME;
}

/* ---- unpacked ---- */

/* BYTES_CAME: there may be some. */
static int start(struct tw_log_input *input, struct tw_error *error)
{
    unsigned char magic[4];
    ssize_t n = read_at(input->file.fd, magic, sizeof magic, 0);
    if (n < 0)
        return fail(input, error);
    tw_patience_restore(&input->failing);
    /* Nobody can tell yet what a beginning of a few bytes will be, unless it is all there is. */
    if (n == 0 ||
        (input->follow && n < (ssize_t)sizeof magic && (magic[0] == 0x1f || magic[0] == 0x28)))
        return TW_LOG_BYTES_CAME;
    enum tw_packing packing = tw_packing_of(magic, (size_t)n);
    if (packing != TW_PACKED_NOT) {
        input->unpack = tw_unpack_new(packing);
        if (!input->packed)
            input->packed = malloc(PACKED_BYTES);
        if (!input->unpack || !input->packed)
            return tw_error_set(error, -ENOMEM, "out of memory");
    }
    input->has_started = true;
    return TW_LOG_BYTES_CAME;
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

static int read_some(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                     struct tw_error *error)
{
    int news = open_file(input, error);
    if (news == TW_LOG_BYTES_CAME && !input->has_started)
        news = start(input, error);
    if (news != TW_LOG_BYTES_CAME)
        return news;
    if (!input->has_started || input->is_dead)
        return input->follow ? check_name(input, error) : TW_LOG_NOTHING;
    return input->unpack ? read_packed(input, bytes, size, ret_n, error)
                         : read_raw(input, bytes, size, ret_n, error);
}

int tw_log_input_read(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                      struct tw_error *error)
{
    *ret_n = 0;
    if (input->is_at_end && tw_held_file_is_quiet(&input->file, input->path, input->place))
        return TW_LOG_NOTHING;
    int news = read_some(input, bytes, size, ret_n, error);
    input->is_at_end = news == TW_LOG_NOTHING;
    if (input->follow)
        tw_held_file_rest(&input->file);
    return news;
}

void tw_log_input_no_more(struct tw_log_input *input)
{
    input->has_no_more = true;
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
    if (n == TW_LOG_BYTES_CAME) {
        bool is_plain = read_at(input->file.fd, magic, sizeof magic, 0) == sizeof magic &&
                        tw_packing_of(magic, sizeof magic) == TW_PACKED_NOT;
        bool is_large = !fstat(input->file.fd, &status) && status.st_size > (off_t)size;
        n = is_plain && is_large
                ? read_at(input->file.fd, bytes, size, status.st_size - (off_t)size)
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
