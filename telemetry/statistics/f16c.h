/* clang's __builtin_cpu_supports() learned of F16C only in version 15. */
#ifndef TW_STATISTICS_F16C_H
#define TW_STATISTICS_F16C_H

#include <cpuid.h>
#include <stdbool.h>

static inline bool tw_cpu_has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

#endif
