/* Back-off with jitter. */
#include "sinks/backoff.h"

/* Share by which a wait is shortened or lengthened at most. */
#define JITTER 0.2

/* Uniform in [0, 1): xorshift64 (Marsaglia, Xorshift RNGs, 2003). */
static double uniform(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (double)(*state >> 11) / 9007199254740992.0; /* 2^53 */
}

double tw_backoff_next(struct tw_backoff *backoff)
{
    double wait = backoff->next > 0 ? backoff->next : backoff->first;
    backoff->next = 2 * wait < backoff->max ? 2 * wait : backoff->max;
    return wait * (1 - JITTER + 2 * JITTER * uniform(&backoff->random));
}

void tw_backoff_reset(struct tw_backoff *backoff)
{
    backoff->next = 0;
}
