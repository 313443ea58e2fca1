/* Requests to a cluster through libcurl. */
#include "config.h"

#include "sinks/elasticsearch_client.h"

#include "sinks/curl_client.h"
#include "sinks/elasticsearch_error.h"
#include "sinks/http_answer.h"
#include "sinks/http_login.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A bulk answer has about 60 bytes an operation, and some hundred where it failed. */
#define ANSWER_BYTES_MAX (8u << 20)
#define HOSTS_MAX 64

struct tw_elasticsearch_client {
    const struct tw_elasticsearch_config *config;
    CURL *curl;
    char *authorization; /* "Authorization: ApiKey ...", or NULL */
    size_t host;         /* index in config->urls */
    int is_interrupted;
    struct tw_http_answer answer;
    char curl_error[CURL_ERROR_SIZE];
};

static struct tw_http_login login_of(const struct tw_elasticsearch_config *config)
{
    return (struct tw_http_login){config->api_key, config->bearer_token, config->username,
                                  config->password};
}

static int check_url(const char *url, struct tw_error *error)
{
    bool is_http = !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
    if (!is_http || strpbrk(url, " \r\n"))
        return tw_error_set(error, -EINVAL,
                            "urls: each begins with https:// or http://, as in "
                            "https://localhost:9200");
    if (strchr(url, '@'))
        return tw_error_set(
            error, -EINVAL,
            "urls: a password does not belong here; use username and password_file");
    return 0;
}

static int check_prefix(const char *prefix, struct tw_error *error)
{
    size_t n = prefix ? strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789-_.") : 0;
    if (!n || prefix[n] || n > 100 || strchr("-_.", prefix[0]))
        return tw_error_set(error, -EINVAL,
                            "index_prefix: use lower-case letters, digits, '-', '_' and '.', and "
                            "begin with a letter or digit");
    return 0;
}

static int check_login(const struct tw_elasticsearch_config *config, struct tw_error *error)
{
    const struct tw_http_login login = login_of(config);
    int result = tw_http_login_check(&login, error);
    if (!result && config->key_file && !config->cert_file)
        result = tw_error_set(error, -EINVAL, "key_file belongs to a cert_file");
    return result;
}

static int check_config(const struct tw_elasticsearch_config *config, struct tw_error *error)
{
    int result = check_prefix(config->index_prefix, error);
    if (!result && !config->urls.n)
        result = tw_error_set(error, -EINVAL, "urls: give at least one, https://localhost:9200");
    if (!result && config->urls.n > HOSTS_MAX)
        result = tw_error_set(error, -EINVAL, "urls: at most %d", HOSTS_MAX);
    for (size_t i = 0; i < config->urls.n && !result; i++)
        result = check_url(config->urls.at[i], error);
    return result ? result : check_login(config, error);
}

int tw_elasticsearch_client_open(struct tw_elasticsearch_client **ret,
                                 const struct tw_elasticsearch_config *config,
                                 struct tw_error *error)
{
    int result = check_config(config, error);
    if (result)
        return result;
    struct tw_elasticsearch_client *client = calloc(1, sizeof *client);
    if (!client)
        return tw_error_set(error, -ENOMEM, "out of memory");
    const struct tw_http_login login = login_of(config);
    client->config = config;
    client->answer.max = ANSWER_BYTES_MAX;
    client->curl = tw_curl_new(client->curl_error, config->ca_file, config->timeout);
    result = client->curl ? tw_http_login_header(&login, &client->authorization, error)
                          : tw_error_set(error, -ENOMEM, "out of memory");
    if (result) {
        tw_elasticsearch_client_close(client);
        return result;
    }
    tw_curl_stop_on(client->curl, &client->is_interrupted);
    if (config->cert_file) {
        curl_easy_setopt(client->curl, CURLOPT_SSLCERT, config->cert_file);
        curl_easy_setopt(client->curl, CURLOPT_SSLKEY,
                         config->key_file ? config->key_file : config->cert_file);
        curl_easy_setopt(client->curl, CURLOPT_KEYPASSWD, config->key_password);
    }
    tw_http_login_by_name(client->curl, &login);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, tw_http_answer_take);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &client->answer);
    curl_easy_setopt(client->curl, CURLOPT_ACCEPT_ENCODING, "");
    *ret = client;
    return 0;
}

void tw_elasticsearch_client_close(struct tw_elasticsearch_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    tw_http_header_free(client->authorization);
    tw_http_answer_release(&client->answer);
    free(client);
}

void tw_elasticsearch_client_interrupt(struct tw_elasticsearch_client *client)
{
    __atomic_store_n(&client->is_interrupted, 1, __ATOMIC_RELAXED);
}

const char *tw_elasticsearch_host(const struct tw_elasticsearch_client *client)
{
    return client->config->urls.at[client->host];
}

/* The body in gzip, new for free(); NULL when out of memory. */
static char *pack(const char *body, size_t size, size_t *ret_size)
{
    z_stream stream = {0};
    /* 15 + 16: the largest window, in gzip's framing. */
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t room = deflateBound(&stream, size);
    char *packed = malloc(room);
    stream.next_in = (Bytef *)(uintptr_t)body;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)room;
    int code = packed ? deflate(&stream, Z_FINISH) : Z_MEM_ERROR;
    *ret_size = stream.total_out;
    deflateEnd(&stream);
    if (code != Z_STREAM_END) {
        free(packed);
        return NULL;
    }
    return packed;
}

static struct curl_slist *make_headers(const struct tw_elasticsearch_client *client,
                                       const struct tw_elasticsearch_request *request,
                                       bool is_packed)
{
    char type[128];
    snprintf(type, sizeof type, "Content-Type: %s",
             request->content_type ? request->content_type : "application/json");
    struct curl_slist *headers = NULL;
    if (request->body)
        headers = curl_slist_append(headers, type);
    if (is_packed)
        headers = curl_slist_append(headers, "Content-Encoding: gzip");
    /* libcurl would wait for a "100 Continue" before bodies over 1 MB. */
    headers = curl_slist_append(headers, "Expect:");
    if (client->authorization)
        headers = curl_slist_append(headers, client->authorization);
    return headers;
}

/* One attempt at the present host. */
static CURLcode perform(struct tw_elasticsearch_client *client,
                        const struct tw_elasticsearch_request *request, const char *body,
                        size_t size, struct curl_slist *headers)
{
    char url[1024];
    const char *host = tw_elasticsearch_host(client);
    size_t n = strlen(host);
    while (n && host[n - 1] == '/')
        n--;
    if (snprintf(url, sizeof url, "%.*s%s", (int)n, host, request->path) >= (int)sizeof url)
        return CURLE_URL_MALFORMAT;
    tw_http_answer_clear(&client->answer);
    client->curl_error[0] = '\0';
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L); /* takes back an earlier POST */
    if (body) {
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, request->method);
    return curl_easy_perform(client->curl);
}

static bool is_gateway_trouble(long status)
{
    return status == 502 || status == 503 || status == 504;
}

/* Tries each host once, beginning with the one that served last. */
static int try_hosts(struct tw_elasticsearch_client *client,
                     const struct tw_elasticsearch_request *request, const char *body, size_t size,
                     struct curl_slist *headers, struct tw_elasticsearch_answer *ret, char *reason,
                     size_t reason_size)
{
    size_t n_hosts = client->config->urls.n;
    for (size_t i = 0; i < n_hosts; i++) {
        CURLcode code = perform(client, request, body, size, headers);
        *ret = (struct tw_elasticsearch_answer){.body = tw_http_answer_text(&client->answer),
                                                .size = client->answer.size,
                                                .is_too_large = client->answer.is_too_large};
        curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &ret->status);
        bool has_answer = code == CURLE_OK || client->answer.is_too_large;
        if (has_answer && (!is_gateway_trouble(ret->status) || i + 1 == n_hosts))
            return 0;
        if (!has_answer)
            tw_curl_reason(client->curl, code, client->curl_error, tw_elasticsearch_host(client),
                           reason, reason_size);
        if (code == CURLE_ABORTED_BY_CALLBACK)
            break;
        client->host = (client->host + 1) % n_hosts;
    }
    return -EHOSTUNREACH;
}

int tw_elasticsearch_send(struct tw_elasticsearch_client *client,
                          const struct tw_elasticsearch_request *request,
                          struct tw_elasticsearch_answer *ret, char *reason, size_t reason_size)
{
    char *packed = NULL;
    const char *body = request->body;
    size_t size = request->size;
    if (body && client->config->compress) {
        body = packed = pack(request->body, request->size, &size);
        if (!packed) {
            snprintf(reason, reason_size, "out of memory");
            return -EHOSTUNREACH;
        }
    }
    struct curl_slist *headers = make_headers(client, request, packed);
    int result = try_hosts(client, request, body, size, headers, ret, reason, reason_size);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    free(packed);
    return result;
}

/* ---- requests in JSON ---- */

static int status_code(long status)
{
    if (status >= 200 && status < 300)
        return 0;
    return status == 404 ? -ENOENT : status == 401 || status == 403 ? -EACCES : -EPROTO;
}

int tw_elasticsearch_request(struct tw_elasticsearch_client *client, const char *method,
                             const char *path, const json_t *body, json_t **ret,
                             struct tw_error *error)
{
    char reason[480];
    struct tw_elasticsearch_answer answer;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct tw_elasticsearch_request request = {
        .method = method, .path = path, .body = text, .size = text ? strlen(text) : 0};
    if (ret)
        *ret = NULL;
    if (body && !text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = tw_elasticsearch_send(client, &request, &answer, reason, sizeof reason);
    free(text);
    if (result)
        return tw_error_set(error, result, "%s", reason);
    if (ret)
        *ret = json_loadb(answer.body, answer.size, 0, NULL);
    result = status_code(answer.status);
    if (result)
        tw_error_set(error, result, "%s",
                     tw_elasticsearch_explain(client, &answer, reason, sizeof reason));
    return result;
}
