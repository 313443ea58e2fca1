/* What a server has, compared with what setup wants, in the forms in which servers answer. */
#include "sinks/elasticsearch_objects.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *difference(const char *wanted_text, const char *existing_text)
{
    static char path[160];
    json_t *wanted = json_loads(wanted_text, JSON_DECODE_ANY, NULL);
    json_t *existing = json_loads(existing_text, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    assert_non_null(existing);
    const char *found = tw_object_difference(wanted, existing, path, sizeof path);
    json_decref(wanted);
    json_decref(existing);
    return found;
}

static void what_servers_rewrite_is_no_difference(void **state)
{
    (void)state;
    /* GET _index_template of Elasticsearch 8.19 and OpenSearch 2.19 answers so. */
    assert_null(
        difference("{\"number_of_shards\":1,\"index.lifecycle.name\":\"p\"}",
                   "{\"index\":{\"number_of_shards\":\"1\",\"lifecycle\":{\"name\":\"p\"}}}"));
    assert_null(difference("{\"dynamic\":false}", "{\"dynamic\":\"false\",\"more\":1}"));
    assert_null(difference("{\"data_stream\":{}}",
                           "{\"data_stream\":{\"hidden\":false,\"timestamp_field\":{}}}"));
    assert_null(difference("{\"delete\":{\"actions\":{\"delete\":{}}}}",
                           "{\"delete\":{\"actions\":{\"delete\":{\"delete_searchable_snapshot\":"
                           "true}}}}"));
}

static void a_difference_is_named(void **state)
{
    (void)state;
    assert_string_equal(difference("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":3}}"),
                        "a.c");
    assert_string_equal(difference("{\"a\":{\"b\":\"x\"}}", "{\"a\":{}}"), "a.b");
    assert_string_equal(difference("{\"p\":[\"x\"]}", "{\"p\":[\"y\"]}"), "p.0");
    assert_string_equal(difference("{\"p\":[\"x\"]}", "{\"p\":[\"x\",\"y\"]}"), "p");
    assert_string_equal(difference("{\"p\":{\"q\":1}}", "{\"p\":7}"), "p");
    assert_string_equal(difference("{\"min_age\":\"90d\"}", "{\"min_age\":\"30d\"}"), "min_age");
}

static void a_path_that_is_too_long_is_cut(void **state)
{
    char path[8];
    (void)state;
    json_t *wanted = json_pack("{s:{s:{s:i}}}", "first", "second", "third", 1);
    json_t *existing = json_pack("{s:{s:{s:i}}}", "first", "second", "third", 2);
    assert_string_equal(tw_object_difference(wanted, existing, path, sizeof path), "first.s");
    json_decref(wanted);
    json_decref(existing);
}

static void the_present_states_are_never_deleted(void **state)
{
    (void)state;
    char prefix[] = "tw";
    struct tw_elasticsearch_config config = {
        .index_prefix = prefix, .advisories_retention = 86400, .charts_retention = 3600};
    assert_true(tw_policy_age(&config, TW_KEPT_RUNS) == 0);
    for (int kept = 0; kept < TW_KEPT; kept++) {
        json_t *body = tw_template_body(&config, (enum tw_kept)kept, TW_RETENTION_ILM);
        const json_t *settings = json_object_get(json_object_get(body, "template"), "settings");
        assert_int_equal(json_object_get(settings, "index.lifecycle.name") != NULL,
                         kept != TW_KEPT_RUNS);
        assert_int_equal(json_object_get(body, "data_stream") != NULL, kept == TW_KEPT_CHARTS);
        json_decref(body);
    }
    json_t *policy = tw_policy_body(&config, TW_KEPT_CHARTS, TW_RETENTION_ILM);
    char *text = json_dumps(policy, JSON_COMPACT);
    assert_non_null(strstr(text, "\"delete\":{\"min_age\":\"3600s\""));
    free(text);
    json_decref(policy);
}

static const char *conflict_of(const char *existing)
{
    static char text[80];
    static const char wanted[] =
        "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"keyword\"}}},"
        "\"c\":{\"type\":\"long\"}}}";
    json_t *left = json_loads(wanted, 0, NULL), *right = json_loads(existing, 0, NULL);
    assert_true(left && right);
    const char *found = tw_mapping_conflict(left, right, text, sizeof text);
    json_decref(left);
    json_decref(right);
    return found;
}

static void a_field_of_another_type_is_a_conflict_and_a_missing_one_not(void **state)
{
    (void)state;
    assert_null(conflict_of("{}"));
    assert_null(
        conflict_of("{\"properties\":{\"c\":{\"type\":\"long\"},\"d\":{\"type\":\"text\"}}}"));
    assert_null(conflict_of("{\"dynamic\":\"true\",\"properties\":{\"a\":{\"type\":\"object\"}}}"));
    assert_string_equal(conflict_of("{\"properties\":{\"a\":{\"type\":\"text\"}}}"),
                        "a is text, not object");
    assert_string_equal(
        conflict_of("{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"text\"}}}}}"),
        "a.b is text, not keyword");
    assert_string_equal(conflict_of("{\"properties\":{\"c\":{\"properties\":{}}}}"),
                        "c is object, not long");
}

static const char *stale(double retention, const char *settings)
{
    char prefix[] = "tw";
    struct tw_elasticsearch_config config = {.index_prefix = prefix,
                                             .advisories_retention = retention};
    json_t *wanted = tw_template_body(&config, TW_KEPT_ADVISORIES, TW_RETENTION_ILM);
    json_t *existing =
        json_pack("{s:{s:o}}", "template", "settings", json_loads(settings, 0, NULL));
    assert_non_null(existing);
    const char *found = tw_template_stale_policy(wanted, existing, "tw-advisories");
    json_decref(wanted);
    json_decref(existing);
    return found;
}

static void our_policy_in_a_template_is_stale_once_nothing_is_to_be_deleted(void **state)
{
    static const char answered[] = "{\"index\":{\"lifecycle\":{\"name\":\"tw-advisories\"}}}";
    (void)state;
    assert_string_equal(stale(0, answered), "template.settings.index.lifecycle.name");
    assert_string_equal(stale(0, "{\"index.lifecycle.name\":\"tw-advisories\"}"),
                        "template.settings.index.lifecycle.name");
    assert_null(stale(86400, answered));
    assert_null(stale(0, "{\"index\":{\"lifecycle\":{\"name\":\"their-own\"}}}"));
    assert_null(stale(0, "{\"index\":{\"number_of_shards\":\"1\"}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_servers_rewrite_is_no_difference),
        cmocka_unit_test(a_difference_is_named),
        cmocka_unit_test(a_path_that_is_too_long_is_cut),
        cmocka_unit_test(the_present_states_are_never_deleted),
        cmocka_unit_test(a_field_of_another_type_is_a_conflict_and_a_missing_one_not),
        cmocka_unit_test(our_policy_in_a_template_is_stale_once_nothing_is_to_be_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
