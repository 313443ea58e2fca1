/* Telemetry of many runs for the Kafka benchmarks: healthy step records with all step-level
 * signals, a function of run and step alone. */
#ifndef TW_BENCH_SYNTHETIC_STREAM_H
#define TW_BENCH_SYNTHETIC_STREAM_H

#include "telemetry/wire.h"

/* No message of the benchmarks is longer. */
#define BENCH_MESSAGE_BYTES_MAX (256u << 10)

/* The run's id, as long as those that people make ("bench-000123-resnet50-lr3e-4"). */
void bench_run_id(char ret[TW_RUN_ID_MAX + 1], uint32_t run);

/* The order in which runs speak: all of them once, scattered, then again. A multiplication by a
 * prime is a permutation of fewer runs than that. */
static inline uint32_t bench_scatter(uint64_t turn, uint32_t runs)
{
    return (uint32_t)(turn * UINT64_C(2654435761) % runs);
}

/* Fills an initialised record with step `step` of a run. The signals: epoch, loss, learning_rate,
 * grad_norm (pre-clip), update_norm, weight_norm, samples, step_seconds. */
void bench_step_record(struct tw_record *ret, uint32_t run, uint64_t step);

/* Writes the next `n` records of a run, from `step` on, as one message. Returns its bytes, or
 * negative: too long. */
long bench_message(void *buffer, size_t size, uint32_t run, uint64_t step, unsigned n,
                   enum tw_wire_format format);

#endif
