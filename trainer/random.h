/* PCG32: the trainer's one source of chance. Same seed and stream, same numbers, everywhere.
 * M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
 * Random Number Generation", HMC-CS-2014-0905, 2014 (pcg32, XSH-RR 64/32). */
#ifndef TW_RANDOM_H
#define TW_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct tw_random {
    uint64_t state, increment;
};

/* Different streams of one seed are independent, so that a longer initialisation does not change
 * the order of the samples. */
enum tw_random_stream {
    TW_RANDOM_WEIGHTS = 1,
    TW_RANDOM_ORDER = 2,
    TW_RANDOM_SPLIT = 3,
    TW_RANDOM_DROPOUT = 4,
    TW_RANDOM_NOISE = 16
};

void tw_random_init(struct tw_random *random, uint64_t seed, uint64_t stream);
uint32_t tw_random_next(struct tw_random *random);
/* Uniform in 0 .. bound - 1, without bias; bound > 0. */
uint32_t tw_random_below(struct tw_random *random, uint32_t bound);
/* Uniform in [0, 1). */
double tw_random_uniform(struct tw_random *random);
/* Standard normal (Box and Muller). */
double tw_random_normal(struct tw_random *random);
/* Fisher-Yates. */
void tw_random_shuffle(struct tw_random *random, uint32_t *items, size_t n);

#endif
