/* The delivery loop, with a sink that follows a script. */
#include "config.h"

#include "sinks/delivery.h"
#include "sinks/backoff.h"
#include "temporary_directory.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

/* What the scripted sink does, and what it saw. A document is a number; the script has a string of
 * outcomes for each: 'd'one, 'r'etry, 'p'oison, the last one for ever. */
struct script {
    pthread_mutex_t lock;
    const char *outcomes[32];
    size_t tries[32];
    char seen[1024]; /* "0 1 2|1|" : each deliver() ends in a bar */
    int is_blocking; /* deliver() waits for interrupt() */
};

struct script_config {
    struct script *script;
};

static int script_open(void **ret, const void *config, struct tw_error *error)
{
    (void)error;
    *ret = ((const struct script_config *)config)->script;
    return 0;
}

static void script_close(void *sink)
{
    (void)sink;
}

static void script_interrupt(void *sink)
{
    struct script *script = sink;
    __atomic_store_n(&script->is_blocking, 0, __ATOMIC_RELAXED);
}

static void script_deliver(void *sink, const struct tw_sink_item *items, size_t n,
                           struct tw_sink_result *results)
{
    struct script *script = sink;
    while (__atomic_load_n(&script->is_blocking, __ATOMIC_RELAXED))
        usleep(1000);
    pthread_mutex_lock(&script->lock);
    for (size_t i = 0; i < n; i++) {
        unsigned number = (unsigned)atoi(items[i].document);
        const char *outcomes = script->outcomes[number] ? script->outcomes[number] : "d";
        size_t try = script->tries[number]++;
        char outcome = outcomes[try < strlen(outcomes) ? try : strlen(outcomes) - 1];
        size_t length = strlen(script->seen);
        snprintf(script->seen + length, sizeof script->seen - length, "%s%u%s", i ? " " : "",
                 number, i + 1 < n ? "" : "|");
        results[i].outcome = outcome == 'd'   ? TW_OUTCOME_DONE
                             : outcome == 'r' ? TW_OUTCOME_RETRY
                                              : TW_OUTCOME_POISON;
        snprintf(results[i].reason, TW_REASON_MAX, "because of %u", number);
    }
    pthread_mutex_unlock(&script->lock);
}

static const struct tw_sink script_sink = {
    .name = "script",
    .description = "follows a script",
    .config_size = sizeof(struct script_config),
    .batch_max = 4,
    .open = script_open,
    .deliver = script_deliver,
    .interrupt = script_interrupt,
    .close = script_close,
};

struct bench {
    char *dir;
    char dead[128];
    struct script script;
    struct script_config config;
    struct tw_delivery_options options;
    pthread_mutex_t lock;
    char told[2048]; /* what log_line() was told */
};

static void keep_line(void *closure, char level, const char *text)
{
    struct bench *bench = closure;
    pthread_mutex_lock(&bench->lock);
    size_t length = strlen(bench->told);
    snprintf(bench->told + length, sizeof bench->told - length, "%c %s\n", level, text);
    pthread_mutex_unlock(&bench->lock);
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->dir = make_directory();
    snprintf(bench->dead, sizeof bench->dead, "%s/dead", bench->dir);
    pthread_mutex_init(&bench->lock, NULL);
    pthread_mutex_init(&bench->script.lock, NULL);
    bench->config.script = &bench->script;
    bench->options = (struct tw_delivery_options){.name = "script",
                                                  .sink = &script_sink,
                                                  .config = &bench->config,
                                                  .log = {.dir = bench->dir},
                                                  .dead_letter_dir = bench->dead,
                                                  .backoff_first = 0.01,
                                                  .backoff_max = 0.02,
                                                  .log_line = keep_line,
                                                  .closure = bench};
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    remove_directory(bench->dir);
    free(bench);
    return 0;
}

static void append(const struct bench *bench, unsigned first, unsigned last)
{
    struct tw_log *log;
    char number[16];
    assert_int_equal(tw_log_open(&log, &bench->options.log, NULL), 0);
    for (unsigned i = first; i <= last; i++) {
        snprintf(number, sizeof number, "%u", i);
        assert_int_equal(tw_log_append(log, number, "run", number, NULL), 0);
    }
    assert_int_equal(tw_log_flush(log, 1, NULL), 0);
    tw_log_close(log);
}

static struct tw_delivery *start(struct bench *bench)
{
    struct tw_delivery *delivery = NULL;
    struct tw_error error = {0};
    if (tw_delivery_start(&delivery, &bench->options, &error))
        fail_msg("%s", error.text);
    return delivery;
}

/* Waits until the sink has seen `expected`, up to 10 s. */
static void wait_until_seen(struct bench *bench, const char *expected)
{
    char seen[1024] = "";
    for (int i = 0; i < 1000 && strcmp(seen, expected); i++) {
        pthread_mutex_lock(&bench->script.lock);
        strcpy(seen, bench->script.seen);
        pthread_mutex_unlock(&bench->script.lock);
        usleep(10000);
    }
    assert_string_equal(seen, expected);
}

static void wait_until_told(struct bench *bench, const char *part)
{
    bool is_told = false;
    for (int i = 0; i < 1000 && !is_told; i++) {
        pthread_mutex_lock(&bench->lock);
        is_told = strstr(bench->told, part);
        pthread_mutex_unlock(&bench->lock);
        usleep(10000);
    }
    assert_true(is_told);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The dead letters, one parsed line after the other; NULL behind the last. */
static json_t *dead_letter(const struct bench *bench, size_t index)
{
    char path[160], line[1024];
    snprintf(path, sizeof path, "%s/script.jsonl", bench->dead);
    FILE *stream = fopen(path, "r");
    json_t *letter = NULL;
    for (size_t i = 0; stream && i <= index; i++) {
        json_decref(letter);
        letter = fgets(line, sizeof line, stream) ? json_loads(line, 0, NULL) : NULL;
    }
    if (stream)
        fclose(stream);
    return letter;
}

static void what_is_in_the_log_is_delivered_once_and_in_order(void **state)
{
    struct bench *bench = *state;
    append(bench, 0, 5);
    assert_int_equal(tw_delivery_stop(start(bench), 5), 0);
    wait_until_seen(bench, "0 1 2 3|4 5|");
    append(bench, 6, 6);
    assert_int_equal(tw_delivery_stop(start(bench), 5), 0); /* from the cursor on */
    wait_until_seen(bench, "0 1 2 3|4 5|6|");
}

static void only_what_is_to_be_retried_is_delivered_again(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[1] = "rrd";
    bench->script.outcomes[3] = "rd";
    append(bench, 0, 4);
    struct tw_delivery *delivery = start(bench);
    wait_until_seen(bench, "0 1 2 3|1 3|1|4|");
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
}

static void poison_goes_to_the_dead_letters_and_the_rest_goes_on(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[2] = "p";
    append(bench, 0, 4);
    struct tw_delivery *delivery = start(bench);
    wait_until_seen(bench, "0 1 2 3|4|");
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
    json_t *letter = dead_letter(bench, 0);
    assert_string_equal(json_string_value(json_object_get(letter, "sink")), "script");
    assert_string_equal(json_string_value(json_object_get(letter, "reason")), "because of 2");
    assert_string_equal(json_string_value(json_object_get(letter, "position")), "byte 4");
    assert_int_equal(json_integer_value(json_object_get(letter, "document")), 2);
    assert_non_null(json_object_get(letter, "time"));
    json_decref(letter);
    assert_null(dead_letter(bench, 1));
}

static void the_cursor_waits_for_the_whole_batch(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[1] = "r";
    append(bench, 0, 2);
    struct tw_delivery *delivery = start(bench);
    wait_until_told(bench, "because of 1");
    assert_int_equal(tw_delivery_stop(delivery, 0.05), -ETIMEDOUT);
    /* As after kill -9: a new process finds all three again. */
    bench->script.outcomes[1] = "d";
    bench->script.seen[0] = '\0';
    assert_int_equal(tw_delivery_stop(start(bench), 5), 0);
    wait_until_seen(bench, "0 1 2|");
}

static void a_stop_interrupts_a_long_back_off_and_tries_once_more(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[0] = "rd";
    bench->options.backoff_first = bench->options.backoff_max = 60;
    append(bench, 0, 0);
    struct tw_delivery *delivery = start(bench);
    wait_until_seen(bench, "0|");
    double before = seconds();
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
    assert_true(seconds() - before < 2);
    wait_until_seen(bench, "0|0|");
}

static void a_drain_ends_in_its_time_while_the_far_end_is_away(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[0] = "r";
    append(bench, 0, 0);
    struct tw_delivery *delivery = start(bench);
    double before = seconds();
    assert_int_equal(tw_delivery_stop(delivery, 0.3), -ETIMEDOUT);
    assert_true(seconds() - before < 1.5);
}

static void a_delivery_that_hangs_is_interrupted_at_the_drains_end(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[0] = "r";
    bench->script.is_blocking = 1;
    append(bench, 0, 0);
    struct tw_delivery *delivery = start(bench);
    assert_int_equal(tw_delivery_stop(delivery, 0.3), -ETIMEDOUT);
    assert_int_equal(bench->script.is_blocking, 0);
}

static void counts_tell_what_happened(void **state)
{
    struct bench *bench = *state;
    struct tw_delivery_counts counts = {0};
    bench->script.outcomes[0] = "rd";
    bench->script.outcomes[1] = "p";
    append(bench, 0, 3);
    struct tw_delivery *delivery = start(bench);
    wait_until_seen(bench, "0 1 2 3|0|");
    for (int i = 0; i < 1000 && (counts.lag != 0 || counts.delivered < 3); i++) {
        tw_delivery_counts(delivery, &counts);
        usleep(10000);
    }
    assert_int_equal(counts.delivered, 3);
    assert_int_equal(counts.retried, 1);
    assert_int_equal(counts.poisoned, 1);
    assert_int_equal(counts.lag, 0);
    assert_string_equal(counts.last_error, ""); /* it delivers again */
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
}

static void a_failure_and_its_end_are_told_once_each(void **state)
{
    struct bench *bench = *state;
    bench->script.outcomes[0] = "rrrrd";
    append(bench, 0, 0);
    struct tw_delivery *delivery = start(bench);
    wait_until_seen(bench, "0|0|0|0|0|");
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
    assert_string_equal(bench->told, "w script: because of 0; will try again\n"
                                     "i script: delivers again\n");
}

static void a_cursor_that_can_be_saved_again_ends_the_failure(void **state)
{
    struct bench *bench = *state;
    struct tw_delivery_counts counts;
    char in_the_way[160];
    struct tw_delivery *delivery = start(bench);
    snprintf(in_the_way, sizeof in_the_way, "%s/cursors/.script.new", bench->dir);
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    append(bench, 0, 0);
    wait_until_told(bench, "w script: ");
    assert_int_equal(rmdir(in_the_way), 0);
    wait_until_told(bench, "i script: delivers again");
    tw_delivery_counts(delivery, &counts);
    assert_string_equal(counts.last_error, "");
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
}

static void documents_that_come_later_are_delivered_without_a_restart(void **state)
{
    struct bench *bench = *state;
    struct tw_delivery *delivery = start(bench);
    append(bench, 0, 0);
    wait_until_seen(bench, "0|");
    append(bench, 1, 1);
    wait_until_seen(bench, "0|1|");
    assert_int_equal(tw_delivery_stop(delivery, 5), 0);
}

static void waits_double_up_to_the_ceiling_within_a_fifth_either_way(void **state)
{
    (void)state;
    static const double expected[] = {1, 2, 4, 8, 16, 32, 60, 60};
    bool is_spread = false;
    for (uint64_t seed = 1; seed < 100; seed++) {
        struct tw_backoff backoff = {.first = 1, .max = 60, .random = seed * 7919};
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            double wait = tw_backoff_next(&backoff);
            assert_true(wait >= 0.8 * expected[i] && wait <= 1.2 * expected[i]);
            is_spread |= wait > 1.1 * expected[i];
        }
        tw_backoff_reset(&backoff);
        assert_true(tw_backoff_next(&backoff) <= 1.2);
    }
    assert_true(is_spread);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_in_the_log_is_delivered_once_and_in_order),
        TEST(only_what_is_to_be_retried_is_delivered_again),
        TEST(poison_goes_to_the_dead_letters_and_the_rest_goes_on),
        TEST(the_cursor_waits_for_the_whole_batch),
        TEST(a_stop_interrupts_a_long_back_off_and_tries_once_more),
        TEST(a_drain_ends_in_its_time_while_the_far_end_is_away),
        TEST(a_delivery_that_hangs_is_interrupted_at_the_drains_end),
        TEST(counts_tell_what_happened),
        TEST(a_failure_and_its_end_are_told_once_each),
        TEST(a_cursor_that_can_be_saved_again_ends_the_failure),
        TEST(documents_that_come_later_are_delivered_without_a_restart),
        TEST(waits_double_up_to_the_ceiling_within_a_fifth_either_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
