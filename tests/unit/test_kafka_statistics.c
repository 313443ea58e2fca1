/* What a consumer's statistics say of silence. The texts are cut from what librdkafka 2.0.2 sends
 * (its STATISTICS.md names the fields). */
#include "sources/kafka_statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PARTITION                                                                                  \
    "\"%d\":{\"partition\":%d,\"leader\":%d,\"fetch_state\":\"%s\",\"next_offset\":%d,"            \
    "\"hi_offset\":%d}"

struct partition {
    int leader;
    const char *state;
    int next, end;
};

/* Broker 1 answered 0.4 s ago, broker 2 has not for 20 s, broker 3 never did, broker 4 is away. */
static bool listens(const struct partition *partitions, int n)
{
    char json[4096];
    int length =
        snprintf(json, sizeof json,
                 "{\"brokers\":{\"a:1/1\":{\"nodeid\":1,\"state\":\"UP\",\"rxidle\":400000},"
                 "\"a:2/2\":{\"nodeid\":2,\"state\":\"UP\",\"rxidle\":20000000},"
                 "\"a:3/3\":{\"nodeid\":3,\"state\":\"UP\",\"rxidle\":-1},"
                 "\"a:4/4\":{\"nodeid\":4,\"state\":\"CONNECT\",\"rxidle\":400000}},"
                 "\"topics\":{\"t\":{\"partitions\":{");
    for (int i = 0; i < n; i++) {
        const struct partition *at = &partitions[i];
        length += snprintf(json + length, sizeof json - (size_t)length, "%s" PARTITION,
                           i ? "," : "", i, i, at->leader, at->state, at->next, at->end);
    }
    length += snprintf(json + length, sizeof json - (size_t)length, "}}}}");
    return tw_kafka_statistics_are_listening(json, (size_t)length, 6);
}

static void silence_is_silence_where_all_was_fetched_from_a_leader_that_answers(void **state)
{
    (void)state;
    assert_true(listens((struct partition[]){{1, "active", 100, 100}}, 1));
    assert_true(listens((struct partition[]){{1, "active", 0, 0}}, 1));
    assert_true(listens((struct partition[]){{1, "active", 100, 100}, {2, "none", 0, -1001}}, 2));
}

static void a_backlog_is_none(void **state)
{
    (void)state;
    assert_false(listens((struct partition[]){{1, "active", 99, 100}}, 1));
    assert_false(listens((struct partition[]){{1, "active", 9, 9}, {1, "active", 8, 9}}, 2));
    assert_false(listens((struct partition[]){{1, "offset-query", 100, 100}}, 1));
    assert_false(listens((struct partition[]){{1, "active", -1001, -1001}}, 1));
}

static void a_leader_that_is_away_is_none(void **state)
{
    (void)state;
    for (int leader = 2; leader <= 5; leader++)
        assert_false(listens((struct partition[]){{leader, "active", 100, 100}}, 1));
    assert_false(listens((struct partition[]){{1, "active", 9, 9}, {2, "active", 9, 9}}, 2));
}

static void without_a_partition_nothing_is_heard(void **state)
{
    (void)state;
    assert_false(listens(NULL, 0));
    assert_false(listens((struct partition[]){{1, "none", 0, 0}, {1, "stopped", 5, 5}}, 2));
    assert_false(tw_kafka_statistics_are_listening("{", 1, 6));
    assert_false(tw_kafka_statistics_are_listening("[]", 2, 6));
    assert_false(tw_kafka_statistics_are_listening("", 0, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_silence_where_all_was_fetched_from_a_leader_that_answers),
        cmocka_unit_test(a_backlog_is_none),
        cmocka_unit_test(a_leader_that_is_away_is_none),
        cmocka_unit_test(without_a_partition_nothing_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
