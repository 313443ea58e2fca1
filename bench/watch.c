/* What a step record costs the agent without Kafka: decoding alone, and decoding and judging, with
 * few and many runs in the table, and the memory that a run takes. The runs speak in turn,
 * scattered over the table, so that with many of them each one's memory is found cold. */
#include "bench/harness.h"
#include "bench/synthetic_stream.h"
#include "bench/warm_runs.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARM_STEPS 400 /* baselines of 256 values are full */
#define ROUNDS 7
#define ROUNDS_MAX 15
#define RECORD_BYTES_MAX 512

/* The agent looks so many messages ahead: at their keys when they are far, at the runs when near.
 */
#define FAR 24
#define NEAR 8
#define KEY_BYTES 32

struct burst {
    unsigned char *bytes;
    uint16_t *sizes;
    char (*keys)[KEY_BYTES]; /* run ids, as the keys of Kafka messages */
};

struct watching {
    struct bench_warm_runs warm;
    struct tw_watch *watch;
    struct tw_record record;
    uint32_t runs;
    size_t n_records; /* a burst */
    unsigned n_bursts, next_decoded, next_judged;
    struct burst bursts[ROUNDS_MAX + 1];
    double bytes_per_run;
    volatile uint64_t sink;
};

static void decode_burst(void *closure)
{
    struct watching *watching = closure;
    const struct burst *burst = &watching->bursts[watching->next_decoded++ % watching->n_bursts];
    const unsigned char *at = burst->bytes;
    size_t used;
    for (size_t i = 0; i < watching->n_records; i++) {
        tw_cbor_decode(at, burst->sizes[i], &watching->record, &used, NULL);
        watching->sink += watching->record.step;
        at += burst->sizes[i];
    }
}

static void look_ahead(struct watching *watching, const struct burst *burst, uint64_t *expected,
                       size_t i)
{
    if (i + FAR < watching->n_records)
        expected[(i + FAR) % FAR] =
            tw_watch_expect(watching->watch, burst->keys[i + FAR], strlen(burst->keys[i + FAR]));
    if (i + NEAR < watching->n_records)
        tw_watch_prefetch(watching->watch, expected[(i + NEAR) % FAR]);
}

static void judge_burst(void *closure)
{
    struct watching *watching = closure;
    const struct burst *burst = &watching->bursts[watching->next_judged++ % watching->n_bursts];
    const unsigned char *at = burst->bytes;
    uint64_t expected[FAR] = {0};
    size_t used;
    for (size_t i = 0; i < watching->n_records; i++) {
        look_ahead(watching, burst, expected, i);
        tw_cbor_decode(at, burst->sizes[i], &watching->record, &used, NULL);
        tw_watch_record(watching->watch, &watching->record, NULL, NULL);
        at += burst->sizes[i];
    }
}

/* ---- the table ---- */

static double resident_bytes(void)
{
    long pages = 0;
    malloc_trim(0); /* what was freed before is not to be taken again unseen */
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static int fill_table(struct watching *watching, struct tw_error *error)
{
    double before = resident_bytes();
    int result = 0;
    for (uint32_t number = 0; number < watching->runs && !result; number++) {
        struct tw_run *run = NULL;
        result = bench_warm_run(&run, &watching->warm, number, error);
        if (!result && (result = tw_watch_adopt(watching->watch, run, error)))
            tw_run_free(run);
    }
    watching->bytes_per_run = (resident_bytes() - before) / watching->runs;
    return result;
}

/* ---- the records ---- */

static int make_burst(struct watching *watching, struct burst *ret, unsigned number)
{
    ret->bytes = malloc(watching->n_records * RECORD_BYTES_MAX);
    ret->sizes = malloc(watching->n_records * sizeof *ret->sizes);
    ret->keys = malloc(watching->n_records * sizeof *ret->keys);
    if (!ret->bytes || !ret->sizes || !ret->keys)
        return -ENOMEM;
    char id[TW_RUN_ID_MAX + 1] = "";
    unsigned char *at = ret->bytes;
    for (size_t i = 0; i < watching->n_records; i++) {
        uint64_t turn = number * watching->n_records + i;
        uint32_t run = bench_scatter(turn, watching->runs);
        long size = bench_message(at, RECORD_BYTES_MAX, run, WARM_STEPS + turn / watching->runs, 1,
                                  TW_WIRE_CBOR);
        if (size < 0)
            return (int)size;
        ret->sizes[i] = (uint16_t)size;
        bench_run_id(id, run);
        memcpy(ret->keys[i], id, KEY_BYTES);
        ret->keys[i][KEY_BYTES - 1] = '\0';
        at += size;
    }
    unsigned char *shrunk = realloc(ret->bytes, (size_t)(at - ret->bytes));
    ret->bytes = shrunk ? shrunk : ret->bytes;
    return 0;
}

static int open_watching(struct watching *watching, struct tw_error *error)
{
    tw_record_init(&watching->record);
    int result = bench_warm_runs_open(&watching->warm, WARM_STEPS, error);
    const struct tw_watch_options options = {.settings = &watching->warm.settings,
                                             .rules = watching->warm.rules};
    if (!result)
        result = tw_watch_open(&watching->watch, &options, error);
    if (!result)
        result = fill_table(watching, error);
    for (unsigned i = 0; i < watching->n_bursts && !result; i++) {
        if (make_burst(watching, &watching->bursts[i], i))
            result = tw_error_set(error, -ENOMEM, "out of memory");
    }
    return result;
}

static void close_watching(struct watching *watching)
{
    for (unsigned i = 0; i < watching->n_bursts; i++) {
        free(watching->bursts[i].bytes);
        free(watching->bursts[i].sizes);
        free(watching->bursts[i].keys);
    }
    tw_watch_close(watching->watch);
    bench_warm_runs_close(&watching->warm);
    tw_record_clear(&watching->record);
}

/* ---- the figures ---- */

static struct bench_quartiles nanoseconds(const double *seconds, unsigned rounds, size_t records)
{
    double each[BENCH_ROUNDS_MAX];
    for (unsigned i = 0; i < rounds; i++)
        each[i] = seconds[i] / (double)records * 1e9;
    return bench_quartiles_of(each, rounds);
}

static void tell(const struct watching *watching, const struct bench_contestant *contestants,
                 const struct bench_times *times, struct bench_figure *ret)
{
    struct bench_quartiles decode = nanoseconds(times->cpu[0], times->rounds, watching->n_records);
    struct bench_quartiles judge = nanoseconds(times->cpu[1], times->rounds, watching->n_records);
    ret->value = judge.median;
    ret->raw = bench_json_times(contestants, times);
    json_object_set_new(ret->raw, "decode_cpu_ns", bench_json_quartiles(decode));
    json_object_set_new(ret->raw, "decode_and_judge_cpu_ns", bench_json_quartiles(judge));
    json_object_set_new(ret->raw, "runs", json_integer(watching->runs));
    json_object_set_new(ret->raw, "records_a_burst", json_integer((json_int_t)watching->n_records));
    json_object_set_new(ret->raw, "resident_bytes_per_run", json_real(watching->bytes_per_run));
    json_object_set_new(ret->raw, "bytes_at_extents",
                        json_pack("[I, I, I]", (json_int_t)tw_run_bytes_at(TW_EXTENT_STEPS),
                                  (json_int_t)tw_run_bytes_at(TW_EXTENT_EVALS),
                                  (json_int_t)tw_run_bytes_at(TW_EXTENT_LAYERS)));
    json_object_set_new(ret->raw, "signals",
                        json_string("epoch loss learning_rate grad_norm update_norm weight_norm "
                                    "samples step_seconds; all detectors"));
}

static int measure(const struct bench_settings *settings, uint32_t runs, struct bench_figure *ret,
                   struct tw_error *error)
{
    struct watching *watching = calloc(1, sizeof *watching);
    struct bench_times times;
    if (!watching)
        return tw_error_set(error, -ENOMEM, "out of memory");
    const struct bench_contestant contestants[] = {{"decode", decode_burst, watching},
                                                   {"decode_and_judge", judge_burst, watching}};
    unsigned rounds = settings->rounds ? settings->rounds : ROUNDS;
    rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
    watching->runs = runs;
    watching->n_records = settings->is_smoke ? 1000 : 200000;
    watching->n_bursts = rounds + 1;
    int result = open_watching(watching, error);
    if (!result) {
        bench_interleave(contestants, 2, rounds, &times);
        tell(watching, contestants, &times, ret);
    }
    close_watching(watching);
    free(watching);
    return result;
}

static int run_record_cost(const struct bench_settings *settings, struct bench_figure *ret,
                           struct tw_error *error)
{
    static const struct {
        const char *name;
        uint32_t runs;
    } beside[] = {{"runs_1k", 1000}, {"runs_1m", 1000000}};
    int result = measure(settings, settings->is_smoke ? 1000 : 100000, ret, error);
    for (size_t i = 0; !result && !settings->is_smoke && i < sizeof beside / sizeof *beside; i++) {
        struct bench_figure figure = {0};
        result = measure(settings, beside[i].runs, &figure, error);
        if (!result)
            json_object_set_new(ret->raw, beside[i].name, figure.raw);
    }
    return result;
}

static int run_state_size(const struct bench_settings *settings, struct bench_figure *ret,
                          struct tw_error *error)
{
    struct bench_settings once = *settings;
    once.rounds = 2;
    int result = measure(&once, settings->is_smoke ? 1000 : 100000, ret, error);
    if (!result)
        ret->value = json_real_value(json_object_get(ret->raw, "resident_bytes_per_run"));
    return result;
}

const struct bench_benchmark bench_watch_record = {
    .name = "watch_record_ns",
    .unit = "ns of CPU a record",
    .description = "decoding a CBOR step record and judging it, 100,000 runs speaking in turn",
    .goal = 1500,
    .run = run_record_cost,
};

const struct bench_benchmark bench_state_size = {
    .name = "state_bytes_per_run",
    .unit = "bytes",
    .description = "resident memory a run that sends steps only, 100,000 runs after 400 steps",
    .goal = 4096,
    .run = run_state_size,
};
