/* What a figure was measured on. */
#ifndef TW_BENCH_MACHINE_H
#define TW_BENCH_MACHINE_H

#include <jansson.h>

/* New object: cpu, cpus, kernel, load (of the last minute), statistics_kernel, blas, time. */
json_t *bench_machine(void);

#endif
