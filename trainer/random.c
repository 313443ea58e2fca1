/* PCG32 and what the trainer draws with it. */
#include "trainer/random.h"

#include <math.h>

uint32_t tw_random_next(struct tw_random *random)
{
    uint64_t old = random->state;
    random->state = old * 6364136223846793005u + random->increment;
    uint32_t shifted = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t rotation = (uint32_t)(old >> 59);
    return (shifted >> rotation) | (shifted << (-rotation & 31));
}

void tw_random_init(struct tw_random *random, uint64_t seed, uint64_t stream)
{
    random->state = 0;
    random->increment = (stream << 1) | 1;
    tw_random_next(random);
    random->state += seed;
    tw_random_next(random);
}

uint32_t tw_random_below(struct tw_random *random, uint32_t bound)
{
    /* The numbers under 2^32 mod bound would come up once too often. */
    uint32_t threshold = -bound % bound;
    uint32_t drawn;
    do
        drawn = tw_random_next(random);
    while (drawn < threshold);
    return drawn % bound;
}

double tw_random_uniform(struct tw_random *random)
{
    return tw_random_next(random) * 0x1p-32;
}

double tw_random_normal(struct tw_random *random)
{
    double radius = sqrt(-2 * log(1 - tw_random_uniform(random)));
    return radius * cos(2 * M_PI * tw_random_uniform(random));
}

void tw_random_shuffle(struct tw_random *random, uint32_t *items, size_t n)
{
    for (size_t left = n; left > 1; left--) {
        uint32_t at = tw_random_below(random, (uint32_t)left);
        uint32_t kept = items[left - 1];
        items[left - 1] = items[at];
        items[at] = kept;
    }
}
