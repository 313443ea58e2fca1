/* What the metrics say, and that they hold under readers. */
#include "agent/http_server.h"
#include "agent/metrics.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *text_of(struct tw_metrics *metrics)
{
    size_t size;
    char *text = tw_metrics_text(metrics, &size);
    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    return text;
}

static void assert_line(struct tw_metrics *metrics, const char *line, bool is_there)
{
    char *text = text_of(metrics);
    char whole[400];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole) != !is_there)
        fail_msg("'%s' in\n%s", line, text);
    free(text);
}

static void counters_go_on_from_life_to_life(void **state)
{
    struct tw_metrics *metrics;
    (void)state;
    assert_int_equal(tw_metrics_open(&metrics, NULL), 0);
    struct tw_source_figures *source = tw_metrics_source(metrics, "kafka", "telemetry");
    source->records = 7;
    source->runs = 3;
    tw_metrics_publish(metrics);
    assert_line(metrics, "trainward_records_total{source=\"kafka:telemetry\"} 7", true);
    tw_metrics_begin_life(metrics, "starting again");
    tw_metrics_publish(metrics);
    assert_line(metrics, "trainward_records_total{source=\"kafka:telemetry\"} 7", false);
    assert_ptr_equal(tw_metrics_source(metrics, "kafka", "telemetry"), source);
    source->records++;
    tw_metrics_publish(metrics);
    assert_line(metrics, "trainward_records_total{source=\"kafka:telemetry\"} 8", true);
    assert_line(metrics, "trainward_runs{source=\"kafka:telemetry\"} 0", true);
    tw_metrics_close(metrics);
}

static void a_label_is_escaped_and_utf8(void **state)
{
    struct tw_metrics *metrics;
    char path[900];
    (void)state;
    assert_int_equal(tw_metrics_open(&metrics, NULL), 0);
    tw_metrics_source(metrics, "directory", "/a\"b\\c\nd\xff");
    memset(path, '\xfe', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    tw_metrics_source(metrics, "directory", path);
    tw_metrics_publish(metrics);
    assert_line(metrics, "trainward_runs{source=\"directory:/a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 0",
                true);
    char *text = text_of(metrics);
    json_t *valid = json_string(text); /* NULL unless it is UTF-8 */
    assert_non_null(valid);
    json_decref(valid);
    free(text);
    tw_metrics_close(metrics);
}

static void what_is_not_known_is_left_out(void **state)
{
    struct tw_metrics *metrics;
    (void)state;
    assert_int_equal(tw_metrics_open(&metrics, NULL), 0);
    struct tw_source_figures *source = tw_metrics_source(metrics, "kafka", "t");
    assert_true(tw_metrics_partitions(source, 2));
    source->partitions[0] = (struct tw_partition_figures){.number = 4, .lag = 12, .runs = 5};
    source->partitions[1] = (struct tw_partition_figures){.number = 6, .lag = -1};
    tw_metrics_publish(metrics);
    assert_line(metrics, "trainward_consumer_lag_messages{source=\"kafka:t\",partition=\"4\"} 12",
                true);
    assert_line(metrics, "trainward_consumer_lag_messages{source=\"kafka:t\",partition=\"6\"} -1",
                false);
    assert_line(metrics, "trainward_partition_runs{source=\"kafka:t\",partition=\"6\"} 0", true);
    tw_metrics_close(metrics);
}

static struct tw_shown_episode shown(int rank, int64_t detected_ms)
{
    return (struct tw_shown_episode){
        .run = "r", .detector = "d", .severity = "s", .rank = rank, .detected_ms = detected_ms};
}

static void the_gravest_and_newest_episodes_are_shown(void **state)
{
    struct tw_figures figures = {0};
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct tw_shown_episode episode = shown(i % 3, i * 7919 % 300);
        tw_metrics_show_episode(&figures, &episode);
    }
    assert_int_equal(figures.n_open, 300);
    assert_int_equal(figures.n_episodes, TW_METRICS_EPISODES_MAX);
    /* 100 are critical; of these the 50 that were detected last, the newest first. */
    for (size_t i = 0; i < figures.n_episodes; i++) {
        assert_int_equal(figures.episodes[i].rank, 2);
        if (i)
            assert_true(figures.episodes[i].detected_ms < figures.episodes[i - 1].detected_ms);
    }
    int newer = 0;
    for (int i = 2; i < 300; i += 3)
        newer += i * 7919 % 300 > figures.episodes[figures.n_episodes - 1].detected_ms;
    assert_int_equal(newer, TW_METRICS_EPISODES_MAX - 1);
}

struct reading {
    struct tw_metrics *metrics;
    atomic_bool is_over;
    atomic_int texts;
};

static void *read_on(void *closure)
{
    struct reading *reading = closure;
    while (!reading->is_over) {
        size_t size;
        char *text = tw_metrics_text(reading->metrics, &size);
        uint64_t a = 0, b = 1;
        const char *at = text ? strstr(text, "\ntrainward_records_total{") : NULL;
        const char *also = text ? strstr(text, "\ntrainward_snapshots_total{") : NULL;
        if (at && also) {
            a = strtoull(strchr(at, '}') + 1, NULL, 10);
            b = strtoull(strchr(also, '}') + 1, NULL, 10);
            assert_int_equal(a, b);
            reading->texts++;
        }
        free(text);
    }
    return NULL;
}

/* A publication is whole: what the daemon set between two of them is never seen. */
static void a_reader_sees_one_publication_at_a_time(void **state)
{
    struct reading reading = {0};
    pthread_t reader;
    (void)state;
    assert_int_equal(tw_metrics_open(&reading.metrics, NULL), 0);
    struct tw_source_figures *source = tw_metrics_source(reading.metrics, "kafka", "t");
    assert_int_equal(pthread_create(&reader, NULL, read_on, &reading), 0);
    for (int i = 0; reading.texts < 200; i++) {
        source->records++;
        tw_metrics_partitions(source, (size_t)i % 50);
        source->snapshots++;
        tw_metrics_publish(reading.metrics);
    }
    reading.is_over = true;
    pthread_join(reader, NULL);
    tw_metrics_close(reading.metrics);
}

static void readiness_comes_with_its_reason(void **state)
{
    struct tw_metrics *metrics;
    char reason[300];
    (void)state;
    assert_int_equal(tw_metrics_open(&metrics, NULL), 0);
    assert_false(tw_metrics_is_ready(metrics, reason, sizeof reason));
    assert_string_equal(reason, "starting");
    tw_metrics_now(metrics)->is_ready = 1;
    assert_false(tw_metrics_is_ready(metrics, reason, sizeof reason));
    tw_metrics_publish(metrics);
    assert_true(tw_metrics_is_ready(metrics, reason, sizeof reason));
    tw_metrics_close(metrics);
}

static void an_address_to_listen_on_is_taken_apart(void **state)
{
    static const struct {
        const char *listen, *host;
        unsigned port;
    } good[] = {{"127.0.0.1:9464", "127.0.0.1", 9464},
                {"[::1]:0", "::1", 0},
                {"localhost:65535", "localhost", 65535}};
    static const char *const bad[] = {
        "",         "9464",  ":9464", "localhost",     "a:",   "a:b",  "a:65536", "a:1 ",
        "::1:9464", "[::1]", "[]:1",  "http://a:9464", "a:-1", "a:+1", "[::1:1"};
    char host[256];
    unsigned port;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(tw_http_split(good[i].listen, host, sizeof host, &port), 0);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (tw_http_split(bad[i], host, sizeof host, &port) == 0)
            fail_msg("'%s' is taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_go_on_from_life_to_life),
        cmocka_unit_test(a_label_is_escaped_and_utf8),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(the_gravest_and_newest_episodes_are_shown),
        cmocka_unit_test(a_reader_sees_one_publication_at_a_time),
        cmocka_unit_test(readiness_comes_with_its_reason),
        cmocka_unit_test(an_address_to_listen_on_is_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
