/* The newest losses and their steps. */
#include "detectors/statistics/course.h"

#include "detectors/statistics/order.h"

#include <math.h>
#include <string.h>

/* Beyond it, differences of floats overflow. */
#define LINEAR_MAX 1e30
/* Its logarithm. */
#define LOG_MAX 69.07755F

void tw_course_start(struct tw_course *course)
{
    memset(course, 0, sizeof *course);
    tw_trace_start(&course->trace);
}

void tw_course_begin_data(struct tw_course *course)
{
    tw_trace_start(&course->trace);
}

double tw_course_loss(const struct tw_course *course, double scaled)
{
    return course->is_linear ? scaled : exp(fmin(scaled, 709));
}

static void make_linear(struct tw_course *course)
{
    for (unsigned i = 0; i < tw_course_kept(course); i++)
        course->losses[i] =
            (float)fmin(LINEAR_MAX, tw_course_loss(course, (double)course->losses[i]));
    course->is_linear = 1;
}

static double scaled(const struct tw_course *course, double loss)
{
    if (course->is_linear)
        return fmax(-LINEAR_MAX, fmin(LINEAR_MAX, loss));
    return loss > 0 ? log(loss) : (double)TW_COURSE_ZERO;
}

static void note_break(struct tw_course *course, uint64_t step)
{
    course->breaks[1] = course->breaks[0];
    course->breaks[0] = (struct tw_course_break){course->count, course->newest_step, step};
}

static unsigned place_behind(unsigned place)
{
    return place + 1 < TW_COURSE_LOSSES ? place + 1 : 0;
}

_Thread_local uint64_t tw_course_pushes;

void tw_course_push(struct tw_course *course, double loss, uint64_t step)
{
    tw_course_pushes++;
    if (loss < 0 && !course->is_linear)
        make_linear(course);
    if (course->count && step < course->newest_step)
        note_break(course, step);
    course->newest = scaled(course, loss);
    course->newest_step = step;
    course->place = (uint16_t)(course->count ? place_behind(course->place) : 0);
    course->replaced = course->losses[course->place];
    course->losses[course->place] = (float)course->newest;
    course->steps[course->count % TW_COURSE_STEPS] = (uint32_t)step;
    if (course->count % TW_COURSE_MARK_EVERY == 0)
        course->marks[course->count / TW_COURSE_MARK_EVERY % TW_COURSE_MARKS] = step;
    course->count++;
    course->is_new = 1;
    course->block_is_new = fabs(loss) < LINEAR_MAX && tw_trace_push(&course->trace, loss, step);
}

/* ---- steps ---- */

static uint64_t recent_step(const struct tw_course *course, uint64_t n)
{
    uint32_t low = course->steps[n % TW_COURSE_STEPS];
    int32_t back = (int32_t)((uint32_t)course->newest_step - low);
    return course->newest_step - (uint64_t)(int64_t)back;
}

/* A loss of a known step. */
struct place {
    uint64_t number, step;
};

/* The nearest places at or before loss `n` and behind it: marks, the oldest of the recent ones, and
 * both sides of a break. */
static void find_places(const struct tw_course *course, uint64_t n, struct place *before,
                        struct place *after)
{
    uint64_t mark = n / TW_COURSE_MARK_EVERY, next = (mark + 1) * TW_COURSE_MARK_EVERY;
    uint64_t recent = course->count - TW_COURSE_STEPS;
    *before = (struct place){next - TW_COURSE_MARK_EVERY, course->marks[mark % TW_COURSE_MARKS]};
    *after = next < course->count
                 ? (struct place){next, course->marks[(mark + 1) % TW_COURSE_MARKS]}
                 : (struct place){recent, recent_step(course, recent)};
    for (int i = 0; i < TW_COURSE_BREAKS; i++) {
        const struct tw_course_break *broken = &course->breaks[i];
        if (broken->number > n && broken->number <= after->number)
            *after = (struct place){broken->number - 1, broken->before};
        else if (broken->number && broken->number <= n && broken->number > before->number)
            *before = (struct place){broken->number, broken->after};
    }
}

uint64_t tw_course_step(const struct tw_course *course, unsigned age)
{
    uint64_t n = course->count - 1 - age;
    struct place before, after;
    if (age < TW_COURSE_STEPS)
        return recent_step(course, n);
    find_places(course, n, &before, &after);
    return tw_step_between(before.step, after.step, (unsigned)(n - before.number),
                           (unsigned)(after.number - before.number));
}

/* ---- losses ---- */

static unsigned place_before(unsigned place)
{
    return place ? place - 1 : TW_COURSE_LOSSES - 1;
}

unsigned tw_course_scaled(const struct tw_course *course, unsigned n, float *ret)
{
    unsigned kept = tw_course_kept(course), found = 0, place = course->place;
    for (unsigned age = 0; age < kept && found < n; age++, place = place_before(place)) {
        if (course->losses[place] > TW_COURSE_ZERO || course->is_linear)
            ret[found++] = course->losses[place];
    }
    return found;
}

double tw_course_median(const struct tw_course *course, unsigned skip, unsigned n)
{
    float values[TW_COURSE_LOSSES], two[2];
    unsigned kept = tw_course_kept(course), found = 0, place = course->place;
    for (unsigned age = 0; age < kept && found < skip + n; age++, place = place_before(place)) {
        if (course->is_linear || course->losses[place] <= LOG_MAX)
            values[found++] = course->losses[place];
    }
    if (found <= skip)
        return 0;
    n = found - skip;
    tw_order_two(values + skip, n, (n - 1) / 2, two);
    double low = tw_course_loss(course, (double)two[0]);
    return n % 2 ? low : .5 * (low + tw_course_loss(course, (double)two[1]));
}
