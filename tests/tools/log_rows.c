/* Prints what a log format makes of a log, as tests/unit/log_rows.h writes it:
 *
 *   log_rows FORMAT PATH [PORTION]
 *
 * FORMAT "?" prints how sure each format is instead. Reads on for each line on standard input, and
 * prints "." when it has read what there is; at the end of standard input the log ends. */
#include "sources/logs/reader.h"
#include "tests/unit/log_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SAMPLE_BYTES 65536

struct reading {
    const struct tw_log_format *format;
    void *state;
    struct log_rows rows;
    struct tw_log_sink sink;
    struct tw_error error;
    int file;
    size_t portion;
    char *bytes; /* read, and not taken */
    size_t size;
    struct tw_log_reader *reader; /* of lines and documents */
};

static const struct tw_log_format *find_format(const char *name)
{
    for (size_t i = 0; tw_log_formats[i]; i++)
        if (!strcmp(tw_log_formats[i]->name, name))
            return tw_log_formats[i];
    return NULL;
}

static void print_probes(const char *path)
{
    static char bytes[SAMPLE_BYTES];
    int file = open(path, O_RDONLY);
    ssize_t n = read(file, bytes, sizeof bytes);
    struct tw_log_sample sample = {path, bytes, n > 0 ? (size_t)n : 0, n < SAMPLE_BYTES, NULL};
    for (size_t i = 0; tw_log_formats[i]; i++)
        printf("%s %d\n", tw_log_formats[i]->name, tw_log_formats[i]->probe(&sample));
    close(file);
}

static long take(struct reading *reading, bool has_ended)
{
    long n;
    do {
        n = reading->format->bytes(reading->state, reading->bytes, reading->size, has_ended,
                                   &reading->sink, &reading->error);
        if (n > 0) {
            reading->size -= (size_t)n;
            memmove(reading->bytes, reading->bytes + n, reading->size);
        }
    } while (n > 0 && reading->size);
    return n;
}

static int read_bytes(struct reading *reading)
{
    for (;;) {
        reading->bytes = realloc(reading->bytes, reading->size + reading->portion);
        ssize_t n = read(reading->file, reading->bytes + reading->size, reading->portion);
        if (n <= 0)
            return 0;
        reading->size += (size_t)n;
        long result = take(reading, false);
        if (result < 0)
            return (int)result;
    }
}

static int read_by_reader(struct reading *reading)
{
    int progress;
    do
        progress = tw_log_reader_step(reading->reader, &reading->sink, &reading->error);
    while (progress == TW_LOG_READ_SOME);
    return progress < 0 ? progress : 0;
}

static int read_on(struct reading *reading)
{
    if (reading->reader)
        return read_by_reader(reading);
    if (reading->format->kind == TW_LOG_STORE)
        return reading->format->poll(reading->state, &reading->sink, &reading->error);
    return read_bytes(reading);
}

static int finish(struct reading *reading)
{
    if (reading->reader)
        return tw_log_reader_finish(reading->reader, &reading->sink, &reading->error);
    if (reading->format->finish)
        return reading->format->finish(reading->state, &reading->sink, &reading->error);
    return 0;
}

static void print_new(struct reading *reading)
{
    if (reading->rows.text)
        fputs(reading->rows.text, stdout);
    reading->rows.size = 0;
    if (reading->rows.text)
        reading->rows.text[0] = 0;
}

static int read_all(struct reading *reading)
{
    char line[64];
    int result;
    do {
        result = read_on(reading);
        print_new(reading);
        puts(".");
        fflush(stdout);
    } while ((!result || result == -EAGAIN) && fgets(line, sizeof line, stdin));
    if (!result && reading->format->kind == TW_LOG_BYTES && reading->size)
        result = take(reading, true) < 0;
    if (!result)
        result = finish(reading);
    print_new(reading);
    return result;
}

int main(int n_arguments, char **arguments)
{
    struct reading reading = {.portion = 1 << 20};
    if (n_arguments < 3)
        return 2;
    if (!strcmp(arguments[1], "?")) {
        print_probes(arguments[2]);
        return 0;
    }
    reading.format = find_format(arguments[1]);
    if (!reading.format)
        return 2;
    if (reading.format->kind == TW_LOG_LINES || reading.format->kind == TW_LOG_DOCUMENT)
        reading.reader = tw_log_reader_new(arguments[2], reading.format, true, NULL);
    if (n_arguments > 3)
        reading.portion = strtoul(arguments[3], NULL, 10);
    reading.state = calloc(1, reading.format->state_size);
    reading.sink = log_rows_sink(&reading.rows);
    reading.file = open(arguments[2], O_RDONLY);
    int result = reading.format->start
                     ? reading.format->start(reading.state, arguments[2], &reading.error)
                     : 0;
    if (!result)
        result = read_all(&reading);
    if (result)
        printf("error %d %s\n", result, reading.error.text);
    if (reading.format->done)
        reading.format->done(reading.state);
    tw_log_reader_free(reading.reader);
    free(reading.state);
    free(reading.rows.text);
    free(reading.bytes);
    close(reading.file);
    return 0;
}
