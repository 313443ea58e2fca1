/* However many things are waited for: while the agent is to stop, one bound for all of them. */
#include "agent/feed_wait.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static bool wants_stop;

static bool is_stopping(void)
{
    return wants_stop;
}

static struct tw_config config = {.shutdown_timeout = .8};

static struct tw_feed_services services_of(void)
{
    wants_stop = false;
    return (struct tw_feed_services){.config = &config, .is_stopping = is_stopping};
}

/* A broker that is away for some flushes. */
struct far {
    int times, until; /* asked so often; it is there the `until`th time, 0: never */
    int stop_at;      /* the signal comes the so-manyth time */
    int failure;      /* what it says then */
    double waited;
};

static int flush(void *what, double seconds, struct tw_error *error)
{
    struct far *far = what;
    struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
    far->times++;
    if (far->until && far->times >= far->until)
        return far->failure ? tw_error_at(error, far->failure, "topic", 0, 0, "is gone") : 0;
    far->waited += seconds;
    nanosleep(&pause, NULL);
    wants_stop |= far->times == far->stop_at;
    return tw_error_set(error, -ETIMEDOUT, "not yet");
}

static double far_off(void)
{
    return tw_now_seconds() + 1000;
}

static void while_it_works_a_minute_is_waited(void **state)
{
    struct tw_feed_services services = services_of();
    (void)state;
    assert_float_equal(tw_feed_patience(&services), 60, 0);
    services.is_stopping = NULL;
    assert_float_equal(tw_feed_patience(&services), 60, 0);
}

static void all_waits_of_a_stop_share_three_quarters_of_its_time(void **state)
{
    struct tw_feed_services services = services_of();
    double waited = 0;
    (void)state;
    wants_stop = true;
    for (int i = 0; i < 5; i++) {
        struct far far = {0};
        assert_int_equal(tw_feed_wait(&services, far_off(), flush, &far, NULL), -ETIMEDOUT);
        assert_true(far.times >= 1);
        waited += far.waited;
    }
    assert_true(waited > 0 && waited <= .6 + 1e-3);
    assert_float_equal(tw_feed_patience(&services), 0, 0);
}

static void a_wait_that_was_under_way_is_cut_to_it(void **state)
{
    struct tw_feed_services services = services_of();
    struct far far = {.stop_at = 2};
    struct tw_error error = {0};
    (void)state;
    assert_int_equal(tw_feed_wait(&services, far_off(), flush, &far, &error), -ETIMEDOUT);
    assert_string_equal(error.text, "not yet");
    assert_true(far.waited <= 2 * .5 + .6 + 1e-3);
}

static void what_comes_in_time_is_waited_for(void **state)
{
    struct tw_feed_services services = services_of();
    struct far far = {.until = 3};
    struct tw_error error = {0};
    (void)state;
    assert_int_equal(tw_feed_wait(&services, far_off(), flush, &far, &error), 0);
    assert_int_equal(far.times, 3);
    assert_int_equal(error.code, 0);
    /* Without time it is asked once all the same. */
    struct far near = {.until = 1};
    assert_int_equal(tw_feed_wait(&services, 0, flush, &near, &error), 0);
    assert_int_equal(near.times, 1);
}

static void a_failure_ends_it_with_its_own_words(void **state)
{
    struct tw_feed_services services = services_of();
    struct far far = {.until = 2, .failure = -EIO};
    struct tw_error error = {0};
    (void)state;
    assert_int_equal(tw_feed_wait(&services, far_off(), flush, &far, &error), -EIO);
    assert_string_equal(error.text, "is gone");
    assert_string_equal(error.place, "topic");
    assert_int_equal(far.times, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_it_works_a_minute_is_waited),
        cmocka_unit_test(all_waits_of_a_stop_share_three_quarters_of_its_time),
        cmocka_unit_test(a_wait_that_was_under_way_is_cut_to_it),
        cmocka_unit_test(what_comes_in_time_is_waited_for),
        cmocka_unit_test(a_failure_ends_it_with_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
