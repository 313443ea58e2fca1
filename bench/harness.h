/* What all benchmarks share. Machines are shared and their clocks drift, so nothing is timed alone:
 * the contestants run in turn, round by round, and a figure is the median of the rounds' ratios. */
#ifndef TW_BENCH_HARNESS_H
#define TW_BENCH_HARNESS_H

#include "telemetry/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct bench_settings {
    bool is_smoke;   /* tiny sizes and two rounds: does it run at all? The figures mean nothing */
    unsigned rounds; /* 0: the benchmark's own number */
    const char *dir; /* for files, empty at the start */
};

/* A figure, and what it was made of. */
struct bench_figure {
    double value;
    json_t *raw; /* an object, owned */
};

struct bench_benchmark {
    const char *name, *unit;
    const char *description; /* one line */
    double goal;
    bool is_goal_a_minimum; /* otherwise the value is to stay below it */
    /* 0, or negative with `error` set. */
    int (*run)(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error);
};

extern const struct bench_benchmark *const bench_benchmarks[]; /* NULL-terminated */

/* One of those that are compared. */
struct bench_contestant {
    const char *name;
    void (*run)(void *closure); /* one burst; its seconds are what is told */
    void *closure;
    void (*before)(void *closure), (*after)(void *closure); /* around each burst, or NULL */
};

#define BENCH_CONTESTANTS_MAX 4
#define BENCH_ROUNDS_MAX 400

/* Seconds of each burst, by contestant and round. CPU: of the whole process, all threads. */
struct bench_times {
    size_t n_contestants;
    unsigned rounds;        /* kept, below */
    unsigned rounds_stolen; /* left out: over 1 % of the CPUs' time was stolen meanwhile, and a
                             * third of the rounds and more was not */
    double stolen_share;    /* of the CPUs' time, over all rounds */
    double wall[BENCH_CONTESTANTS_MAX][BENCH_ROUNDS_MAX];
    double cpu[BENCH_CONTESTANTS_MAX][BENCH_ROUNDS_MAX];
};

/* Runs all contestants once unmeasured, and then `rounds` times in turn, each round in the opposite
 * order of the one before. */
void bench_interleave(const struct bench_contestant *contestants, size_t n, unsigned rounds,
                      struct bench_times *ret);

struct bench_quartiles {
    double first, median, third;
};

/* Of values[n], n > 0; sorts them. By linear interpolation (R. J. Hyndman and Y. Fan, "Sample
 * Quantiles in Statistical Packages", The American Statistician 50, 1996, definition 7). */
double bench_quantile(double *values, size_t n, double share);
struct bench_quartiles bench_quartiles_of(double *values, size_t n);

/* Of the rounds' ratios, numerator / denominator, each times its factor (operations in a burst, for
 * a ratio of rates). */
struct bench_quartiles bench_ratio(const double *numerator, const double *denominator,
                                   unsigned rounds, double factor);

/* JSON: {"median": ..., "quartiles": [..., ...]}. */
json_t *bench_json_quartiles(struct bench_quartiles quartiles);
/* An object: rounds, rounds_stolen, stolen_share, and of each contestant wall_seconds and
 * cpu_seconds. */
json_t *bench_json_times(const struct bench_contestant *contestants,
                         const struct bench_times *times);

double bench_wall_seconds(void);
double bench_cpu_seconds(void); /* of the process */

/* Zeroed memory in huge pages where the system gives them, at a multiple of 64 bytes; for free().
 * NULL: there is not so much. */
void *bench_memory(size_t size);

#endif
