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

/* How long a wait for the network may be before it looks again whether it was interrupted. */
#define LOOK_MS 500

struct tw_elasticsearch_client {
    const struct tw_elasticsearch_config *config;
    CURLM *multi;        /* all transfers share its connections */
    char *authorization; /* "Authorization: ApiKey ...", or NULL */
    size_t host;         /* index in config->urls: where the next request goes */
    size_t answered;     /* where the last one went that was finished */
    int is_interrupted;
    struct tw_elasticsearch_transfer *own; /* for one request at a time */
};

struct tw_elasticsearch_transfer {
    struct tw_elasticsearch_client *client;
    CURL *curl;
    const struct tw_elasticsearch_request *request; /* while it is under way */
    const char *body;                               /* the request's, or `packed` */
    char *packed;
    size_t size;
    struct curl_slist *headers;
    size_t host;       /* where it is under way to */
    bool is_done;      /* `code` is set */
    bool is_in_memory; /* it could be made */
    CURLcode code;
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
    result = tw_http_login_header(&login, &client->authorization, error);
    if (!result)
        result = tw_elasticsearch_transfer_open(&client->own, client, error);
    if (!result && !(client->multi = curl_multi_init())) /* libcurl is initialised by now */
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (result) {
        tw_elasticsearch_client_close(client);
        return result;
    }
    *ret = client;
    return 0;
}

void tw_elasticsearch_client_close(struct tw_elasticsearch_client *client)
{
    if (!client)
        return;
    tw_elasticsearch_transfer_close(client->own);
    curl_multi_cleanup(client->multi);
    tw_http_header_free(client->authorization);
    free(client);
}

void tw_elasticsearch_client_interrupt(struct tw_elasticsearch_client *client)
{
    __atomic_store_n(&client->is_interrupted, 1, __ATOMIC_RELAXED);
    curl_multi_wakeup(client->multi);
}

const char *tw_elasticsearch_host(const struct tw_elasticsearch_client *client)
{
    return client->config->urls.at[client->answered];
}

/* ---- transfers ---- */

int tw_elasticsearch_transfer_open(struct tw_elasticsearch_transfer **ret,
                                   struct tw_elasticsearch_client *client, struct tw_error *error)
{
    const struct tw_elasticsearch_config *config = client->config;
    const struct tw_http_login login = login_of(config);
    struct tw_elasticsearch_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer)
        transfer->curl = tw_curl_new(transfer->curl_error, config->ca_file, config->timeout);
    if (!transfer || !transfer->curl) {
        free(transfer);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    transfer->client = client;
    transfer->answer.max = ANSWER_BYTES_MAX;
    if (config->cert_file) {
        curl_easy_setopt(transfer->curl, CURLOPT_SSLCERT, config->cert_file);
        curl_easy_setopt(transfer->curl, CURLOPT_SSLKEY,
                         config->key_file ? config->key_file : config->cert_file);
        curl_easy_setopt(transfer->curl, CURLOPT_KEYPASSWD, config->key_password);
    }
    tw_http_login_by_name(transfer->curl, &login);
    curl_easy_setopt(transfer->curl, CURLOPT_WRITEFUNCTION, tw_http_answer_take);
    curl_easy_setopt(transfer->curl, CURLOPT_WRITEDATA, &transfer->answer);
    curl_easy_setopt(transfer->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(transfer->curl, CURLOPT_PRIVATE, transfer);
    *ret = transfer;
    return 0;
}

void tw_elasticsearch_transfer_close(struct tw_elasticsearch_transfer *transfer)
{
    if (!transfer)
        return;
    curl_multi_remove_handle(transfer->client->multi, transfer->curl);
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers);
    free(transfer->packed);
    tw_http_answer_release(&transfer->answer);
    free(transfer);
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
                                       const struct tw_elasticsearch_request *request)
{
    char type[128];
    snprintf(type, sizeof type, "Content-Type: %s",
             request->content_type ? request->content_type : "application/json");
    struct curl_slist *headers = NULL;
    if (request->body)
        headers = curl_slist_append(headers, type);
    if (request->body && client->config->compress)
        headers = curl_slist_append(headers, "Content-Encoding: gzip");
    /* libcurl would wait for a "100 Continue" before bodies over 1 MB. */
    headers = curl_slist_append(headers, "Expect:");
    if (client->authorization)
        headers = curl_slist_append(headers, client->authorization);
    return headers;
}

static void end_attempt(struct tw_elasticsearch_transfer *transfer, CURLcode code)
{
    curl_multi_remove_handle(transfer->client->multi, transfer->curl);
    transfer->code = code;
    transfer->is_done = true;
}

/* One attempt at the present host. */
static void attempt(struct tw_elasticsearch_transfer *transfer)
{
    char url[1024];
    struct tw_elasticsearch_client *client = transfer->client;
    const char *host = client->config->urls.at[transfer->host = client->host];
    size_t n = strlen(host);
    while (n && host[n - 1] == '/')
        n--;
    tw_http_answer_clear(&transfer->answer);
    transfer->curl_error[0] = '\0';
    transfer->is_done = false;
    if (snprintf(url, sizeof url, "%.*s%s", (int)n, host, transfer->request->path) >=
        (int)sizeof url) {
        end_attempt(transfer, CURLE_URL_MALFORMAT);
        return;
    }
    curl_easy_setopt(transfer->curl, CURLOPT_URL, url);
    curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(transfer->curl, CURLOPT_HTTPGET, 1L); /* takes back an earlier POST */
    if (transfer->body) {
        curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->size);
        curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDS, transfer->body);
    }
    curl_easy_setopt(transfer->curl, CURLOPT_CUSTOMREQUEST, transfer->request->method);
    if (curl_multi_add_handle(client->multi, transfer->curl) != CURLM_OK)
        end_attempt(transfer, CURLE_OUT_OF_MEMORY);
}

/* Lets all transfers go on as far as they can without a wait. */
static void go_on(struct tw_elasticsearch_client *client)
{
    int n;
    const CURLMsg *message;
    curl_multi_perform(client->multi, &n);
    while ((message = curl_multi_info_read(client->multi, &n))) {
        struct tw_elasticsearch_transfer *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end_attempt(transfer, code); /* the message is gone with it */
    }
}

static void wait_for(struct tw_elasticsearch_transfer *transfer)
{
    struct tw_elasticsearch_client *client = transfer->client;
    while (!transfer->is_done) {
        if (__atomic_load_n(&client->is_interrupted, __ATOMIC_RELAXED)) {
            end_attempt(transfer, CURLE_ABORTED_BY_CALLBACK);
            return;
        }
        go_on(client);
        if (!transfer->is_done)
            curl_multi_poll(client->multi, NULL, 0, LOOK_MS, NULL);
    }
}

static bool is_gateway_trouble(long status)
{
    return status == 502 || status == 503 || status == 504;
}

/* Whether the host that it was under way to has said something, if `takes_trouble` only that it
 * cannot. */
static bool has_answer(struct tw_elasticsearch_transfer *transfer, bool takes_trouble,
                       struct tw_elasticsearch_answer *ret)
{
    *ret = (struct tw_elasticsearch_answer){.body = tw_http_answer_text(&transfer->answer),
                                            .size = transfer->answer.size,
                                            .is_too_large = transfer->answer.is_too_large};
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &ret->status);
    if (transfer->code != CURLE_OK && !ret->is_too_large)
        return false;
    return takes_trouble || !is_gateway_trouble(ret->status);
}

/* Waits for the answer; while there is none, tries each other host once. */
static int try_hosts(struct tw_elasticsearch_transfer *transfer,
                     struct tw_elasticsearch_answer *ret, char *reason, size_t reason_size)
{
    struct tw_elasticsearch_client *client = transfer->client;
    size_t n_hosts = client->config->urls.n;
    for (size_t i = 0; i < n_hosts; i++) {
        if (i)
            attempt(transfer);
        wait_for(transfer);
        client->answered = transfer->host;
        if (has_answer(transfer, i + 1 == n_hosts, ret))
            return 0;
        if (transfer->code != CURLE_OK)
            tw_curl_reason(transfer->curl, transfer->code, transfer->curl_error,
                           tw_elasticsearch_host(client), reason, reason_size);
        if (transfer->code == CURLE_ABORTED_BY_CALLBACK)
            break;
        /* Another transfer may have left this host already. */
        if (client->host == transfer->host)
            client->host = (client->host + 1) % n_hosts;
    }
    return -EHOSTUNREACH;
}

void tw_elasticsearch_start(struct tw_elasticsearch_transfer *transfer,
                            const struct tw_elasticsearch_request *request)
{
    transfer->request = request;
    transfer->body = request->body;
    transfer->size = request->size;
    if (request->body && transfer->client->config->compress)
        transfer->body = transfer->packed = pack(request->body, request->size, &transfer->size);
    transfer->is_in_memory = !request->body || transfer->body;
    if (!transfer->is_in_memory)
        return;
    transfer->headers = make_headers(transfer->client, request);
    attempt(transfer);
    go_on(transfer->client);
}

int tw_elasticsearch_finish(struct tw_elasticsearch_transfer *transfer,
                            struct tw_elasticsearch_answer *ret, char *reason, size_t reason_size)
{
    int result = -EHOSTUNREACH;
    if (transfer->is_in_memory)
        result = try_hosts(transfer, ret, reason, reason_size);
    else
        snprintf(reason, reason_size, "out of memory");
    curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(transfer->headers);
    free(transfer->packed);
    transfer->headers = NULL;
    transfer->packed = NULL;
    return result;
}

int tw_elasticsearch_send(struct tw_elasticsearch_client *client,
                          const struct tw_elasticsearch_request *request,
                          struct tw_elasticsearch_answer *ret, char *reason, size_t reason_size)
{
    tw_elasticsearch_start(client->own, request);
    return tw_elasticsearch_finish(client->own, ret, reason, reason_size);
}

/* ---- requests in JSON ---- */

static int status_code(long status)
{
    if (status >= 200 && status < 300)
        return 0;
    return status == 404 ? -ENOENT : status == 401 ? -EACCES : status == 403 ? -EPERM : -EPROTO;
}

/* A web server, or a login page, may say 200 to everything. */
static int say_no_cluster(const struct tw_elasticsearch_client *client, long status,
                          struct tw_error *error)
{
    return tw_error_set(error, -EPROTO,
                        "%s: HTTP status %ld, but this is no Elasticsearch or OpenSearch: does a "
                        "proxy or a login page answer? Check urls",
                        tw_elasticsearch_host(client), status);
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
    if (!result && ret && !json_is_object(*ret))
        result = say_no_cluster(client, answer.status, error);
    else if (result)
        tw_error_set(error, result, "%s",
                     tw_elasticsearch_explain(client, &answer, reason, sizeof reason));
    return result;
}
