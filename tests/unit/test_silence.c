/* Silence: what the clock makes of runs, with clocks that a test holds in its hand. */
#include "tests/unit/silence_fixture.h"

/* ---- stalled ---- */

static void a_silence_is_told_once_and_is_over_with_the_next_record(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    pass(world, 900); /* the first tick has nothing to count from */
    assert_int_equal(world->documents, 0);
    pass(world, 2);
    assert_int_equal(world->documents, 1);
    assert_non_null(strstr(world->newest, "\"detector\":\"stalled-run\""));
    assert_non_null(strstr(world->newest, "\"action\":\"opened\""));
    /* 2023-11-14T22:13:20Z + step 20 at 20 s + 900 s of patience */
    assert_non_null(strstr(world->newest, "\"@timestamp\":\"2023-11-14T22:28:40.000Z\""));
    assert_non_null(strstr(world->newest, "\"value\":900,\"threshold\":900,\"baseline\":1"));
    pass(world, 5000);
    assert_int_equal(world->documents, 1);
    give(world, make_record("r", 21, EPOCH_MS + 3600000));
    assert_int_equal(world->documents, 2);
    assert_non_null(strstr(world->newest, "\"action\":\"recovered\""));
}

static void a_second_silence_right_after_the_first_is_told_too(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    pass(world, 1000);
    give(world, make_record("r", 21, EPOCH_MS + 22000)); /* 2 s later, by its own clock */
    assert_int_equal(world->documents, 2);
    pass(world, 1000); /* no step in which a cool-down could end */
    assert_int_equal(world->documents, 3);
    assert_non_null(strstr(world->newest, "\"action\":\"opened\""));
}

/* Ten times the longest wait: an evaluation of 200 s. */
static void a_run_that_has_waited_longer_is_given_longer(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    give(world, make_record("r", 21, EPOCH_MS + 220000));
    pass(world, 1990);
    assert_int_equal(world->documents, 0);
    pass(world, 20);
    assert_int_equal(world->documents, 1);
    assert_non_null(strstr(world->newest, "\"value\":2000"));
    assert_non_null(strstr(world->newest, "\"longest_gap\":200"));
}

/* A process that died and was started again three hours later had no gap of three hours. */
static void the_time_between_two_attempts_is_no_wait(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    for (uint64_t i = 0; i < 3; i++) {
        struct tw_record record = make_record("r", 21 + i, EPOCH_MS + 10800000 + 1000 * (int64_t)i);
        strcpy(record.attempt, "a2");
        give(world, record);
    }
    pass(world, 910);
    assert_int_equal(world->documents, 1);
}

static void too_few_records_say_nothing_about_waits(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 4);
    pass(world, 3590);
    assert_int_equal(world->documents, 0);
    pass(world, 20);
    assert_int_equal(world->documents, 1);
    assert_non_null(strstr(world->newest, "\"value\":3600"));
}

static void set_needs_header(struct world *world, const char *value)
{
    assert_int_equal(
        tw_settings_set(&world->config.settings, "stalled-run.needs_header", value, NULL), 0);
}

/* Neither says that it has ended, and neither hangs. */
static void a_run_that_may_be_over_is_not_told(void **state)
{
    struct world *world = *state;
    set_needs_header(world, "true");
    train(world, "plain", 0, 20);
    struct tw_record record = make_record("whole", 0, EPOCH_MS);
    record.kind = TW_KIND_HEADER;
    tw_header_set_number(tw_record_add_header(&record), "max_steps", 20);
    give(world, record);
    train(world, "whole", 1, 20);
    record = make_record("cut", 0, EPOCH_MS);
    record.kind = TW_KIND_HEADER;
    tw_header_set_number(tw_record_add_header(&record), "max_steps", 20);
    give(world, record);
    train(world, "cut", 1, 19);
    pass(world, 86000);
    assert_int_equal(world->documents, 1);
    assert_non_null(strstr(world->newest, "\"run\":{\"id\":\"cut\""));
    pass(world, 2000);
    assert_true(find(world, "plain")->core.ended && find(world, "whole")->core.ended);
}

static void a_run_that_ended_is_never_told(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    end(world, "r", 21);
    int documents = world->documents;
    pass(world, 100000);
    assert_int_equal(world->documents, documents);
}

/* ---- clocks ---- */

static void no_jump_of_a_clock_makes_a_silence(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    pass(world, 10);
    for (int i = 0; i < 100; i++) {
        tick(world, i % 2 ? 3e8 : -3e8, true); /* ten years to and fro */
        assert_int_equal(world->silence.n_due, 0);
    }
    assert_true(world->silence.listened < 10 + 100 * TW_SILENCE_STRIDE_SECONDS);
    assert_int_equal(world->documents, 0);
}

static void who_does_not_hear_cannot_tell(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    for (int i = 0; i < 100000; i++)
        tick(world, 1, false);
    assert_int_equal(world->silence.n_due, 0);
    tick(world, 1, true);
    tick(world, 1, true);
    assert_int_equal(world->silence.n_due, 0);
    assert_float_equal(world->silence.listened, 1, 0);
}

/* A topic of last year, or runs of last year that never said that they ended. */
static void an_old_log_is_read_without_an_alarm(void **state)
{
    struct world *world = *state;
    const int64_t year_ms = (int64_t)365 * 86400000;
    for (uint64_t step = 0; step <= 20; step++)
        give(world, make_record("old", step, EPOCH_MS - year_ms + 1000 * (int64_t)step));
    pass(world, 80000);
    assert_int_equal(world->documents, 0);
    pass(world, 10000); /* a day: taken for interrupted */
    assert_int_equal(world->documents, 1);
    assert_non_null(strstr(world->newest, "\"status\":\"interrupted\""));
}

static void what_comes_while_we_listen_is_live_whatever_its_clock_says(void **state)
{
    struct world *world = *state;
    pass(world, 10);
    for (uint64_t step = 0; step <= 20; step++)
        give(world, make_record("r", step, 1000 * (int64_t)step)); /* 1970 */
    pass(world, 910);
    assert_int_equal(world->documents, 1);
}

/* ---- crashes ---- */

/* Whatever becomes of what was due, the next life says it in the same words, before any record. */
static void check_crash(struct world *world, int documents)
{
    char told[sizeof world->newest];
    size_t size;
    struct tw_run *run = find(world, "r");
    assert_int_equal(world->silence.n_due, 1);
    assert_true(run->is_dirty);
    unsigned char *saved = tw_snapshot_save(run, &world->config.settings, &size);
    world->documents = 0;
    assert_int_equal(tw_silence_carry_out(&world->silence, world->watch, NULL), 0);
    assert_int_equal(world->documents, documents);
    memcpy(told, world->newest, sizeof told);
    world->newest[0] = '\0';
    restore(world, saved, size);
    assert_int_equal(world->documents, 2 * documents);
    assert_string_equal(world->newest, told);
    free(saved);
}

static void a_crash_before_or_behind_a_stall_changes_no_word(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    pass(world, 900);
    tick(world, 1, true);
    check_crash(world, 1);
    pass(world, 2000); /* told is told */
    assert_int_equal(world->documents, 2);
    train(world, "r", 21, 21);
    assert_non_null(strstr(world->newest, "\"action\":\"recovered\""));
}

static void a_crash_before_or_behind_a_farewell_changes_no_word(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    pass(world, 86400);
    assert_int_equal(world->documents, 1);
    tick(world, 1, true);
    check_crash(world, 2); /* the stall is not over, and the run is interrupted */
    assert_non_null(strstr(world->newest, "\"@timestamp\":\"2023-11-15T22:13:40.000Z\""));
    assert_true(find(world, "r")->core.is_retired);
}

/* ---- retired ---- */

static void retire(struct world *world, const char *id)
{
    struct tw_retired_run retired, loaded;
    struct tw_run *run = find(world, id);
    assert_true(run->core.is_retired);
    tw_retired_from_run(&retired, run, EPOCH_MS);
    assert_int_equal(tw_retired_load(&loaded, &retired, sizeof retired), 0);
    assert_int_equal(tw_watch_retire(world->watch, run, &loaded), 0);
    assert_null(find(world, id));
}

static void a_run_that_ended_goes_and_its_records_do_not_bring_it_back(void **state)
{
    struct world *world = *state;
    train(world, "r", 0, 20);
    end(world, "r", 21);
    int documents = world->documents;
    pass(world, 599);
    assert_false(find(world, "r")->core.is_retired);
    pass(world, 3);
    retire(world, "r");
    train(world, "r", 0, 20);
    end(world, "r", 21);
    assert_null(find(world, "r"));
    assert_int_equal(world->documents, documents);
    assert_int_equal(world->room.runs, 0);
}

static void a_run_that_comes_back_counts_on_and_says_what_it_lacks(void **state)
{
    struct world *world = *state;
    struct tw_not_checked not_checked[TW_DETECTORS_MAX];
    train(world, "r", 0, 20);
    end(world, "r", 21);
    pass(world, 602);
    retire(world, "r");
    train(world, "r", 22, 23);
    struct tw_run *run = find(world, "r");
    assert_non_null(run);
    assert_int_equal(run->core.transition, 1); /* 0 was the document of its first end */
    assert_int_equal(tw_retired_count(tw_watch_retired(world->watch)), 0);
    assert_true(tw_run_not_checked(run, &world->config.settings, not_checked, TW_DETECTORS_MAX));
    assert_non_null(strstr(not_checked[0].reason, "history was dropped"));
    end(world, "r", 24);
    assert_non_null(strstr(world->newest, "\"transition\":1,"));
}

/* A repeat that its position does not tell, as its producer sent it twice. */
static void a_repeat_of_a_retired_run_does_not_make_it_run_again(void **state)
{
    struct world *world = *state;
    struct tw_position later = {.offset = 1000};
    train(world, "r", 0, 20);
    end(world, "r", 21);
    pass(world, 602);
    retire(world, "r");
    int documents = world->documents;
    struct tw_record record = make_record("r", 20, EPOCH_MS + 20000);
    assert_int_equal(tw_watch_record(world->watch, &record, &later, NULL), 0);
    assert_true(find(world, "r")->core.ended);
    pass(world, 602);
    retire(world, "r");
    assert_int_equal(world->documents, documents);
}

static void damaged_bytes_are_no_retired_run(void **state)
{
    struct world *world = *state;
    struct tw_retired_run retired, loaded;
    train(world, "r", 0, 20);
    tw_retired_from_run(&retired, find(world, "r"), EPOCH_MS);
    retired.attempt[0] ^= 1;
    assert_int_equal(tw_retired_load(&loaded, &retired, sizeof retired), -EBADMSG);
    assert_int_equal(tw_retired_load(&loaded, &retired, sizeof retired - 1), -EBADMSG);
    assert_int_equal(tw_retired_load(&loaded, "TWSTATE1...", 11), -ENOMSG);
    assert_int_equal(tw_retired_load(&loaded, "", 0), -ENOMSG);
}

static void retired_runs_are_not_kept_for_ever(void **state)
{
    struct world *world = *state;
    struct tw_retired_run retired;
    struct tw_retired *table = tw_watch_retired(world->watch);
    train(world, "r", 0, 20);
    tw_retired_from_run(&retired, find(world, "r"), EPOCH_MS);
    assert_int_equal(tw_retired_put(table, &retired), 0);
    assert_null(tw_retired_outdated(table, 10, 100, EPOCH_MS + 99000));
    assert_non_null(tw_retired_outdated(table, 10, 100, EPOCH_MS + 101000));
    assert_non_null(tw_retired_outdated(table, 0, 100, EPOCH_MS));
    tw_retired_drop(table, "r");
    assert_null(tw_retired_find(table, "r"));
}

/* ---- room ---- */

static const char *name_of(char *buffer, size_t size, int i)
{
    snprintf(buffer, size, "r%d", i);
    return buffer;
}

static void a_full_table_refuses_new_runs_and_counts_their_records(void **state)
{
    struct world *world = *state;
    struct tw_watch_counts counts;
    char name[16];
    world->room.runs_max = 20;
    for (int i = 0; i < 25; i++)
        train(world, name_of(name, sizeof name, i), 0, 1);
    tw_watch_counts(world->watch, &counts);
    assert_int_equal(tw_watch_size(world->watch), 20);
    assert_int_equal(counts.refused, 2 * 5);
    assert_null(find(world, "r20"));
}

static void where_room_is_short_ended_runs_go_first_then_the_longest_silent(void **state)
{
    struct world *world = *state;
    char name[16];
    world->room.runs_max = 100;
    for (int i = 0; i < 100; i++)
        train(world, name_of(name, sizeof name, i), 0, 1);
    end(world, "r50", 2);
    pass(world, 30);
    assert_true(find(world, "r50")->core.is_retired);
    for (int i = 0; i < 100; i++)
        assert_true(i == 50 || !find(world, name_of(name, sizeof name, i))->core.is_retired);
    for (int i = 0; i < 100; i++) {
        if (i != 7 && i != 50)
            train(world, name_of(name, sizeof name, i), 2, 2);
    }
    pass(world, 40); /* 7 has been silent for 70 s, the others for 40 */
    assert_true(find(world, "r7")->core.is_retired);
    assert_true(find(world, "r7")->core.ended);
    assert_false(find(world, "r8")->core.is_retired);
}

static void memory_is_counted_and_makes_room_too(void **state)
{
    struct world *world = *state;
    char name[16];
    for (int i = 0; i < 100; i++)
        train(world, name_of(name, sizeof name, i), 0, 1);
    pass(world, 3);
    double each = (double)tw_run_bytes(find(world, "r0"));
    assert_float_equal(world->room.bytes, 100 * each, each);
    world->room.bytes_max = 90 * each;
    train(world, "new", 0, 1);
    assert_null(find(world, "new"));
    pass(world, 70);
    size_t retired = 0;
    for (int i = 0; i < 100; i++)
        retired += find(world, name_of(name, sizeof name, i))->core.is_retired;
    assert_true(retired >= 10);
    tw_silence_stop(&world->silence, &world->room);
    assert_float_equal(world->room.bytes, 0, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_silence_is_told_once_and_is_over_with_the_next_record),
        TEST(a_second_silence_right_after_the_first_is_told_too),
        TEST(a_run_that_has_waited_longer_is_given_longer),
        TEST(the_time_between_two_attempts_is_no_wait),
        TEST(too_few_records_say_nothing_about_waits),
        TEST(a_run_that_may_be_over_is_not_told),
        TEST(a_run_that_ended_is_never_told),
        TEST(no_jump_of_a_clock_makes_a_silence),
        TEST(who_does_not_hear_cannot_tell),
        TEST(an_old_log_is_read_without_an_alarm),
        TEST(what_comes_while_we_listen_is_live_whatever_its_clock_says),
        TEST(a_crash_before_or_behind_a_stall_changes_no_word),
        TEST(a_crash_before_or_behind_a_farewell_changes_no_word),
        TEST(a_run_that_ended_goes_and_its_records_do_not_bring_it_back),
        TEST(a_run_that_comes_back_counts_on_and_says_what_it_lacks),
        TEST(a_repeat_of_a_retired_run_does_not_make_it_run_again),
        TEST(damaged_bytes_are_no_retired_run),
        TEST(retired_runs_are_not_kept_for_ever),
        TEST(a_full_table_refuses_new_runs_and_counts_their_records),
        TEST(where_room_is_short_ended_runs_go_first_then_the_longest_silent),
        TEST(memory_is_counted_and_makes_room_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
