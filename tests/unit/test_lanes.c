/* Lanes, and watches that are judged in them side by side. */
#include "agent/lanes.h"

#include "tests/unit/watch_fixture.h"

#include <stdatomic.h>

#define LANES 4
#define WATCHES 8
#define RUNS 24 /* run i is in watch i % WATCHES */
#define STEPS 700
#define BLOW_UP 500

/* ---- lanes ---- */

struct counting {
    unsigned calls[LANES];
    long sum; /* written by lane 0, read by the others in the next run */
    atomic_long seen;
};

static void count(void *closure, unsigned lane)
{
    struct counting *counting = closure;
    counting->calls[lane]++;
    atomic_fetch_add(&counting->seen, counting->sum);
}

static void every_lane_works_once_a_run_and_sees_what_was_before(void **state)
{
    (void)state;
    struct counting counting = {0};
    struct tw_lanes *lanes = tw_lanes_open(LANES);
    assert_int_equal(tw_lanes_count(lanes), LANES);
    for (int i = 0; i < 2000; i++) {
        counting.sum = i;
        tw_lanes_run(lanes, count, &counting);
    }
    tw_lanes_close(lanes);
    for (int i = 0; i < LANES; i++)
        assert_int_equal(counting.calls[i], 2000);
    assert_int_equal(counting.seen, LANES * 1999L * 2000 / 2);
}

static void one_lane_is_the_caller(void **state)
{
    (void)state;
    struct counting counting = {.sum = 1};
    struct tw_lanes *lanes = tw_lanes_open(0);
    assert_int_equal(tw_lanes_count(lanes), 1);
    tw_lanes_run(lanes, count, &counting);
    tw_lanes_close(lanes);
    assert_int_equal(counting.seen, 1);
    assert_true(tw_lanes_processors() >= 1);
}

/* ---- watches ---- */

/* The loss falls, and from BLOW_UP on doubles every 40 steps in every other run. */
static void make_step(struct tw_record *record, unsigned run, int step)
{
    bool is_sick = run % 2 && step >= BLOW_UP;
    double loss = 1 + 5 / sqrt(step + 1.) + .05 * noise((uint64_t)step * 31 + run);
    snprintf(record->run, sizeof record->run, "run-%u", run);
    record->has = TW_HAS_STEP | TW_HAS_TIME;
    record->kind = TW_KIND_STEP;
    record->step = (uint64_t)step;
    record->time_ms = 1700000000000 + step * 1000;
    tw_record_set(record, TW_SIGNAL_LOSS, is_sick ? loss * exp2((step - BLOW_UP) / 40.) : loss);
    tw_record_set(record, TW_SIGNAL_GRAD_NORM, is_sick ? exp2((step - BLOW_UP) / 20.) : 1);
    tw_record_set(record, TW_SIGNAL_LEARNING_RATE, .1);
}

struct judging {
    struct tw_watch *watches[WATCHES];
    struct tw_room room;
    struct tw_tally tally;
    struct documents documents;
    pthread_mutex_t lock;
    atomic_uint next;
    int first_step, end_step;
};

static void judge_watch(struct judging *judging, unsigned number)
{
    struct tw_record record;
    tw_record_init(&record);
    for (int step = judging->first_step; step < judging->end_step; step++) {
        for (unsigned run = number; run < RUNS; run += WATCHES) {
            make_step(&record, run, step);
            assert_int_equal(tw_watch_record(judging->watches[number], &record, NULL, NULL), 0);
        }
    }
    tw_record_clear(&record);
}

static void judge_some(void *closure, unsigned lane)
{
    struct judging *judging = closure;
    unsigned number;
    (void)lane;
    while ((number = atomic_fetch_add(&judging->next, 1)) < WATCHES)
        judge_watch(judging, number);
}

static void judge_all(const struct fixture *fixture, struct judging *judging, unsigned n_lanes)
{
    struct tw_lanes *lanes = tw_lanes_open(n_lanes);
    pthread_mutex_init(&judging->lock, NULL);
    judging->room = (struct tw_room){.runs_max = RUNS, .bytes_max = 1e9};
    for (int i = 0; i < WATCHES; i++) {
        struct tw_watch_options options = {.settings = &fixture->settings,
                                           .rules = fixture->rules,
                                           .document = collect,
                                           .closure = &judging->documents,
                                           .tally = &judging->tally,
                                           .room = &judging->room,
                                           .lock = &judging->lock};
        assert_int_equal(tw_watch_open(&judging->watches[i], &options, NULL), 0);
    }
    for (int step = 0; step < STEPS; step += 50) {
        judging->first_step = step;
        judging->end_step = step + 50;
        judging->next = 0;
        tw_lanes_run(lanes, judge_some, judging);
    }
    tw_lanes_close(lanes);
}

static void release(struct judging *judging)
{
    for (int i = 0; i < WATCHES; i++)
        tw_watch_close(judging->watches[i]);
    free(judging->documents.text);
    pthread_mutex_destroy(&judging->lock);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What one thread tells after the other, in the order of the alphabet. */
static void sort_lines(struct documents *documents)
{
    char **lines = calloc((size_t)documents->n, sizeof *lines), *rest = NULL;
    char *sorted = malloc(documents->size + 1), *at = sorted;
    int n = 0;
    for (char *line = strtok_r(documents->text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        lines[n++] = line;
    qsort(lines, (size_t)n, sizeof *lines, compare_lines);
    for (int i = 0; i < n; i++)
        at += sprintf(at, "%s\n", lines[i]);
    free(lines);
    free(documents->text);
    documents->text = sorted;
}

static void watches_side_by_side_tell_what_they_tell_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;
    struct judging *alone = calloc(1, sizeof *alone), *together = calloc(1, sizeof *together);
    judge_all(fixture, alone, 1);
    judge_all(fixture, together, LANES);
    assert_true(alone->documents.n >= RUNS / 2);
    assert_int_equal(together->documents.n, alone->documents.n);
    sort_lines(&alone->documents);
    sort_lines(&together->documents);
    assert_string_equal(together->documents.text, alone->documents.text);
    assert_memory_equal(&together->tally, &alone->tally, sizeof alone->tally);
    assert_int_equal(together->room.runs, RUNS);
    release(alone);
    release(together);
    free(alone);
    free(together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lane_works_once_a_run_and_sees_what_was_before),
        cmocka_unit_test(one_lane_is_the_caller),
        cmocka_unit_test_setup_teardown(
            watches_side_by_side_tell_what_they_tell_one_after_the_other, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
