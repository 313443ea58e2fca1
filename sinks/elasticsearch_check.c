/* What would keep documents from arriving: the first trouble, with the remedy. */
#include "sinks/elasticsearch_error.h"
#include "sinks/elasticsearch_objects.h"
#include "sinks/elasticsearch_setup.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define PATH_MAX_LENGTH 400

struct work {
    struct tw_elasticsearch_client *client;
    const struct tw_elasticsearch_config *config;
};

/* A login that may only write is right for an agent: what it may not look at is passed over. */
static int look(const struct work *work, const char *path, json_t **ret, struct tw_error *error)
{
    struct tw_error why = {0};
    json_t *answer = NULL;
    int result = tw_elasticsearch_request(work->client, "GET", path, NULL, &answer, &why);
    if (result) {
        json_decref(answer);
        answer = NULL;
    }
    *ret = answer;
    if (!result || result == -EPERM || result == -ENOENT)
        return result == -ENOENT ? -ENOENT : 0;
    return tw_error_set(error, result, "%s", why.text);
}

/* `*ret`: the health, NULL where the login may not look at it. */
static int find_cluster(const struct work *work, json_t **ret, struct tw_error *error)
{
    int result = look(work, "/_cluster/health", ret, error);
    if (result == -ENOENT || (*ret && !json_string_value(json_object_get(*ret, "status"))))
        return tw_error_set(error, -EPROTO,
                            "%s: this is no Elasticsearch or OpenSearch; check urls",
                            tw_elasticsearch_host(work->client));
    return result;
}

int tw_elasticsearch_find_cluster(struct tw_elasticsearch_client *client, struct tw_error *error)
{
    const struct work work = {.client = client};
    json_t *health;
    int result = find_cluster(&work, &health, error);
    json_decref(health);
    return result;
}

static int check_health(const struct work *work, struct tw_error *error)
{
    json_t *health;
    int result = find_cluster(work, &health, error);
    const char *status = json_string_value(json_object_get(health, "status"));
    if (!result && status && !strcmp(status, "red"))
        result = tw_error_set(error, -EIO,
                              "%s: the cluster's health is red: some data cannot be reached; see "
                              "GET /_cluster/allocation/explain",
                              tw_elasticsearch_host(work->client));
    json_decref(health);
    return result;
}

static int say_missing(const struct work *work, const char *what, const char *name,
                       struct tw_error *error)
{
    return tw_error_set(error, -ENOENT,
                        "%s: the %s '%s' is missing: run trainward setup elasticsearch",
                        tw_elasticsearch_host(work->client), what, name);
}

/* A template that setup has not made leaves the types of the fields to chance. */
static int check_template(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], name[TW_OBJECT_NAME_MAX];
    json_t *answer;
    tw_template_name(name, work->config->index_prefix, kept);
    snprintf(path, sizeof path, "/_index_template/%s", name);
    int result = look(work, path, &answer, error);
    json_decref(answer);
    return result == -ENOENT ? say_missing(work, "index template", name, error) : result;
}

/* ---- indices ---- */

static int check_mapping(const char *index, const json_t *existing, const json_t *wanted,
                         struct tw_error *error)
{
    char difference[160];
    if (tw_mapping_conflict(wanted, existing, difference, sizeof difference))
        return tw_elasticsearch_say_foreign(index, difference, error);
    if (!tw_object_difference(wanted, existing, difference, sizeof difference))
        return 0;
    return tw_error_set(error, -EEXIST,
                        "index %s is not as ours are (%s): run trainward setup elasticsearch",
                        index, difference);
}

static int check_mappings(const struct work *work, enum tw_kept kept, const char *name,
                          const json_t *found, struct tw_error *error)
{
    const char *index;
    json_t *one, *template = tw_template_body(work->config, kept, TW_RETENTION_NONE);
    const json_t *wanted = json_object_get(json_object_get(template, "template"), "mappings");
    int result = 0;
    if (kept == TW_KEPT_CHARTS && json_object_get(found, name))
        result = tw_error_set(error, -EEXIST,
                              "%s is an index and not a data stream: run trainward setup "
                              "elasticsearch, which says what to do",
                              name);
    json_object_foreach((json_t *)(uintptr_t)found, index, one)
    {
        if (!result)
            result = check_mapping(index, json_object_get(one, "mappings"), wanted, error);
    }
    json_decref(template);
    return result;
}

static int check_index(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char path[PATH_MAX_LENGTH], name[TW_OBJECT_NAME_MAX];
    json_t *found;
    snprintf(path, sizeof path, "/%s/_mapping",
             tw_kept_target(name, work->config->index_prefix, kept));
    tw_kept_name(name, work->config->index_prefix, kept);
    int result = look(work, path, &found, error);
    if (result == -ENOENT && kept == TW_KEPT_RUNS)
        return say_missing(work, "index", name, error);
    if (!result && found)
        result = check_mappings(work, kept, name, found, error);
    json_decref(found);
    return result == -ENOENT ? 0 : result;
}

/* ---- may we write? ---- */

/* A document that no mapping of ours takes: a cluster that refuses it for that would have taken a
 * right one. Where setup is missing the cluster takes it, and makes an index that is none of ours;
 * a login that may only write finds that out in no other way. */
static int try_to_write(const struct work *work, const char *name,
                        struct tw_elasticsearch_answer *ret, struct tw_error *error)
{
    char body[400], reason[480];
    snprintf(body, sizeof body,
             "{\"create\":{\"_index\":\"%s\",\"_id\":\"trainward-check\"}}\n"
             "{\"@timestamp\":\"trainward check\"}\n",
             name);
    const struct tw_elasticsearch_request request = {.method = "POST",
                                                     .path = "/_bulk",
                                                     .body = body,
                                                     .size = strlen(body),
                                                     .content_type = "application/x-ndjson"};
    int result = tw_elasticsearch_send(work->client, &request, ret, reason, sizeof reason);
    return result ? tw_error_set(error, result, "%s", reason) : 0;
}

static int judge_write(const struct work *work, const char *name,
                       const struct tw_elasticsearch_answer *answer, struct tw_error *error)
{
    char reason[480];
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    const json_t *item =
        json_object_get(json_array_get(json_object_get(root, "items"), 0), "create");
    json_int_t status = json_integer_value(json_object_get(item, "status"));
    const json_t *why = json_object_get(item, "error");
    const char *type = json_string_value(json_object_get(why, "type"));
    int result = 0;
    if (answer->status == 403)
        status = 403;
    else if (answer->status != 200)
        result =
            tw_error_set(error, -EACCES, "%s",
                         tw_elasticsearch_explain(work->client, answer, reason, sizeof reason));
    if (!result && type && !strcmp(type, "cluster_block_exception"))
        result = tw_error_set(error, -EROFS,
                              "%s takes no writes at present: is its disk full, or was it set "
                              "read-only? (index.blocks in GET /%s/_settings)",
                              name, name);
    else if (!result && (status == 401 || status == 403))
        result = tw_error_set(error, -EACCES,
                              "the login may not write to %s: give it create_index, create and "
                              "index on %s-*",
                              name, work->config->index_prefix);
    json_decref(root);
    return result;
}

/* A 409 is the document of an earlier check. */
static int judge_taking(const struct work *work, const char *name,
                        const struct tw_elasticsearch_answer *answer, struct tw_error *error)
{
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    const json_t *item = json_array_get(json_object_get(root, "items"), 0);
    json_int_t status =
        json_integer_value(json_object_get(json_object_get(item, "create"), "status"));
    json_decref(root);
    if (status == 404)
        return say_missing(work, "index", name, error);
    if (status == 409 || (status >= 200 && status < 300))
        return tw_error_set(error, -EEXIST,
                            "index %s took a test document that no mapping of ours takes: the "
                            "setup is missing; delete the index %s, then run trainward setup "
                            "elasticsearch",
                            name, name);
    return 0;
}

static int check_writing(const struct work *work, enum tw_kept kept, struct tw_error *error)
{
    char name[TW_OBJECT_NAME_MAX];
    struct tw_elasticsearch_answer answer;
    tw_kept_name(name, work->config->index_prefix, kept);
    int result = try_to_write(work, name, &answer, error);
    if (!result)
        result = judge_write(work, name, &answer, error);
    return result ? result : judge_taking(work, name, &answer, error);
}

int tw_elasticsearch_check(struct tw_elasticsearch_client *client,
                           const struct tw_elasticsearch_config *config, struct tw_error *error)
{
    const struct work work = {.client = client, .config = config};
    int result = check_health(&work, error);
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = check_index(&work, (enum tw_kept)i, error);
    for (int i = 0; i < TW_KEPT && !result; i++)
        result = check_template(&work, (enum tw_kept)i, error);
    return result ? result : check_writing(&work, TW_KEPT_RUNS, error);
}
