/* trainward status: what a running agent watches, asked of its HTTP server. */
#include "agent/commands.h"

#include "agent/http_server.h"
#include "agent/status_text.h"
#include "agent/usage.h"

#include "sinks/curl_client.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_SECONDS 10.0
#define ANSWER_BYTES_MAX ((size_t)16 << 20)
#define STATUS_PATH "/-/status"
/* Exit status: it answers, but does not work yet (or for the moment). */
#define NOT_READY 1

static const char *url_option, *format = "text";
static int episodes_max = 10;

static const struct poptOption options[] = {
    {"url", '\0', POPT_ARG_STRING, &url_option, 0,
     "ask this address (default: http.listen of --config, else http://" TW_HTTP_LISTEN ")", "URL"},
    {"format", '\0', POPT_ARG_STRING, &format, 0, "text (default) or json", "FORMAT"},
    {"episodes", '\0', POPT_ARG_INT, &episodes_max, 0,
     "how many open episodes to list, up to 50 (default 10)", "N"},
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

/* ---- where ---- */

/* An agent that listens everywhere is asked on the loop-back. */
static const char *reachable(const char *host)
{
    if (!strcmp(host, "0.0.0.0") || !strcmp(host, "*"))
        return "127.0.0.1";
    return strcmp(host, "::") ? host : "::1";
}

static int url_of_listen(const char *listen, char *ret, size_t size, struct tw_error *error)
{
    char host[256];
    unsigned port = 0;
    if (!*listen || !strcmp(listen, "none"))
        return tw_error_set(error, -ENOENT, "http.listen is '%s': this agent answers nobody",
                            listen);
    tw_http_split(listen, host, sizeof host, &port); /* checked when it was loaded */
    if (!port)
        return tw_error_set(error, -ENOENT,
                            "http.listen is '%s', any free port; its log tells which one: name it "
                            "with --url",
                            listen);
    const char *name = reachable(host);
    bool is_ipv6 = strchr(name, ':');
    snprintf(ret, size, "http://%s%s%s:%u" STATUS_PATH, is_ipv6 ? "[" : "", name,
             is_ipv6 ? "]" : "", port);
    return 0;
}

static int url_of_config(char *ret, size_t size, struct tw_error *error)
{
    struct tw_config config;
    if (tw_common_load(&config, "status", false))
        return -EINVAL; /* told */
    int result =
        url_of_listen(config.http_listen ? config.http_listen : TW_HTTP_LISTEN, ret, size, error);
    tw_config_release(&config);
    return result;
}

static void url_of_option(char *ret, size_t size)
{
    size_t length = strlen(url_option), path = strlen(STATUS_PATH);
    bool is_whole = length >= path && !strcmp(url_option + length - path, STATUS_PATH);
    while (length && url_option[length - 1] == '/')
        length--;
    snprintf(ret, size, "%.*s%s", (int)length, url_option, is_whole ? "" : STATUS_PATH);
}

/* ---- asking ---- */

struct answer {
    char *text;
    size_t size;
};

static size_t take(char *data, size_t one, size_t n, void *closure)
{
    struct answer *answer = closure;
    size_t size = one * n;
    char *grown = answer->size + size <= ANSWER_BYTES_MAX
                      ? realloc(answer->text, answer->size + size + 1)
                      : NULL;
    if (!grown)
        return 0;
    memcpy(grown + answer->size, data, size);
    answer->text = grown;
    answer->size += size;
    grown[answer->size] = '\0';
    return size;
}

static int fetch(const char *url, struct answer *ret, struct tw_error *error)
{
    char buffer[CURL_ERROR_SIZE], reason[400];
    long status = 0;
    CURL *curl = tw_curl_new(buffer, NULL, ANSWER_SECONDS);
    if (!curl)
        return tw_error_set(error, -ENOMEM, "out of memory");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code)
        tw_curl_reason(curl, code, buffer, url, reason, sizeof reason);
    curl_easy_cleanup(curl);
    if (code)
        return tw_error_set(error, -EIO, "no agent answers: %s", reason);
    if (status != 200)
        return tw_error_at(error, -EPROTO, url, 0, 0,
                           "answers %ld: that is no trainward agent, or an older one", status);
    return 0;
}

static int show(const struct answer *answer, const char *url)
{
    json_t *status = json_loadb(answer->text ? answer->text : "", answer->size, 0, NULL);
    if (!json_is_object(status) || !json_is_object(json_object_get(status, "episodes"))) {
        fprintf(stderr, "trainward status: %s: the answer is no status of an agent\n", url);
        json_decref(status);
        return TW_EXIT_WRONG;
    }
    if (!strcmp(format, "json")) {
        json_dumpf(status, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        putchar('\n');
    } else {
        tw_status_text(stdout, status, (size_t)episodes_max, (double)time(NULL));
    }
    int result = json_is_true(json_object_get(status, "ready")) ? 0 : NOT_READY;
    json_decref(status);
    return result;
}

static int ask(void)
{
    char url[1024];
    struct tw_error error = {0};
    struct answer answer = {0};
    int status = TW_EXIT_WRONG, result = 0;
    if (url_option)
        url_of_option(url, sizeof url);
    else if (tw_common_options.config)
        result = url_of_config(url, sizeof url, &error);
    else
        snprintf(url, sizeof url, "http://" TW_HTTP_LISTEN STATUS_PATH);
    if (!result)
        result = fetch(url, &answer, &error);
    if (!result)
        status = show(&answer, url);
    else if (error.code)
        tw_usage_error("status", &error);
    free(answer.text);
    return status;
}

static int run(int argc, const char **argv)
{
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_status, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char *surplus = poptGetArg(context);
    int status = TW_EXIT_WRONG;
    if (surplus)
        fprintf(stderr,
                "trainward status: %s: takes no arguments; name the agent with --config "
                "or --url\n",
                surplus);
    else if (strcmp(format, "text") && strcmp(format, "json"))
        fprintf(stderr, "trainward status: %s: no such format; use text or json\n", format);
    else if (episodes_max < 0)
        fputs("trainward status: --episodes: must not be negative\n", stderr);
    else
        status = ask();
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_status = {
    .name = "status",
    .arguments = "[--config FILE | --url URL] [OPTIONS]",
    .summary = "what a running agent watches, what is open, and how the sinks do",
    .run = run,
};
