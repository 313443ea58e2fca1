/* Groups of alerts, against what docs/notifications.md says, with a clock of their own. */
#include "groups_fixture.h"

#include "sinks/kibana.h"

static void one_alert_is_told_once_after_the_wait_and_once_when_it_is_over(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 29), 0);
    assert_int_equal(pass(bench, 2), 1);
    assert_string_equal(text_of(sent(bench, 0), "title"), "r1: divergence (critical)");
    assert_string_equal(text_of(sent(bench, 0), "status"), "firing");
    assert_string_equal(text_of(sent(bench, 0), "severity"), "critical");
    assert_int_equal(pass(bench, 3600), 0);
    happens(bench, &story, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 60), 1);
    assert_string_equal(text_of(sent(bench, 1), "title"), "r1: divergence (resolved)");
    assert_string_equal(text_of(sent(bench, 1), "status"), "resolved");
    assert_string_equal(text_of(sent(bench, 0), "thread_id"), text_of(sent(bench, 1), "thread_id"));
    assert_string_not_equal(text_of(sent(bench, 0), "id"), text_of(sent(bench, 1), "id"));
    assert_int_equal(pass(bench, 86400), 0);
}

static void what_is_over_before_the_wait_is_not_told(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    pass(bench, 10);
    happens(bench, &story, TW_ACTION_WITHDRAWN);
    assert_int_equal(pass(bench, 1000), 0);
    happens(
        bench,
        &(struct story){
            .run = "r2", .project = "vision", .detector = "overflow", .severity = TW_SEVERITY_INFO},
        TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 1000), 0); /* below min_severity */
}

static void further_alerts_wait_for_the_interval(void **state)
{
    struct bench *bench = *state;
    struct story first = {"r1", "vision", "divergence", TW_SEVERITY_WARNING};
    struct story second = {"r2", "vision", "overflow", TW_SEVERITY_CRITICAL};
    begin(bench);
    happens(bench, &first, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    happens(bench, &second, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 297), 0);
    assert_int_equal(pass(bench, 4), 1);
    assert_string_equal(text_of(sent(bench, 1), "title"), "vision: 2 runs, 2 problems (critical)");
    assert_string_equal(status_in(sent(bench, 1), first.id), "firing");
    assert_string_equal(status_in(sent(bench, 1), second.id), "firing");
}

static void it_is_told_again_after_repeat_interval_and_when_it_gets_graver(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_WARNING};
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    pass(bench, 31);
    assert_int_equal(pass(bench, 14390), 0);
    assert_int_equal(pass(bench, 20), 1);
    assert_true(json_is_true(json_object_get(sent(bench, 1), "is_repeat")));
    story.severity = TW_SEVERITY_CRITICAL;
    happens(bench, &story, TW_ACTION_ESCALATED);
    assert_int_equal(pass(bench, 302), 1);
    assert_false(json_is_true(json_object_get(sent(bench, 2), "is_repeat")));
    assert_string_equal(text_of(sent(bench, 2), "title"), "r1: divergence (critical)");
}

/* Addresses: test_kibana.c. */
static void views_of_kibana_are_linked_to_unless_another_page_is_set(void **state)
{
    struct bench *bench = *state;
    char url[] = "https://kibana.example", prefix[] = "trainward", fleet[TW_KIBANA_URL_MAX],
         run[TW_KIBANA_URL_MAX];
    struct tw_kibana_config kibana = {.url = url, .index_prefix = prefix};
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_WARNING};
    tw_kibana_dashboard_url(&kibana, "fleet", fleet);
    tw_kibana_run_url(&kibana, "r1", run);
    bench->kibana = &kibana;
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    assert_string_equal(text_of(sent(bench, 0), "link"), fleet);
    const json_t *alert = json_array_get(json_object_get(sent(bench, 0), "alerts"), 0);
    assert_string_equal(text_of(alert, "link"), run);

    set(bench, "run_link", "https://wiki.example/{run}?tab=1");
    story = (struct story){"r 2", "vision", "divergence", TW_SEVERITY_WARNING};
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 302), 1);
    alert = json_array_get(json_object_get(sent(bench, 1), "alerts"), 0);
    for (size_t i = 1; strcmp(text_of(alert, "run"), "r 2"); i++)
        alert = json_array_get(json_object_get(sent(bench, 1), "alerts"), i);
    assert_string_equal(text_of(alert, "link"), "https://wiki.example/r%202?tab=1");
}

static void the_first_route_that_matches_takes_it(void **state)
{
    struct bench *bench = *state;
    set(bench, "to", "all@x.org");
    add_route(bench, "vision", "project=vis*", "vision@x.org");
    add_route(bench, "grave", "severity=critical", "grave@x.org")->goes_on = true;
    add_route(bench, "night", "detector=@(overflow|divergence)", "night@x.org");
    begin(bench);
    happens(bench, &(struct story){"r1", "vision", "divergence", TW_SEVERITY_CRITICAL},
            TW_ACTION_OPENED);
    happens(bench, &(struct story){"r2", "speech", "divergence", TW_SEVERITY_CRITICAL},
            TW_ACTION_OPENED);
    happens(bench, &(struct story){"r3", "speech", "overfitting", TW_SEVERITY_CRITICAL},
            TW_ACTION_OPENED);
    happens(bench, &(struct story){"r4", "maths", "overfitting", TW_SEVERITY_WARNING},
            TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 4);
    size_t i;
    json_t *notification;
    json_array_foreach(bench->sent, i, notification)
    {
        const char *to = json_string_value(json_array_get(json_object_get(notification, "to"), 0));
        const char *route = text_of(notification, "route"), *title = text_of(notification, "title");
        if (!strcmp(route, "vision"))
            assert_string_equal(to, "vision@x.org");
        else if (!strcmp(route, "grave"))
            assert_string_equal(title, "speech: 2 runs, 2 problems (critical)");
        else if (!strcmp(route, "night"))
            assert_string_equal(title, "r2: divergence (critical)");
        else
            assert_string_equal(title, "r4: overfitting (warning)");
    }
}

static const char *first_recipient(const json_t *notification)
{
    return json_string_value(json_array_get(json_object_get(notification, "to"), 0));
}

static struct tw_route_config *add_nameless(struct bench *bench, const char *match, const char *to)
{
    struct tw_route_config *route = add_route(bench, "", match, to);
    free(route->name);
    route->name = NULL;
    return route;
}

/* Somebody else must not be told that it is over. */
static void a_route_before_others_changes_nothing_for_their_people(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    set(bench, "to", "all@x.org");
    add_nameless(bench, "project=vis*", "vision@x.org");
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    assert_string_equal(text_of(sent(bench, 0), "route"), "project=vis*");
    add_nameless(bench, "project=speech", "speech@x.org");
    struct tw_route_config *routes = bench->notify.routes.at, vision = routes[0];
    routes[0] = routes[1];
    routes[1] = vision;
    crash(bench);
    happens(bench, &story, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 400), 1);
    assert_string_equal(first_recipient(sent(bench, 1)), "vision@x.org");
}

static void routes_of_one_match_are_told_apart_by_their_recipients(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    add_nameless(bench, "project=vis*", "a@x.org")->goes_on = true;
    add_nameless(bench, "project=vis*", "b@x.org");
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 2);
    assert_string_not_equal(first_recipient(sent(bench, 0)), first_recipient(sent(bench, 1)));
    assert_string_not_equal(text_of(sent(bench, 0), "route"), text_of(sent(bench, 1), "route"));
}

static void a_consequence_is_not_told_while_its_cause_is_open(void **state)
{
    struct bench *bench = *state;
    struct story cause = {"r1", "vision", "overflow", TW_SEVERITY_CRITICAL};
    struct story effect = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL, .cause = &cause};
    begin(bench);
    happens(bench, &cause, TW_ACTION_OPENED);
    happens(bench, &effect, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    assert_null(status_in(sent(bench, 0), effect.id));
    happens(bench, &cause, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 400), 1);
    assert_string_equal(status_in(sent(bench, 1), effect.id), "firing");
    assert_string_equal(status_in(sent(bench, 1), cause.id), "resolved");
}

static json_t *silence_of(const char *field, const char *pattern, int64_t from, int64_t to)
{
    struct tw_error error = {0};
    json_t *matchers = json_pack("{s:s}", field, pattern);
    json_t *silence = tw_silence_new(matchers, from, to, "ada", "I know", &error);
    json_decref(matchers);
    if (!silence)
        fail_msg("%s", error.text);
    return silence;
}

static void a_silence_quiets_what_it_matches_until_it_ends(void **state)
{
    struct bench *bench = *state;
    struct story quiet = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    struct story loud = {"s1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    json_t *silence = silence_of("run", "r*", bench->now, bench->now + 3600000);
    tw_silences_set(&bench->silences, text_of(silence, "id"), silence);
    json_decref(silence);
    begin(bench);
    happens(bench, &quiet, TW_ACTION_OPENED);
    happens(bench, &loud, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    assert_null(status_in(sent(bench, 0), quiet.id));
    assert_string_equal(status_in(sent(bench, 0), loud.id), "firing");
    assert_int_equal(pass(bench, 3500), 0);
    assert_int_equal(pass(bench, 100), 1); /* it ended, and the problem is still there */
    assert_string_equal(status_in(sent(bench, 1), quiet.id), "firing");
    assert_null(tw_silence_new(json_object_get(silence, "no"), 1, 2, "a", "b", NULL));
}

/* The case where an alarm that was over under a silence hid the next one of the same kind. */
static void an_alert_after_a_silenced_one_is_told(void **state)
{
    struct bench *bench = *state;
    struct story first = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    struct story second = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL, .detected = 9};
    begin(bench);
    happens(bench, &first, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    json_t *silence = silence_of("run", "r1", bench->now, bench->now + 600000);
    tw_silences_set(&bench->silences, "s", silence);
    json_decref(silence);
    happens(bench, &first, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 700), 0);
    happens(bench, &second, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    assert_string_equal(status_in(sent(bench, 1), second.id), "firing");
}

static void a_false_alarm_is_over_and_stays_so(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    char feedback[600];
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    snprintf(
        feedback, sizeof feedback,
        "{\"@timestamp\":\"2026-07-31T08:05:00.000Z\",\"event\":{\"id\":"
        "\"00000000000000000000000000000001\",\"action\":\"false-alarm\"},\"trainward\":{"
        "\"kind\":\"feedback\",\"run\":{\"id\":\"r1\"},\"transition\":0,\"episode_id\":\"%s\","
        "\"feedback\":{\"verdict\":\"false-alarm\",\"author\":\"ada\",\"comment\":\"warm-up\"}}}",
        story.id);
    take(bench, feedback);
    take(bench, feedback); /* a copy */
    flush(bench);
    struct tw_groups_counts counts;
    tw_groups_counts(bench->groups, &counts);
    assert_int_equal(counts.false_alarms, 1);
    assert_int_equal(pass(bench, 400), 1);
    assert_string_equal(status_in(sent(bench, 1), story.id), "false-alarm");
    assert_string_equal(text_of(sent(bench, 1), "title"), "r1: divergence (false alarm)");
    happens(bench, &story, TW_ACTION_ESCALATED);
    happens(bench, &story, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 86400), 0);
}

static void a_storm_is_a_few_notifications_and_a_complete_digest(void **state)
{
    struct bench *bench = *state;
    enum { RUNS = 1000 };
    static struct story stories[RUNS];
    static char names[RUNS][16];
    set(bench, "group_by", "run");
    set(bench, "max_per_hour", "20");
    begin(bench);
    for (int i = 0; i < RUNS; i++) {
        snprintf(names[i], sizeof names[i], "r%d", i);
        stories[i] = (struct story){names[i], "vision", "divergence", TW_SEVERITY_CRITICAL};
        happens(bench, &stories[i], TW_ACTION_OPENED);
    }
    assert_int_equal(pass(bench, 600), 21);
    const json_t *digest = sent(bench, 20);
    assert_string_equal(text_of(digest, "kind"), "digest");
    assert_true(json_is_true(json_object_get(digest, "is_digest")));
    assert_int_equal(json_integer_value(json_object_get(digest, "n_runs")), RUNS - 20);
    assert_int_equal(json_array_size(json_object_get(digest, "alerts")), 20);
    for (int i = 0; i < RUNS; i++) {
        int told = 0;
        for (size_t j = 0; j < 21; j++)
            told += status_in(sent(bench, j), stories[i].id) != NULL;
        assert_int_equal(told, 1);
    }
}

static void what_a_notification_has_no_room_for_comes_in_the_next(void **state)
{
    struct bench *bench = *state;
    enum { RUNS = 5100 };
    static struct story stories[RUNS];
    static char names[RUNS][16];
    begin(bench);
    for (int i = 0; i < RUNS; i++) {
        snprintf(names[i], sizeof names[i], "r%d", i);
        stories[i] = (struct story){names[i], "vision", "divergence", TW_SEVERITY_CRITICAL};
        happens(bench, &stories[i], TW_ACTION_OPENED);
    }
    assert_int_equal(pass(bench, 31), 1);
    assert_int_equal(json_integer_value(json_object_get(sent(bench, 0), "n_alerts")), 5000);
    assert_int_equal(pass(bench, 302), 1);
    for (int i = 0; i < RUNS; i += 10)
        assert_true(status_in(sent(bench, 0), stories[i].id) ||
                    status_in(sent(bench, 1), stories[i].id));
    assert_int_equal(pass(bench, 600), 0);
}

static void a_digest_names_what_was_over_meanwhile(void **state)
{
    struct bench *bench = *state;
    struct story stories[3] = {{"r1", "a", "divergence", TW_SEVERITY_WARNING},
                               {"r2", "b", "divergence", TW_SEVERITY_WARNING},
                               {"r3", "c", "divergence", TW_SEVERITY_CRITICAL}};
    set(bench, "quiet_zone", "UTC");
    set(bench, "quiet_hours", "fri 07:30-09:00"); /* it is Friday, eight o'clock */
    begin(bench);
    for (int i = 0; i < 3; i++)
        happens(bench, &stories[i], TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 60), 1); /* critical: told all the same */
    assert_string_equal(status_in(sent(bench, 0), stories[2].id), "firing");
    crash(bench);
    happens(bench, &stories[0], TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 3530), 0);
    assert_int_equal(pass(bench, 30), 1);
    assert_string_equal(text_of(sent(bench, 1), "kind"), "digest");
    assert_string_equal(status_in(sent(bench, 1), stories[0].id), "resolved");
    assert_string_equal(status_in(sent(bench, 1), stories[1].id), "firing");
}

/* The next token comes after the quiet hours have begun. */
static void what_the_limit_held_waits_for_the_end_of_quiet_hours(void **state)
{
    struct bench *bench = *state;
    struct story stories[] = {{"r1", "a", "divergence", TW_SEVERITY_WARNING},
                              {"r2", "b", "divergence", TW_SEVERITY_WARNING},
                              {"r3", "c", "divergence", TW_SEVERITY_WARNING}};
    set(bench, "quiet_zone", "UTC");
    set(bench, "quiet_hours", "fri 08:02-09:00"); /* it is Friday, eight o'clock */
    set(bench, "max_per_hour", "1");
    begin(bench);
    for (int i = 0; i < 3; i++)
        happens(bench, &stories[i], TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 60), 1);
    set(bench, "max_per_hour", "30");
    crash(bench);                           /* a reload */
    assert_int_equal(pass(bench, 3000), 0); /* to 08:51 */
    stories[0].severity = TW_SEVERITY_CRITICAL;
    happens(bench, &stories[0], TW_ACTION_ESCALATED); /* was held: now it is told */
    assert_int_equal(pass(bench, 30), 1);
    assert_string_equal(status_in(sent(bench, 1), stories[0].id), "firing");
    assert_null(status_in(sent(bench, 1), stories[1].id));
    assert_int_equal(pass(bench, 600), 1); /* what is left of it, at nine */
}

static void a_summary_comes_once_a_day(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "a", "divergence", TW_SEVERITY_WARNING};
    set(bench, "quiet_zone", "+02:00");
    set(bench, "summary_at", "12:00"); /* 10:00 UTC */
    set(bench, "repeat_interval", "0");
    begin(bench);
    assert_int_equal(pass(bench, 3 * 3600), 0); /* the first day has none */
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 60), 1);
    crash(bench);
    assert_int_equal(pass(bench, 24 * 3600), 1);
    assert_string_equal(text_of(sent(bench, 1), "kind"), "summary");
    assert_string_equal(text_of(sent(bench, 1), "title"),
                        "Daily summary: 1 open problem in 1 run (1 new, 0 over)");
    assert_string_equal(status_in(sent(bench, 1), story.id), "firing");
}

/* ---- whatever happens in whatever order ---- */

#define EPISODES 40

static unsigned dice(uint64_t *random, unsigned sides)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*random >> 33) % sides;
}

struct told {
    bool is_firing_told, is_end_told;
};

static struct told look_up(const struct bench *bench, const char *episode)
{
    struct told told = {0};
    size_t i;
    json_t *notification;
    json_array_foreach(bench->sent, i, notification)
    {
        const char *status = status_in(notification, episode);
        told.is_firing_told |= status && !strcmp(status, "firing");
        told.is_end_told |= status && strcmp(status, "firing");
    }
    return told;
}

/* Copies of a notification are the same; two of a thread are an interval apart. */
static void check_sent(const struct bench *bench)
{
    size_t i, j;
    json_t *a, *b;
    json_array_foreach(bench->sent, i, a)
    {
        for (j = 0; j < i; j++) {
            b = json_array_get(bench->sent, j);
            if (!strcmp(text_of(a, "id"), text_of(b, "id")))
                assert_true(json_equal(a, b));
        }
    }
}

static void nothing_is_lost_whenever_it_dies(void **state)
{
    static char names[EPISODES][16], projects[5][8];
    for (uint64_t seed = 1; seed <= 25; seed++) {
        void *opaque;
        uint64_t random = seed;
        struct story stories[EPISODES];
        bool is_over[EPISODES] = {0}, was_opened[EPISODES] = {0};
        bench_set_up(&opaque);
        struct bench *bench = opaque;
        set(bench, "max_per_hour", dice(&random, 2) ? "6" : "0");
        set(bench, "group_interval", "60s");
        begin(bench);
        for (int i = 0; i < EPISODES; i++) {
            snprintf(names[i], sizeof names[i], "r%d", i);
            snprintf(projects[i % 5], sizeof projects[0], "p%d", i % 5);
            stories[i] =
                (struct story){names[i], projects[i % 5], "divergence", TW_SEVERITY_WARNING};
        }
        for (int step = 0; step < 400; step++) {
            unsigned i = dice(&random, EPISODES);
            struct story before = stories[i];
            switch (dice(&random, 6)) {
            case 0:
            case 1:
                if (!was_opened[i]) {
                    happens(bench, &stories[i], TW_ACTION_OPENED);
                    was_opened[i] = true;
                }
                break;
            case 2:
                if (was_opened[i] && !is_over[i]) {
                    happens(bench, &stories[i], TW_ACTION_RECOVERED);
                    is_over[i] = true;
                } else if (was_opened[i] && before.transition) {
                    before.transition--; /* a copy of an old document */
                    happens(bench, &before, is_over[i] ? TW_ACTION_RECOVERED : TW_ACTION_OPENED);
                }
                break;
            case 3: /* dies before or after something became durable, or was sent */
                bench->now += 1000 * dice(&random, 90);
                tw_groups_tick(bench->groups, &bench->silences, bench->now);
                if (dice(&random, 2))
                    flush(bench);
                else
                    json_object_clear(bench->pending);
                if (dice(&random, 2) && !json_object_size(bench->pending)) {
                    struct tw_outbox_entry *entry = tw_groups_outbox(bench->groups);
                    const char *key = "nothing";
                    char room[64];
                    if (entry) {
                        snprintf(room, sizeof room, "outbox/%s", entry->id);
                        key = room;
                    }
                    if (json_object_get(bench->durable, key)) /* sent, and never noted */
                        json_array_append_new(bench->sent, json_deep_copy(entry->notification));
                }
                crash(bench);
                break;
            default:
                pass(bench, dice(&random, 40));
            }
        }
        pass(bench, 4000);
        check_sent(bench);
        for (int i = 0; i < EPISODES; i++) {
            if (!was_opened[i])
                continue;
            struct told told = look_up(bench, story_id(&stories[i]));
            if (!is_over[i] && !told.is_firing_told)
                fail_msg("seed %d: %s is open and nobody knows", (int)seed, names[i]);
            if (is_over[i] && told.is_firing_told && !told.is_end_told)
                fail_msg("seed %d: %s is over and nobody knows", (int)seed, names[i]);
        }
        bench_tear_down(&opaque);
    }
    (void)state;
}

static void a_run_that_dies_with_its_problem_is_told(void **state)
{
    struct bench *bench = *state;
    struct story cause = {"r1", "vision", "overflow", TW_SEVERITY_CRITICAL};
    struct story effect = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL, .cause = &cause};
    begin(bench);
    happens(bench, &cause, TW_ACTION_OPENED);
    happens(bench, &effect, TW_ACTION_OPENED);
    happens(bench, &cause, TW_ACTION_STILL_OPEN);
    happens(bench, &effect, TW_ACTION_STILL_OPEN);
    assert_int_equal(pass(bench, 31), 1);
    assert_string_equal(text_of(sent(bench, 0), "title"),
                        "r1: overflow (not over at the end of the run)");
    assert_string_equal(text_of(sent(bench, 0), "status"), "firing");
    assert_true(json_is_false(json_object_get(sent(bench, 0), "is_resolved")));
    assert_int_equal(pass(bench, 86400), 0);
}

/* A run that is put into the queue again goes on with its episodes, without a word of it. */
static void what_becomes_of_it_when_the_run_goes_on_is_told(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_WARNING};
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    happens(bench, &story, TW_ACTION_STILL_OPEN);
    assert_int_equal(pass(bench, 400), 1);
    happens(bench, &story, TW_ACTION_STILL_OPEN); /* it ended a second time */
    assert_int_equal(pass(bench, 400), 0);
    crash(bench);
    story.severity = TW_SEVERITY_CRITICAL;
    happens(bench, &story, TW_ACTION_ESCALATED);
    assert_int_equal(pass(bench, 400), 1);
    assert_string_equal(text_of(sent(bench, 2), "title"), "r1: divergence (critical)");
    happens(bench, &story, TW_ACTION_STILL_OPEN);
    assert_int_equal(pass(bench, 400), 1);
    crash(bench);
    happens(bench, &story, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 400), 1);
    assert_string_equal(text_of(sent(bench, 4), "title"), "r1: divergence (resolved)");
    happens(bench, &story, TW_ACTION_ESCALATED);
    assert_int_equal(pass(bench, 86400), 0);
}

static void a_cause_that_is_over_after_its_run_went_on_mutes_nothing(void **state)
{
    struct bench *bench = *state;
    struct story cause = {"r1", "vision", "overflow", TW_SEVERITY_CRITICAL};
    struct story effect = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL, .cause = &cause};
    begin(bench);
    happens(bench, &cause, TW_ACTION_OPENED);
    happens(bench, &cause, TW_ACTION_STILL_OPEN);
    assert_int_equal(pass(bench, 31), 1);
    happens(bench, &effect, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 400), 0);
    happens(bench, &cause, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 400), 1);
    assert_string_equal(status_in(sent(bench, 1), effect.id), "firing");
    assert_string_equal(status_in(sent(bench, 1), cause.id), "resolved");
}

static void who_has_a_notification_is_known_after_a_crash(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    bench->now += 31000;
    tw_groups_tick(bench->groups, &bench->silences, bench->now);
    tw_groups_progress(bench->groups, tw_groups_outbox(bench->groups), "a@y.test", NULL);
    tw_groups_progress(bench->groups, tw_groups_outbox(bench->groups), "b@y.test", "no such user");
    flush(bench);
    tw_groups_progress(bench->groups, tw_groups_outbox(bench->groups), "c@y.test", NULL);
    crash(bench);
    const json_t *done = tw_groups_outbox(bench->groups)->done;
    assert_true(json_is_true(json_object_get(done, "a@y.test")));
    assert_string_equal(text_of(done, "b@y.test"), "no such user");
    assert_null(json_object_get(done, "c@y.test")); /* was not durable */
    assert_int_equal(send_all(bench), 1);
    const char *key;
    json_t *value;
    json_object_foreach(bench->durable, key, value)
        assert_true(strncmp(key, "progress/", 9) && strncmp(key, "outbox/", 7));
}

/* A mailbox that is full for days keeps nothing from the others, and is given up after a day. */
static void one_who_cannot_take_it_holds_up_nobody(void **state)
{
    struct bench *bench = *state;
    struct story first = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    struct story second = {"r2", "vision", "overflow", TW_SEVERITY_CRITICAL};
    begin(bench);
    happens(bench, &first, TW_ACTION_OPENED);
    bench->now += 31000;
    tw_groups_tick(bench->groups, &bench->silences, bench->now);
    struct tw_outbox_entry *stuck = tw_groups_outbox(bench->groups);
    assert_false(tw_groups_put_off(bench->groups, stuck, "b@y.test", bench->now));
    happens(bench, &second, TW_ACTION_OPENED);
    bench->now += 400000;
    tw_groups_tick(bench->groups, &bench->silences, bench->now);
    assert_null(stuck->next); /* nobody has it yet: the mail server may be away */
    tw_groups_let_pass(bench->groups, stuck);
    tw_groups_tick(bench->groups, &bench->silences, bench->now);
    assert_non_null(stuck->next);
    assert_string_equal(status_in(stuck->next->notification, second.id), "firing");
    flush(bench);
    crash(bench);
    stuck = tw_groups_outbox(bench->groups); /* since when is durable */
    int64_t a_day = bench->now - 400000 + TW_PUT_OFF_MAX_MS;
    assert_false(tw_groups_put_off(bench->groups, stuck, "b@y.test", a_day - 1));
    assert_true(tw_groups_put_off(bench->groups, stuck, "b@y.test", a_day));
    assert_int_equal(send_all(bench), 2);
    happens(bench, &first, TW_ACTION_RECOVERED);
    assert_int_equal(pass(bench, 400), 1); /* the group counts right what is unsent */
}

/* A silence that names some of the labels only would quiet other groups, too. */
static void the_silence_of_a_group_quiets_no_other(void **state)
{
    static const struct {
        const char *by, *command;
    } cases[] = {
        {"project", "trainward silence add --project 'my vision' --for 4h --reason ..."},
        {"detector", "trainward silence add --detector divergence --for 4h --reason ..."},
        {"severity", ""},
        {"all", ""},
    };
    struct bench *bench = *state;
    struct story story = {"r1", "my vision", "divergence", TW_SEVERITY_CRITICAL};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tw_texts_release(&bench->notify.group_by);
        tw_texts_add(&bench->notify.group_by, cases[i].by);
        begin(bench);
        story.detected = i;
        story.transition = 0;
        happens(bench, &story, TW_ACTION_OPENED);
        assert_int_equal(pass(bench, 31), 1);
        assert_string_equal(text_of(json_object_get(sent(bench, i), "footer"), "silence_command"),
                            cases[i].command);
        tw_groups_close(bench->groups);
        bench->groups = NULL;
        json_object_clear(bench->durable);
    }
}

/* They are pasted where nobody knows which configuration the agent has. */
static void commands_name_the_agents_configuration(void **state)
{
    struct bench *bench = *state;
    struct story story = {"r1", "vision", "divergence", TW_SEVERITY_CRITICAL};
    char expected[200];
    tw_texts_add(&bench->notify.group_by, "project");
    tw_texts_add(&bench->notify.group_by, "group");
    bench->config_path = "/etc/my agent.yaml";
    begin(bench);
    happens(bench, &story, TW_ACTION_OPENED);
    assert_int_equal(pass(bench, 31), 1);
    const json_t *alert = json_array_get(json_object_get(sent(bench, 0), "alerts"), 0);
    snprintf(expected, sizeof expected,
             "trainward feedback --config '/etc/my agent.yaml' %s false-alarm", story_id(&story));
    assert_string_equal(text_of(alert, "feedback_command"), expected);
    assert_string_equal(text_of(alert, "silence_command"),
                        "trainward silence add --config '/etc/my agent.yaml' --run r1 --for 4h "
                        "--reason ...");
    /* The sample's group is not known: another of the project is another group. */
    assert_string_equal(text_of(json_object_get(sent(bench, 0), "footer"), "silence_command"),
                        "trainward silence add --config '/etc/my agent.yaml' --project vision "
                        "--group '' --for 4h --reason ...");
}

static void garbage_is_refused_with_a_reason(void **state)
{
    struct bench *bench = *state;
    static const char *const garbage[] = {
        "",
        "{",
        "[]",
        "{}",
        "\xff\xfe",
        "{\"event\":{\"id\":3}}",
        "{\"@timestamp\":\"2026-07-31T00:00:00Z\","
        "\"event\":{\"id\":\"ce74a43a03145a57e1cc872880377fd5\"},"
        "\"trainward\":{\"kind\":\"feedback\",\"run\":{\"id\":\"r\"},\"transition\":1}}"};
    begin(bench);
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        char reason[200] = "";
        assert_false(tw_groups_take(bench->groups, garbage[i], strlen(garbage[i]), bench->now,
                                    reason, sizeof reason));
        assert_string_not_equal(reason, "");
    }
}

int main(void)
{
#define GROUPS_TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        GROUPS_TEST(one_alert_is_told_once_after_the_wait_and_once_when_it_is_over),
        GROUPS_TEST(what_is_over_before_the_wait_is_not_told),
        GROUPS_TEST(further_alerts_wait_for_the_interval),
        GROUPS_TEST(it_is_told_again_after_repeat_interval_and_when_it_gets_graver),
        GROUPS_TEST(views_of_kibana_are_linked_to_unless_another_page_is_set),
        GROUPS_TEST(the_first_route_that_matches_takes_it),
        GROUPS_TEST(a_route_before_others_changes_nothing_for_their_people),
        GROUPS_TEST(routes_of_one_match_are_told_apart_by_their_recipients),
        GROUPS_TEST(a_consequence_is_not_told_while_its_cause_is_open),
        GROUPS_TEST(a_silence_quiets_what_it_matches_until_it_ends),
        GROUPS_TEST(an_alert_after_a_silenced_one_is_told),
        GROUPS_TEST(a_false_alarm_is_over_and_stays_so),
        GROUPS_TEST(a_storm_is_a_few_notifications_and_a_complete_digest),
        GROUPS_TEST(what_a_notification_has_no_room_for_comes_in_the_next),
        GROUPS_TEST(a_digest_names_what_was_over_meanwhile),
        GROUPS_TEST(what_the_limit_held_waits_for_the_end_of_quiet_hours),
        GROUPS_TEST(a_summary_comes_once_a_day),
        GROUPS_TEST(a_run_that_dies_with_its_problem_is_told),
        GROUPS_TEST(what_becomes_of_it_when_the_run_goes_on_is_told),
        GROUPS_TEST(a_cause_that_is_over_after_its_run_went_on_mutes_nothing),
        GROUPS_TEST(who_has_a_notification_is_known_after_a_crash),
        GROUPS_TEST(one_who_cannot_take_it_holds_up_nobody),
        GROUPS_TEST(the_silence_of_a_group_quiets_no_other),
        GROUPS_TEST(commands_name_the_agents_configuration),
        GROUPS_TEST(garbage_is_refused_with_a_reason),
        cmocka_unit_test(nothing_is_lost_whenever_it_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
