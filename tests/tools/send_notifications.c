/* Reads notifications as JSON lines from standard input and hands them to a sink as the delivery
 * loop would, but without its patience: each is tried once. Prints a line of JSON for each: what
 * came of it, and why.
 *
 *     send_notifications SINK COPIES OPTION=VALUE...
 *
 * Of more than one copy each has an id of its own. */
#include "sinks/sink.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_options(const struct tw_sink *sink, void *config, char **arguments,
                       struct tw_error *error)
{
    int result = tw_options_initialise(sink->options, sink->n_options, config, error);
    for (; *arguments && !result; arguments++) {
        char *value = strchr(*arguments, '=');
        if (!value)
            return tw_error_set(error, -1, "%s: write OPTION=VALUE", *arguments);
        *value++ = '\0';
        const struct tw_option *option = tw_option_find(sink->options, sink->n_options, *arguments);
        result = option ? tw_option_set(option, config, value, error)
                        : tw_error_set(error, -1, "%s: no such option", *arguments);
    }
    return result;
}

/* {notification: who is done}, as the loop keeps it. */
static json_t *all_done;

static int keep(void *done, const char *recipient, const char *refusal)
{
    return json_object_set_new(done, recipient, refusal ? json_string(refusal) : json_true());
}

/* A day does not pass here. */
static int put_off(void *done, const char *recipient, const char *reason)
{
    (void)done, (void)recipient, (void)reason;
    return 0;
}

static void send_once(const struct tw_sink *sink, void *opened, const json_t *notification,
                      struct tw_sink_result *ret)
{
    const char *id = json_string_value(json_object_get(notification, "id"));
    json_t *done = json_object_get(all_done, id);
    if (!done)
        json_object_set_new(all_done, id, done = json_object());
    const struct tw_sink_progress progress = {done, keep, put_off, done};
    sink->notify(opened, notification, &progress, ret);
}

static void send_copies(const struct tw_sink *sink, void *opened, json_t *notification,
                        unsigned copies)
{
    static const char *const outcomes[] = {"done", "retry", "poison"};
    char id[33];
    for (unsigned i = 0; i < copies; i++) {
        struct tw_sink_result result;
        if (copies > 1) {
            snprintf(id, sizeof id, "%032x", i + 1);
            json_object_set_new(notification, "id", json_string(id));
        }
        send_once(sink, opened, notification, &result);
        json_t *line =
            json_pack("{s:s, s:s}", "outcome", outcomes[result.outcome], "reason", result.reason);
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
    }
}

static int send_all(const struct tw_sink *sink, void *opened, unsigned copies)
{
    char *line = NULL;
    size_t room = 0;
    int status = 0;
    all_done = json_object();
    while (getline(&line, &room, stdin) > 0) {
        json_t *notification = json_loads(line, 0, NULL);
        if (notification)
            send_copies(sink, opened, notification, copies);
        else
            status = 2;
        json_decref(notification);
    }
    json_decref(all_done);
    free(line);
    return status;
}

static int run(const struct tw_sink *sink, void *config, char **arguments, struct tw_error *error)
{
    void *opened;
    int result = set_options(sink, config, arguments + 1, error);
    if (!result)
        result = sink->open(&opened, config, error);
    if (!result) {
        result = send_all(sink, opened, (unsigned)atoi(arguments[0]));
        sink->close(opened);
    }
    tw_options_release(sink->options, sink->n_options, config);
    return result;
}

int main(int argc, char **argv)
{
    char text[1024];
    struct tw_error error = {0};
    const struct tw_sink *sink = argc > 2 ? tw_sink_find(argv[1]) : NULL;
    if (!sink || !sink->notify) {
        fputs("usage: send_notifications SINK COPIES OPTION=VALUE...\n", stderr);
        return 2;
    }
    void *config = calloc(1, sink->config_size);
    int result = config ? run(sink, config, argv + 2, &error) : -1;
    free(config);
    if (result)
        fprintf(stderr, "send_notifications: %s\n", tw_error_message(&error, text, sizeof text));
    return result ? 2 : 0;
}
