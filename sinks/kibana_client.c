/* Requests to Kibana through libcurl, and its answers in words. */
#include "sinks/kibana_client.h"

#include "sinks/curl_client.h"
#include "sinks/http_answer.h"
#include "sinks/http_login.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An export gives back all objects that were asked for. */
#define ANSWER_BYTES_MAX (32u << 20)
#define PATH_ROOM 1024

struct tw_kibana_client {
    const struct tw_kibana_config *config;
    CURL *curl;
    char *authorization;
    struct tw_http_answer answer;
    long status;
    char curl_error[CURL_ERROR_SIZE];
};

int tw_kibana_client_open(struct tw_kibana_client **ret, const struct tw_kibana_config *config,
                          struct tw_error *error)
{
    const struct tw_http_login login = {config->api_key, config->bearer_token, config->username,
                                        config->password};
    struct tw_kibana_client *client = calloc(1, sizeof *client);
    if (!client)
        return tw_error_set(error, -ENOMEM, "out of memory");
    client->config = config;
    client->answer.max = ANSWER_BYTES_MAX;
    client->curl = tw_curl_new(client->curl_error, config->ca_file, config->timeout);
    int result = client->curl ? tw_http_login_header(&login, &client->authorization, error)
                              : tw_error_set(error, -ENOMEM, "out of memory");
    if (result) {
        tw_kibana_client_close(client);
        return result;
    }
    tw_http_login_by_name(client->curl, &login);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, tw_http_answer_take);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &client->answer);
    *ret = client;
    return 0;
}

void tw_kibana_client_close(struct tw_kibana_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    tw_http_header_free(client->authorization);
    tw_http_answer_release(&client->answer);
    free(client);
}

/* ---- requests ---- */

/* Kibana wants the one header against forged requests, OpenSearch Dashboards the other. */
static struct curl_slist *make_headers(const struct tw_kibana_client *client, const char *type)
{
    char tenant[160];
    struct curl_slist *headers = curl_slist_append(NULL, "kbn-xsrf: true");
    headers = curl_slist_append(headers, "osd-xsrf: true");
    headers = curl_slist_append(headers, "Expect:");
    if (type)
        headers = curl_slist_append(headers, type);
    if (client->authorization)
        headers = curl_slist_append(headers, client->authorization);
    if (client->config->tenant) {
        snprintf(tenant, sizeof tenant, "securitytenant: %s", client->config->tenant);
        headers = curl_slist_append(headers, tenant);
    }
    return headers;
}

static int make_url(const struct tw_kibana_config *config, const char *path, char ret[PATH_ROOM],
                    struct tw_error *error)
{
    size_t n = strlen(config->url);
    while (n && config->url[n - 1] == '/')
        n--;
    bool is_default = !config->space || !strcmp(config->space, "default");
    int length = snprintf(ret, PATH_ROOM, "%.*s%s%s%s", (int)n, config->url,
                          is_default ? "" : "/s/", is_default ? "" : config->space, path);
    return length < PATH_ROOM ? 0 : tw_error_set(error, -EINVAL, "url: is too long");
}

/* POST of what was set on the handle. Returns 0 when there is an answer, whatever its status. */
static int perform(struct tw_kibana_client *client, const char *path, const char *type,
                   struct tw_error *error)
{
    char url[PATH_ROOM], reason[480];
    int result = make_url(client->config, path, url, error);
    if (result)
        return result;
    struct curl_slist *headers = make_headers(client, type);
    tw_http_answer_clear(&client->answer);
    client->curl_error[0] = '\0';
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &client->status);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (client->answer.is_too_large)
        return tw_error_at(error, -EPROTO, client->config->url, 0, 0, "the answer is too large");
    if (code != CURLE_OK)
        return tw_error_set(error, -EHOSTUNREACH, "%s",
                            tw_curl_reason(client->curl, code, client->curl_error,
                                           client->config->url, reason, sizeof reason));
    return 0;
}

/* ---- answers ---- */

static const char *remedy(long status)
{
    switch (status) {
    case 401:
        return "the login was refused: check api_key, or username and password";
    case 403:
        return "the login may not do this: it needs 'Saved Objects Management: All' in the space, "
               "or write access to the tenant";
    case 404:
        return "is this the URL of a Kibana, with its base path, and is the space there?";
    case 413:
        return "a proxy, or savedObjects.maxImportPayloadBytes, allows less than the objects take";
    case 429:
    case 502:
    case 503:
    case 504:
        return "it is not ready: try again in a minute";
    default:
        return status >= 300 && status < 400
                   ? "it redirects: give the target as url, or a login that it accepts"
                   : "is this the URL of a Kibana or OpenSearch Dashboards?";
    }
}

static int explain(const struct tw_kibana_client *client, const json_t *answer,
                   struct tw_error *error)
{
    long status = client->status;
    const char *message = json_string_value(json_object_get(answer, "message"));
    return tw_error_at(error, status == 401 || status == 403 ? -EACCES : -EPROTO,
                       client->config->url, 0, 0, "HTTP status %ld%s%.200s; %s", status,
                       message ? ", " : "", message ? message : "", remedy(status));
}

static json_t *read_answer(const struct tw_kibana_client *client)
{
    return json_loadb(tw_http_answer_text(&client->answer), client->answer.size, 0, NULL);
}

static int not_kibana(const struct tw_kibana_client *client, struct tw_error *error)
{
    return tw_error_at(error, -EPROTO, client->config->url, 0, 0,
                       "HTTP status %ld, but not an answer of Kibana's: does a proxy or a login "
                       "page answer?",
                       client->status);
}

/* ---- import ---- */

static int send_file(struct tw_kibana_client *client, const char *objects, struct tw_error *error)
{
    curl_mime *form = curl_mime_init(client->curl);
    curl_mimepart *part = form ? curl_mime_addpart(form) : NULL;
    int result = -ENOMEM;
    if (part && !curl_mime_name(part, "file") && !curl_mime_filename(part, "trainward.ndjson") &&
        !curl_mime_type(part, "application/ndjson") &&
        !curl_mime_data(part, objects, CURL_ZERO_TERMINATED)) {
        curl_easy_setopt(client->curl, CURLOPT_MIMEPOST, form);
        result = perform(client, "/api/saved_objects/_import?overwrite=true", NULL, error);
        curl_easy_setopt(client->curl, CURLOPT_MIMEPOST, NULL);
    } else {
        tw_error_set(error, -ENOMEM, "out of memory");
    }
    curl_mime_free(form);
    return result;
}

int tw_kibana_import(struct tw_kibana_client *client, const char *objects, json_t **ret,
                     struct tw_error *error)
{
    *ret = NULL;
    int result = send_file(client, objects, error);
    if (result)
        return result;
    json_t *answer = read_answer(client);
    if (client->status < 200 || client->status >= 300)
        result = explain(client, answer, error);
    else if (!json_is_boolean(json_object_get(answer, "success")))
        result = not_kibana(client, error);
    if (result)
        json_decref(answer);
    else
        *ret = answer;
    return result;
}

/* ---- what is there ---- */

/* The export of objects tells of those that are missing; of the requests that do, it is the one
 * that Kibana keeps for programs. */
static int send_export(struct tw_kibana_client *client, const json_t *objects,
                       struct tw_error *error)
{
    json_t *body = json_pack("{s:O,s:b}", "objects", objects, "excludeExportDetails", 1);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (!text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
    int result =
        perform(client, "/api/saved_objects/_export", "Content-Type: application/json", error);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, NULL);
    free(text);
    return result;
}

static json_t *missing_of(const json_t *answer)
{
    json_t *missing = json_array();
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(json_object_get(answer, "attributes"), "objects"), i, each)
    {
        if (json_is_string(json_object_get(each, "id")))
            json_array_append_new(missing,
                                  json_pack("{s:O?,s:O}", "type", json_object_get(each, "type"),
                                            "id", json_object_get(each, "id")));
    }
    return missing;
}

/* An export is JSON lines. */
static bool is_export(const struct tw_kibana_client *client)
{
    const char *text = tw_http_answer_text(&client->answer);
    json_t *first = json_loadb(text, strcspn(text, "\n"), 0, NULL);
    bool is_object = json_is_string(json_object_get(first, "type"));
    json_decref(first);
    return is_object;
}

int tw_kibana_missing(struct tw_kibana_client *client, const json_t *objects, json_t **ret,
                      struct tw_error *error)
{
    *ret = NULL;
    int result = send_export(client, objects, error);
    if (result)
        return result;
    json_t *answer = read_answer(client);
    *ret = missing_of(answer);
    if (client->status == 200)
        result = is_export(client) ? 0 : not_kibana(client, error);
    else if (client->status != 400 || !json_array_size(*ret))
        result = explain(client, answer, error);
    json_decref(answer);
    if (result) {
        json_decref(*ret);
        *ret = NULL;
    }
    return result;
}
