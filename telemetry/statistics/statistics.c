/* The pass over a tensor: block by block through the processor's kernel. */
#include "telemetry/statistics.h"

#include "telemetry/statistics/float_mode.h"
#include "telemetry/statistics/plain.h"

#include <stdatomic.h>

extern const struct tw_statistics_kernel tw_statistics_portable;
#if defined(__x86_64__)
extern const struct tw_statistics_kernel tw_statistics_avx512, tw_statistics_avx2;
#endif

const struct tw_statistics_kernel *const tw_statistics_kernels[] = {
#if defined(__x86_64__)
    &tw_statistics_avx512, &tw_statistics_avx2,
#endif
    &tw_statistics_portable, NULL};

/* Squares below FLT_MIN (1.2e-38) were flushed. At this mean square they are no part in 1e8. */
#define MEAN_SQUARE_MIN 1e-30

/* A mean this many standard deviations from the shift costs the variance's float sums their last
 * two digits and more: (mean - shift)^2 / variance. */
#define SHIFT_RATIO_MAX 64.0

struct pass {
    const struct tw_statistics_kernel *kernel;
    struct tw_statistics_options options;
    struct tw_statistics *statistics;
};

void tw_statistics_merge(struct tw_statistics *statistics, const struct tw_statistics *other)
{
    uint64_t before = statistics->n - tw_statistics_nonfinite(statistics);
    uint64_t added = other->n - tw_statistics_nonfinite(other);
    statistics->n += other->n;
    statistics->nan += other->nan;
    statistics->positive_infinite += other->positive_infinite;
    statistics->negative_infinite += other->negative_infinite;
    statistics->zeros += other->zeros;
    statistics->denormals += other->denormals;
    statistics->beyond += other->beyond;
    if (!added)
        return;
    /* T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise algorithm for
     * computing sample variances", Stanford STAN-CS-79-773, 1979, (2.1). */
    double distance = other->mean - statistics->mean;
    double share = (double)added / (double)(before + added);
    statistics->mean = before ? statistics->mean + distance * share : other->mean;
    statistics->squares_about_mean +=
        other->squares_about_mean + (before ? distance * distance * share * (double)before : 0);
    statistics->sum += other->sum;
    statistics->sum_of_squares += other->sum_of_squares;
    statistics->min = other->min < statistics->min ? other->min : statistics->min;
    statistics->max = other->max > statistics->max ? other->max : statistics->max;
}

static struct tw_statistics look_at(const struct pass *pass, const float *values, size_t n);

/* Of a large block most pieces are clean, where what is not is rare. */
static struct tw_statistics examine_pieces(const struct pass *pass, const float *values, size_t n)
{
    struct tw_statistics figures = tw_statistics_none();
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < TW_STATISTICS_PIECE ? n - done : TW_STATISTICS_PIECE;
        struct tw_statistics piece = look_at(pass, values + done, some);
        tw_statistics_merge(&figures, &piece);
    }
    return figures;
}

static struct tw_statistics examine(const struct pass *pass, const float *values, size_t n)
{
    if (n > TW_STATISTICS_PIECE)
        return examine_pieces(pass, values, n);
    tw_float_mode before = tw_float_mode_keep();
    struct tw_statistics figures = pass->kernel->examine(values, n, &pass->options);
    tw_float_mode_restore(before);
    return figures;
}

/* NaN and infinities make the squares NaN or infinite. */
static bool is_clean(const struct tw_statistics_sums *sums, size_t n)
{
    return isfinite(sums->squares) &&
           (sums->squares >= MEAN_SQUARE_MIN * (double)n || sums->min == sums->max);
}

static void set_spread(struct tw_statistics *figures, const struct tw_statistics_sums *sums,
                       size_t n, float shift)
{
    double distance = sums->sum / (double)n;
    double about_mean = sums->squares - sums->sum * distance;
    figures->mean = (double)shift + distance;
    figures->squares_about_mean = about_mean > 0 ? about_mean : 0;
}

static void set_sums(struct tw_statistics *figures, const struct tw_statistics_sums *sums, size_t n,
                     float shift)
{
    figures->n = n;
    set_spread(figures, sums, n, shift);
    if (sums->min == sums->max) { /* one value repeated: no rounding of sums */
        figures->mean = (double)sums->min;
        figures->squares_about_mean = 0;
    }
    figures->sum = (double)n * figures->mean;
    figures->sum_of_squares = figures->sum * figures->mean + figures->squares_about_mean;
    figures->min = (double)sums->min + 0; /* a zero is told without its sign */
    figures->max = (double)sums->max + 0;
}

static bool is_shift_poor(const struct tw_statistics *figures, float shift)
{
    double distance = figures->mean - (double)shift;
    return figures->min < figures->max &&
           distance * distance * (double)figures->n > SHIFT_RATIO_MAX * figures->squares_about_mean;
}

/* Where the mean is small against the spread, the pass without a shift is as good and faster. */
static float shift_for(const struct pass *pass)
{
    const struct tw_statistics *known = pass->statistics;
    if (!known->n)
        return isfinite(pass->options.shift) ? pass->options.shift : 0;
    return is_shift_poor(known, 0) ? (float)known->mean : 0;
}

static struct tw_statistics look_at(const struct pass *pass, const float *values, size_t n)
{
    if (!pass->kernel->sums)
        return examine(pass, values, n);

    float shift = shift_for(pass), low = pass->options.low, high = pass->options.high;
    struct tw_statistics figures = tw_statistics_none();
    struct tw_statistics_sums sums = pass->kernel->sums(values, n, shift);
    if (!is_clean(&sums, n))
        return examine(pass, values, n);
    set_sums(&figures, &sums, n, shift);
    if (is_shift_poor(&figures, shift)) {
        shift = (float)figures.mean;
        sums = pass->kernel->sums(values, n, shift);
        if (!is_clean(&sums, n))
            return examine(pass, values, n);
        set_sums(&figures, &sums, n, shift);
    }
    figures.zeros = sums.tiny ? pass->kernel->zeros(values, n) : 0;
    if (figures.zeros != sums.tiny)
        return examine(pass, values, n); /* denormals, which were flushed */
    if (low < high && (sums.min < low || sums.max > high))
        figures.beyond = pass->kernel->beyond(values, n, low, high);
    return figures;
}

/* Four tables, so that equal exponents in a row do not wait for each other's increment. */
static void add_to_histogram(uint64_t *histogram, const float *values, size_t n)
{
    uint32_t tables[4][TW_STATISTICS_BINS] = {{0}};
    for (size_t i = 0; i < n; i++)
        tables[i % 4][(tw_float_bits(values[i]) & TW_EXPONENT) >> 23]++;
    /* The last bin has what is not finite. */
    for (size_t bin = 0; bin + 1 < TW_STATISTICS_BINS; bin++)
        histogram[bin] +=
            (uint64_t)tables[0][bin] + tables[1][bin] + tables[2][bin] + tables[3][bin];
}

static void add_floats(const struct pass *pass, const float *values, size_t n)
{
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < TW_STATISTICS_BLOCK ? n - done : TW_STATISTICS_BLOCK;
        struct tw_statistics figures = look_at(pass, values + done, some);
        tw_statistics_merge(pass->statistics, &figures);
        if (pass->options.histogram)
            add_to_histogram(pass->options.histogram, values + done, some);
    }
}

static void add_short(const struct pass *pass, enum tw_float_type type, const uint16_t *values,
                      size_t n)
{
    float wide[TW_STATISTICS_PIECE];
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < TW_STATISTICS_PIECE ? n - done : TW_STATISTICS_PIECE;
        if (type == TW_FLOAT16) {
            pass->kernel->widen_half(values + done, some, wide);
            pass->statistics->denormals += pass->kernel->denormal_halves(values + done, some);
        } else {
            pass->kernel->widen_bfloat16(values + done, some, wide);
        }
        add_floats(pass, wide, some);
    }
}

void tw_statistics_add_by(const struct tw_statistics_kernel *kernel,
                          struct tw_statistics *statistics, enum tw_float_type type,
                          const void *values, size_t n, const struct tw_statistics_options *options)
{
    struct pass pass = {.kernel = kernel, .statistics = statistics};
    if (options)
        pass.options = *options;
    tw_float_mode before = tw_float_mode_flush();
    if (type == TW_FLOAT32)
        add_floats(&pass, values, n);
    else
        add_short(&pass, type, values, n);
    tw_float_mode_restore(before);
}

static const struct tw_statistics_kernel *best_kernel(void)
{
    size_t i = 0;
    while (!tw_statistics_kernels[i]->is_supported())
        i++;
    return tw_statistics_kernels[i];
}

void tw_statistics_add(struct tw_statistics *statistics, enum tw_float_type type,
                       const void *values, size_t n, const struct tw_statistics_options *options)
{
    /* Two threads that come here first find the same one. */
    static _Atomic(const struct tw_statistics_kernel *) chosen;
    const struct tw_statistics_kernel *kernel = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!kernel) {
        kernel = best_kernel();
        atomic_store_explicit(&chosen, kernel, memory_order_relaxed);
    }
    tw_statistics_add_by(kernel, statistics, type, values, n, options);
}

struct tw_statistics tw_statistics_of(enum tw_float_type type, const void *values, size_t n,
                                      const struct tw_statistics_options *options)
{
    struct tw_statistics statistics = tw_statistics_none();
    tw_statistics_add(&statistics, type, values, n, options);
    return statistics;
}
