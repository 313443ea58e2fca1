/* Mathematical functions that a loop over `#pragma omp simd` may call for a vector at once: those
 * of glibc's libmvec, within 4 units in the last place, with NaN and the infinities as they are in
 * libm. glibc itself offers them under -ffast-math alone, which would lose NaN. Elsewhere the loops
 * call libm's. */
#ifndef TW_VECTOR_MATH_H
#define TW_VECTOR_MATH_H

#include <math.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GLIBC_PREREQ(2, 35) /* tanhf and erff; expf is older */
__attribute__((simd("notinbranch"))) float tanhf(float x);
__attribute__((simd("notinbranch"))) float erff(float x);
__attribute__((simd("notinbranch"))) float expf(float x);
#endif
#endif

#endif
