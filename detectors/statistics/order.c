/* Medians, and other values by their rank. A processor guesses which way a branch goes, and where
 * values are compared it guesses wrong half the time, which takes as long as thirty comparisons do:
 * so values are counted, four at a time, until few are left to choose from. */
#include "detectors/statistics/order.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* C. A. R. Hoare's FIND (Communications of the ACM 4, 1961), as N. Wirth writes it: what is in
 * front of the k-th then is no larger and what is behind it no smaller. */
#define DEFINE_FIND_KTH(name, number)                                                              \
    static void name(number *values, int n, int k)                                                 \
    {                                                                                              \
        int low = 0, high = n - 1;                                                                 \
        while (low < high) {                                                                       \
            number pivot = values[k];                                                              \
            int i = low, j = high;                                                                 \
            while (i <= j) {                                                                       \
                while (values[i] < pivot)                                                          \
                    i++;                                                                           \
                while (pivot < values[j])                                                          \
                    j--;                                                                           \
                if (i <= j) {                                                                      \
                    number swapped = values[i];                                                    \
                    values[i++] = values[j];                                                       \
                    values[j--] = swapped;                                                         \
                }                                                                                  \
            }                                                                                      \
            if (j < k)                                                                             \
                low = i;                                                                           \
            if (k < i)                                                                             \
                high = j;                                                                          \
        }                                                                                          \
    }

DEFINE_FIND_KTH(find_kth, float)
DEFINE_FIND_KTH(find_kth_double, double)

double tw_kth(double *values, unsigned n, unsigned k)
{
    find_kth_double(values, (int)n, (int)k);
    return values[k];
}

double tw_median(double *values, unsigned n)
{
    if (n == 0)
        return 0;
    double low = tw_kth(values, n, (n - 1) / 2), high = low;
    if (n % 2 == 0) {
        high = values[n / 2];
        for (unsigned i = n / 2 + 1; i < n; i++)
            high = values[i] < high ? values[i] : high;
    }
    return .5 * (low + high);
}

/* fminf() and fmaxf() are calls, for the sake of NaN. */
static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

/* ---- counting ---- */

/* Values from `low` to `high`: how many are below it, and how many in it. */
struct stretch {
    float low, high;
    unsigned below, inside;
};

static struct stretch count(const float *values, unsigned n, float low, float high)
{
    int below = 0, up_to = 0;
#pragma omp simd reduction(+ : below, up_to)
    for (unsigned i = 0; i < n; i++) {
        below += values[i] < low;
        up_to += values[i] <= high;
    }
    return (struct stretch){low, high, (unsigned)below, (unsigned)(up_to - below)};
}

static struct stretch whole(const float *values, unsigned n)
{
    float low = values[0], high = values[0];
#pragma omp simd reduction(min : low) reduction(max : high)
    for (unsigned i = 1; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    return (struct stretch){low, high, 0, n};
}

static bool holds(const struct stretch *stretch, unsigned first, unsigned last)
{
    return first >= stretch->below && last < stretch->below + stretch->inside;
}

/* Keeps what holds both ranks of `stretch` cut at the ends of `part`; false when that is all. */
static bool cut(struct stretch *stretch, const struct stretch *part, unsigned first, unsigned last)
{
    unsigned before = stretch->inside, end = stretch->below + stretch->inside;
    if (first >= part->below) {
        stretch->low = part->low;
        stretch->below = part->below;
    }
    if (last < part->below + part->inside) {
        stretch->high = part->high;
        end = part->below + part->inside;
    }
    stretch->inside = end - stretch->below;
    return stretch->inside < before;
}

/* Looks where the ranks were if values lay evenly, and a few to both sides. */
static void narrow(struct stretch *stretch, const float *values, unsigned n, unsigned first,
                   unsigned last)
{
    enum { ROUNDS = 4, FEW = 12 };
    for (int round = 0; round < ROUNDS && stretch->inside > FEW + (last - first); round++) {
        float apart = (stretch->high - stretch->low) / (float)stretch->inside;
        float margin = 1.5F + .1F * (float)stretch->inside;
        float low = stretch->low + apart * ((float)(first - stretch->below) - margin);
        float high = stretch->low + apart * ((float)(last + 1 - stretch->below) + margin);
        struct stretch part =
            count(values, n, larger(low, stretch->low), smaller(high, stretch->high));
        if (!cut(stretch, &part, first, last))
            return;
    }
}

/* ---- choosing ---- */

enum { MOST = 310 };

/* A bit for each of up to 64 values: whether it is from `low` to `high`. */
static uint64_t mark(const float *values, unsigned n, float low, float high)
{
    uint64_t marks = 0;
    unsigned at = 0;
#ifdef __SSE2__
    __m128 lowest = _mm_set1_ps(low), highest = _mm_set1_ps(high);
    for (; at + 4 <= n; at += 4) {
        __m128 four = _mm_loadu_ps(values + at);
        __m128 is_in = _mm_and_ps(_mm_cmpge_ps(four, lowest), _mm_cmple_ps(four, highest));
        marks |= (uint64_t)(unsigned)_mm_movemask_ps(is_in) << at;
    }
#endif
    for (; at < n; at++)
        marks |= (uint64_t)(values[at] >= low && values[at] <= high) << at;
    return marks;
}

/* Copies what is in the stretch, in order. */
static void take(const struct stretch *stretch, const float *values, unsigned n, float *ret)
{
    for (unsigned at = 0; at < n; at += 64) {
        uint64_t marks = mark(values + at, n - at < 64 ? n - at : 64, stretch->low, stretch->high);
        for (; marks; marks &= marks - 1)
            *ret++ = values[at + (unsigned)__builtin_ctzll(marks)];
    }
}

/* The smallest above x, or infinity. */
static float next_above(const float *values, unsigned n, float x)
{
    float above = INFINITY;
#pragma omp simd reduction(min : above)
    for (unsigned i = 0; i < n; i++) {
        float y = values[i] > x ? values[i] : INFINITY;
        above = y < above ? y : above;
    }
    return above;
}

/* Of a dozen or two each is tried. */
static void rank_two(const float *values, unsigned n, unsigned k, float ret[2])
{
    for (unsigned i = 0; i < n; i++) {
        struct stretch same = count(values, n, values[i], values[i]);
        if (!holds(&same, k, k))
            continue;
        bool is_next_same = k + 1 >= n || holds(&same, k, k + 1);
        ret[0] = values[i];
        ret[1] = is_next_same ? values[i] : next_above(values, n, values[i]);
        return;
    }
}

static void find_two(float *values, unsigned n, unsigned k, float ret[2])
{
    enum { DOZENS = 40 };
    if (n <= DOZENS) {
        rank_two(values, n, k, ret);
        return;
    }
    find_kth(values, (int)n, (int)k);
    ret[0] = ret[1] = values[k];
    if (k + 1 < n) {
        ret[1] = values[k + 1];
        for (unsigned i = k + 2; i < n; i++)
            ret[1] = values[i] < ret[1] ? values[i] : ret[1];
    }
}

static unsigned rank_behind(unsigned n, unsigned k)
{
    return k + 1 < n ? k + 1 : k;
}

static void choose_two(struct stretch *stretch, const float *values, unsigned n, unsigned k,
                       float ret[2])
{
    float near[MOST];
    narrow(stretch, values, n, k, rank_behind(n, k));
    take(stretch, values, n, near);
    find_two(near, stretch->inside, k - stretch->below, ret);
}

void tw_order_two(const float *values, unsigned n, unsigned k, float ret[2])
{
    struct stretch stretch = whole(values, n);
    choose_two(&stretch, values, n, k, ret);
}

/* ---- by a guess ---- */

static struct stretch guessed(const float *values, unsigned n, unsigned first, unsigned last,
                              float guess, float width)
{
    struct stretch stretch = count(values, n, guess - width, guess + width);
    if (!holds(&stretch, first, last))
        stretch = count(values, n, guess - 8 * width, guess + 8 * width);
    return holds(&stretch, first, last) ? stretch : whole(values, n);
}

void tw_order_two_near(const float *values, unsigned n, unsigned k, float guess, float width,
                       float ret[2])
{
    struct stretch stretch = guessed(values, n, k, rank_behind(n, k), guess, width);
    choose_two(&stretch, values, n, k, ret);
}

/* Each goes where its rank is. Of equal ones only the first place is taken, and the places behind
 * it stay free: theirs is what stands before. */
static void sort(const float *values, unsigned n, float *ret)
{
    for (unsigned i = 0; i < n; i++)
        ret[i] = NAN;
    for (unsigned i = 0; i < n; i++)
        ret[count(values, n, values[i], values[i]).below] = values[i];
    for (unsigned i = 1; i < n; i++)
        ret[i] = isnan(ret[i]) ? ret[i - 1] : ret[i];
}

void tw_order_some(const float *values, unsigned n, unsigned first, unsigned some, float guess,
                   float width, float *ret)
{
    float near[MOST], sorted[MOST];
    struct stretch stretch = guessed(values, n, first, first + some - 1, guess, width);
    narrow(&stretch, values, n, first, first + some - 1);
    take(&stretch, values, n, near);
    sort(near, stretch.inside, sorted);
    for (unsigned i = 0; i < some; i++)
        ret[i] = sorted[first - stretch.below + i];
}

float tw_median_of_five(const float values[5])
{
    float a = values[0], b = values[1], c = values[2], d = values[3], e = values[4];
    float low = larger(smaller(a, b), smaller(c, d)), high = smaller(larger(a, b), larger(c, d));
    return larger(smaller(low, high), smaller(larger(low, high), e));
}
