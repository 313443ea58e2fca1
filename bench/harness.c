/* Bursts in turn, and the statistics of their times. */
#include "bench/harness.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define STOLEN_SHARE_MAX .01

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double bench_wall_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double bench_cpu_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

/* Of all CPUs since the start, in ticks: the first line of /proc/stat (proc(5)). */
struct ticks {
    uint64_t all, stolen;
};

static struct ticks ticks_now(void)
{
    /* user nice system idle iowait irq softirq steal; what follows is part of user and nice. */
    uint64_t field[8] = {0};
    struct ticks ticks = {0};
    FILE *file = fopen("/proc/stat", "r");
    if (!file)
        return ticks;
    if (fscanf(file,
               "cpu %" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64
               "%" SCNu64,
               &field[0], &field[1], &field[2], &field[3], &field[4], &field[5], &field[6],
               &field[7]) == 8) {
        for (int i = 0; i < 8; i++)
            ticks.all += field[i];
        ticks.stolen = field[7];
    }
    fclose(file);
    return ticks;
}

static double stolen_share(struct ticks from, struct ticks to)
{
    return to.all > from.all ? (double)(to.stolen - from.stolen) / (double)(to.all - from.all) : 0;
}

static void run_burst(const struct bench_contestant *contestant, double *ret_wall, double *ret_cpu)
{
    if (contestant->before)
        contestant->before(contestant->closure);
    double wall = bench_wall_seconds(), cpu = bench_cpu_seconds();
    contestant->run(contestant->closure);
    *ret_cpu = bench_cpu_seconds() - cpu;
    *ret_wall = bench_wall_seconds() - wall;
    if (contestant->after)
        contestant->after(contestant->closure);
}

static void run_round(const struct bench_contestant *contestants, size_t n, unsigned round,
                      struct bench_times *times)
{
    for (size_t turn = 0; turn < n; turn++) {
        size_t i = round % 2 ? n - 1 - turn : turn;
        run_burst(&contestants[i], &times->wall[i][round], &times->cpu[i][round]);
    }
}

/* Leaves the rounds out that the host took time from, if enough others are left. */
static void drop_stolen(struct bench_times *times, const double *stolen)
{
    unsigned kept = 0;
    for (unsigned round = 0; round < times->rounds; round++)
        kept += stolen[round] <= STOLEN_SHARE_MAX;
    if (3 * kept < times->rounds)
        return;
    kept = 0;
    for (unsigned round = 0; round < times->rounds; round++) {
        if (stolen[round] > STOLEN_SHARE_MAX)
            continue;
        for (size_t i = 0; i < times->n_contestants; i++) {
            times->wall[i][kept] = times->wall[i][round];
            times->cpu[i][kept] = times->cpu[i][round];
        }
        kept++;
    }
    times->rounds_stolen = times->rounds - kept;
    times->rounds = kept;
}

void bench_interleave(const struct bench_contestant *contestants, size_t n, unsigned rounds,
                      struct bench_times *ret)
{
    double stolen[BENCH_ROUNDS_MAX], unmeasured[2];
    rounds = rounds < BENCH_ROUNDS_MAX ? rounds : BENCH_ROUNDS_MAX;
    memset(ret, 0, sizeof *ret);
    ret->n_contestants = n;
    ret->rounds = rounds;
    for (size_t i = 0; i < n; i++)
        run_burst(&contestants[i], &unmeasured[0], &unmeasured[1]);
    struct ticks start = ticks_now(), before = start, after = start;
    for (unsigned round = 0; round < rounds; round++, before = after) {
        run_round(contestants, n, round, ret);
        after = ticks_now();
        stolen[round] = stolen_share(before, after);
    }
    ret->stolen_share = stolen_share(start, after);
    drop_stolen(ret, stolen);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_quantile(double *values, size_t n, double share)
{
    qsort(values, n, sizeof *values, by_size);
    double place = share * (double)(n - 1);
    size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
    return values[below] + (place - (double)below) * (values[above] - values[below]);
}

struct bench_quartiles bench_quartiles_of(double *values, size_t n)
{
    return (struct bench_quartiles){bench_quantile(values, n, .25), bench_quantile(values, n, .5),
                                    bench_quantile(values, n, .75)};
}

struct bench_quartiles bench_ratio(const double *numerator, const double *denominator,
                                   unsigned rounds, double factor)
{
    double ratios[BENCH_ROUNDS_MAX];
    for (unsigned i = 0; i < rounds; i++)
        ratios[i] = numerator[i] / denominator[i] * factor;
    return bench_quartiles_of(ratios, rounds);
}

json_t *bench_json_quartiles(struct bench_quartiles quartiles)
{
    return json_pack("{s:f, s:[f, f]}", "median", quartiles.median, "quartiles", quartiles.first,
                     quartiles.third);
}

static json_t *json_seconds(const double *seconds, unsigned rounds)
{
    double copy[BENCH_ROUNDS_MAX];
    memcpy(copy, seconds, rounds * sizeof *copy);
    return bench_json_quartiles(bench_quartiles_of(copy, rounds));
}

json_t *bench_json_times(const struct bench_contestant *contestants,
                         const struct bench_times *times)
{
    json_t *raw = json_pack("{s:i, s:i, s:f}", "rounds", (int)times->rounds, "rounds_stolen",
                            (int)times->rounds_stolen, "stolen_share", times->stolen_share);
    for (size_t i = 0; i < times->n_contestants; i++)
        json_object_set_new(raw, contestants[i].name,
                            json_pack("{s:o, s:o}", "wall_seconds",
                                      json_seconds(times->wall[i], times->rounds), "cpu_seconds",
                                      json_seconds(times->cpu[i], times->rounds)));
    return raw;
}

void *bench_memory(size_t size)
{
    const size_t page = (size_t)2 << 20;
    size = (size + page - 1) / page * page;
    void *memory = aligned_alloc(page, size);
    if (!memory)
        return NULL;
    madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 0, size);
    return memory;
}
