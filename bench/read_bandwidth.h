/* The yardstick of the statistics: reading memory and next to nothing else. */
#ifndef TW_BENCH_READ_BANDWIDTH_H
#define TW_BENCH_READ_BANDWIDTH_H

#include <stddef.h>

/* Reads values[n], n a multiple of 128, with as wide loads as the processor has, and returns
 * something that depends on each. `ahead`: how many values ahead are prefetched; 0: none. */
unsigned bench_read(const float *values, size_t n, size_t ahead);

#endif
