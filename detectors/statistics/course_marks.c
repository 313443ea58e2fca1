/* A bit for each loss. */
#include "detectors/statistics/course_marks.h"

#include "detectors/statistics/order.h"

void tw_course_mark(struct tw_course_marks *marks, const struct tw_course *course, bool is_marked)
{
    unsigned at = course->place;
    uint64_t *word = &marks->bits[at / TW_COURSE_MARK_BITS];
    unsigned bit = at % TW_COURSE_MARK_BITS;
    *word = (*word & ~((uint64_t)1 << bit)) | (uint64_t)is_marked << bit;
}

unsigned tw_course_marked(const struct tw_course_marks *marks, const struct tw_course *course,
                          unsigned n, float *ret)
{
    unsigned kept = tw_course_kept(course), found = 0;
    for (unsigned at = course->place; kept && found < n; kept--) {
        if (marks->bits[at / TW_COURSE_MARK_BITS] >> at % TW_COURSE_MARK_BITS & 1)
            ret[found++] = course->losses[at];
        at = at ? at - 1 : TW_COURSE_LOSSES - 1;
    }
    return found;
}

/* The order is that of the losses, so that the middle is too. */
double tw_course_scaled_median(const struct tw_course *course, const float *scaled, unsigned n)
{
    float two[2];
    if (!n)
        return 0;
    tw_order_two(scaled, n, (n - 1) / 2, two);
    double low = (double)(float)tw_course_loss(course, (double)two[0]);
    return n % 2 ? low : .5 * (low + (double)(float)tw_course_loss(course, (double)two[1]));
}
