/* The passes in plain C, written so that a compiler makes vectors of them: each kernel inlines them
 * into functions of its own target. Values are told apart by their bits, since a comparison would
 * depend on the denormal flush. */
#ifndef TW_STATISTICS_PLAIN_H
#define TW_STATISTICS_PLAIN_H

#include "telemetry/statistics/kernel.h"

#include <string.h>

#define TW_PLAIN static inline __attribute__((always_inline))

#define TW_EXPONENT 0x7f800000u
#define TW_MAGNITUDE 0x7fffffffu

TW_PLAIN uint32_t tw_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

TW_PLAIN float tw_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Integers that stand in the order of the floats; its own inverse. */
TW_PLAIN int32_t tw_ordered(uint32_t bits)
{
    int32_t number = (int32_t)bits;
    return number ^ ((number >> 31) & (int32_t)TW_MAGNITUDE);
}

TW_PLAIN uint32_t tw_is_finite(uint32_t bits)
{
    return (bits & TW_EXPONENT) != TW_EXPONENT;
}

TW_PLAIN void tw_plain_counts(const float *values, size_t n,
                              const struct tw_statistics_options *options,
                              struct tw_statistics *ret)
{
    uint32_t nan = 0, positive = 0, negative = 0, zeros = 0, tiny = 0, beyond = 0;
    float low = options->low, high = options->high;
    uint32_t counts_beyond = low < high;
#pragma omp simd reduction(+ : nan, positive, negative, zeros, tiny, beyond)
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = tw_float_bits(values[i]), magnitude = bits & TW_MAGNITUDE;
        nan += magnitude > TW_EXPONENT;
        positive += bits == TW_EXPONENT;
        negative += bits == (TW_EXPONENT | ~TW_MAGNITUDE);
        zeros += magnitude == 0;
        tiny += (bits & TW_EXPONENT) == 0;
        beyond += ((uint32_t)(values[i] < low) | (uint32_t)(values[i] > high)) &
                  tw_is_finite(bits) & counts_beyond;
    }
    ret->nan = nan;
    ret->positive_infinite = positive;
    ret->negative_infinite = negative;
    ret->zeros = zeros;
    ret->denormals = tiny - zeros;
    ret->beyond = beyond;
}

TW_PLAIN void tw_plain_extremes(const float *values, size_t n, struct tw_statistics *ret)
{
    int32_t min = INT32_MAX, max = INT32_MIN;
#pragma omp simd reduction(min : min) reduction(max : max)
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = tw_float_bits(values[i]);
        int32_t ordered = tw_ordered(bits);
        int32_t low = tw_is_finite(bits) ? ordered : INT32_MAX;
        int32_t high = tw_is_finite(bits) ? ordered : INT32_MIN;
        min = low < min ? low : min;
        max = high > max ? high : max;
    }
    /* + 0: a zero is told without its sign. */
    ret->min = (double)tw_float_of_bits((uint32_t)tw_ordered((uint32_t)min)) + 0;
    ret->max = (double)tw_float_of_bits((uint32_t)tw_ordered((uint32_t)max)) + 0;
}

/* 0 where the value is not finite. */
TW_PLAIN double tw_finite_or_zero(float value)
{
    uint32_t bits = tw_float_bits(value);
    return tw_float_of_bits(bits & (0 - tw_is_finite(bits)));
}

/* Twice over the block: the spread is that about its own mean. */
TW_PLAIN void tw_plain_sums(const float *values, size_t n, double finite, struct tw_statistics *ret)
{
    double sum = 0, squares = 0, about_mean = 0;
#pragma omp simd reduction(+ : sum, squares)
    for (size_t i = 0; i < n; i++) {
        double value = tw_finite_or_zero(values[i]);
        sum += value;
        squares += value * value;
    }
    double mean = sum / finite;
#pragma omp simd reduction(+ : about_mean)
    for (size_t i = 0; i < n; i++) {
        double distance = tw_is_finite(tw_float_bits(values[i])) ? (double)values[i] - mean : 0;
        about_mean += distance * distance;
    }
    ret->sum = sum;
    ret->sum_of_squares = squares;
    ret->mean = mean;
    ret->squares_about_mean = about_mean;
}

TW_PLAIN struct tw_statistics tw_plain_examine(const float *values, size_t n,
                                               const struct tw_statistics_options *options)
{
    struct tw_statistics figures = tw_statistics_none();
    figures.n = n;
    tw_plain_counts(values, n, options, &figures);
    uint64_t finite = n - tw_statistics_nonfinite(&figures);
    if (finite) {
        tw_plain_extremes(values, n, &figures);
        tw_plain_sums(values, n, (double)finite, &figures);
    }
    return figures;
}

TW_PLAIN uint64_t tw_plain_zeros(const float *values, size_t n)
{
    uint32_t zeros = 0;
#pragma omp simd reduction(+ : zeros)
    for (size_t i = 0; i < n; i++)
        zeros += (tw_float_bits(values[i]) & TW_MAGNITUDE) == 0;
    return zeros;
}

TW_PLAIN uint64_t tw_plain_beyond(const float *values, size_t n, float low, float high)
{
    uint32_t beyond = 0;
#pragma omp simd reduction(+ : beyond)
    for (size_t i = 0; i < n; i++)
        beyond += (uint32_t)(values[i] < low) | (uint32_t)(values[i] > high);
    return beyond;
}

TW_PLAIN void tw_plain_widen_bfloat16(const uint16_t *values, size_t n, float *ret)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        ret[i] = tw_float_of_bits((uint32_t)values[i] << 16);
}

/* IEEE 754: 1 sign, 5 exponent bits with bias 15, 10 of the fraction. A denormal is its fraction
 * times 2^-24. */
TW_PLAIN float tw_float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    uint32_t normal = (magnitude << 13) + ((127 - 15) << 23);
    uint32_t denormal = tw_float_bits((float)magnitude * 0x1p-24f);
    uint32_t infinite = TW_EXPONENT | (magnitude << 13);
    uint32_t bits = magnitude < 0x400 ? denormal : magnitude >= 0x7c00 ? infinite : normal;
    return tw_float_of_bits(sign | bits);
}

TW_PLAIN uint64_t tw_plain_denormal_halves(const uint16_t *values, size_t n)
{
    uint32_t denormals = 0;
#pragma omp simd reduction(+ : denormals)
    for (size_t i = 0; i < n; i++)
        denormals += (values[i] & 0x7c00) == 0 && (values[i] & 0x3ff) != 0;
    return denormals;
}

#endif
