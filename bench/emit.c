/* How long tw_emit() holds the training loop up. Between two calls memory is written over, as a
 * training step does, so that the emitter's own is no longer in the nearer caches. */
#include "bench/harness.h"

#include "telemetry/emitter.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A deep network's record: 24 layers, 8 columns. */
#define LAYERS 24
#define COLUMNS 8

/* Twice a usual second-level cache. */
#define SPOILT_BYTES ((size_t)4 << 20)

#define CALLS_A_ROUND 500

struct emission {
    struct tw_emitter *emitter;
    struct tw_record record;
    unsigned char *spoilt;
    size_t n_calls;
    double *nanoseconds, *empty; /* [n_calls]: of a call, and of no call at all */
    uint64_t step;
};

static double nanoseconds_between(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) * 1e9 + (double)(to->tv_nsec - from->tv_nsec);
}

static void measure_round(struct emission *emission, bool is_cold)
{
    struct timespec start, end;
    for (size_t i = 0; i < emission->n_calls; i++) {
        if (is_cold)
            memset(emission->spoilt, (int)i, SPOILT_BYTES);
        clock_gettime(CLOCK_MONOTONIC, &start);
        clock_gettime(CLOCK_MONOTONIC, &end);
        emission->empty[i] = nanoseconds_between(&start, &end);
        emission->record.step = emission->step++;
        clock_gettime(CLOCK_MONOTONIC, &start);
        tw_emit(emission->emitter, &emission->record);
        clock_gettime(CLOCK_MONOTONIC, &end);
        emission->nanoseconds[i] = nanoseconds_between(&start, &end);
    }
}

static int make_record(struct tw_record *record)
{
    tw_record_init(record);
    record->kind = TW_KIND_LAYERS;
    record->has = TW_HAS_KIND | TW_HAS_STEP;
    struct tw_layers *layers = tw_record_add_layers(record, LAYERS);
    if (!layers)
        return -ENOMEM;
    for (int i = 0; i < COLUMNS; i++) {
        float *column = tw_layers_add_column(layers, (enum tw_layer_column)i);
        for (int layer = 0; layer < LAYERS; layer++)
            column[layer] = 1 + .01f * (float)(i * LAYERS + layer);
    }
    return 0;
}

static void judge(struct emission *emission, unsigned rounds, double cpu, struct bench_figure *ret)
{
    double p99[BENCH_ROUNDS_MAX], p50[BENCH_ROUNDS_MAX], warm[BENCH_ROUNDS_MAX],
        empty[BENCH_ROUNDS_MAX];
    for (unsigned round = 0; round < rounds; round++) {
        measure_round(emission, false);
        warm[round] = bench_quantile(emission->nanoseconds, emission->n_calls, .99);
        measure_round(emission, true);
        p99[round] = bench_quantile(emission->nanoseconds, emission->n_calls, .99);
        p50[round] = bench_quantile(emission->nanoseconds, emission->n_calls, .5);
        empty[round] = bench_quantile(emission->empty, emission->n_calls, .99);
    }
    struct bench_quartiles quartiles = bench_quartiles_of(p99, rounds);
    struct tw_emitter_counts counts = tw_emitter_counts(emission->emitter);
    ret->value = quartiles.median;
    ret->raw = json_pack(
        "{s:i, s:i, s:o, s:o, s:o, s:o, s:f, s:I, s:I, s:s}", "rounds", (int)rounds,
        "calls_a_round", (int)emission->n_calls, "p99_ns", bench_json_quartiles(quartiles),
        "p50_ns", bench_json_quartiles(bench_quartiles_of(p50, rounds)), "warm_p99_ns",
        bench_json_quartiles(bench_quartiles_of(warm, rounds)), "clock_p99_ns",
        bench_json_quartiles(bench_quartiles_of(empty, rounds)), "cpu_seconds",
        bench_cpu_seconds() - cpu, "records_emitted", (json_int_t)counts.emitted, "records_dropped",
        (json_int_t)counts.dropped, "signals",
        "a layers record, 24 layers by 8 columns; the clock's own time is not taken off");
}

static int measure(struct emission *emission, const struct bench_settings *settings,
                   struct bench_figure *ret, struct tw_error *error)
{
    unsigned rounds = settings->rounds ? settings->rounds : 21;
    emission->n_calls = settings->is_smoke ? 20 : CALLS_A_ROUND;
    emission->nanoseconds = calloc(emission->n_calls, sizeof *emission->nanoseconds);
    emission->empty = calloc(emission->n_calls, sizeof *emission->empty);
    emission->spoilt = malloc(SPOILT_BYTES);
    if (!emission->nanoseconds || !emission->empty || !emission->spoilt ||
        make_record(&emission->record))
        return tw_error_set(error, -ENOMEM, "out of memory");
    measure_round(emission, true); /* unmeasured: the first round finds new memory */
    judge(emission, rounds < BENCH_ROUNDS_MAX ? rounds : BENCH_ROUNDS_MAX, bench_cpu_seconds(),
          ret);
    return 0;
}

static int run(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error)
{
    struct emission emission = {0};
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/emit", settings->dir);
    struct tw_emitter_options options = {.run = "bench", .run_dir = dir};
    int result = tw_emitter_open(&emission.emitter, &options, error);
    if (result)
        return result;
    tw_record_init(&emission.record);
    result = measure(&emission, settings, ret, error);
    int closed = tw_emitter_close(emission.emitter, NULL, error);
    tw_record_clear(&emission.record);
    free(emission.nanoseconds);
    free(emission.empty);
    free(emission.spoilt);
    return result ? result : closed;
}

const struct bench_benchmark bench_emit = {
    .name = "emit_p99_ns",
    .unit = "ns",
    .description = "tw_emit() of 24 layers by 8 columns, 99th percentile, cold caches",
    .goal = 1000,
    .run = run,
};
