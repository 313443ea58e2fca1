/* Copies go by way of snapshots. */
#include "bench/warm_runs.h"

#include "bench/synthetic_stream.h"

#include "agent/snapshot.h"

#include <errno.h>
#include <stdlib.h>

static int judge(struct tw_watch *watch, uint64_t steps, struct tw_error *error)
{
    struct tw_record record;
    int result = 0;
    tw_record_init(&record);
    for (uint32_t run = 0; run < BENCH_WARM_RUNS; run++) {
        for (uint64_t step = 0; step < steps && !result; step++) {
            bench_step_record(&record, run, step);
            result = tw_watch_record(watch, &record, NULL, error);
        }
    }
    tw_record_clear(&record);
    return result;
}

static int save(struct bench_warm_runs *runs, const struct tw_watch *watch, struct tw_error *error)
{
    struct tw_run *run = NULL;
    for (size_t i = 0; i < BENCH_WARM_RUNS; i++) {
        run = tw_watch_next(watch, run);
        if (!run)
            return tw_error_set(error, -EINVAL, "runs that have seen no step cannot be copied");
        runs->saved[i].bytes = tw_snapshot_save(run, &runs->settings, &runs->saved[i].size);
        if (!runs->saved[i].bytes)
            return tw_error_set(error, -ENOMEM, "out of memory");
    }
    return 0;
}

int bench_warm_runs_open(struct bench_warm_runs *ret, uint64_t steps, struct tw_error *error)
{
    struct tw_watch *watch = NULL;
    *ret = (struct bench_warm_runs){0};
    int result = tw_settings_init(&ret->settings, error);
    if (result)
        return result;
    tw_settings_seal(&ret->settings);
    ret->rules = tw_rules_new();
    if (!ret->rules)
        return tw_error_set(error, -ENOMEM, "out of memory");
    const struct tw_watch_options options = {.settings = &ret->settings, .rules = ret->rules};
    result = tw_rules_load_shipped(ret->rules, error);
    if (!result)
        result = tw_watch_open(&watch, &options, error);
    if (!result)
        result = judge(watch, steps, error);
    if (!result)
        result = save(ret, watch, error);
    tw_watch_close(watch);
    return result;
}

void bench_warm_runs_close(struct bench_warm_runs *runs)
{
    for (size_t i = 0; i < BENCH_WARM_RUNS; i++)
        free(runs->saved[i].bytes);
    tw_rules_free(runs->rules);
    tw_settings_release(&runs->settings);
}

int bench_warm_run(struct tw_run **ret, const struct bench_warm_runs *runs, uint32_t number,
                   struct tw_error *error)
{
    size_t i = number % BENCH_WARM_RUNS;
    int result =
        tw_snapshot_load(ret, runs->saved[i].bytes, runs->saved[i].size, &runs->settings, error);
    if (!result)
        bench_run_id((*ret)->core.id, number);
    return result;
}
