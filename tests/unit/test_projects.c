/* Projects: all runs of one fall silent at once, and one advisory says so. */
#include "tests/unit/silence_fixture.h"

/* Steps of a run of a project; the header comes first. */
static void train_in(struct world *world, const char *project, const char *run, uint64_t first,
                     uint64_t last)
{
    if (first == 0) {
        struct tw_record record = make_record(run, 0, EPOCH_MS);
        record.kind = TW_KIND_HEADER;
        strcpy(tw_record_add_header(&record)->project, project);
        give(world, record);
        first = 1;
    }
    train(world, run, first, last);
}

static bool tells(const struct world *world, const char *text)
{
    return strstr(world->newest, text) != NULL;
}

/* "b" has the newest record. */
static void silence_two(struct world *world)
{
    train_in(world, "p", "a", 0, 20);
    train_in(world, "p", "b", 0, 21);
    pass(world, 910);
}

static void one_advisory_tells_of_all_runs_of_a_silent_project(void **state)
{
    struct world *world = *state;
    silence_two(world);
    assert_int_equal(world->documents, 1);
    assert_true(tells(world, "\"scope\":\"project:p\""));
    assert_true(tells(world, "\"run\":{\"id\":\"b\""));
    assert_true(tells(world, "\"runs\":2"));
    assert_true(tells(world, "Stalled run in all of project p since step 21"));
    pass(world, 50000);
    assert_int_equal(world->documents, 1);
}

/* The one that told of it stays silent when another comes back: it is given its time again. */
static void it_is_over_when_one_of_them_is_heard(void **state)
{
    struct world *world = *state;
    silence_two(world);
    train_in(world, "p", "a", 21, 22);
    pass(world, 2);
    assert_int_equal(world->documents, 2);
    assert_true(tells(world, "\"action\":\"recovered\""));
    assert_true(tells(world, "\"scope\":\"project:p\""));
    for (uint64_t step = 23; step < 33; step++) {
        train_in(world, "p", "a", step, step);
        pass(world, 88);
    }
    assert_int_equal(world->documents, 2);
    train_in(world, "p", "a", 33, 33);
    pass(world, 60);
    assert_int_equal(world->documents, 3);
    assert_true(tells(world, "\"scope\":\"run\""));
    assert_true(tells(world, "\"run\":{\"id\":\"b\""));
}

static void it_is_over_when_the_one_that_told_of_it_is_heard(void **state)
{
    struct world *world = *state;
    silence_two(world);
    train_in(world, "p", "b", 22, 22);
    assert_int_equal(world->documents, 2);
    assert_true(tells(world, "\"action\":\"recovered\""));
    pass(world, 890);
    assert_int_equal(world->documents, 2); /* "a" is given its time again */
}

static void a_run_that_is_silent_alone_is_stalled(void **state)
{
    struct world *world = *state;
    train_in(world, "p", "a", 0, 20);
    train_in(world, "p", "b", 0, 20);
    train_in(world, "other", "c", 0, 20);
    for (uint64_t step = 21; step < 31; step++) {
        pass(world, 91);
        train_in(world, "p", "b", step, step);
    }
    assert_int_equal(world->documents, 2); /* "a", and "c", which is all of its project */
    assert_true(tells(world, "\"scope\":\"run\""));
}

static void who_sees_a_part_says_nothing_of_the_whole(void **state)
{
    struct world *world = *state;
    bool is_partial = false;
    tw_projects_set_partial(world->projects, &is_partial, true);
    silence_two(world);
    assert_int_equal(world->documents, 2);
    assert_true(tells(world, "\"scope\":\"run\""));
    tw_projects_set_partial(world->projects, &is_partial, false);
}

static void one_that_is_left_when_the_others_ended_is_no_project(void **state)
{
    struct world *world = *state;
    train_in(world, "p", "a", 0, 20);
    train_in(world, "p", "b", 0, 20);
    end(world, "a", 21);
    int documents = world->documents;
    pass(world, 910);
    assert_int_equal(world->documents, documents + 1);
    assert_true(tells(world, "\"scope\":\"run\""));
}

static void a_crash_changes_no_word_and_a_restart_is_no_recovery(void **state)
{
    struct world *world = *state;
    char told[sizeof world->newest];
    size_t size;
    train_in(world, "p", "a", 0, 20);
    train_in(world, "p", "b", 0, 21);
    while (!find(world, "b")->core.due)
        tick(world, 1, true);
    unsigned char *saved = tw_snapshot_save(find(world, "b"), &world->config.settings, &size);
    assert_int_equal(tw_silence_carry_out(&world->silence, world->watch, NULL), 0);
    assert_int_equal(world->documents, 1);
    memcpy(told, world->newest, sizeof told);
    restore(world, saved, size);
    assert_int_equal(world->documents, 2);
    assert_string_equal(world->newest, told);
    pass(world, 5000);
    assert_int_equal(world->documents, 2);
    free(saved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_advisory_tells_of_all_runs_of_a_silent_project),
        TEST(it_is_over_when_one_of_them_is_heard),
        TEST(it_is_over_when_the_one_that_told_of_it_is_heard),
        TEST(a_run_that_is_silent_alone_is_stalled),
        TEST(who_sees_a_part_says_nothing_of_the_whole),
        TEST(one_that_is_left_when_the_others_ended_is_no_project),
        TEST(a_crash_changes_no_word_and_a_restart_is_no_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
