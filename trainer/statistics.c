/* The figures of one tensor, in one pass over it. The sums are of the values less the first finite
 * one: a tensor with a large mean and a small spread would lose its variance in the difference of
 * two large sums (Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", The
 * American Statistician 37, 1983). */
#include "trainer/statistics.h"

#include <math.h>

static struct tw_statistics without_values(size_t n)
{
    return (struct tw_statistics){.n = n, .nonfinite = n, .mean = NAN, .std = NAN, .abs_max = NAN};
}

struct tw_statistics tw_statistics_of(const float *values, size_t n)
{
    size_t first = 0;
    while (first < n && !isfinite(values[first]))
        first++;
    if (first == n)
        return without_values(n);

    struct tw_statistics figures = {.n = n, .nonfinite = first};
    double shift = values[first], sum = 0, sum_of_squares = 0, shifted_squares = 0, abs_max = 0;
    for (size_t i = first; i < n; i++) {
        double value = values[i];
        if (!isfinite(value)) {
            figures.nonfinite++;
            continue;
        }
        figures.zeros += value == 0;
        abs_max = fmax(abs_max, fabs(value));
        sum += value - shift;
        shifted_squares += (value - shift) * (value - shift);
        sum_of_squares += value * value;
    }
    double count = (double)(n - figures.nonfinite);
    double variance = (shifted_squares - sum * sum / count) / count;
    figures.mean = shift + sum / count;
    figures.std = variance > 0 ? sqrt(variance) : 0;
    figures.abs_max = abs_max;
    figures.l2_norm = sqrt(sum_of_squares);
    return figures;
}

double tw_sum_of_squares(const float *values, size_t n)
{
    /* Four sums, so that one addition does not wait for the one before. */
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (size_t lane = 0; lane < 4; lane++)
            sums[lane] += (double)values[i + lane] * values[i + lane];
    }
    for (; i < n; i++)
        sums[0] += (double)values[i] * values[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
