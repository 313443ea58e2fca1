/* Causes before symptoms: which findings of a run follow from which. */
#include "agent/causes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EPISODES_MAX 16

/* Episodes as the watch would keep them, in order of detection. */
struct story {
    struct tw_episodes episodes;
    struct tw_episode room[EPISODES_MAX];
};

static struct tw_episode *add(struct story *story, const char *detector, uint64_t onset,
                              uint64_t detected)
{
    story->episodes.at = story->room;
    struct tw_episode *episode = &story->room[story->episodes.n++];
    episode->finding = (struct tw_finding){.detector = detector,
                                           .scope = "run",
                                           .state = TW_STATE_OPEN,
                                           .severity = TW_SEVERITY_WARNING,
                                           .onset_step = onset,
                                           .detected_step = detected};
    snprintf(episode->id, sizeof episode->id, "%s", detector);
    tw_causes_find_all(&story->episodes);
    return episode;
}

static void an_overflow_after_a_divergence_names_it_as_its_cause(void **state)
{
    struct story story = {0};
    (void)state;
    struct tw_episode *divergence = add(&story, "divergence", 480, 500);
    struct tw_episode *overflow = add(&story, "overflow", 560, 560);
    assert_int_equal(overflow->n_causes, 1);
    assert_string_equal(overflow->causes[0], divergence->id);
    assert_int_equal(divergence->n_causes, 0);
}

static void what_began_first_stands_at_the_front(void **state)
{
    struct story story = {0};
    (void)state;
    add(&story, "divergence", 90, 120);
    add(&story, "gradient-explosion", 80, 130);
    struct tw_episode *overflow = add(&story, "overflow", 140, 140);
    assert_int_equal(overflow->n_causes, 2);
    assert_string_equal(overflow->causes[0], "gradient-explosion");
    assert_string_equal(overflow->causes[1], "divergence");
}

static void a_cause_that_is_found_after_its_symptom_is_named_all_the_same(void **state)
{
    struct story story = {0};
    (void)state;
    struct tw_episode *divergence = add(&story, "divergence", 90, 120);
    assert_int_equal(divergence->n_causes, 0);
    add(&story, "gradient-explosion", 80, 130);
    assert_int_equal(divergence->n_causes, 1);
    assert_string_equal(divergence->causes[0], "gradient-explosion");
}

static void a_slow_symptom_may_be_dated_before_its_cause(void **state)
{
    struct story story = {0};
    (void)state;
    add(&story, "dead-units", 30, 60);
    struct tw_episode *underfitting = add(&story, "underfitting", 0, 500);
    assert_int_equal(underfitting->n_causes, 1);
    struct story late = {0};
    struct tw_episode *before = add(&late, "underfitting", 0, 500);
    add(&late, "dead-units", 600, 700);
    assert_int_equal(before->n_causes, 0);
}

static void of_two_that_may_cause_each_other_the_first_is_the_cause(void **state)
{
    struct story story = {0};
    (void)state;
    struct tw_episode *overflow = add(&story, "overflow", 100, 100);
    struct tw_episode *divergence = add(&story, "divergence", 100, 130);
    assert_int_equal(overflow->n_causes, 0);
    assert_int_equal(divergence->n_causes, 1);
}

static void a_cause_that_recovers_stays_and_one_that_is_withdrawn_goes(void **state)
{
    struct story story = {0};
    (void)state;
    struct tw_episode *explosion = add(&story, "gradient-explosion", 80, 85);
    struct tw_episode *divergence = add(&story, "divergence", 90, 120);
    explosion->finding.state = TW_STATE_RECOVERED;
    tw_causes_find_all(&story.episodes);
    assert_int_equal(divergence->n_causes, 1);
    explosion->finding.state = TW_STATE_WITHDRAWN;
    tw_causes_find_all(&story.episodes);
    assert_int_equal(divergence->n_causes, 0);
}

static void information_is_no_cause_and_neither_is_what_is_unrelated(void **state)
{
    struct story story = {0};
    (void)state;
    add(&story, "gradient-explosion", 80, 85)->finding.severity = TW_SEVERITY_INFO;
    add(&story, "overfitting", 10, 20);
    assert_int_equal(add(&story, "divergence", 90, 120)->n_causes, 0);
}

static void more_causes_than_there_is_room_for_leave_the_earliest(void **state)
{
    struct story story = {0};
    (void)state;
    static const char *const causes[] = {"vanishing-gradient", "dead-units", "saturation",
                                         "divergence", "gradient-explosion"};
    for (uint64_t i = 0; i < 5; i++)
        add(&story, causes[i], 100 - 10 * i, 200 + i);
    struct tw_episode *underfitting = add(&story, "underfitting", 0, 500);
    assert_int_equal(underfitting->n_causes, TW_CAUSES_MAX);
    assert_string_equal(underfitting->causes[0], "gradient-explosion");
    assert_string_equal(underfitting->causes[3], "dead-units");
}

static void the_parameters_of_the_causes_are_told(void **state)
{
    struct story story = {0};
    const char *taken[4];
    (void)state;
    struct tw_episode *explosion = add(&story, "gradient-explosion", 80, 85);
    explosion->n_suggestions = 1;
    snprintf(explosion->suggestions[0].parameter, sizeof explosion->suggestions[0].parameter,
             "max_grad_norm");
    struct tw_episode *divergence = add(&story, "divergence", 90, 120);
    assert_int_equal(tw_causes_parameters(&story.episodes, divergence, taken, 4), 1);
    assert_string_equal(taken[0], "max_grad_norm");
    assert_int_equal(tw_causes_parameters(&story.episodes, explosion, taken, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overflow_after_a_divergence_names_it_as_its_cause),
        cmocka_unit_test(what_began_first_stands_at_the_front),
        cmocka_unit_test(a_cause_that_is_found_after_its_symptom_is_named_all_the_same),
        cmocka_unit_test(a_slow_symptom_may_be_dated_before_its_cause),
        cmocka_unit_test(of_two_that_may_cause_each_other_the_first_is_the_cause),
        cmocka_unit_test(a_cause_that_recovers_stays_and_one_that_is_withdrawn_goes),
        cmocka_unit_test(information_is_no_cause_and_neither_is_what_is_unrelated),
        cmocka_unit_test(more_causes_than_there_is_room_for_leave_the_earliest),
        cmocka_unit_test(the_parameters_of_the_causes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
