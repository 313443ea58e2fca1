/* The kernel in plain C. It examines every block: the reference of the others, and the kernel of
 * processors that have none of their own. */
#include "telemetry/statistics/plain.h"

static bool is_supported(void)
{
    return true;
}

static struct tw_statistics examine(const float *values, size_t n,
                                    const struct tw_statistics_options *options)
{
    return tw_plain_examine(values, n, options);
}

static uint64_t zeros(const float *values, size_t n)
{
    return tw_plain_zeros(values, n);
}

static uint64_t beyond(const float *values, size_t n, float low, float high)
{
    return tw_plain_beyond(values, n, low, high);
}

static void widen_half(const uint16_t *values, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = tw_float_of_half(values[i]);
}

static void widen_bfloat16(const uint16_t *values, size_t n, float *ret)
{
    tw_plain_widen_bfloat16(values, n, ret);
}

static uint64_t denormal_halves(const uint16_t *values, size_t n)
{
    return tw_plain_denormal_halves(values, n);
}

const struct tw_statistics_kernel tw_statistics_portable = {
    .name = "portable",
    .is_supported = is_supported,
    .examine = examine,
    .zeros = zeros,
    .beyond = beyond,
    .widen_half = widen_half,
    .widen_bfloat16 = widen_bfloat16,
    .denormal_halves = denormal_halves,
};
