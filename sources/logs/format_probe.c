/* Which format a log has, by its content. */
#include "sources/logs/format_probe.h"

#include "sources/logs/encoding.h"
#include "sources/logs/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SAMPLE_BYTES 65536u
#define LONG_SAMPLE_BYTES (4u << 20)
#define FEW_BYTES 4096u

/* Of the formats of a kind, or of all where `kind` is negative. */
static const struct tw_log_format *surest_format(const struct tw_log_sample *sample, int kind,
                                                 int *ret_sure)
{
    const struct tw_log_format *surest = NULL;
    *ret_sure = 0;
    for (const struct tw_log_format *const *format = tw_log_formats; *format; format++) {
        if (kind >= 0 && (int)(*format)->kind != kind)
            continue;
        int sure = (*format)->probe(sample);
        if (sure > *ret_sure) {
            *ret_sure = sure;
            surest = *format;
        }
    }
    return surest;
}

/* The beginning of the file as UTF-8; `*bytes` has room for `room` of it and a NUL. False: there
 * is none, or memory is out. */
static bool take_sample(struct tw_log_sample *sample, char **bytes, size_t room, bool *ret_is_wide)
{
    long n = *bytes ? tw_log_input_peek(sample->path, *bytes, room, &sample->is_whole) : -1;
    size_t mark = 0, size = n > 0 ? (size_t)n : 0;
    *ret_is_wide = size && tw_encoding_is_wide(tw_encoding_of(*bytes, size, &mark));
    if (!size)
        return false;
    (*bytes)[size] = '\0';
    bool is_text = tw_encoding_to_utf8(bytes, &size) && size;
    sample->bytes = *bytes;
    sample->size = size;
    return is_text;
}

/* A table of many columns: its first line alone is longer than the sample. */
static const struct tw_log_format *probe_long_line(struct tw_log_sample *sample, char **bytes,
                                                   int *ret_sure)
{
    if (sample->is_whole || memchr(*bytes, '\n', sample->size) ||
        memchr(*bytes, '\0', sample->size))
        return NULL;
    char *grown = realloc(*bytes, LONG_SAMPLE_BYTES + 1);
    if (!grown)
        return NULL;
    *bytes = grown;
    bool is_wide, is_text = take_sample(sample, bytes, LONG_SAMPLE_BYTES, &is_wide);
    return is_text ? surest_format(sample, TW_LOG_LINES, ret_sure) : NULL;
}

/* What a job prints may begin with a lot that is no log: downloads, the model, warnings. */
static const struct tw_log_format *probe_end(struct tw_log_sample *sample, char *bytes,
                                             int *ret_sure)
{
    bool is_text = !memchr(bytes, '\0', sample->size);
    long n = is_text ? tw_log_input_peek_end(sample->path, bytes, SAMPLE_BYTES) : 0;
    if (n <= 0)
        return NULL;
    bytes[n] = '\0';
    sample->size = (size_t)n;
    sample->is_whole = false;
    return surest_format(sample, TW_LOG_LINES, ret_sure);
}

static const struct tw_log_format *probe_file(const char *path, const struct tw_texts *map,
                                              int *ret_sure)
{
    const struct tw_log_format *surest = NULL;
    struct tw_log_sample sample = {.path = path, .map = map};
    char *bytes = malloc(SAMPLE_BYTES + 1);
    bool is_wide, is_text = take_sample(&sample, &bytes, SAMPLE_BYTES, &is_wide);
    if (is_text)
        surest = surest_format(&sample, -1, ret_sure);
    if (is_text && !surest && !is_wide)
        surest = probe_long_line(&sample, &bytes, ret_sure);
    if (is_text && !surest && !is_wide)
        surest = probe_end(&sample, bytes, ret_sure);
    free(bytes);
    return surest;
}

const struct tw_log_format *tw_log_format_probe(const char *path, const struct tw_texts *map,
                                                int *ret_sure)
{
    struct stat status;
    *ret_sure = 0;
    if (stat(path, &status))
        return NULL;
    if (S_ISREG(status.st_mode))
        return probe_file(path, map, ret_sure);
    const struct tw_log_sample sample = {.path = path, .bytes = ""};
    return S_ISDIR(status.st_mode) ? surest_format(&sample, TW_LOG_STORE, ret_sure) : NULL;
}

int tw_log_format_sure(const struct tw_log_format *format, const char *path)
{
    struct tw_log_sample sample = {.path = path};
    char *bytes = malloc(FEW_BYTES + 1);
    bool is_wide, is_text = take_sample(&sample, &bytes, FEW_BYTES, &is_wide);
    int sure = is_text ? format->probe(&sample) : 0;
    free(bytes);
    return sure;
}

/* A block without an end of line in it, that goes on. */
static bool is_in_first_line(const char *text, size_t size)
{
    return size == LONG_SAMPLE_BYTES && !memchr(text, '\n', size) && !memchr(text, '\0', size);
}

static int name_fault(const char *path, const char *text, size_t size, struct tw_error *error)
{
    if (!size)
        return tw_error_at(error, -ENODATA, path, 0, 0, "is empty");
    if (is_in_first_line(text, size))
        return tw_error_at(error, -EMSGSIZE, path, 0, 0,
                           "is no log that can be read: its first line is longer than 4 MiB");
    return 0;
}

int tw_log_format_fault(const char *path, struct tw_error *error)
{
    struct tw_log_input *input = tw_log_input_new(path, false);
    char *bytes = malloc(LONG_SAMPLE_BYTES);
    size_t used = 0, n = 0;
    int news = input && bytes ? TW_LOG_BYTES_CAME : tw_error_set(error, -ENOMEM, "out of memory");
    while (news == TW_LOG_BYTES_CAME && used < LONG_SAMPLE_BYTES) {
        news = tw_log_input_read(input, bytes + used, LONG_SAMPLE_BYTES - used, &n, error);
        used += n;
    }
    if (news >= 0)
        news = name_fault(path, bytes, used, error);
    tw_log_input_free(input);
    free(bytes);
    return news;
}
