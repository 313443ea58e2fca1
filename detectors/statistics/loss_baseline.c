/* Median and spread of the healthy losses. */
#include "detectors/statistics/loss_baseline.h"

#include "detectors/statistics/order.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Of many, eight more change little. */
enum { REFRESH_EVERY = 8, REFRESH_MANY_EVERY = 16, MANY = 128, FEW = 16 };
/* Weight of a new product in the autocorrelation: remembers about as long as the window does. */
#define CORRELATION_WEIGHT (1.F / TW_LOSS_BASELINE_VALUES)

void tw_loss_baseline_start(struct tw_loss_baseline *baseline)
{
    memset(baseline, 0, sizeof *baseline);
}

double tw_loss_baseline_score(const struct tw_loss_baseline *baseline, double x, double floor)
{
    double spread = baseline->spread > floor ? baseline->spread : floor;
    return (x - baseline->median) / spread;
}

/* Most stand in rows. */
static unsigned gather(const struct tw_loss_baseline *baseline, const struct tw_course *course,
                       float *ret)
{
    unsigned n = 0;
    for (unsigned i = 0; i < TW_HEALTHY_WORDS; i++) {
        const float *losses = course->losses + (size_t)i * TW_HEALTHY_BITS;
        for (uint64_t healthy = baseline->healthy[i]; healthy;) {
            unsigned first = (unsigned)__builtin_ctzll(healthy);
            unsigned row = (unsigned)__builtin_ctzll(~(healthy >> first));
            memcpy(ret + n, losses + first, row * sizeof *ret);
            n += row;
            healthy &= healthy + ((uint64_t)1 << first); /* the carry takes the row away */
        }
    }
    return n;
}

static void find_spread(struct tw_loss_baseline *baseline, float *values, unsigned n)
{
    float median = (float)baseline->median, guess = (float)baseline->spread / 1.4826F, two[2];
#pragma omp simd
    for (unsigned i = 0; i < n; i++)
        values[i] = fabsf(values[i] - median);
    tw_order_two_near(values, n, (n + 1) / 2 - 1, guess, guess / 16, two);
    baseline->spread = 1.4826 * (double)two[0];
}

/* ---- shared work ---- */

/* Several detectors keep a baseline of the same course, and on a healthy run these are equal. What
 * learning a loss made of one it makes of its equal, and finding that is most of a record's cost:
 * so the newest result of this thread is kept beside what it was made of. */
static _Thread_local struct {
    const struct tw_course *course;
    uint64_t pushes;
    struct tw_loss_baseline before, after;
} latest;

static bool is_equal(const struct tw_loss_baseline *a, const struct tw_loss_baseline *b)
{
    return a->count == b->count && a->until_spread == b->until_spread && a->median == b->median &&
           a->spread == b->spread && !memcmp(a->healthy, b->healthy, sizeof a->healthy) &&
           tw_middle_is_equal(&a->middle, &b->middle);
}

static void copy_medians(struct tw_loss_baseline *to, const struct tw_loss_baseline *from)
{
    to->count = from->count;
    to->until_spread = from->until_spread;
    to->median = from->median;
    to->spread = from->spread;
    to->middle = from->middle;
    memcpy(to->healthy, from->healthy, sizeof to->healthy);
}

/* ---- learning ---- */

/* Few of many are not enough to replace what is known. */
static void refresh(struct tw_loss_baseline *baseline, const struct tw_course *course)
{
    float values[TW_COURSE_LOSSES];
    bool is_due = !baseline->until_spread || baseline->count < FEW;
    if (is_due)
        baseline->until_spread = baseline->count < MANY ? REFRESH_EVERY : REFRESH_MANY_EVERY;
    baseline->until_spread--;
    if (baseline->middle.of < FEW && baseline->middle.of < baseline->count)
        return;
    if (is_due || !tw_middle_is_known(&baseline->middle)) {
        unsigned n = gather(baseline, course, values);
        if (!tw_middle_is_known(&baseline->middle))
            tw_middle_find(&baseline->middle, values, n, (float)baseline->median,
                           (float)baseline->spread / 8);
        baseline->median = tw_middle_median(&baseline->middle);
        if (is_due)
            find_spread(baseline, values, n);
        return;
    }
    baseline->median = tw_middle_median(&baseline->middle);
}

void tw_loss_baseline_turn(struct tw_loss_baseline *baseline, const struct tw_course *course)
{
    unsigned at = course->place;
    uint64_t *word = &baseline->healthy[at / TW_HEALTHY_BITS];
    uint64_t bit = (uint64_t)1 << at % TW_HEALTHY_BITS;
    if (!(*word & bit))
        return;
    *word &= ~bit;
    tw_middle_remove(&baseline->middle, course->replaced);
}

/* The oldest is the first one behind the newest in the ring. */
static void drop_oldest(struct tw_loss_baseline *baseline, const struct tw_course *course,
                        unsigned newest)
{
    unsigned word = newest / TW_HEALTHY_BITS;
    uint64_t bits = baseline->healthy[word] & (~(uint64_t)1 << newest % TW_HEALTHY_BITS);
    for (int i = 0; i < TW_HEALTHY_WORDS && !bits; i++) {
        word = (word + 1) % TW_HEALTHY_WORDS;
        bits = baseline->healthy[word];
    }
    baseline->healthy[word] &= ~(bits & -bits);
    tw_middle_remove(&baseline->middle,
                     course->losses[word * TW_HEALTHY_BITS + (unsigned)__builtin_ctzll(bits)]);
}

static void learn_medians(struct tw_loss_baseline *baseline, const struct tw_course *course)
{
    unsigned at = course->place;
    baseline->healthy[at / TW_HEALTHY_BITS] |= (uint64_t)1 << at % TW_HEALTHY_BITS;
    if (baseline->count < TW_LOSS_BASELINE_VALUES)
        baseline->count++;
    tw_middle_add(&baseline->middle, (float)course->newest);
    if (baseline->middle.of > TW_LOSS_BASELINE_VALUES)
        drop_oldest(baseline, course, at);
    refresh(baseline, course);
}

void tw_loss_baseline_learn(struct tw_loss_baseline *baseline, const struct tw_course *course,
                            double z)
{
    float score = (float)z;
    if (latest.course == course && latest.pushes == tw_course_pushes &&
        is_equal(&latest.before, baseline)) {
        copy_medians(baseline, &latest.after);
    } else {
        latest.course = course;
        latest.pushes = tw_course_pushes;
        latest.before = *baseline;
        learn_medians(baseline, course);
        latest.after = *baseline;
    }
    baseline->autocovariance +=
        CORRELATION_WEIGHT * (score * baseline->last_z - baseline->autocovariance);
    baseline->variance += CORRELATION_WEIGHT * (score * score - baseline->variance);
    baseline->last_z = score;
}

void tw_loss_baseline_make_linear(struct tw_loss_baseline *baseline, const struct tw_course *course)
{
    float values[TW_COURSE_LOSSES];
    double median = fmin(1e30, exp(fmin(baseline->median, 709)));
    unsigned n = gather(baseline, course, values);
    baseline->spread = baseline->count ? fmin(1e30, baseline->spread * median) : 0;
    baseline->median = baseline->count ? median : 0;
    baseline->middle = (struct tw_middle){.of = (uint16_t)n};
    baseline->until_spread = 0;
    if (n < FEW && n < baseline->count)
        return;
    if (n) {
        tw_middle_find(&baseline->middle, values, n, (float)baseline->median,
                       (float)baseline->spread / 8);
        baseline->median = tw_middle_median(&baseline->middle);
        find_spread(baseline, values, n);
    }
}

double tw_loss_baseline_autocorrelation(const struct tw_loss_baseline *baseline)
{
    if (!(baseline->autocovariance > 0))
        return 0;
    double r = (double)baseline->autocovariance / (double)baseline->variance;
    return r < .5 ? r : .5;
}
