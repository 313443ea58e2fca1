/* Runs that have been watched for a while, as many as are wanted: some are really judged, the
 * others are copies of them with ids of their own. */
#ifndef TW_BENCH_WARM_RUNS_H
#define TW_BENCH_WARM_RUNS_H

#include "agent/watch.h"

/* So many are judged; enough for their states to differ. */
#define BENCH_WARM_RUNS 256

struct bench_warm_runs {
    struct tw_settings settings; /* every threshold at its initial value */
    struct tw_rules *rules;      /* those that are shipped */
    struct {
        unsigned char *bytes;
        size_t size;
    } saved[BENCH_WARM_RUNS];
};

/* Judges steps 0 to `steps` - 1 of each. 0, or negative with `error` set; close it either way. */
int bench_warm_runs_open(struct bench_warm_runs *ret, uint64_t steps, struct tw_error *error);
void bench_warm_runs_close(struct bench_warm_runs *runs);

/* Run `number`, called bench_run_id(number), for tw_run_free(). */
int bench_warm_run(struct tw_run **ret, const struct bench_warm_runs *runs, uint32_t number,
                   struct tw_error *error);

#endif
