/* What a processor's kernel does for the statistics: the passes over one block of floats. The
 * driver (statistics.c) runs `sums` over a block in the hope that it is clean, that is, that all
 * values are finite and their squares neither overflow nor vanish; where they are not, `examine`
 * looks at it anew. A kernel without `sums` examines everything: that is the portable one, which
 * the others are tested against. */
#ifndef TW_STATISTICS_KERNEL_H
#define TW_STATISTICS_KERNEL_H

#include "telemetry/statistics.h"

#include <stdbool.h>

/* 128 KiB: within a second-level cache, so that a second look costs no memory traffic; and long
 * enough for the hardware's prefetcher, which a pause between two blocks throws out of step (with
 * 16 KiB, a tenth of the memory's bandwidth was lost). */
#define TW_STATISTICS_BLOCK 32768

/* Float sums go into double ones after so many values: their rounding errors stay near 1e-7. */
#define TW_STATISTICS_PIECE 4096

/* Of a block, if it is clean. */
struct tw_statistics_sums {
    double sum, squares; /* of x - shift */
    float min, max;
    uint64_t tiny; /* zeros and denormals */
};

struct tw_statistics_kernel {
    const char *name; /* "avx512" */
    bool (*is_supported)(void);

    /* (optional) Runs with denormals flushed. n: 1 to TW_STATISTICS_BLOCK, likewise below. */
    struct tw_statistics_sums (*sums)(const float *values, size_t n, float shift);
    /* Every figure, whatever the values are; options->histogram aside. */
    struct tw_statistics (*examine)(const float *values, size_t n,
                                    const struct tw_statistics_options *options);
    uint64_t (*zeros)(const float *values, size_t n);
    uint64_t (*beyond)(const float *values, size_t n, float low, float high);
    /* To floats; NaN stays NaN. */
    void (*widen_half)(const uint16_t *values, size_t n, float *ret);
    void (*widen_bfloat16)(const uint16_t *values, size_t n, float *ret);
    uint64_t (*denormal_halves)(const uint16_t *values, size_t n);
};

/* Best first; the last one runs everywhere. NULL-terminated. */
extern const struct tw_statistics_kernel *const tw_statistics_kernels[];

/* As tw_statistics_add(), by the given kernel: for tests and benchmarks. */
void tw_statistics_add_by(const struct tw_statistics_kernel *kernel,
                          struct tw_statistics *statistics, enum tw_float_type type,
                          const void *values, size_t n,
                          const struct tw_statistics_options *options);

#endif
