/* The statistics of a tensor against reading it, from memory and in the second-level cache. */
#include "bench/harness.h"
#include "bench/read_bandwidth.h"

#include "telemetry/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define PREFETCH_AHEAD 384 /* floats: as the kernels do */

/* Beyond this many standard deviations a value counts as saturated: of normal data, 2 in 1e9. */
#define LIMIT 6

struct tensor {
    float *values;
    size_t n, times; /* in one burst */
    volatile unsigned bits;
    volatile double sum;
};

static void read_all(void *closure)
{
    struct tensor *tensor = closure;
    for (size_t i = 0; i < tensor->times; i++)
        tensor->bits = bench_read(tensor->values, tensor->n, 0);
}

static void read_all_ahead(void *closure)
{
    struct tensor *tensor = closure;
    for (size_t i = 0; i < tensor->times; i++)
        tensor->bits = bench_read(tensor->values, tensor->n, PREFETCH_AHEAD);
}

static void take_statistics(void *closure)
{
    struct tensor *tensor = closure;
    struct tw_statistics_options options = {.low = -LIMIT, .high = LIMIT};
    for (size_t i = 0; i < tensor->times; i++) {
        struct tw_statistics figures =
            tw_statistics_of(TW_FLOAT32, tensor->values, tensor->n, &options);
        tensor->sum = figures.sum;
    }
}

/* Normal numbers, as gradients are: the sum of twelve uniform ones less 6 has variance 1. */
static void fill(struct tensor *tensor)
{
    uint64_t state = 1;
    for (size_t i = 0; i < tensor->n; i++) {
        float sum = -6;
        for (int k = 0; k < 12; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sum += (float)(state >> 40) * 0x1p-24f;
        }
        tensor->values[i] = sum == 0 ? 1 : sum;
    }
}

/* Against the faster of the two ways to read, by the median of the rounds. */
static void judge(const struct bench_contestant *contestants, const struct bench_times *times,
                  const struct tensor *tensor, struct bench_figure *ret)
{
    enum { READ, READ_AHEAD, STATISTICS };
    struct bench_quartiles plain =
        bench_ratio(times->cpu[READ], times->cpu[STATISTICS], times->rounds, 1);
    struct bench_quartiles ahead =
        bench_ratio(times->cpu[READ_AHEAD], times->cpu[STATISTICS], times->rounds, 1);
    int read = plain.median < ahead.median ? READ : READ_AHEAD;
    double bytes = (double)tensor->n * (double)tensor->times * sizeof(float);
    ret->value = read == READ ? plain.median : ahead.median;
    ret->raw = bench_json_times(contestants, times);
    json_object_set_new(ret->raw, "ratio_cpu", bench_json_quartiles(read == READ ? plain : ahead));
    json_object_set_new(ret->raw, "ratio_wall",
                        bench_json_quartiles(bench_ratio(times->wall[read], times->wall[STATISTICS],
                                                         times->rounds, 1)));
    json_object_set_new(ret->raw, "compared_with", json_string(contestants[read].name));
    json_object_set_new(ret->raw, "tensor_bytes",
                        json_integer((json_int_t)(tensor->n * sizeof(float))));
    json_object_set_new(ret->raw, "burst_bytes", json_integer((json_int_t)bytes));
    json_object_set_new(ret->raw, "signals",
                        json_string("count, NaN, infinities, zeros, denormals, beyond, sum, sum of "
                                    "squares, mean, spread, min, max"));
}

static int compare(struct tensor tensor, unsigned rounds, struct bench_figure *ret,
                   struct tw_error *error)
{
    const struct bench_contestant contestants[] = {
        {"read", read_all, &tensor},
        {"read_ahead", read_all_ahead, &tensor},
        {"statistics", take_statistics, &tensor},
    };
    struct bench_times times;
    tensor.values = bench_memory(tensor.n * sizeof *tensor.values);
    if (!tensor.values)
        return tw_error_set(error, -ENOMEM, "out of memory");
    fill(&tensor);
    bench_interleave(contestants, 3, rounds, &times);
    judge(contestants, &times, &tensor, ret);
    free(tensor.values);
    return 0;
}

/* 512 MiB: no cache of a machine at hand holds a part of it that matters. */
static int from_memory(const struct bench_settings *settings, struct bench_figure *ret,
                       struct tw_error *error)
{
    struct tensor tensor = {.n = (size_t)1 << (settings->is_smoke ? 16 : 27), .times = 1};
    return compare(tensor, settings->rounds ? settings->rounds : 15, ret, error);
}

/* 256 KiB: more than any first-level cache, less than a second-level one. */
static int from_cache(const struct bench_settings *settings, struct bench_figure *ret,
                      struct tw_error *error)
{
    struct tensor tensor = {.n = 65536, .times = settings->is_smoke ? 1 : 4000};
    return compare(tensor, settings->rounds ? settings->rounds : 51, ret, error);
}

const struct bench_benchmark bench_statistics_dram = {
    .name = "stats_dram_ratio",
    .unit = "of read bandwidth",
    .description = "statistics of 512 MiB of floats, 1 thread",
    .goal = .95,
    .is_goal_a_minimum = true,
    .run = from_memory,
};

const struct bench_benchmark bench_statistics_l2 = {
    .name = "stats_l2_ratio",
    .unit = "of read bandwidth",
    .description = "statistics of 256 KiB of floats in the cache, 1 thread",
    .goal = .4,
    .is_goal_a_minimum = true,
    .run = from_cache,
};
