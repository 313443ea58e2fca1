/* What `trainward setup elasticsearch` and `trainward check` do. */
#include "sinks/elasticsearch_client.h"
#include "sinks/elasticsearch_error.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char tw_embedded_elasticsearch_template[];

/* Sends, and makes anything but a 2xx an error. */
static int request(struct tw_elasticsearch_client *client, const char *method, const char *path,
                   const char *body, struct tw_elasticsearch_answer *ret, struct tw_error *error)
{
    char reason[480];
    struct tw_elasticsearch_request request = {
        .method = method, .path = path, .body = body, .size = body ? strlen(body) : 0};
    int result = tw_elasticsearch_send(client, &request, ret, reason, sizeof reason);
    if (result)
        return tw_error_set(error, result, "%s", reason);
    if (ret->status >= 200 && ret->status < 300)
        return 0;
    tw_elasticsearch_explain(client, ret, reason, sizeof reason);
    return tw_error_set(error, ret->status == 401 || ret->status == 403 ? -EACCES : -EPROTO, "%s",
                        reason);
}

/* Both kinds of indices share one mapping. The priority lies over the built-in templates' 100 and
 * Fleet's 200. */
static char *make_template(const char *prefix)
{
    char advisories[128], runs[128];
    snprintf(advisories, sizeof advisories, "%s-advisories-*", prefix);
    snprintf(runs, sizeof runs, "%s-runs", prefix);
    json_t *body = json_loads((const char *)tw_embedded_elasticsearch_template, 0, NULL);
    json_object_set_new(body, "index_patterns", json_pack("[ss]", advisories, runs));
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}

int tw_elasticsearch_setup(struct tw_elasticsearch_client *client, const char *prefix,
                           struct tw_error *error)
{
    char path[192];
    struct tw_elasticsearch_answer answer;
    char *body = make_template(prefix);
    if (!body)
        return tw_error_set(error, -ENOMEM, "out of memory");
    snprintf(path, sizeof path, "/_index_template/%s", prefix);
    int result = request(client, "PUT", path, body, &answer, error);
    free(body);
    return result;
}

static int check_health(struct tw_elasticsearch_client *client, struct tw_error *error)
{
    struct tw_elasticsearch_answer answer;
    int result = request(client, "GET", "/_cluster/health", NULL, &answer, error);
    if (result)
        return result;
    json_t *health = json_loadb(answer.body, answer.size, 0, NULL);
    const char *status = json_string_value(json_object_get(health, "status"));
    if (!status)
        result =
            tw_error_set(error, -EPROTO, "%s: this is no Elasticsearch or OpenSearch; check urls",
                         tw_elasticsearch_host(client));
    else if (!strcmp(status, "red"))
        result = tw_error_set(error, -EIO,
                              "%s: the cluster's health is red: some data cannot be reached; see "
                              "GET /_cluster/allocation/explain",
                              tw_elasticsearch_host(client));
    json_decref(health);
    return result;
}

/* A template that setup has not made leaves the types of the fields to chance. */
static int check_template(struct tw_elasticsearch_client *client, const char *prefix,
                          struct tw_error *error)
{
    char path[192], reason[480];
    struct tw_elasticsearch_answer answer;
    snprintf(path, sizeof path, "/_index_template/%s", prefix);
    struct tw_elasticsearch_request request = {.method = "GET", .path = path};
    int result = tw_elasticsearch_send(client, &request, &answer, reason, sizeof reason);
    if (!result && answer.status == 404)
        return tw_error_set(error, -ENOENT,
                            "%s: the index template '%s' is missing: run trainward setup "
                            "elasticsearch",
                            tw_elasticsearch_host(client), prefix);
    /* A login for writing only may not see templates; that is no fault. */
    return 0;
}

int tw_elasticsearch_check(struct tw_elasticsearch_client *client, const char *prefix,
                           struct tw_error *error)
{
    int result = check_health(client, error);
    return result ? result : check_template(client, prefix, error);
}
