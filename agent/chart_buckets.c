/* Buckets lie in order of their steps and only where there are readings: a log with a row in 10,000
 * steps keeps each of its rows, and a step that is far away costs no more than a near one. */
#include "agent/chart_buckets.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void take(struct tw_chart_bucket *bucket, uint64_t step, double value)
{
    bucket->first_step = step < bucket->first_step ? step : bucket->first_step;
    bucket->last_step = step > bucket->last_step ? step : bucket->last_step;
    if (!isfinite(value)) {
        bucket->nonfinite++;
        return;
    }
    if (bucket->n++ == 0) {
        bucket->min = bucket->mean = bucket->max = value;
        return;
    }
    bucket->min = fmin(bucket->min, value);
    bucket->max = fmax(bucket->max, value);
    /* each part by itself: the difference of two large values may overflow */
    bucket->mean += value / (double)bucket->n - bucket->mean / (double)bucket->n;
}

/* What is in `other` comes to `bucket`. */
static void join(struct tw_chart_bucket *bucket, const struct tw_chart_bucket *other)
{
    if (other->first_step < bucket->first_step)
        bucket->first_step = other->first_step;
    if (other->last_step > bucket->last_step)
        bucket->last_step = other->last_step;
    bucket->nonfinite += other->nonfinite;
    if (!other->n)
        return;
    double share = (double)other->n / (double)(bucket->n + other->n);
    bucket->mean = bucket->n ? bucket->mean * (1 - share) + other->mean * share : other->mean;
    bucket->min = fmin(bucket->min, other->min); /* NaN gives way */
    bucket->max = fmax(bucket->max, other->max);
    bucket->n += other->n;
}

/* Where on the axis of steps a bucket is: the same for all of its readings. */
static uint64_t index_of(const struct tw_chart_buckets *buckets, size_t place)
{
    return buckets->at[place].first_step / buckets->width;
}

static void double_width(struct tw_chart_buckets *buckets)
{
    size_t kept = 0;
    buckets->width *= 2;
    for (size_t i = 0; i < buckets->n; i++) {
        if (kept && index_of(buckets, kept - 1) == index_of(buckets, i))
            join(&buckets->at[kept - 1], &buckets->at[i]);
        else
            buckets->at[kept++] = buckets->at[i];
    }
    buckets->n = kept;
}

/* Where a bucket of that index is, or belongs. Nearly always at the end. */
static size_t place_of(const struct tw_chart_buckets *buckets, uint64_t index)
{
    size_t low = 0, high = buckets->n;
    if (high && index_of(buckets, high - 1) <= index)
        return index_of(buckets, high - 1) == index ? high - 1 : high;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (index_of(buckets, middle) < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int make_room(struct tw_chart_buckets *buckets)
{
    if (buckets->n < buckets->room)
        return 0;
    size_t room = buckets->room ? buckets->room * 2 : 16;
    struct tw_chart_bucket *at = realloc(buckets->at, room * sizeof *at);
    if (!at)
        return -ENOMEM;
    buckets->at = at;
    buckets->room = room;
    return 0;
}

static struct tw_chart_bucket *bucket_of(struct tw_chart_buckets *buckets, uint64_t step)
{
    size_t place = place_of(buckets, step / buckets->width);
    while (place == buckets->n || index_of(buckets, place) != step / buckets->width) {
        if (buckets->n < TW_CHART_BUCKETS) {
            struct tw_chart_bucket *at = &buckets->at[place];
            memmove(at + 1, at, (buckets->n - place) * sizeof *at);
            buckets->n++;
            *at = (struct tw_chart_bucket){step, step, 0, 0, NAN, NAN, NAN};
            return at;
        }
        double_width(buckets);
        place = place_of(buckets, step / buckets->width);
    }
    return &buckets->at[place];
}

int tw_chart_buckets_add(struct tw_chart_buckets *buckets, uint64_t step, double value)
{
    if (make_room(buckets))
        return -ENOMEM;
    if (!buckets->width)
        buckets->width = 1;
    take(bucket_of(buckets, step), step, value);
    return 0;
}

void tw_chart_buckets_release(struct tw_chart_buckets *buckets)
{
    free(buckets->at);
    *buckets = (struct tw_chart_buckets){0};
}
