/* A watch with a clock that a test holds in its hand. */
#ifndef TW_SILENCE_FIXTURE_H
#define TW_SILENCE_FIXTURE_H

#include "agent/projects.h"
#include "agent/silence.h"
#include "agent/snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EPOCH_MS 1700000000000

/* One watch with its clock. Documents are counted, and the newest kept. */
struct world {
    struct tw_config config;
    struct tw_rules *rules;
    struct tw_watch *watch;
    struct tw_silence silence;
    struct tw_room room;
    struct tw_projects *projects;
    double now;
    int documents;
    char newest[8192];
    /* Told each document; may be NULL. */
    void (*seen)(void *closure, const char *id, const char *document);
    void *closure;
};

static int take(void *closure, const char *id, const char *run, const char *document,
                struct tw_error *error)
{
    struct world *world = closure;
    (void)run, (void)error;
    if (world->seen)
        world->seen(world->closure, id, document);
    world->documents++;
    snprintf(world->newest, sizeof world->newest, "%s", document);
    return 0;
}

static void open_watch(struct world *world)
{
    struct tw_watch_options options = {.settings = &world->config.settings,
                                       .rules = world->rules,
                                       .document = take,
                                       .closure = world,
                                       .room = &world->room};
    assert_int_equal(tw_watch_open(&world->watch, &options, NULL), 0);
    tw_silence_fall_behind(&world->silence, world->watch, EPOCH_MS);
    world->silence.projects = world->projects;
    assert_int_equal(tw_projects_join(world->projects, world->watch), 0);
}

static void close_watch(struct world *world)
{
    tw_projects_leave(world->projects, world->watch);
    tw_silence_stop(&world->silence, &world->room);
    tw_watch_close(world->watch);
}

static int set_up(void **state)
{
    static const char *const plain = "detectors.stalled-run.needs_header=false";
    struct world *world = calloc(1, sizeof *world);
    assert_int_equal(tw_config_load(&world->config, NULL, &plain, 1, NULL, NULL, NULL), 0);
    world->rules = tw_rules_new();
    assert_int_equal(tw_rules_load_shipped(world->rules, NULL), 0);
    world->room = (struct tw_room){.runs_max = 1000000, .bytes_max = 1e12};
    world->now = 5000;
    world->projects = tw_projects_new();
    open_watch(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    close_watch(world);
    tw_projects_free(world->projects);
    tw_rules_free(world->rules);
    tw_config_release(&world->config);
    free(world);
    return 0;
}

static struct tw_record make_record(const char *run, uint64_t step, int64_t time_ms)
{
    struct tw_record record;
    tw_record_init(&record);
    snprintf(record.run, sizeof record.run, "%s", run);
    strcpy(record.attempt, "a1");
    record.kind = TW_KIND_STEP;
    record.seq = record.step = step;
    record.time_ms = time_ms;
    record.has = TW_HAS_ATTEMPT | TW_HAS_SEQ | TW_HAS_STEP | TW_HAS_TIME | TW_HAS_KIND;
    tw_record_set(&record, TW_SIGNAL_LOSS, 1.5 / (1 + (double)step));
    return record;
}

static void give(struct world *world, struct tw_record record)
{
    struct tw_position position = {.offset = (int64_t)record.seq + 1};
    assert_int_equal(tw_watch_record(world->watch, &record, &position, NULL), 0);
    tw_record_clear(&record);
}

/* Steps `first` to `last` of a run, a second apart. */
static void train(struct world *world, const char *run, uint64_t first, uint64_t last)
{
    for (uint64_t step = first; step <= last; step++)
        give(world, make_record(run, step, EPOCH_MS + 1000 * (int64_t)step));
}

__attribute__((unused)) static void end(struct world *world, const char *run, uint64_t step)
{
    struct tw_record record = make_record(run, step, EPOCH_MS + 1000 * (int64_t)step);
    record.kind = TW_KIND_END;
    record.status = TW_END_COMPLETED;
    give(world, record);
}

static void tick(struct world *world, double passed, bool is_listening)
{
    struct tw_silence_moment moment = {
        .now = world->now += passed, .wall_ms = EPOCH_MS, .is_listening = is_listening};
    tw_silence_tick(&world->silence, world->watch, &world->config, &world->room, &moment);
}

/* As a feed does it; returns how many runs there was something to do about. */
__attribute__((unused)) static size_t pass(struct world *world, int seconds)
{
    size_t due = 0;
    for (int i = 0; i < seconds; i++) {
        tick(world, 1, true);
        due += world->silence.n_due + world->silence.n_gone;
        assert_int_equal(tw_silence_carry_out(&world->silence, world->watch, NULL), 0);
    }
    return due;
}

static struct tw_run *find(const struct world *world, const char *run)
{
    return tw_watch_find(world->watch, run);
}

/* The next life of the agent, with one run. */
static void restore(struct world *world, const unsigned char *data, size_t size)
{
    struct tw_run *run;
    close_watch(world);
    open_watch(world);
    assert_int_equal(tw_snapshot_load(&run, data, size, &world->config.settings, NULL), 0);
    assert_int_equal(tw_watch_adopt(world->watch, run, NULL), 0);
    assert_int_equal(tw_watch_carry_out(world->watch, run, NULL), 0);
}

#endif
