/* The _bulk body and the reading of its answers. */
#include "sinks/elasticsearch_bulk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char episode[] =
    "{\"@timestamp\":\"2026-07-31T23:59:59.999Z\","
    "\"event\":{\"id\":\"ce74a43a03145a57e1cc872880377fd5\",\"action\":\"opened\"},"
    "\"trainward\":{\"kind\":\"episode\",\"run\":{\"id\":\"exp7\"},"
    "\"episode_id\":\"0b7bc258f9fd8d14de511a58d1f9ad10\",\"transition\":4}}";
static const char run[] = "{\"@timestamp\":\"2026-08-01T00:00:00.000Z\","
                          "\"event\":{\"id\":\"a092efcdcd88e233b2c257a01d31d275\"},"
                          "\"trainward\":{\"kind\":\"run\",\"run\":{\"id\":\"exp7\","
                          "\"attempt\":\"a1\"},\"transition\":0}}";

static char *body_of(const char *text)
{
    struct tw_document document;
    char reason[128], *body = NULL;
    size_t size;
    assert_true(tw_document_parse(&document, text, strlen(text), reason, sizeof reason));
    FILE *stream = open_memstream(&body, &size);
    assert_int_equal(tw_bulk_add(stream, "trainward", &document, text, strlen(text)), 0);
    fclose(stream);
    tw_document_release(&document);
    return body;
}

static void an_episode_is_created_in_its_own_month_and_its_state_kept_by_version(void **state)
{
    (void)state;
    char *body = body_of(episode), expected[2048];
    snprintf(expected, sizeof expected,
             "{\"create\":{\"_index\":\"trainward-advisories-2026.07\","
             "\"_id\":\"ce74a43a03145a57e1cc872880377fd5\"}}\n%s\n"
             "{\"index\":{\"_index\":\"trainward-runs\","
             "\"_id\":\"0b7bc258f9fd8d14de511a58d1f9ad10\",\"version\":5,"
             "\"version_type\":\"external_gte\"}}\n%s\n",
             episode, episode);
    assert_string_equal(body, expected);
    free(body);
}

static void a_runs_state_is_kept_by_the_attempts_id(void **state)
{
    (void)state;
    char *body = body_of(run);
    assert_non_null(strstr(body, "\"_index\":\"trainward-advisories-2026.08\""));
    /* printf 'run\0exp7\0a1' | sha256sum */
    assert_non_null(
        strstr(body, "\"_id\":\"49924b55c99cf80b8f921324339e3b99\",\"version\":1073741824,"));
    free(body);
}

static void a_chart_goes_into_the_data_stream_and_is_no_state(void **state)
{
    (void)state;
    static const char chart[] = "{\"@timestamp\":\"2026-08-01T00:00:00.000Z\","
                                "\"event\":{\"id\":\"a092efcdcd88e233b2c257a01d31d275\"},"
                                "\"trainward\":{\"kind\":\"chart\",\"run\":{\"id\":\"exp7\"}}}";
    char *body = body_of(chart), expected[1024];
    snprintf(expected, sizeof expected,
             "{\"create\":{\"_index\":\"trainward-charts\","
             "\"_id\":\"a092efcdcd88e233b2c257a01d31d275\"}}\n%s\n",
             chart);
    assert_string_equal(body, expected);
    free(body);
}

/* The version of a run's state, in the order in which the documents were told. */
static uint64_t version_of(unsigned transition, unsigned sequence)
{
    char text[512], running[64] = "";
    if (sequence)
        snprintf(running, sizeof running, ",\"sequence\":%u", sequence);
    snprintf(text, sizeof text,
             "{\"@timestamp\":\"2026-08-01T00:00:00.000Z\","
             "\"event\":{\"id\":\"a092efcdcd88e233b2c257a01d31d275\"},\"trainward\":{"
             "\"kind\":\"run\",\"run\":{\"id\":\"exp7\"},\"transition\":%u%s}}",
             transition, running);
    char *body = body_of(text);
    assert_int_equal(strstr(body, "\"create\"") == NULL, sequence > 0);
    const char *version = strstr(body, "\"version\":");
    assert_non_null(version);
    uint64_t number = strtoull(version + strlen("\"version\":"), NULL, 10);
    free(body);
    return number;
}

static void a_run_that_goes_on_is_behind_its_next_end_and_ahead_of_the_one_before(void **state)
{
    (void)state;
    assert_true(version_of(0, 1) >= 1);
    assert_true(version_of(0, 1) < version_of(0, 2));
    assert_true(version_of(0, TW_DOCUMENT_SEQUENCE_MAX) < version_of(0, 0));
    assert_true(version_of(0, 0) < version_of(1, 1));
    assert_true(version_of(1, 1) < version_of(1, 0));
    /* What a cluster takes: a positive 64-bit number. */
    assert_true(version_of(UINT32_MAX - 1, 0) <= INT64_MAX);
}

/* Reads `answer` for `n` documents; the outcomes as letters d, r, p. NULL: not a whole answer. */
static const char *outcomes(const char *answer, size_t n, struct tw_sink_result *results)
{
    static char letters[16];
    static const size_t two[] = {2, 2, 2, 2, 2};
    char reason[TW_REASON_MAX] = "";
    if (!tw_bulk_read_answer(answer, strlen(answer), n, two, results, reason)) {
        assert_string_not_equal(reason, "");
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        letters[i] = results[i].outcome == TW_OUTCOME_DONE    ? 'd'
                     : results[i].outcome == TW_OUTCOME_RETRY ? 'r'
                                                              : 'p';
    letters[n] = '\0';
    return letters;
}

#define OK "{\"create\":{\"status\":201}},{\"index\":{\"status\":200}}"

/* The shapes of errors below are those that OpenSearch 2.19 and Elasticsearch 8 send. */
static void each_item_has_its_own_outcome(void **state)
{
    (void)state;
    struct tw_sink_result results[5];
    assert_string_equal(
        outcomes(
            "{\"errors\":true,\"items\":[" OK ","
            "{\"create\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\","
            "\"reason\":\"[1]: version conflict, document already exists\"}}},"
            "{\"index\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\","
            "\"reason\":\"current version [3] is higher than the one provided [2]\"}}},"
            "{\"create\":{\"status\":429,\"error\":{\"type\":\"es_rejected_execution_exception\","
            "\"reason\":\"rejected execution\"}}},{\"index\":{\"status\":200}},"
            "{\"create\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\","
            "\"reason\":\"failed to parse field [trainward.step]\"}}},{\"index\":{\"status\":400,"
            "\"error\":{\"type\":\"mapper_parsing_exception\",\"reason\":\"failed to parse\"}}}," OK
            "]}",
            5, results),
        "ddrpd");
    assert_string_equal(results[3].reason, "HTTP status 400, mapper_parsing_exception: failed to "
                                           "parse field [trainward.step]");
    assert_non_null(strstr(results[2].reason, "429"));
}

static void an_item_is_done_only_when_both_its_operations_are(void **state)
{
    (void)state;
    struct tw_sink_result results[2];
    assert_string_equal(outcomes("{\"errors\":true,\"items\":["
                                 "{\"create\":{\"status\":201}},{\"index\":{\"status\":503}},"
                                 "{\"create\":{\"status\":400}},{\"index\":{\"status\":503}}]}",
                                 2, results),
                        "rr");
}

static void trouble_of_the_cluster_is_not_the_documents_fault(void **state)
{
    (void)state;
    static const char *const errors[] = {
        "403,\"error\":{\"type\":\"cluster_block_exception\",\"reason\":\"index blocked\"}",
        "403,\"error\":{\"type\":\"security_exception\",\"reason\":\"action is unauthorized\"}",
        "401,\"error\":{\"type\":\"security_exception\",\"reason\":\"missing\"}",
        "404,\"error\":{\"type\":\"index_not_found_exception\",\"reason\":\"no such index\"}",
        "400,\"error\":{\"type\":\"validation_exception\",\"reason\":\"this action would add [2] "
        "shards, but this cluster currently has [1000]/[1000] maximum normal shards open;\"}",
        "500,\"error\":\"broken\"",
    };
    struct tw_sink_result result;
    char answer[512];
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        snprintf(answer, sizeof answer,
                 "{\"items\":[{\"create\":{\"status\":%s}},{\"index\":{\"status\":200}}]}",
                 errors[i]);
        assert_string_equal(outcomes(answer, 1, &result), "r");
    }
}

/* What is said of the whole decides nothing. */
static void an_item_that_failed_counts_whatever_the_whole_says(void **state)
{
    (void)state;
    struct tw_sink_result results[2];
    assert_string_equal(outcomes("{\"errors\":false,\"items\":[" OK
                                 ",{\"create\":{\"status\":400}},{\"index\":{\"status\":503}}]}",
                                 2, results),
                        "dr");
    assert_string_equal(outcomes("{ \"errors\": true, \"items\": [" OK "] }", 1, results), "d");
}

static void an_answer_that_is_cut_short_is_no_answer(void **state)
{
    (void)state;
    struct tw_sink_result results[2];
    const char *whole = "{\"errors\":false,\"items\":[" OK "]}";
    char cut[256];
    assert_string_equal(outcomes(whole, 1, results), "d");
    for (size_t n = 0; n < strlen(whole); n++) {
        snprintf(cut, sizeof cut, "%.*s", (int)n, whole);
        assert_null(outcomes(cut, 1, results));
    }
}

static void an_answer_with_another_number_of_items_is_no_answer(void **state)
{
    (void)state;
    struct tw_sink_result results[2];
    assert_null(outcomes("{\"items\":[" OK "]}", 2, results));
    assert_null(outcomes("{\"errors\":false,\"items\":[" OK "]}", 2, results));
    assert_null(outcomes("{\"errors\":false,\"items\":[" OK "," OK "]}", 1, results));
    assert_null(outcomes("{\"items\":[" OK "," OK "]}", 1, results));
    assert_null(outcomes("{\"items\":{}}", 1, results));
    assert_null(outcomes("{}", 1, results));
    assert_null(outcomes("{\"items\":[1,2]}", 1, results));
    assert_null(
        outcomes("{\"items\":[{\"create\":{}},{\"index\":{\"status\":\"201\"}}]}", 1, results));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_episode_is_created_in_its_own_month_and_its_state_kept_by_version),
        cmocka_unit_test(a_runs_state_is_kept_by_the_attempts_id),
        cmocka_unit_test(a_chart_goes_into_the_data_stream_and_is_no_state),
        cmocka_unit_test(a_run_that_goes_on_is_behind_its_next_end_and_ahead_of_the_one_before),
        cmocka_unit_test(each_item_has_its_own_outcome),
        cmocka_unit_test(an_item_is_done_only_when_both_its_operations_are),
        cmocka_unit_test(trouble_of_the_cluster_is_not_the_documents_fault),
        cmocka_unit_test(an_item_that_failed_counts_whatever_the_whole_says),
        cmocka_unit_test(an_answer_that_is_cut_short_is_no_answer),
        cmocka_unit_test(an_answer_with_another_number_of_items_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
