/* Looks at the beginning of a file for telemetry records. */
#include "sources/probe.h"

#include "sources/open_log.h"

#include "telemetry/run_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_BYTES 65536u
#define LINE_BYTES_MAX (TW_RECORD_BYTES_MAX + 1)
/* So many broken lines at the beginning do not make a log somebody else's. */
#define PROBE_LINES 32

#define SURE_RECORD 95 /* it begins with a record */
#define SURE_LATER 60  /* there is a record, behind something broken */
#define SURE_NAME 30   /* nothing but the name speaks for it */

/* The header of a large network is one line longer than most beginnings. */
static ssize_t read_rest_of_line(int fd, char *buffer, ssize_t n)
{
    if (n < (ssize_t)PROBE_BYTES || *buffer != '{' || memchr(buffer, '\n', (size_t)n))
        return n;
    ssize_t more = read(fd, buffer + n, LINE_BYTES_MAX - (size_t)n);
    return more > 0 ? n + more : n;
}

/* `buffer` has room for LINE_BYTES_MAX. */
static ssize_t read_start(const char *path, char *buffer)
{
    struct stat status;
    ssize_t n = -1;
    int fd = tw_open_log(path);
    if (fd < 0)
        return -1;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode))
        n = read_rest_of_line(fd, buffer, read(fd, buffer, PROBE_BYTES));
    close(fd);
    return n;
}

static bool has_telemetry_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && !strncmp(name, "telemetry.", 10) &&
           (!strcmp(dot, ".cbor") || !strcmp(dot, ".jsonl"));
}

static bool is_record(const char *data, size_t size, enum tw_wire_format format)
{
    struct tw_record record;
    size_t used;
    tw_record_init(&record);
    int result = format == TW_WIRE_JSON ? tw_json_decode(data, size, &record, NULL)
                                        : tw_cbor_decode(data, size, &record, &used, NULL);
    tw_record_clear(&record);
    /* A version from the future is still a record: reading it says what to do. */
    return result == 1 || result == -EPROTONOSUPPORT;
}

static int probe_lines(const char *data, size_t size)
{
    for (int line = 0; size && line < PROBE_LINES; line++) {
        const char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;
        if (is_record(data, length, TW_WIRE_JSON))
            return line ? SURE_LATER : SURE_RECORD;
        length += newline != NULL;
        data += length;
        size -= length;
    }
    return 0;
}

static int probe_cbor(const char *data, size_t size)
{
    if (is_record(data, size, TW_WIRE_CBOR))
        return SURE_RECORD;
    size_t next = size ? tw_cbor_resync(data, size, 0) : size;
    for (int tries = 0; next < size && tries < PROBE_LINES; tries++) {
        if (is_record(data + next, size - next, TW_WIRE_CBOR))
            return SURE_LATER;
        next = tw_cbor_resync(data, size, next + 1);
    }
    return 0;
}

int tw_probe_file(const char *path)
{
    char *data = malloc(LINE_BYTES_MAX);
    ssize_t n = data ? read_start(path, data) : -1;
    int sure = 0;
    if (n > 0)
        sure = tw_wire_format_of(data, (size_t)n) == TW_WIRE_JSON ? probe_lines(data, (size_t)n)
                                                                  : probe_cbor(data, (size_t)n);
    /* JSON lines whose first line is broken need not begin with a brace. */
    if (n > 0 && !sure)
        sure = probe_lines(data, (size_t)n);
    if (n >= 0 && !sure && has_telemetry_name(path))
        sure = SURE_NAME;
    free(data);
    return sure;
}
