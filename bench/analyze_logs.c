/* What reading and judging a log takes, against a scan that does of it only what nobody can leave
 * out: of text, splitting the lines and converting the same numbers by strtod(); of an event file,
 * checking the same checksums. All read the same file and keep nothing. The figure is of time that
 * passes: reading and judging have a processor each where there are two. Beside it stand the ratio
 * of the processors' time, and that of reading alone: the same records are made, and nobody judges
 * them. */
#include "bench/harness.h"

#include "agent/analysis.h"
#include "sources/logs/crc32c.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PORTION (256u << 10)
#define SMOKE_STEPS 500

enum { ANALYZE, READ, SCAN, CONTESTANTS };

struct log_bench {
    char path[4200];
    uint64_t n_steps, n_found; /* records of steps that the last burst found */
    unsigned scans;            /* in a burst: one may be too short for the clock of CPU time */
    size_t size;               /* of the file */
    struct tw_settings settings;
    struct tw_rules *rules;
    struct tw_error error;
    int result;
    double sum; /* of what was converted: so that it is */
};

/* ---- the logs ---- */

static double loss_at(uint64_t step)
{
    return 2.0 + 6.0 / (1.0 + 1e-3 * (double)step) + 1e-3 * (double)(step * 2654435761u % 997);
}

static double norm_at(uint64_t step)
{
    return 1.0 + 1e-3 * (double)(step * 40503u % 311);
}

static void write_text(FILE *file, uint64_t step)
{
    fprintf(file, "step %llu | loss %.6f | lr %.4e | grad_norm %.4f\n", (unsigned long long)step,
            loss_at(step), 3e-4, norm_at(step));
}

static size_t put_varint(unsigned char *to, uint64_t value)
{
    size_t n = 0;
    for (; value > 127; value >>= 7)
        to[n++] = (unsigned char)(value | 128);
    to[n++] = (unsigned char)value;
    return n;
}

/* Event {wall_time = 1, step = 2, summary = 5 {value = 1 {tag = 1, simple_value = 2}}}
 * (tensorflow/core/util/event.proto). */
static size_t put_event(unsigned char *to, uint64_t step, const char *tag, double value)
{
    double time = 1.7e9 + 1e-2 * (double)step;
    float simple = (float)value;
    size_t n = 0, length = strlen(tag);
    to[n++] = 1 << 3 | 1;
    memcpy(to + n, &time, 8);
    n += 8;
    to[n++] = 2 << 3;
    n += put_varint(to + n, step);
    to[n++] = 5 << 3 | 2;
    to[n++] = (unsigned char)(length + 9);
    to[n++] = 1 << 3 | 2;
    to[n++] = (unsigned char)(length + 7);
    to[n++] = 1 << 3 | 2;
    to[n++] = (unsigned char)length;
    memcpy(to + n, tag, length);
    n += length;
    to[n++] = 2 << 3 | 5;
    memcpy(to + n, &simple, 4);
    return n + 4;
}

static void write_event(FILE *file, uint64_t step, const char *tag, double value)
{
    unsigned char event[200];
    uint64_t size = put_event(event, step, tag, value);
    uint32_t of_size = tw_crc32c_masked(&size, 8), of_event = tw_crc32c_masked(event, size);
    fwrite(&size, 8, 1, file);
    fwrite(&of_size, 4, 1, file);
    fwrite(event, size, 1, file);
    fwrite(&of_event, 4, 1, file);
}

static void write_events(FILE *file, uint64_t step)
{
    write_event(file, step, "train/loss", loss_at(step));
    write_event(file, step, "train/learning_rate", 3e-4);
    write_event(file, step, "train/grad_norm", norm_at(step));
}

/* ---- the contestants ---- */

static void analyze(void *closure)
{
    struct log_bench *bench = closure;
    struct tw_analysis analysis;
    const struct tw_watch_options options = {.settings = &bench->settings, .rules = bench->rules};
    bench->result = tw_analysis_open(&analysis, bench->path, false, &options, &bench->error);
    if (bench->result)
        return;
    bench->result = tw_analysis_read_all(&analysis, &bench->error);
    bench->n_found = analysis.records;
    tw_analysis_close(&analysis);
}

static void read_records(void *closure)
{
    struct log_bench *bench = closure;
    const struct tw_source_request request = {.path = bench->path};
    const struct tw_source *source = tw_source_probe(bench->path, NULL);
    struct tw_source_item item;
    void *handle;
    bench->n_found = 0;
    bench->result = source ? source->open(&handle, &request, &bench->error) : -ENOMSG;
    if (bench->result)
        return;
    while (source->next(handle, 0, &item, &bench->error) == TW_NEXT_RECORD)
        bench->n_found++;
    source->close(handle);
}

/* The line ends in a byte that no number goes on with. */
static double convert_line(const char *at, const char *end)
{
    double sum = 0;
    while (at < end) {
        char *behind;
        if (!isdigit((unsigned char)*at) || at[-1] != ' ') {
            at++;
            continue;
        }
        sum += strtod(at, &behind);
        at = behind;
    }
    return sum;
}

/* Calls `take` with all that is there; it returns how much of it was whole. */
static void scan(struct log_bench *bench,
                 size_t (*take)(struct log_bench *bench, const char *bytes, size_t size))
{
    static char buffer[1 + 2 * PORTION];
    size_t left = 0;
    ssize_t n;
    int file = open(bench->path, O_RDONLY | O_CLOEXEC);
    buffer[0] = ' ';
    bench->n_found = 0;
    while ((n = read(file, buffer + 1 + left, PORTION)) > 0) {
        size_t size = left + (size_t)n, taken = take(bench, buffer + 1, size);
        left = size - taken;
        memmove(buffer + 1, buffer + 1 + taken, left);
    }
    close(file);
}

static size_t take_lines(struct log_bench *bench, const char *bytes, size_t size)
{
    const char *at = bytes, *end = bytes + size, *newline;
    for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        bench->sum += convert_line(at, newline);
        bench->n_found++;
    }
    return (size_t)(at - bytes);
}

static size_t take_events(struct log_bench *bench, const char *bytes, size_t size)
{
    size_t at = 0;
    uint64_t length;
    uint32_t of_length, of_event;
    while (size - at >= 16) {
        memcpy(&length, bytes + at, 8);
        memcpy(&of_length, bytes + at + 8, 4);
        if (size - at - 16 < length)
            break;
        memcpy(&of_event, bytes + at + 12 + length, 4);
        bench->n_found += tw_crc32c_masked(bytes + at, 8) == of_length &&
                          tw_crc32c_masked(bytes + at + 12, length) == of_event;
        at += 16 + length;
    }
    return at;
}

static void scan_lines(void *closure)
{
    const struct log_bench *bench = closure;
    for (unsigned i = 0; i < bench->scans; i++)
        scan(closure, take_lines);
}

static void scan_events(void *closure)
{
    const struct log_bench *bench = closure;
    for (unsigned i = 0; i < bench->scans; i++)
        scan(closure, take_events);
}

/* Reading from the disk takes the processor ten times what reading from memory takes: a file that
 * was thrown out of memory meanwhile is fetched before each burst. */
static void fetch(void *closure)
{
    static char buffer[PORTION];
    const struct log_bench *bench = closure;
    int file = open(bench->path, O_RDONLY | O_CLOEXEC);
    while (read(file, buffer, sizeof buffer) > 0)
        ;
    close(file);
}

/* ---- the figures ---- */

static int open_bench(struct log_bench *bench, struct tw_error *error)
{
    int result = tw_settings_init(&bench->settings, error);
    if (result)
        return result;
    tw_settings_seal(&bench->settings);
    bench->rules = tw_rules_new();
    return bench->rules ? tw_rules_load_shipped(bench->rules, error)
                        : tw_error_set(error, -ENOMEM, "out of memory");
}

static int write_log(struct log_bench *bench, const char *name, const char *dir,
                     void (*write_step)(FILE *file, uint64_t step), struct tw_error *error)
{
    snprintf(bench->path, sizeof bench->path, "%s/%s", dir, name);
    FILE *file = fopen(bench->path, "w");
    if (!file)
        return tw_error_set(error, -errno, "%s: %s", bench->path, strerror(errno));
    for (uint64_t step = 1; step <= bench->n_steps; step++)
        write_step(file, step);
    bench->size = (size_t)ftell(file);
    if (fclose(file))
        return tw_error_set(error, -errno, "%s: %s", bench->path, strerror(errno));
    return 0;
}

static void judge(const struct log_bench *bench, const struct bench_contestant *contestants,
                  const struct bench_times *times, struct bench_figure *ret)
{
    struct rusage usage;
    const double share = 1.0 / bench->scans;
    struct bench_quartiles ratio =
        bench_ratio(times->wall[SCAN], times->wall[ANALYZE], times->rounds, share);
    double rates[BENCH_ROUNDS_MAX];
    for (unsigned i = 0; i < times->rounds; i++)
        rates[i] = (double)bench->size / 1e6 / times->wall[ANALYZE][i];
    getrusage(RUSAGE_SELF, &usage);
    ret->value = ratio.median;
    ret->raw = bench_json_times(contestants, times);
    json_object_set_new(ret->raw, "ratio", bench_json_quartiles(ratio));
    json_object_set_new(ret->raw, "ratio_of_cpu",
                        bench_json_quartiles(bench_ratio(times->cpu[SCAN], times->cpu[ANALYZE],
                                                         times->rounds, share)));
    json_object_set_new(ret->raw, "ratio_without_judging",
                        bench_json_quartiles(
                            bench_ratio(times->cpu[SCAN], times->cpu[READ], times->rounds, share)));
    json_object_set_new(ret->raw, "scans_a_burst", json_integer(bench->scans));
    json_object_set_new(ret->raw, "megabytes_a_second",
                        bench_json_quartiles(bench_quartiles_of(rates, times->rounds)));
    json_object_set_new(ret->raw, "file_bytes", json_integer((json_int_t)bench->size));
    json_object_set_new(ret->raw, "process_peak_kib", json_integer(usage.ru_maxrss));
    json_object_set_new(ret->raw, "signals", json_string("loss, learning rate, norm of gradients"));
}

static int measure(struct log_bench *bench, void (*scan_all)(void *closure),
                   const struct bench_settings *settings, struct bench_figure *ret,
                   struct tw_error *error)
{
    static struct bench_times times;
    const struct bench_contestant contestants[] = {
        [ANALYZE] = {"analyze", analyze, bench, fetch, NULL},
        [READ] = {"read", read_records, bench, fetch, NULL},
        [SCAN] = {"scan", scan_all, bench, fetch, NULL}};
    bench_interleave(contestants, CONTESTANTS, settings->rounds ? settings->rounds : 11, &times);
    if (bench->result)
        return tw_error_set(error, bench->result, "%s", bench->error.text);
    if (bench->n_found < bench->n_steps)
        return tw_error_set(error, -EBADMSG, "only %llu of %llu steps were found",
                            (unsigned long long)bench->n_found, (unsigned long long)bench->n_steps);
    judge(bench, contestants, &times, ret);
    return 0;
}

static int run_bench(const char *name, uint64_t n_steps, unsigned scans,
                     void (*write_step)(FILE *file, uint64_t step), void (*scan_all)(void *closure),
                     const struct bench_settings *settings, struct bench_figure *ret,
                     struct tw_error *error)
{
    static struct log_bench bench;
    bench =
        (struct log_bench){.n_steps = settings->is_smoke ? SMOKE_STEPS : n_steps, .scans = scans};
    int result = open_bench(&bench, error);
    if (!result)
        result = write_log(&bench, name, settings->dir, write_step, error);
    if (!result)
        result = measure(&bench, scan_all, settings, ret, error);
    unlink(bench.path);
    tw_rules_free(bench.rules);
    tw_settings_release(&bench.settings);
    return result;
}

static int run_text(const struct bench_settings *settings, struct bench_figure *ret,
                    struct tw_error *error)
{
    return run_bench("train.log", 2000000, 1, write_text, scan_lines, settings, ret, error);
}

static int run_events(const struct bench_settings *settings, struct bench_figure *ret,
                      struct tw_error *error)
{
    return run_bench("events.out.tfevents.1.bench.1.0", 600000, 10, write_events, scan_events,
                     settings, ret, error);
}

const struct bench_benchmark bench_analyze_text = {
    .name = "analyze_text_vs_strtod",
    .unit = "ratio",
    .description =
        "analyzing a text log of 120 MB, by a scan that splits it and converts its numbers",
    .goal = 0.5,
    .is_goal_a_minimum = true,
    .run = run_text,
};

const struct bench_benchmark bench_analyze_tfevents = {
    .name = "analyze_tfevents_vs_crc",
    .unit = "ratio",
    .description = "analyzing an event file of 110 MB, by a scan that checks its checksums",
    .goal = 0.5,
    .is_goal_a_minimum = true,
    .run = run_events,
};
