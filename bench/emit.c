/* How long tw_emit() holds the training loop up. A step of training before each call leaves the
 * caches full of weights and activations: what the emitter needs is fetched from memory. For
 * comparison the same calls are timed after 4 MiB of other memory were written, after nothing at
 * all, and a loop of fixed length is timed beside them: what that one scatters, the machine does.
 */
#include "bench/perceptron.h"

#include "telemetry/emitter.h"
#include "trainer/recorder.h"

#include <errno.h>
#include <math.h>
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

#define CALLS_A_ROUND 150
#define FIXED_MULTIPLICATIONS 700 /* one after the other: about as long as a cold call */

enum series { LAYERS_RECORD, STEP_RECORD, FIXED_WORK, CLOCK, SERIES };
static const char *const series_names[SERIES] = {"layers_record", "step_record", "fixed_work",
                                                 "clock"};

struct emission {
    struct tw_emitter *emitter;
    struct bench_perceptron perceptron;
    struct tw_record layers, step_record;
    double squares[COLUMNS][LAYERS];
    unsigned char *spoilt;
    size_t n_calls;
    double *nanoseconds[SERIES]; /* [n_calls] */
    uint64_t step;
};

/* What comes between two layers records. Whether that includes a step record, which is timed. */
struct situation {
    const char *name;
    bool (*prepare)(struct emission *emission, size_t call);
};

static double nanoseconds_between(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) * 1e9 + (double)(to->tv_nsec - from->tv_nsec);
}

static double time_emit(struct emission *emission, struct tw_record *record)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    tw_emit(emission->emitter, record);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return nanoseconds_between(&start, &end);
}

static bool train(struct emission *emission, size_t call)
{
    struct tw_step_figures figures = tw_training_step(&emission->perceptron.training);
    tw_recorder_step(&emission->step_record, &emission->perceptron.training, &figures);
    emission->nanoseconds[STEP_RECORD][call] = time_emit(emission, &emission->step_record);
    tw_record_clear(&emission->step_record);
    return true;
}

static bool spoil(struct emission *emission, size_t call)
{
    memset(emission->spoilt, (int)call, SPOILT_BYTES);
    return false;
}

static bool do_nothing(struct emission *emission, size_t call)
{
    (void)emission, (void)call;
    return false;
}

static const struct situation situations[] = {
    {"after_training_step", train},
    {"after_4_mib_written", spoil},
    {"warm", do_nothing},
};
#define SITUATIONS (sizeof situations / sizeof *situations)

static double time_fixed_work(void)
{
    struct timespec start, end;
    static volatile uint64_t result = 1;
    uint64_t x = result;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < FIXED_MULTIPLICATIONS; i++)
        x = x * x + 1;
    result = x;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return nanoseconds_between(&start, &end);
}

static double time_clock(void)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return nanoseconds_between(&start, &end);
}

/* As a loop does: a record of its own, and norms of the sums of squares. */
static bool make_layers(struct emission *emission)
{
    struct tw_record *record = &emission->layers;
    struct tw_layers *layers = tw_record_add_layers(record, LAYERS);
    record->kind = TW_KIND_LAYERS;
    record->has = TW_HAS_KIND | TW_HAS_STEP;
    record->step = emission->step++;
    for (int i = 0; layers && i < COLUMNS; i++) {
        float *column = tw_layers_add_column(layers, (enum tw_layer_column)i);
        for (int layer = 0; layer < LAYERS; layer++)
            column[layer] = (float)sqrt(emission->squares[i][layer] + (double)record->step);
    }
    return layers;
}

/* Returns whether there were step records. */
static bool measure_round(struct emission *emission, const struct situation *situation)
{
    bool has_steps = false;
    for (size_t i = 0; i < emission->n_calls; i++) {
        has_steps = situation->prepare(emission, i);
        if (make_layers(emission))
            emission->nanoseconds[LAYERS_RECORD][i] = time_emit(emission, &emission->layers);
        tw_record_clear(&emission->layers);
        emission->nanoseconds[FIXED_WORK][i] = time_fixed_work();
        emission->nanoseconds[CLOCK][i] = time_clock();
    }
    return has_steps;
}

/* Of one situation, by round. */
struct quantiles {
    double p50[SERIES][BENCH_ROUNDS_MAX], p99[SERIES][BENCH_ROUNDS_MAX];
    bool has_steps;
};

static void take_quantiles(struct emission *emission, const struct situation *situation,
                           unsigned round, struct quantiles *ret)
{
    ret->has_steps = measure_round(emission, situation);
    for (int i = 0; i < SERIES; i++) {
        ret->p50[i][round] = bench_quantile(emission->nanoseconds[i], emission->n_calls, .5);
        ret->p99[i][round] = bench_quantile(emission->nanoseconds[i], emission->n_calls, .99);
    }
}

static json_t *json_of(struct quantiles *quantiles, unsigned rounds)
{
    json_t *object = json_object();
    for (int i = 0; i < SERIES; i++) {
        if (i == STEP_RECORD && !quantiles->has_steps)
            continue;
        json_object_set_new(
            object, series_names[i],
            json_pack("{s:o, s:o}", "p50_ns",
                      bench_json_quartiles(bench_quartiles_of(quantiles->p50[i], rounds)), "p99_ns",
                      bench_json_quartiles(bench_quartiles_of(quantiles->p99[i], rounds))));
    }
    return object;
}

static void judge(struct emission *emission, unsigned rounds, struct bench_figure *ret)
{
    static struct quantiles quantiles[SITUATIONS];
    double cpu = bench_cpu_seconds();
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SITUATIONS; i++)
            take_quantiles(emission, &situations[i], round, &quantiles[i]);
    }
    struct tw_emitter_counts counts = tw_emitter_counts(emission->emitter);
    ret->raw = json_pack("{s:i, s:i, s:f, s:I, s:I, s:s}", "rounds", (int)rounds, "calls_a_round",
                         (int)emission->n_calls, "cpu_seconds", bench_cpu_seconds() - cpu,
                         "records_emitted", (json_int_t)counts.emitted, "records_dropped",
                         (json_int_t)counts.dropped, "signals",
                         "a layers record, 24 layers by 8 columns, in the training loop behind "
                         "that step's record; the clock's own time is not taken off");
    for (size_t i = 0; i < SITUATIONS; i++)
        json_object_set_new(ret->raw, situations[i].name, json_of(&quantiles[i], rounds));
    bench_perceptron_describe(&emission->perceptron, ret->raw);
    ret->value = bench_quartiles_of(quantiles[0].p99[LAYERS_RECORD], rounds).median;
}

static int allocate(struct emission *emission)
{
    emission->spoilt = malloc(SPOILT_BYTES);
    for (int i = 0; i < SERIES; i++) {
        emission->nanoseconds[i] = calloc(emission->n_calls, sizeof(double));
        if (!emission->nanoseconds[i])
            return -ENOMEM;
    }
    return emission->spoilt ? 0 : -ENOMEM;
}

static void release(struct emission *emission)
{
    for (int i = 0; i < SERIES; i++)
        free(emission->nanoseconds[i]);
    free(emission->spoilt);
    bench_perceptron_release(&emission->perceptron);
}

static int measure(struct emission *emission, const struct bench_settings *settings,
                   struct bench_figure *ret, struct tw_error *error)
{
    unsigned rounds = settings->rounds ? settings->rounds : 11;
    emission->n_calls = settings->is_smoke ? 20 : CALLS_A_ROUND;
    if (allocate(emission))
        return tw_error_set(error, -ENOMEM, "out of memory");
    measure_round(emission, &situations[0]); /* unmeasured: the first round finds new memory */
    judge(emission, rounds < BENCH_ROUNDS_MAX ? rounds : BENCH_ROUNDS_MAX, ret);
    return 0;
}

static int run(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error)
{
    struct emission emission = {0};
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/emit", settings->dir);
    struct tw_emitter_options options = {.run = "bench", .run_dir = dir};
    tw_record_init(&emission.layers);
    tw_record_init(&emission.step_record);
    int result = bench_perceptron_init(&emission.perceptron, settings, error);
    if (!result)
        result = tw_emitter_open(&emission.emitter, &options, error);
    if (!result) {
        result = measure(&emission, settings, ret, error);
        int closed = tw_emitter_close(emission.emitter, NULL, error);
        result = result ? result : closed;
    }
    release(&emission);
    return result;
}

const struct bench_benchmark bench_emit = {
    .name = "emit_p99_ns",
    .unit = "ns",
    .description = "tw_emit() of 24 layers by 8 columns in a training loop, 99th percentile",
    .goal = 1000,
    .run = run,
};
