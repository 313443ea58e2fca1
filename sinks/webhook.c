/* The sink "webhook": notifications as HTTP requests, for chats and programs. */
#include "config.h"

#include "sinks/curl_client.h"
#include "sinks/document.h"
#include "sinks/notify/groups.h"
#include "sinks/notify/notification.h"
#include "sinks/notify/options.h"
#include "sinks/sink.h"
#include "sinks/webhook/answer.h"
#include "sinks/webhook/body.h"
#include "sinks/webhook/signature.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 400
#define TEMPLATE_MAX (1 << 20)
struct webhook_config {
    char *url, *secret, *bearer_token, *template_file, *content_type, *ca_file;
    struct tw_notify_config notify;
    struct tw_texts headers;
    int method, format;
    double timeout;
};

static const char *const methods[] = {"POST", "PUT", NULL};

#define ROUTE_URL                                                                                  \
    {                                                                                              \
        "url", TW_OPTION_SECRET, offsetof(struct tw_route_config, url),                            \
            .help = "where this route's go; default: the sink's"                                   \
    }
static const struct tw_option route_options[] = {TW_ROUTE_ROWS(ROUTE_URL)};
static const struct tw_option_entries routes = {
    route_options, sizeof route_options / sizeof *route_options, sizeof(struct tw_route_config)};

static const struct tw_option webhook_options[] = {
    {"url", TW_OPTION_SECRET, offsetof(struct webhook_config, url), .required = true,
     .help = "where requests go; a secret, since a chat's address lets anybody write"},
    {"format", TW_OPTION_CHOICE, offsetof(struct webhook_config, format), TW_WEBHOOK_PLAIN,
     .choices = tw_webhook_formats,
     .help = "plain: the notification as JSON; or what a chat's incoming webhook takes"},
    {"template_file", TW_OPTION_TEXT, offsetof(struct webhook_config, template_file),
     .help = "a mustache template of the body in place of the format's own"},
    {"content_type", TW_OPTION_TEXT, offsetof(struct webhook_config, content_type),
     .initial_text = "application/json", .help = "of the body"},
    {"method", TW_OPTION_CHOICE, offsetof(struct webhook_config, method), 0, .choices = methods,
     .help = "of the request"},
    {"headers", TW_OPTION_PROPERTIES, offsetof(struct webhook_config, headers),
     .help = "more headers, name: value; NAME_file reads the value from a file"},
    {"bearer_token", TW_OPTION_SECRET, offsetof(struct webhook_config, bearer_token),
     .help = "sent as Authorization: Bearer"},
    {"secret", TW_OPTION_SECRET, offsetof(struct webhook_config, secret),
     .help = "signs requests: X-Trainward-Signature is the HMAC-SHA256 of timestamp and body"},
    {"ca_file", TW_OPTION_TEXT, offsetof(struct webhook_config, ca_file),
     .help = "PEM file of the authority that signed the server's certificate; default: the "
             "system's"},
    {"timeout", TW_OPTION_DURATION, offsetof(struct webhook_config, timeout), 15, 1, 300,
     .help = "how long a request may take"},
    TW_NOTIFY_ROWS(struct webhook_config, &routes),
};

struct webhook {
    const struct webhook_config *config;
    char *template; /* NULL: the format's own */
    CURL *curl;
    int is_interrupted;
    char curl_error[CURL_ERROR_SIZE];
    char answer[ANSWER_MAX]; /* the beginning, for people */
    size_t answer_size;
};

/* ---- open ---- */

static void webhook_close(void *opaque)
{
    struct webhook *webhook = opaque;
    if (!webhook)
        return;
    if (webhook->curl)
        curl_easy_cleanup(webhook->curl);
    free(webhook->template);
    free(webhook);
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    }
    return false;
}

static int check_url(const char *url, const char *place, struct tw_error *error)
{
    if (!url || has_control(url) || (strncmp(url, "http://", 7) && strncmp(url, "https://", 8)))
        return tw_error_set(error, -EINVAL, "%s: give an address that begins with https://", place);
    return 0;
}

static int check_config(const struct webhook_config *config, struct tw_error *error)
{
    const struct tw_route_config *at = config->notify.routes.at;
    int result = check_url(config->url, "url", error);
    if (!result)
        result = tw_groups_check(&config->notify, error);
    for (size_t i = 0; i < config->notify.routes.n && !result; i++) {
        if (at[i].url)
            result = check_url(at[i].url, "routes: url", error);
    }
    for (size_t i = 0; i < config->headers.n && !result; i++) {
        if (has_control(config->headers.at[i]))
            result = tw_error_set(error, -EINVAL, "headers: a value holds a line break");
    }
    return result;
}

static int read_template(struct webhook *webhook, struct tw_error *error)
{
    const char *path = webhook->config->template_file;
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!path)
        return 0;
    webhook->template = file ? calloc(1, TEMPLATE_MAX + 1) : NULL;
    size_t n = webhook->template ? fread(webhook->template, 1, TEMPLATE_MAX + 1, file) : 0;
    int result = 0;
    if (!file || ferror(file))
        result = tw_error_at(error, file ? -EIO : -errno, path, 0, 0,
                             "template_file cannot be read: %s", strerror(file ? EIO : errno));
    else if (!webhook->template || n > TEMPLATE_MAX)
        result = tw_error_at(error, -E2BIG, path, 0, 0, "template_file is larger than 1 MiB");
    if (file)
        fclose(file);
    return result;
}

/* A template that is none is told at the start, not with the first alert. */
static int try_template(const struct webhook *webhook, struct tw_error *error)
{
    char *body = NULL;
    json_t *notification =
        tw_notification_test("webhook", &webhook->config->notify.to, tw_wall_ms());
    if (!notification)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = tw_webhook_body(&body, (enum tw_webhook_format)webhook->config->format,
                                 webhook->template, notification, error);
    if (result)
        tw_error_add_place(error, webhook->config->template_file);
    json_decref(notification);
    free(body);
    return result;
}

static size_t on_answer(char *bytes, size_t one, size_t n, void *opaque)
{
    struct webhook *webhook = opaque;
    size_t room = ANSWER_MAX - 1 - webhook->answer_size, taken = n < room ? n : room;
    (void)one;
    memcpy(webhook->answer + webhook->answer_size, bytes, taken);
    webhook->answer_size += taken;
    webhook->answer[webhook->answer_size] = '\0';
    return n;
}

static int webhook_open(void **ret, const void *config, struct tw_error *error)
{
    struct webhook *webhook = calloc(1, sizeof *webhook);
    if (!webhook)
        return tw_error_set(error, -ENOMEM, "out of memory");
    webhook->config = config;
    int result = check_config(webhook->config, error);
    if (!result)
        result = read_template(webhook, error);
    if (!result)
        result = try_template(webhook, error);
    if (!result) {
        webhook->curl =
            tw_curl_new(webhook->curl_error, webhook->config->ca_file, webhook->config->timeout);
        if (!webhook->curl)
            result = tw_error_set(error, -ENOMEM, "out of memory");
    }
    if (result) {
        webhook_close(webhook);
        return result;
    }
    tw_curl_stop_on(webhook->curl, &webhook->is_interrupted);
    curl_easy_setopt(webhook->curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(webhook->curl, CURLOPT_WRITEDATA, webhook);
    *ret = webhook;
    return 0;
}

/* ---- a request ---- */

static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
    char *line = NULL;
    if (asprintf(&line, "%s: %s", name, value) < 0)
        return false;
    struct curl_slist *grown = curl_slist_append(*headers, line);
    free(line);
    if (grown)
        *headers = grown;
    return grown != NULL;
}

static bool add_own_headers(const struct webhook *webhook, struct curl_slist **headers)
{
    const struct webhook_config *config = webhook->config;
    char name[256], bearer[4200];
    bool is_fine = true;
    for (size_t i = 0; i < config->headers.n && is_fine; i++) {
        size_t length = strcspn(config->headers.at[i], "=");
        snprintf(name, sizeof name, "%.*s", (int)length, config->headers.at[i]);
        is_fine = add_header(headers, name, config->headers.at[i] + length + 1);
    }
    if (config->bearer_token && is_fine) {
        snprintf(bearer, sizeof bearer, "Bearer %s", config->bearer_token);
        is_fine = add_header(headers, "Authorization", bearer);
    }
    return is_fine;
}

static bool sign(const struct webhook *webhook, struct curl_slist **headers, const char *body)
{
    char signature[TW_SIGNATURE_SIZE], seconds[24];
    int64_t now = tw_wall_ms() / 1000;
    if (!webhook->config->secret)
        return true;
    snprintf(seconds, sizeof seconds, "%" PRId64, now);
    return tw_webhook_signature(webhook->config->secret, now, body, signature) &&
           add_header(headers, "X-Trainward-Timestamp", seconds) &&
           add_header(headers, "X-Trainward-Signature", signature);
}

static bool make_headers(const struct webhook *webhook, struct curl_slist **headers,
                         const char *body, const char *id)
{
    return add_header(headers, "Content-Type", webhook->config->content_type) &&
           add_header(headers, "User-Agent", "trainward/" PACKAGE_VERSION) &&
           add_header(headers, "Idempotency-Key", id) && add_header(headers, "Expect", "") &&
           add_own_headers(webhook, headers) && sign(webhook, headers, body);
}

/* The address without what may be secret in it: scheme and host. */
static void place_of(const char *url, char *buffer, size_t size)
{
    const char *host = strstr(url, "://") + 3, *end = host + strcspn(host, "/?#"), *at = end;
    while (at > host && at[-1] != '@')
        at--;
    snprintf(buffer, size, "%.*s%.*s", (int)(host - url), url, (int)(end - at), at);
}

static void judge(const struct webhook *webhook, long status, const char *url, const char *place,
                  struct tw_sink_result *ret)
{
    curl_off_t pause = 0;
    char *redirect = NULL, points_to[300];
    curl_easy_getinfo(webhook->curl, CURLINFO_RETRY_AFTER, &pause);
    curl_easy_getinfo(webhook->curl, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect && strstr(redirect, "://"))
        place_of(redirect, points_to, sizeof points_to);
    else
        redirect = NULL;
    const struct tw_webhook_answer answer = {.status = status,
                                             .url = url,
                                             .body = webhook->answer,
                                             .redirect = redirect ? points_to : NULL,
                                             .pause = (double)pause};
    tw_webhook_judge(&answer, place, ret);
}

static void perform(struct webhook *webhook, const char *url, struct curl_slist *headers,
                    const char *body, struct tw_sink_result *ret)
{
    char place[300];
    long status = 0;
    place_of(url, place, sizeof place);
    webhook->answer[0] = webhook->curl_error[0] = '\0';
    webhook->answer_size = 0;
    curl_easy_setopt(webhook->curl, CURLOPT_URL, url);
    curl_easy_setopt(webhook->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(webhook->curl, CURLOPT_CUSTOMREQUEST, methods[webhook->config->method]);
    CURLcode code = curl_easy_perform(webhook->curl);
    curl_easy_getinfo(webhook->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(webhook->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDS, NULL);
    if (code) {
        ret->outcome = TW_OUTCOME_RETRY;
        tw_curl_reason(webhook->curl, code, webhook->curl_error, place, ret->reason,
                       sizeof ret->reason);
    } else {
        judge(webhook, status, url, place, ret);
    }
}

/* What a route is called in notifications; as route.c names one without a name. */
static const char *name_of(const struct tw_route_config *route, size_t place, char buffer[24])
{
    snprintf(buffer, 24, "%zu", place + 1);
    return route->name ? route->name : buffer;
}

static const char *url_for(const struct webhook *webhook, const json_t *notification)
{
    const struct tw_notify_config *notify = &webhook->config->notify;
    const struct tw_route_config *at = notify->routes.at;
    const char *route = tw_document_text(notification, "route");
    char number[24];
    for (size_t i = 0; i < notify->routes.n; i++) {
        if (!strcmp(name_of(&at[i], i, number), route) && at[i].url)
            return at[i].url;
    }
    return webhook->config->url;
}

/* One address takes a request as a whole: there is no progress. */
static void webhook_notify(void *opaque, const json_t *notification,
                           const struct tw_sink_progress *progress, struct tw_sink_result *ret)
{
    (void)progress;
    struct webhook *webhook = opaque;
    struct curl_slist *headers = NULL;
    struct tw_error error = {0};
    char *body = NULL;
    *ret = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
    int result = tw_webhook_body(&body, (enum tw_webhook_format)webhook->config->format,
                                 webhook->template, notification, &error);
    if (result) {
        ret->outcome = result == -ENOMEM ? TW_OUTCOME_RETRY : TW_OUTCOME_POISON;
        snprintf(ret->reason, sizeof ret->reason, "the template: %.150s", error.text);
        return;
    }
    if (make_headers(webhook, &headers, body, tw_document_text(notification, "id")))
        perform(webhook, url_for(webhook, notification), headers, body, ret);
    else
        snprintf(ret->reason, sizeof ret->reason, "out of memory");
    curl_slist_free_all(headers);
    free(body);
}

/* ---- the rest ---- */

static void webhook_interrupt(void *opaque)
{
    struct webhook *webhook = opaque;
    __atomic_store_n(&webhook->is_interrupted, 1, __ATOMIC_RELAXED);
}

/* Connects, with TLS where there is any: a request would be a message to people. */
static int probe(struct webhook *webhook, const char *url, struct tw_error *error)
{
    char place[300], reason[400];
    place_of(url, place, sizeof place);
    curl_easy_setopt(webhook->curl, CURLOPT_URL, url);
    curl_easy_setopt(webhook->curl, CURLOPT_CONNECT_ONLY, 1L);
    CURLcode code = curl_easy_perform(webhook->curl);
    curl_easy_setopt(webhook->curl, CURLOPT_CONNECT_ONLY, 0L);
    if (!code)
        return 0;
    tw_curl_reason(webhook->curl, code, webhook->curl_error, place, reason, sizeof reason);
    return tw_error_set(error, -EIO, "%s", reason);
}

/* To the sink's own address (NULL), or a route's. */
static int send_test(struct webhook *webhook, const char *route, struct tw_error *error)
{
    struct tw_sink_result result = {.outcome = TW_OUTCOME_RETRY};
    json_t *notification =
        tw_notification_test("trainward check", &webhook->config->notify.to, tw_wall_ms());
    if (!notification)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (route)
        json_object_set_new(notification, "route", json_string(route));
    webhook_notify(webhook, notification, NULL, &result);
    json_decref(notification);
    return result.outcome == TW_OUTCOME_DONE ? 0 : tw_error_set(error, -EIO, "%s", result.reason);
}

static int check_address(struct webhook *webhook, const char *url, const char *route, bool sends,
                         struct tw_error *error)
{
    struct tw_error why = {0};
    int result = probe(webhook, url, &why);
    if (!result && sends)
        result = send_test(webhook, route, &why);
    if (result && route)
        tw_error_set(error, result, "route %s: %s", route, why.text);
    else if (result)
        *error = why;
    return result;
}

static int webhook_check(void *opaque, bool sends, struct tw_error *error)
{
    struct webhook *webhook = opaque;
    const struct tw_notify_config *notify = &webhook->config->notify;
    const struct tw_route_config *at = notify->routes.at;
    char number[24];
    int result = check_address(webhook, webhook->config->url, NULL, sends, error);
    for (size_t i = 0; i < notify->routes.n && !result; i++) {
        if (at[i].url)
            result = check_address(webhook, at[i].url, name_of(&at[i], i, number), sends, error);
    }
    return result;
}

const struct tw_sink tw_sink_webhook = {
    .name = "webhook",
    .description = "notifications as HTTP requests: Slack, Mattermost, Teams, or any program",
    .options = webhook_options,
    .n_options = sizeof webhook_options / sizeof *webhook_options,
    .config_size = sizeof(struct webhook_config),
    .batch_max = 1,
    .open = webhook_open,
    .notify = webhook_notify,
    .notify_offset = offsetof(struct webhook_config, notify),
    .interrupt = webhook_interrupt,
    .check = webhook_check,
    .close = webhook_close,
};
