/* A directory source with thousands of runs, some of which go. Its clock is moved by hand, and a
 * disk takes as long as a test says. */
#include "agent/feed.h"

#include "agent/heartbeat.h"
#include "agent/load_rules.h"
#include "agent/logging.h"

#include "tests/unit/temporary_directory.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

/* ---- clock and disk ---- */

static struct {
    double ahead;   /* of the machine's clock */
    double set_off; /* the day's clock */
    double fsync_seconds;
    double slowest;      /* the longest time without a heartbeat */
    bool stops_at_fsync; /* somebody wants the agent to end */
    bool is_stopping;
} world;

int clock_gettime(clockid_t id, struct timespec *ret)
{
    long result = syscall(SYS_clock_gettime, id, ret);
    double seconds = (double)ret->tv_sec + (double)ret->tv_nsec * 1e-9 + world.ahead;
    if (id == CLOCK_REALTIME)
        seconds += world.set_off;
    ret->tv_sec = (time_t)seconds;
    ret->tv_nsec = (long)((seconds - (double)ret->tv_sec) * 1e9);
    return (int)result;
}

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

int fsync(int file)
{
    (void)file;
    world.ahead += world.fsync_seconds;
    world.slowest = fmax(world.slowest, tw_heartbeat_age());
    world.is_stopping |= world.stops_at_fsync;
    return 0;
}

int fdatasync(int file)
{
    return fsync(file);
}

static bool is_stopping(void)
{
    return world.is_stopping;
}

/* ---- the source ---- */

struct fixture {
    char *dir;
    char runs[100], state[120];
    struct tw_config config;
    struct tw_directory_config directory;
    struct tw_metrics *metrics;
    struct tw_feed_services services;
    struct tw_feed *feed;
};

static const struct tw_source_figures *figures(const struct fixture *fixture)
{
    tw_feed_figures(fixture->feed);
    return tw_metrics_now(fixture->metrics)->sources[0];
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct tw_error error = {0};
    memset(&world, 0, sizeof world);
    fixture->dir = make_directory();
    snprintf(fixture->runs, sizeof fixture->runs, "%s/runs", fixture->dir);
    snprintf(fixture->state, sizeof fixture->state, "state_dir=%s/state", fixture->dir);
    assert_int_equal(mkdir(fixture->runs, 0700), 0);
    const char *overrides[] = {fixture->state};
    assert_int_equal(tw_config_load(&fixture->config, NULL, overrides, 1, NULL, NULL, &error), 0);
    assert_int_equal(tw_metrics_open(&fixture->metrics, &error), 0);
    fixture->directory.path = fixture->runs;
    fixture->services = (struct tw_feed_services){
        .config = &fixture->config,
        .metrics = fixture->metrics,
        .projects = tw_projects_new(),
        .is_stopping = is_stopping,
    };
    pthread_mutex_init(&fixture->services.lock, NULL);
    assert_int_equal(mkdir(fixture->config.state_dir, 0700), 0);
    struct tw_log_location location = tw_config_log(&fixture->config);
    assert_int_equal(tw_log_open(&fixture->services.log, &location, &error), 0);
    assert_int_equal(tw_load_rules(&fixture->services.rules, &fixture->config, &error), 0);
    tw_logging_start(TW_LOG_ERROR, false);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_feed_close(fixture->feed);
    tw_projects_free(fixture->services.projects);
    tw_rules_free(fixture->services.rules);
    tw_log_close(fixture->services.log);
    tw_metrics_close(fixture->metrics);
    tw_config_release(&fixture->config);
    remove_directory(fixture->dir);
    free(fixture);
    return 0;
}

static void open_feed(struct fixture *fixture)
{
    struct tw_error error = {0};
    assert_int_equal(
        tw_feed_directory_open(&fixture->feed, &fixture->services, &fixture->directory, &error), 0);
}

static void work(struct fixture *fixture)
{
    struct tw_error error = {0};
    assert_true(tw_feed_work(fixture->feed, 0, &error) >= 0);
}

/* As many rounds as the clock needs for some looks. */
static void work_for_a_while(struct fixture *fixture)
{
    for (int i = 0; i < 6; i++) {
        world.ahead += 1;
        work(fixture);
    }
}

/* ---- runs ---- */

static void path_of(const struct fixture *fixture, int number, char ret[200], const char *name)
{
    snprintf(ret, 200, "%s/r%05d%s", fixture->runs, number, name);
}

static void make_run(const struct fixture *fixture, int number, bool has_ended)
{
    char path[200];
    path_of(fixture, number, path, "");
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(fixture, number, path, "/telemetry.jsonl");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "{\"run\":\"r%05d\",\"step\":1,\"loss\":2}\n", number);
    if (has_ended)
        fprintf(file, "{\"run\":\"r%05d\",\"kind\":\"end\",\"status\":\"completed\"}\n", number);
    assert_int_equal(fclose(file), 0);
}

static void remove_run(const struct fixture *fixture, int number)
{
    char path[200];
    path_of(fixture, number, path, "/telemetry.jsonl");
    assert_int_equal(remove(path), 0);
    path_of(fixture, number, path, "");
    assert_int_equal(remove(path), 0);
}

/* ---- how many ---- */

static void runs_that_ended_take_no_place_of_new_ones(void **state)
{
    struct fixture *fixture = *state;
    const int n = 4200; /* more than may be open */
    for (int i = 0; i < n; i++)
        make_run(fixture, i, true);
    open_feed(fixture);
    for (int i = 0; i < 100 && figures(fixture)->snapshots < 2 * (uint64_t)n; i++)
        work_for_a_while(fixture);
    assert_int_equal(figures(fixture)->runs, 0);
    assert_int_equal(figures(fixture)->waiting_logs, 0);
    make_run(fixture, n, false);
    work_for_a_while(fixture);
    assert_int_equal(figures(fixture)->runs, 1);
    assert_string_equal(figures(fixture)->waiting, "");
}

static void it_is_not_ready_while_runs_wait_for_a_place(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.limits.runs = 2;
    for (int i = 0; i < 3; i++)
        make_run(fixture, i, false);
    open_feed(fixture);
    work_for_a_while(fixture);
    assert_int_equal(figures(fixture)->runs, 2);
    assert_int_equal(figures(fixture)->waiting_logs, 1);
    assert_non_null(strstr(figures(fixture)->waiting, "1 logs are not open"));
    remove_run(fixture, 0);
    work_for_a_while(fixture);
    assert_int_equal(figures(fixture)->runs, 2);
    assert_int_equal(figures(fixture)->records, 3);
    assert_int_equal(figures(fixture)->waiting_logs, 0);
    assert_string_equal(figures(fixture)->waiting, "");
}

static void a_clock_that_is_set_back_hides_no_run(void **state)
{
    struct fixture *fixture = *state;
    open_feed(fixture);
    work_for_a_while(fixture);
    world.set_off = -3600;
    make_run(fixture, 0, false);
    work_for_a_while(fixture);
    assert_int_equal(figures(fixture)->runs, 1);
}

/* ---- what is kept ---- */

static int saved_states(const struct fixture *fixture)
{
    char path[4200];
    int n = 0;
    snprintf(path, sizeof path, "%s/runs", fixture->config.state_dir);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        n += strstr(entry->d_name, ".state") != NULL;
    closedir(directory);
    return n;
}

static void the_state_of_a_run_goes_with_its_directory(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 4; i++)
        make_run(fixture, i, i % 2 == 0);
    open_feed(fixture);
    work_for_a_while(fixture);
    assert_int_equal(saved_states(fixture), 4);
    remove_run(fixture, 0);
    remove_run(fixture, 1); /* was live */
    work_for_a_while(fixture);
    assert_int_equal(saved_states(fixture), 2);
    make_run(fixture, 0, true);
    work_for_a_while(fixture);
    assert_int_equal(saved_states(fixture), 3);
    assert_int_equal(figures(fixture)->stale_runs, 0);
}

static void a_file_system_that_is_not_mounted_costs_no_state(void **state)
{
    struct fixture *fixture = *state;
    char aside[200];
    for (int i = 0; i < 2; i++)
        make_run(fixture, i, true);
    open_feed(fixture);
    work_for_a_while(fixture);
    snprintf(aside, sizeof aside, "%s-aside", fixture->runs);
    assert_int_equal(rename(fixture->runs, aside), 0);
    work_for_a_while(fixture);
    assert_non_null(strstr(figures(fixture)->waiting, "cannot be read"));
    assert_int_equal(mkdir(fixture->runs, 0700), 0);
    work_for_a_while(fixture);
    assert_int_equal(saved_states(fixture), 2);
    assert_string_equal(figures(fixture)->waiting, "");
}

/* ---- how long ---- */

static void start_with(struct fixture *fixture, int n, double fsync_seconds)
{
    for (int i = 0; i < n; i++)
        make_run(fixture, i, true);
    world.fsync_seconds = fsync_seconds;
    tw_heartbeat(1);
    open_feed(fixture);
}

static void a_slow_disk_holds_up_no_round_and_no_heartbeat(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t n = 30;
    uint64_t at_once = 0, done;
    start_with(fixture, (int)n, 2);
    assert_in_range(figures(fixture)->snapshots, 1, 2);
    assert_non_null(strstr(figures(fixture)->waiting, "of 30 logs are still to be opened"));
    while ((done = figures(fixture)->snapshots) < 2 * n) {
        work(fixture);
        uint64_t more = figures(fixture)->snapshots - done;
        assert_true(more > 0);
        at_once = more > at_once ? more : at_once;
    }
    assert_in_range(at_once, 1, 2); /* one is opened, one has its turn */
    assert_true(world.slowest > 0 && world.slowest < TW_HEARTBEAT_LOOP_SECONDS);
    assert_string_equal(figures(fixture)->waiting, "");
}

static void a_stop_waits_for_no_round(void **state)
{
    struct fixture *fixture = *state;
    start_with(fixture, 30, 0);
    uint64_t before = figures(fixture)->snapshots;
    assert_true(before >= 1);
    world.stops_at_fsync = true;
    work(fixture);
    assert_in_range(figures(fixture)->snapshots - before, 0, 1);
}

static void a_stop_while_logs_are_opened_waits_for_one(void **state)
{
    struct fixture *fixture = *state;
    world.stops_at_fsync = true;
    start_with(fixture, 30, 0);
    assert_int_equal(figures(fixture)->snapshots, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_that_ended_take_no_place_of_new_ones, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_is_not_ready_while_runs_wait_for_a_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_hides_no_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_state_of_a_run_goes_with_its_directory, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_system_that_is_not_mounted_costs_no_state, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_slow_disk_holds_up_no_round_and_no_heartbeat, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stop_waits_for_no_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_while_logs_are_opened_waits_for_one, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
