/* The notification log of one machine: what a crash, a full file and a second process find. */
#include "config.h"

#include "advisories/iso_time.h"
#include "sinks/notify/store.h"
#include "sinks/notify/times.h"
#include "temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct bench {
    char *dir;
    struct tw_log_location log;
    struct tw_notify_store_options options;
    char path[256];
    json_t *found;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->dir = make_directory();
    bench->log = (struct tw_log_location){.dir = bench->dir};
    bench->options = (struct tw_notify_store_options){"mail", bench->dir, &bench->log};
    snprintf(bench->path, sizeof bench->path, "%s/notifications/mail.jsonl", bench->dir);
    bench->found = json_object();
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    remove_directory(bench->dir);
    json_decref(bench->found);
    free(bench);
    return 0;
}

static void keep(void *closure, const char *key, const json_t *value)
{
    struct bench *bench = closure;
    json_object_set_new(bench->found, key, json_deep_copy(value));
}

static struct tw_notify_store *load(struct bench *bench)
{
    struct tw_notify_store *store = NULL;
    struct tw_error error = {0};
    json_object_clear(bench->found);
    if (tw_notify_store_open(&store, &bench->options, &error) ||
        tw_notify_store_serve(store, 0, &error) != 1 ||
        tw_notify_store_load(store, keep, bench, &error))
        fail_msg("%s", error.text);
    return store;
}

static void put(struct tw_notify_store *store, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    tw_notify_store_put(store, key, value);
    json_decref(value);
}

static void a_batch_is_there_as_a_whole_or_not_at_all(void **state)
{
    struct bench *bench = *state;
    struct tw_notify_store *store = load(bench);
    put(store, "a", "1");
    put(store, "b", "1");
    assert_int_equal(tw_notify_store_flush(store, NULL), 0);
    put(store, "a", "2");
    put(store, "b", NULL);
    assert_int_equal(tw_notify_store_flush(store, NULL), 0);
    put(store, "c", "never flushed");
    tw_notify_store_close(store);
    FILE *file = fopen(bench->path, "a"); /* what a power cut leaves of a batch */
    fputs("{\"a\":\"3\",\"d\":\"to", file);
    fclose(file);
    tw_notify_store_close(load(bench));
    assert_int_equal(json_object_size(bench->found), 1);
    assert_string_equal(json_string_value(json_object_get(bench->found, "a")), "2");
}

static void a_damaged_line_does_not_hide_the_others(void **state)
{
    struct bench *bench = *state;
    struct tw_notify_store *store = load(bench);
    put(store, "a", "1");
    assert_int_equal(tw_notify_store_flush(store, NULL), 0);
    tw_notify_store_close(store);
    FILE *file = fopen(bench->path, "a");
    fputs("{\"a\":\xff\n{\"b\":\"2\"}\n[1]\n", file);
    fclose(file);
    tw_notify_store_close(load(bench));
    assert_string_equal(json_string_value(json_object_get(bench->found, "a")), "1");
    assert_string_equal(json_string_value(json_object_get(bench->found, "b")), "2");
}

static void the_file_does_not_grow_for_ever(void **state)
{
    struct bench *bench = *state;
    static char text[50001];
    struct tw_notify_store *store = load(bench);
    struct stat status;
    memset(text, 'x', sizeof text - 1);
    put(store, "kept", "since the beginning");
    for (int i = 0; i < 200; i++) { /* 10 MB in all */
        put(store, "a", text);
        assert_int_equal(tw_notify_store_flush(store, NULL), 0);
    }
    assert_int_equal(stat(bench->path, &status), 0);
    assert_true(status.st_size < 1200000);
    assert_int_equal(status.st_mode & 077, 0); /* what runs are called is nobody else's */
    tw_notify_store_close(store);
    tw_notify_store_close(load(bench));
    assert_int_equal(json_object_size(bench->found), 2);
}

static void one_process_alone_notifies(void **state)
{
    struct bench *bench = *state;
    struct tw_notify_store *store = load(bench), *second = NULL;
    struct tw_error error = {0};
    assert_int_equal(tw_notify_store_open(&second, &bench->options, &error), -EBUSY);
    tw_notify_store_close(store);
}

static void quiet_hours_are_those_of_the_calendar(void **state)
{
    (void)state;
    struct tw_quiet night, weekend;
    struct tw_zone utc, east;
    int64_t at;
    assert_int_equal(tw_quiet_parse("mon-fri 22:00-07:00", &night, NULL), 0);
    assert_int_equal(tw_quiet_parse("sat,sun 00:00-24:00", &weekend, NULL), 0);
    assert_int_equal(tw_zone_parse("UTC", &utc, NULL), 0);
    assert_int_equal(tw_zone_parse("+02:00", &east, NULL), 0);
    static const struct {
        const char *at;
        bool is_night, is_weekend;
    } cases[] = {
        {"2026-07-31T21:59:00Z", false, false}, /* a Friday */
        {"2026-07-31T22:00:00Z", true, false},  {"2026-08-01T06:59:00Z", true, true},
        {"2026-08-01T07:00:00Z", false, true},  {"2026-08-01T23:00:00Z", false, true},
        {"2026-08-03T01:00:00Z", false, false}, /* Sunday's night does not begin on Sunday */
        {"2026-08-04T01:00:00Z", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(tw_iso_parse(cases[i].at, &at));
        struct tm now = tw_zone_calendar(&utc, at);
        assert_int_equal(tw_quiet_is_now(&night, 1, &now), cases[i].is_night);
        assert_int_equal(tw_quiet_is_now(&weekend, 1, &now), cases[i].is_weekend);
    }
    assert_true(tw_iso_parse("2026-07-31T20:30:00Z", &at));
    struct tm now = tw_zone_calendar(&east, at);
    assert_true(tw_quiet_is_now(&night, 1, &now));
    static const char *const wrong[] = {"",
                                        "22:00",
                                        "22:00-22:00",
                                        "25:00-07:00",
                                        "no 22:00-07:00",
                                        "mon- 22:00-07:00",
                                        "22:00-07:00 mon",
                                        "22-7"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tw_quiet_parse(wrong[i], &night, NULL), -EINVAL);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_batch_is_there_as_a_whole_or_not_at_all),
        STORE_TEST(a_damaged_line_does_not_hide_the_others),
        STORE_TEST(the_file_does_not_grow_for_ever),
        STORE_TEST(one_process_alone_notifies),
        cmocka_unit_test(quiet_hours_are_those_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
