/* The life of episodes: opening, escalation, recovery, withdrawal, cool-down, ceiling. */
#include "agent/episodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint32_t index_of(const char *name)
{
    for (uint32_t i = 0; tw_detectors[i]; i++) {
        if (!strcmp(tw_detectors[i]->name, name))
            return i;
    }
    fail_msg("no detector %s", name);
    return 0;
}

static struct tw_episode_change at_step(uint64_t step)
{
    return (struct tw_episode_change){.run = "r",
                                      .attempt = "a",
                                      .detector = index_of("divergence"),
                                      .step = step,
                                      .time_ms = (int64_t)step,
                                      .cooldown_steps = 100,
                                      .findings_max = 50};
}

static struct tw_condition says(enum tw_state state, enum tw_severity severity, uint64_t onset)
{
    struct tw_condition condition = {.state = state, .severity = severity, .onset_step = onset};
    strcpy(condition.scope, "run");
    return condition;
}

static struct tw_episode *apply(struct tw_episodes *episodes, uint64_t step, enum tw_state state,
                                enum tw_severity severity, enum tw_action *action)
{
    uint32_t dropped = 0;
    struct tw_episode_change change = at_step(step);
    struct tw_condition condition = says(state, severity, step > 10 ? step - 10 : 0);
    return tw_episodes_apply(episodes, &change, &condition, action, &dropped);
}

static void an_episode_opens_escalates_once_and_recovers(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    struct tw_episode *episode = apply(&episodes, 500, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    assert_non_null(episode);
    assert_int_equal(action, TW_ACTION_OPENED);
    assert_int_equal(episode->finding.onset_step, 490);
    assert_int_equal(episode->finding.detected_step, 500);
    assert_null(apply(&episodes, 510, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    assert_non_null(apply(&episodes, 520, TW_STATE_OPEN, TW_SEVERITY_CRITICAL, &action));
    assert_int_equal(action, TW_ACTION_ESCALATED);
    assert_null(apply(&episodes, 530, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    episode = apply(&episodes, 600, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    assert_non_null(episode);
    assert_int_equal(action, TW_ACTION_RECOVERED);
    assert_int_equal(episode->finding.severity, TW_SEVERITY_CRITICAL);
    assert_int_equal(episode->finding.closed_step, 600);
    assert_int_equal(episodes.n, 1);
    tw_episodes_release(&episodes);
}

/* A log of epochs: a fifth of the 40 steps until the first one's end are 8, not 100. */
static void the_cool_down_of_a_short_log_is_a_fifth_of_it(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    apply(&episodes, 30, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 40, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    assert_null(apply(&episodes, 47, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    assert_non_null(apply(&episodes, 48, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    assert_int_equal(action, TW_ACTION_OPENED);
    assert_int_equal(episodes.n, 2);
    tw_episodes_release(&episodes);
}

/* It stood from step 15 to step 40: 25 steps, where a fifth would be 8. */
static void what_was_wrong_is_mistrusted_for_as_long_as_it_stood(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    apply(&episodes, 15, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 40, TW_STATE_WITHDRAWN, TW_SEVERITY_WARNING, &action);
    assert_null(apply(&episodes, 64, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    assert_non_null(apply(&episodes, 65, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    tw_episodes_release(&episodes);
}

static void a_finding_repeated_in_the_cool_down_opens_after_it(void **state)
{
    struct tw_episodes episodes = {0};
    struct tw_episode_change change;
    enum tw_action action;
    uint32_t dropped = 0;
    (void)state;
    apply(&episodes, 500, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 520, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    assert_null(apply(&episodes, 540, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    change = at_step(619);
    assert_null(tw_episodes_wake(&episodes, &change, &action, &dropped));
    change = at_step(620);
    struct tw_episode *episode = tw_episodes_wake(&episodes, &change, &action, &dropped);
    assert_non_null(episode);
    assert_int_equal(action, TW_ACTION_OPENED);
    assert_int_equal(episode->finding.detected_step, 620);
    assert_int_equal(episode->finding.onset_step, 530);
    assert_null(tw_episodes_wake(&episodes, &change, &action, &dropped));
    tw_episodes_release(&episodes);
}

static void what_recovers_during_the_cool_down_never_opens(void **state)
{
    struct tw_episodes episodes = {0};
    struct tw_episode_change change = at_step(700);
    enum tw_action action;
    uint32_t dropped = 0;
    (void)state;
    apply(&episodes, 500, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 520, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    apply(&episodes, 540, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 560, TW_STATE_WITHDRAWN, TW_SEVERITY_WARNING, &action);
    assert_null(tw_episodes_wake(&episodes, &change, &action, &dropped));
    assert_int_equal(episodes.n, 1);
    tw_episodes_release(&episodes);
}

static void what_is_worse_than_the_last_one_does_not_wait(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    apply(&episodes, 500, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 520, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    assert_non_null(apply(&episodes, 540, TW_STATE_OPEN, TW_SEVERITY_CRITICAL, &action));
    assert_int_equal(action, TW_ACTION_OPENED);
    tw_episodes_release(&episodes);
}

static void a_recovered_suspicion_is_one_closed_line(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    assert_null(apply(&episodes, 400, TW_STATE_SUSPECT, TW_SEVERITY_INFO, &action));
    struct tw_episode *episode =
        apply(&episodes, 440, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    assert_non_null(episode);
    assert_int_equal(episode->finding.state, TW_STATE_RECOVERED);
    assert_int_equal(episode->finding.severity, TW_SEVERITY_INFO);
    assert_false(tw_episode_is_open(episode));
    tw_episodes_release(&episodes);
}

static void a_full_run_takes_only_what_is_critical_and_not_without_end(void **state)
{
    struct tw_episodes episodes = {0};
    struct tw_episode_change change = at_step(500);
    struct tw_condition condition = says(TW_STATE_OPEN, TW_SEVERITY_WARNING, 490);
    enum tw_action action;
    uint32_t dropped = 0;
    (void)state;
    change.findings_max = 1;
    strcpy(condition.scope, "layer:1");
    assert_non_null(tw_episodes_apply(&episodes, &change, &condition, &action, &dropped));
    strcpy(condition.scope, "layer:2");
    assert_null(tw_episodes_apply(&episodes, &change, &condition, &action, &dropped));
    assert_int_equal(dropped, 1);
    condition.severity = TW_SEVERITY_CRITICAL;
    assert_non_null(tw_episodes_apply(&episodes, &change, &condition, &action, &dropped));
    strcpy(condition.scope, "layer:3");
    assert_null(tw_episodes_apply(&episodes, &change, &condition, &action, &dropped));
    assert_int_equal(dropped, 2);
    tw_episodes_release(&episodes);
}

static void a_run_that_went_back_does_not_wait_for_the_cool_down(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    apply(&episodes, 5000, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    apply(&episodes, 5050, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action);
    /* resumed from a checkpoint of step 3000 */
    assert_non_null(apply(&episodes, 4000, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action));
    assert_int_equal(action, TW_ACTION_OPENED);
    tw_episodes_release(&episodes);
}

static void the_same_step_of_the_same_attempt_again_is_the_same_episode(void **state)
{
    struct tw_episodes episodes = {0};
    enum tw_action action;
    (void)state;
    struct tw_episode *episode = apply(&episodes, 900, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    episode->transition++; /* told */
    apply(&episodes, 950, TW_STATE_RECOVERED, TW_SEVERITY_INFO, &action)->transition++;
    episode = apply(&episodes, 900, TW_STATE_OPEN, TW_SEVERITY_WARNING, &action);
    assert_non_null(episode);
    assert_int_equal(episodes.n, 1);
    assert_int_equal(episode->transition, 2); /* its document is another than the first */
    assert_true(tw_episode_is_open(episode));
    tw_episodes_release(&episodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_episode_opens_escalates_once_and_recovers),
        cmocka_unit_test(the_cool_down_of_a_short_log_is_a_fifth_of_it),
        cmocka_unit_test(what_was_wrong_is_mistrusted_for_as_long_as_it_stood),
        cmocka_unit_test(a_finding_repeated_in_the_cool_down_opens_after_it),
        cmocka_unit_test(what_recovers_during_the_cool_down_never_opens),
        cmocka_unit_test(what_is_worse_than_the_last_one_does_not_wait),
        cmocka_unit_test(a_recovered_suspicion_is_one_closed_line),
        cmocka_unit_test(a_full_run_takes_only_what_is_critical_and_not_without_end),
        cmocka_unit_test(a_run_that_went_back_does_not_wait_for_the_cool_down),
        cmocka_unit_test(the_same_step_of_the_same_attempt_again_is_the_same_episode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
