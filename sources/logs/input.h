/* A log file as plain bytes: unpacked where gzip or zstd packed it, followed while somebody writes
 * it, and noticed when it is cut back, written anew or replaced. Memory does not grow with it. */
#ifndef TW_LOG_INPUT_H
#define TW_LOG_INPUT_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_log_input;

enum tw_log_news {
    TW_LOG_BYTES_CAME,
    TW_LOG_NOTHING,   /* the end, for now; where it is not followed, for good */
    TW_LOG_RESTARTED, /* what was given is void: the file's first byte comes next */
    TW_LOG_ROTATED,   /* the file was renamed, and another one of its name goes on: likewise */
    TW_LOG_GONE,      /* it has not been there for two seconds, and was not renamed; it may come,
                         as RESTARTED where it was read before */
    TW_LOG_DAMAGED    /* packed data that cannot be unpacked; told once, NOTHING comes then */
};

/* Takes note of a path; the first read opens it. With `follow` it need not be there yet. NULL when
 * out of memory. */
struct tw_log_input *tw_log_input_new(const char *path, bool follow);
void tw_log_input_free(struct tw_log_input *input); /* NULL is allowed */

/* Reads up to `size` bytes, without waiting. Returns enum tw_log_news, or negative: the file cannot
 * be read. With `follow`, what may pass (patience.h) is NOTHING for a while first. `*ret_n` is more
 * than 0 with BYTES_CAME only. */
int tw_log_input_read(struct tw_log_input *input, void *bytes, size_t size, size_t *ret_n,
                      struct tw_error *error);

/* Nobody writes it any more: what fails now fails at once. */
void tw_log_input_no_more(struct tw_log_input *input);

/* How much of the file was read, and how large it is: in bytes as they lie on disk. */
int64_t tw_log_input_place(const struct tw_log_input *input);

/* Up to `size` bytes from the start, unpacked, for a look at what it is. Returns how many, and
 * whether that is all of it; negative: it is no regular file or cannot be read. */
long tw_log_input_peek(const char *path, void *bytes, size_t size, bool *ret_is_whole);

/* Up to `size` bytes before the end, from the start of a line on. 0 where the file is packed or no
 * larger than that, or holds no whole line there; negative as above. */
long tw_log_input_peek_end(const char *path, void *bytes, size_t size);

/* The whole file, unpacked, with a NUL behind it: new memory for free(). -EFBIG above `max`. */
int tw_log_input_whole(const char *path, size_t max, char **ret, size_t *ret_size,
                       struct tw_error *error);

#endif
