/* Which losses of the course somebody took note of, a bit each: a window of losses of one's own
 * without a copy of them. Flat, zeroed in the beginning. */
#ifndef TW_COURSE_MARKS_H
#define TW_COURSE_MARKS_H

#include "course.h"

/* 62 bits a word: no word looks like a number that is none. */
#define TW_COURSE_MARK_BITS 62
#define TW_COURSE_MARK_WORDS (TW_COURSE_LOSSES / TW_COURSE_MARK_BITS)

struct tw_course_marks {
    uint64_t bits[TW_COURSE_MARK_WORDS]; /* of each place of the course's ring */
};

/* Marks the newest loss, or not; to be called for each one. */
void tw_course_mark(struct tw_course_marks *marks, const struct tw_course *course, bool is_marked);
/* Writes the newest up to `n` marked losses, on the scale and the newest first, and returns how
 * many these are. */
unsigned tw_course_marked(const struct tw_course_marks *marks, const struct tw_course *course,
                          unsigned n, float *ret);

/* The median of the first `n` <= 310 of such losses as they came; 0 of none. */
double tw_course_scaled_median(const struct tw_course *course, const float *scaled, unsigned n);

#endif
