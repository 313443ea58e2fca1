/* The list of benchmarks. */
#include "bench/harness.h"

extern const struct bench_benchmark bench_monitoring_cost, bench_statistics_dram,
    bench_statistics_l2, bench_emit, bench_gemm_share, bench_decode, bench_dead_broker,
    bench_watch_record, bench_state_size, bench_analyze_text, bench_analyze_tfevents;

const struct bench_benchmark *const bench_benchmarks[] = {
    &bench_monitoring_cost, &bench_statistics_dram, &bench_statistics_l2,    &bench_emit,
    &bench_gemm_share,      &bench_decode,          &bench_dead_broker,      &bench_watch_record,
    &bench_state_size,      &bench_analyze_text,    &bench_analyze_tfevents, NULL};
