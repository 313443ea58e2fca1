/* The file of dead letters: its lines stay whole, and no offset is committed before they are
 * durable.
 */
#include "agent/dead_letter_topic.h"
#include "agent/dead_letters.h"

#include "tests/unit/temporary_directory.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int syncs;

int fdatasync(int file)
{
    (void)file;
    syncs++;
    return 0;
}

static int set_up(void **state)
{
    *state = make_directory();
    syncs = 0;
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    remove_directory(*state);
    return 0;
}

static FILE *open_file(const char *dir, const char *mode)
{
    char path[200];
    snprintf(path, sizeof path, "%s/telemetry.jsonl", dir);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void a_torn_line_takes_no_letter_along(void **state)
{
    char line[1000];
    FILE *file = open_file(*state, "w");
    fputs("{\"time\":\"20", file); /* a full disk took so much */
    fclose(file);
    assert_int_equal(tw_dead_letter(*state, "t 0", "no record", "{", 1, NULL), 0);
    assert_int_equal(tw_dead_letter(*state, "t 1", "no record", "{", 1, NULL), 0);
    file = open_file(*state, "r");
    assert_non_null(fgets(line, sizeof line, file));
    for (int i = 0; i < 2; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        json_t *letter = json_loads(line, 0, NULL);
        assert_non_null(letter);
        json_decref(letter);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

/* Of a broker that librdkafka plays: the letter is larger than the topic takes. */
static void a_letter_in_the_file_is_durable_before_its_offset_is_committed(void **state)
{
    struct tw_dead_letter_topic *topic;
    struct tw_error error = {0};
    char property[] = "test.mock.num.brokers=1", *at[] = {property};
    const struct tw_texts properties = {.at = at, .n = 1};
    const size_t size = 9 << 20;
    char *data = calloc(1, size);
    const struct tw_dead_letter letter = {
        .topic = "t", .reason = "no record", .data = data, .n_data = size};
    assert_int_equal(
        tw_dead_letter_topic_open(&topic, "127.0.0.1:1", &properties, "p", *state, &error), 0);
    assert_int_equal(tw_dead_letter_topic_put(topic, &letter, &error), 0);
    assert_int_equal(tw_dead_letter_topic_flush(topic, 10, &error), 0);
    assert_int_equal(syncs, 1);
    assert_int_equal(tw_dead_letter_topic_flush(topic, 10, &error), 0);
    assert_int_equal(syncs, 1);
    tw_dead_letter_topic_close(topic);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_torn_line_takes_no_letter_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_letter_in_the_file_is_durable_before_its_offset_is_committed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
