/* What every sink in the table must do, whatever it delivers to. */
#include "config.h"

#include "sample_advisory.h"
#include "sinks/notify/notification.h"
#include "sinks/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

/* A port of this machine where nobody listens: bound once, and closed again. */
static unsigned closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void set(const struct tw_sink *sink, void *config, const char *name, const char *text)
{
    struct tw_error error = {0};
    const struct tw_option *option = tw_option_find(sink->options, sink->n_options, name);
    if (!option)
        return;
    if (tw_option_set(option, config, text, &error))
        fail_msg("%s", error.text);
}

/* A configuration at its initial values. */
static void *empty_config(const struct tw_sink *sink)
{
    void *config = calloc(1, sink->config_size);
    struct tw_error error = {0};
    if (tw_options_initialise(sink->options, sink->n_options, config, &error))
        fail_msg("%s: %s", sink->name, error.text);
    return config;
}

/* One that opens, with its far end at a closed port. */
static void *sound_config(const struct tw_sink *sink)
{
    char url[64];
    unsigned port = closed_port();
    void *config = empty_config(sink);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    set(sink, config, "urls", url);
    set(sink, config, "url", url);
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u", port);
    set(sink, config, "server", url);
    set(sink, config, "from", "trainward@example.org");
    set(sink, config, "to", "team@example.org");
    return config;
}

static void release(const struct tw_sink *sink, void *config)
{
    tw_options_release(sink->options, sink->n_options, config);
    free(config);
}

static void every_sink_describes_itself(void **state)
{
    (void)state;
    for (const struct tw_sink *const *at = tw_sinks; *at; at++) {
        const struct tw_sink *sink = *at;
        assert_ptr_equal(tw_sink_find(sink->name), sink);
        assert_true(sink->description && sink->description[0]);
        assert_true(sink->batch_max >= 1 && sink->batch_max <= 1024);
        assert_true(sink->open && sink->close && !sink->deliver != !sink->notify);
        for (size_t i = 0; i < sink->n_options; i++) {
            const struct tw_option *option = &sink->options[i];
            assert_true(option->help && option->help[0]);
            assert_true(option->offset < sink->config_size);
            assert_ptr_equal(tw_option_find(sink->options, sink->n_options, option->name), option);
            if (option->min < option->max)
                assert_true(option->initial >= option->min && option->initial <= option->max);
        }
        sink->close(NULL);
    }
    assert_null(tw_sink_find("nothing"));
}

static void what_is_required_is_asked_for_on_open(void **state)
{
    (void)state;
    for (const struct tw_sink *const *at = tw_sinks; *at; at++) {
        const struct tw_sink *sink = *at;
        bool is_required = false;
        for (size_t i = 0; i < sink->n_options; i++)
            is_required |= sink->options[i].required;
        if (!is_required)
            continue;
        void *config = empty_config(sink), *opened = NULL;
        struct tw_error error = {0};
        assert_true(sink->open(&opened, config, &error) < 0);
        assert_string_not_equal(error.text, "");
        release(sink, config);
    }
}

/* Whether this sink connects somewhere at all. */
static bool is_remote(const struct tw_sink *sink)
{
    return sink->check != NULL;
}

/* The same notification for each of three results. */
static void notify(const struct tw_sink *sink, void *opened, struct tw_sink_result *results)
{
    char *address[] = {(char *)(uintptr_t) "a@example.org"};
    struct tw_texts to = {1, address};
    struct json_t *notification = tw_notification_test("team", &to, 0);
    for (size_t i = 0; i < 3; i++)
        sink->notify(opened, notification, NULL, &results[i]);
    json_decref(notification);
}

static void a_closed_port_asks_for_a_retry_of_every_item(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *document = tw_episode_document(&sample.advisory);
    for (const struct tw_sink *const *at = tw_sinks; *at; at++) {
        const struct tw_sink *sink = *at;
        if (!is_remote(sink))
            continue;
        void *config = sound_config(sink), *opened = NULL;
        struct tw_error error = {0};
        assert_int_equal(sink->open(&opened, config, &error), 0);
        struct tw_sink_item items[3];
        struct tw_sink_result results[3] = {{TW_OUTCOME_DONE}};
        for (size_t i = 0; i < 3; i++)
            items[i] = (struct tw_sink_item){document, strlen(document)};
        if (sink->notify)
            notify(sink, opened, results);
        else
            sink->deliver(opened, items, 3, results);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(results[i].outcome, TW_OUTCOME_RETRY);
            assert_non_null(strstr(results[i].reason, "127.0.0.1"));
        }
        assert_true(sink->check(opened, false, &error) < 0);
        assert_non_null(strstr(error.text, "is it running")); /* the remedy */
        sink->close(opened);
        release(sink, config);
    }
    free(document);
}

static void garbage_is_poison_and_crashes_nothing(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "", "{", "[]", "null", "{}", "\"text\"", "\xff\xfe", "{\"event\":{\"id\":3}}",
        "{\"event\":{\"id\":\"ce74a43a03145a57e1cc872880377fd5\"}}",
        "{\"@timestamp\":\"yesterday\",\"event\":{\"id\":\"ce74a43a03145a57e1cc872880377fd5\"},"
        "\"trainward\":{\"kind\":\"run\",\"run\":{\"id\":\"r\"},\"transition\":0}}",
        /* An id that would leave its place in a request. */
        "{\"@timestamp\":\"2026-07-31T00:00:00Z\",\"event\":{\"id\":\"a\\\"}}\\n{\\\"delete\\\"\"},"
        "\"trainward\":{\"kind\":\"run\",\"run\":{\"id\":\"r\"},\"transition\":0}}",
        "{\"@timestamp\":\"2026-07-31T00:00:00Z\","
        "\"event\":{\"id\":\"ce74a43a03145a57e1cc872880377fd5\"},"
        "\"trainward\":{\"kind\":\"episode\",\"run\":{\"id\":\"r\"},\"transition\":-1}}"};
    size_t n = sizeof garbage / sizeof *garbage;
    for (const struct tw_sink *const *at = tw_sinks; *at; at++) {
        const struct tw_sink *sink = *at;
        if (sink->notify) /* the groups look at documents: test_groups */
            continue;
        void *config = sound_config(sink), *opened = NULL;
        assert_int_equal(sink->open(&opened, config, NULL), 0);
        for (size_t i = 0; i < n; i++) {
            struct tw_sink_item item = {garbage[i], strlen(garbage[i])};
            struct tw_sink_result result = {TW_OUTCOME_DONE};
            sink->deliver(opened, &item, 1, &result);
            assert_int_equal(result.outcome, TW_OUTCOME_POISON);
            assert_string_not_equal(result.reason, "");
        }
        sink->close(opened);
        release(sink, config);
    }
}

static int open_with(const char *name, const char *option, const char *value,
                     struct tw_error *error)
{
    const struct tw_sink *sink = tw_sink_find(name);
    void *config = sound_config(sink), *opened = NULL;
    const struct tw_option *row = tw_option_find(sink->options, sink->n_options, option);
    assert_non_null(row);
    if (row->type == TW_OPTION_TEXTS)
        tw_texts_release((struct tw_texts *)(void *)((char *)config + row->offset));
    set(sink, config, option, value);
    int result = sink->open(&opened, config, error);
    if (!result)
        sink->close(opened);
    release(sink, config);
    return result;
}

static void configurations_that_cannot_work_are_refused_on_open(void **state)
{
    (void)state;
    static const struct {
        const char *sink, *option, *value;
    } cases[] = {
        {"elasticsearch", "urls", "localhost:9200"},
        {"elasticsearch", "urls", "https://user:secret@localhost:9200"},
        {"elasticsearch", "index_prefix", "Upper"},
        {"elasticsearch", "index_prefix", "a/b"},
        {"elasticsearch", "username", "alone"},
        {"email", "server", "mail.example.org:587"},
        {"email", "server", "smtp://user:secret@mail.example.org"},
        {"email", "from", "nobody"},
        {"email", "from", "a@b.org\r\nBcc: c@d.org"},
        {"email", "from", "\"x\ny\" <a@b.org>"},
        {"email", "to", "a@b.org> SIZE=1\r\nDATA"},
        {"email", "to", "a b@c.org"},
        {"email", "username", "alone"},
        {"webhook", "url", "ftp://hooks.example.org/secret"},
        {"webhook", "url", "https://a/\nsecret"},
        {"webhook", "template_file", "/nowhere/at-all"},
        {"webhook", "headers", "X-A=b\r\nX-C: d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_error error = {0};
        if (open_with(cases[i].sink, cases[i].option, cases[i].value, &error) >= 0)
            fail_msg("%s: %s was accepted", cases[i].option, cases[i].value);
        assert_null(strstr(error.text, "secret"));
        assert_non_null(strstr(error.text, cases[i].option));
    }
    assert_int_equal(open_with("email", "from", "Training watch <a@b.org>", NULL), 0);
}

static void a_password_does_not_travel_in_the_clear(void **state)
{
    (void)state;
    const struct tw_sink *sink = tw_sink_find("email");
    void *config = sound_config(sink), *opened = NULL;
    struct tw_error error = {0};
    set(sink, config, "server", "smtp://mail.example.org:25");
    set(sink, config, "tls", "opportunistic");
    set(sink, config, "username", "user");
    set(sink, config, "password", "secret");
    assert_int_equal(sink->open(&opened, config, &error), -EINVAL);
    assert_non_null(strstr(error.text, "tls"));
    release(sink, config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sink_describes_itself),
        cmocka_unit_test(what_is_required_is_asked_for_on_open),
        cmocka_unit_test(a_closed_port_asks_for_a_retry_of_every_item),
        cmocka_unit_test(garbage_is_poison_and_crashes_nothing),
        cmocka_unit_test(configurations_that_cannot_work_are_refused_on_open),
        cmocka_unit_test(a_password_does_not_travel_in_the_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
