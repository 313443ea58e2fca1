/* The watch: the run table, and each record's way through the detectors. What they say:
 * watch_episodes.c; several ranks: watch_ranks.c; none that speaks: watch_silence.c. */
#include "agent/watch_parts.h"

#include "agent/repeats.h"
#include "detectors/detectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what watches share ---- */

void tw_watch_lock(const struct tw_watch *watch)
{
    if (watch->options.lock)
        pthread_mutex_lock(watch->options.lock);
}

void tw_watch_unlock(const struct tw_watch *watch)
{
    if (watch->options.lock)
        pthread_mutex_unlock(watch->options.lock);
}

static void count_room(struct tw_watch *watch, int change)
{
    if (!watch->options.room)
        return;
    tw_watch_lock(watch);
    watch->options.room->runs += (uint64_t)change;
    tw_watch_unlock(watch);
}

static bool has_room(const struct tw_watch *watch)
{
    const struct tw_room *room = watch->options.room;
    if (!room)
        return true;
    tw_watch_lock(watch);
    bool has = room->runs < room->runs_max && room->bytes < room->bytes_max;
    tw_watch_unlock(watch);
    return has;
}

/* ---- the table ---- */

int tw_watch_open(struct tw_watch **ret, const struct tw_watch_options *options,
                  struct tw_error *error)
{
    struct tw_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return tw_error_set(error, -ENOMEM, "out of memory");
    watch->options = *options;
    watch->retired = tw_retired_new();
    if (!watch->retired) {
        free(watch);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    *ret = watch;
    return 0;
}

void tw_watch_close(struct tw_watch *watch)
{
    if (!watch)
        return;
    for (struct tw_run *run = watch->runs.first, *next; run; run = next) {
        next = run->links.later;
        tw_watch_forget(watch, run);
    }
    tw_run_table_release(&watch->runs);
    tw_retired_free(watch->retired);
    free(watch);
}

struct tw_run *tw_watch_find(const struct tw_watch *watch, const char *run)
{
    /* Records of one run come together, mostly. */
    if (watch->newest && !strcmp(watch->newest->core.id, run))
        return watch->newest;
    return tw_run_table_find(&watch->runs, run);
}

struct tw_run *tw_watch_next(const struct tw_watch *watch, const struct tw_run *run)
{
    return run ? run->links.later : watch->runs.first;
}

struct tw_run *tw_watch_newest(const struct tw_watch *watch)
{
    return watch->newest;
}

size_t tw_watch_size(const struct tw_watch *watch)
{
    return watch->runs.n;
}

void tw_watch_forget(struct tw_watch *watch, struct tw_run *run)
{
    if (watch->newest == run)
        watch->newest = NULL;
    if (watch->sweep == run)
        watch->sweep = run->links.later;
    count_room(watch, -1);
    tw_run_table_remove(&watch->runs, run);
    tw_watch_count_out(watch, run);
    tw_run_free(run);
}

int tw_watch_adopt(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_run *known = tw_watch_find(watch, run->core.id);
    if (known)
        tw_watch_forget(watch, known);
    if (tw_run_table_add(&watch->runs, run))
        return tw_error_set(error, -ENOMEM, "out of memory");
    run->heard = watch->moment.listened;
    watch->counts.runs++;
    tw_watch_count_in(watch, run);
    count_room(watch, 1);
    return 0;
}

uint64_t tw_watch_expect(const struct tw_watch *watch, const void *id, size_t size)
{
    uint64_t hash = tw_run_table_hash(id, size);
    tw_run_table_prefetch(&watch->runs, hash);
    return hash;
}

void tw_watch_prefetch(const struct tw_watch *watch, uint64_t hash)
{
    const struct tw_run *run = tw_run_table_guess(&watch->runs, hash);
    if (run)
        tw_run_prefetch(run);
}

/* A run that is new, or that comes back after it was retired. */
static struct tw_run *add_run(struct tw_watch *watch, const char *id, struct tw_error *error)
{
    const struct tw_retired_run *retired = tw_retired_find(watch->retired, id);
    struct tw_run *run = retired ? tw_retired_revive(retired, watch->options.settings)
                                 : tw_run_new(id, watch->options.settings);
    if (!run) {
        tw_error_set(error, -ENOMEM, "out of memory");
        return NULL;
    }
    if (tw_watch_adopt(watch, run, error)) {
        tw_run_free(run);
        return NULL;
    }
    tw_retired_drop(watch->retired, id);
    return run;
}

struct tw_retired *tw_watch_retired(const struct tw_watch *watch)
{
    return watch->retired;
}

int tw_watch_retire(struct tw_watch *watch, struct tw_run *run, const struct tw_retired_run *as)
{
    int result = tw_retired_put(watch->retired, as);
    if (!result)
        tw_watch_forget(watch, run);
    return result;
}

void tw_watch_rewind(struct tw_watch *watch)
{
    for (struct tw_run *run = watch->runs.first; run; run = run->links.later)
        run->core.has_position = 0;
}

void tw_watch_set_time_base(struct tw_watch *watch, int64_t time_ms)
{
    watch->time_base = time_ms;
}

uint64_t tw_watch_documents(const struct tw_watch *watch)
{
    return watch->counts.documents + watch->counts.charts;
}

void tw_watch_counts(const struct tw_watch *watch, struct tw_watch_counts *ret)
{
    *ret = watch->counts;
}

/* ---- records ---- */

/* Without a time of its own: the log's plus the step; a record without a step, like an end, counts
 * as the one before it. */
int64_t tw_watch_time_of(const struct tw_watch *watch, const struct tw_run *run,
                         const struct tw_record *record)
{
    int64_t time_ms;
    if (record->has & TW_HAS_TIME)
        return record->time_ms;
    if (!(record->has & TW_HAS_STEP) && run->context->records)
        return run->core.time_ms;
    if (__builtin_add_overflow(watch->time_base, record->step, &time_ms))
        return INT64_MAX;
    return time_ms;
}

static void take_identity(struct tw_watch *watch, struct tw_run *run,
                          const struct tw_record *record)
{
    struct tw_run_core *core = &run->core;
    if (record->has & TW_HAS_ATTEMPT)
        memcpy(core->attempt, record->attempt, sizeof core->attempt);
    core->time_ms = tw_watch_time_of(watch, run, record);
    for (uint32_t left = record->signals; left; left &= left - 1)
        core->signal_counts[__builtin_ctz(left)]++;
}

/* Room for what the record is the first of its kind to need. */
static int make_room(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                     struct tw_error *error)
{
    enum tw_extent extent = tw_extent_of(record);
    if (tw_context_reaches(run->context, extent))
        return 0;
    if (tw_run_grow(run, watch->options.settings, extent))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

static int observe(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                   struct tw_error *error)
{
    const struct tw_settings *settings = watch->options.settings;
    int result = make_room(watch, run, record, error);
    if (result)
        return result;
    tw_context_observe(run->context, &settings->shared, record);
    if (watch->options.observed)
        watch->options.observed(watch->options.closure, run, record);
    if (watch->options.chart && (result = tw_watch_draw(watch, run, record, error)))
        return result;
    tw_run_series_observe(run->series, record, run->context, tw_watch_is_flagged(run));
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report;
        report.n = report.n_dropped = 0;
        tw_detectors[i]->observe(tw_run_detector_state(run, i), settings->detector[i], run->context,
                                 &settings->shared, record, &report);
        if (report.n) {
            tw_watch_name_ranks(run, tw_detectors[i], &report);
            result = tw_watch_apply(watch, run, i, &report, error);
        }
    }
    if (!result && run->episodes.n)
        result = tw_watch_wake(watch, run, error);
    return result;
}

int tw_watch_judge(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                   struct tw_error *error)
{
    take_identity(watch, run, record);
    tw_watch_hear(watch, run);
    if (record->kind != TW_KIND_END && run->core.ended)
        tw_watch_go_on(watch, run);
    int result = run->core.speaks_for_project ? tw_watch_end_project_silence(watch, run, error) : 0;
    if (!result)
        result = observe(watch, run, record, error);
    if (!result && record->kind == TW_KIND_END)
        result = tw_watch_finish(watch, run, record->status, error);
    return result;
}

static int judge(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                 struct tw_error *error)
{
    if (!tw_run_is_repeat(run, record))
        return tw_watch_judge(watch, run, record, error);
    watch->counts.repeats += record->kind != TW_KIND_HEADER;
    return 0;
}

/* Records of a retired run that come again, and of a run that there is no room for. */
static bool is_passed_over(struct tw_watch *watch, const struct tw_record *record,
                           const struct tw_position *position)
{
    const struct tw_retired_run *retired = tw_retired_find(watch->retired, record->run);
    if (retired && position && retired->has_position &&
        tw_position_is_behind(position, &retired->position))
        return true;
    if (has_room(watch))
        return false;
    watch->counts.refused++;
    return true;
}

int tw_watch_record(struct tw_watch *watch, const struct tw_record *record,
                    const struct tw_position *position, struct tw_error *error)
{
    struct tw_run *run = tw_watch_find(watch, record->run);
    bool is_over = !run && is_passed_over(watch, record, position);
    if (!run && !is_over && !(run = add_run(watch, record->run, error)))
        return -ENOMEM;
    watch->newest = run;
    if (is_over)
        return 0;
    struct tw_run_core *core = &run->core;
    if (position && core->has_position && tw_position_is_behind(position, &core->position)) {
        watch->counts.passed_over++;
        return 0;
    }
    watch->counts.records++;
    run->is_dirty = true;
    int result = tw_watch_has_ranks(run, record) ? tw_watch_judge_ranks(watch, run, record, error)
                                                 : judge(watch, run, record, error);
    if (!result && position) {
        core->position = *position;
        core->has_position = 1;
    }
    return result;
}
