/* The configuration file: what it fills in, and every mistake with its place and exact words. */
#include "agent/config.h"

#include "sources/kafka.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/tw-config-XXXXXX";

/* All mistakes of one load, a line each, without the file's name. */
struct mistakes {
    size_t n;
    char text[16384];
};

static void note(void *closure, const struct tw_error *mistake)
{
    struct mistakes *mistakes = closure;
    char line[1024];
    tw_error_message(mistake, line, sizeof line);
    const char *text = strncmp(line, path, strlen(path)) ? line : line + strlen(path);
    size_t used = strlen(mistakes->text);
    snprintf(mistakes->text + used, sizeof mistakes->text - used, "%s\n", text);
    mistakes->n++;
}

static void write_file(const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static int load(struct tw_config *config, const char *text, const char *override,
                struct mistakes *mistakes)
{
    struct tw_error error = {0};
    write_file(text, strlen(text));
    *mistakes = (struct mistakes){0};
    int result = tw_config_load(config, path, &override, override != NULL, note, mistakes, &error);
    assert_int_equal(result != 0, mistakes->n > 0);
    assert_int_equal(error.code != 0, mistakes->n > 0);
    return result;
}

static void load_well(struct tw_config *config, const char *text, const char *override)
{
    struct mistakes mistakes;
    if (load(config, text, override, &mistakes))
        fail_msg("%s", mistakes.text);
}

static const char full[] =
    "state_dir: /var/lib/trainward\n"
    "sources:\n"
    "  - kafka: {brokers: \"a:9092\", group: g, properties: {security.protocol: plaintext}}\n"
    "  - directory: {path: /srv/runs, recursive: true}\n"
    "advisory_log: {kafka: {brokers: \"b:9092\", prefix: p}}\n"
    "detectors: {shared: {cooldown_steps: 7}}\n"
    "rules: [/etc/a, /etc/b]\n"
    "sinks:\n"
    "  - elasticsearch: {name: search, urls: [\"https://a:1\", \"https://b:1\"], timeout: 2m}\n"
    "  - terminal: {}\n"
    "delivery: {backoff_first: 250ms}\n"
    "http: {listen: \"127.0.0.1:9464\"}\n"
    "log: {level: debug, format: json}\n";

static void every_section_is_filled_in(void **state)
{
    struct tw_config config;
    (void)state;
    load_well(&config, full, NULL);
    assert_string_equal(config.state_dir, "/var/lib/trainward");
    assert_int_equal(config.n_kafka, 1);
    const struct tw_kafka_config *kafka = config.kafka[0];
    assert_string_equal(kafka->brokers, "a:9092");
    assert_string_equal(kafka->topic, "trainward.telemetry");
    assert_string_equal(kafka->group, "g");
    assert_int_equal(kafka->properties.n, 1);
    assert_string_equal(kafka->properties.at[0], "security.protocol=plaintext");
    assert_int_equal(config.n_directories, 1);
    assert_true(config.directories[0].recursive);
    assert_true(config.log_in_kafka);
    assert_string_equal(tw_config_log(&config).brokers, "b:9092");
    assert_string_equal(tw_config_log(&config).prefix, "p");
    assert_null(tw_config_log(&config).dir);
    assert_int_equal(config.settings.shared.cooldown_steps, 7);
    assert_int_equal(config.rules.n, 2);
    assert_int_equal(config.n_sinks, 2);
    assert_string_equal(config.sinks[0].name, "search");
    assert_string_equal(config.sinks[1].name, "terminal");
    assert_true(config.backoff_first == .25 && config.backoff_max == 60);
    assert_string_equal(config.http_listen, "127.0.0.1:9464");
    assert_int_equal(config.log_level, 3);
    assert_true(config.log_json);
    tw_config_release(&config);
}

static void sizes_are_read_with_their_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {
        {"2097152", 2097152}, {"2048KiB", 2097152}, {"1.5GiB", 1610612736}, {"1TiB", 1ull << 40}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[64];
        struct tw_config config;
        snprintf(text, sizeof text, "limits: {memory: %s}\n", sizes[i].text);
        load_well(&config, text, NULL);
        assert_true(config.limits.memory == sizes[i].bytes);
        tw_config_release(&config);
    }
}

static void an_empty_file_and_no_file_are_the_defaults(void **state)
{
    struct tw_config config;
    (void)state;
    setenv("XDG_STATE_HOME", "/home/u/.local/state", 1);
    static const char *const texts[] = {"", "# nothing\n", "sinks:\nsources:\nlog:\n", "--- {}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        load_well(&config, texts[i], NULL);
        assert_string_equal(config.state_dir, "/home/u/.local/state/trainward");
        assert_string_equal(tw_config_log(&config).dir, config.state_dir);
        assert_int_equal(config.n_sinks + config.n_kafka + config.n_directories, 0);
        assert_int_equal(config.log_level, 2);
        assert_int_equal(config.limits.runs, 1000000);
        assert_true(config.limits.memory == (uint64_t)8 << 30);
        assert_true(config.limits.retire_after_silence == 86400);
        tw_config_release(&config);
    }
    assert_int_equal(tw_config_load(&config, NULL, NULL, 0, NULL, NULL, NULL), 0);
    tw_config_release(&config);
}

static void the_environment_is_put_in_and_can_be_escaped(void **state)
{
    struct tw_config config;
    (void)state;
    setenv("TW_TEST_WORD", "a: [b", 1);
    load_well(&config, "state_dir: \"/x/${TW_TEST_WORD}/$HOME/$${TW_TEST_WORD}\"\n", NULL);
    assert_string_equal(config.state_dir, "/x/a: [b/$HOME/${TW_TEST_WORD}");
    tw_config_release(&config);
}

/* ---- mistakes ---- */

static const struct {
    const char *text, *mistakes;
} wrong[] = {
    {"stat_dir: /x\n", ":1:1: unknown key 'stat_dir'; did you mean 'state_dir'?\n"},
    {"grafana: {}\n",
     ":1:1: unknown key 'grafana'; known here: state_dir, sources, advisory_log, "
     "detectors, rules, sinks, delivery, checkpoint, http, limits, log, "
     "shutdown_timeout, logs, charts, charts_file_size, charts_file_age, kibana\n"},
    {"kibana: {url: localhost}\n",
     ": kibana: url: begins with https:// or http://, as in https://localhost:5601\n"},
    {"log: {level: loud}\n", ":1:14: level: 'loud' is none of error, warning, info, debug\n"},
    {"log: {level: [info]}\n", ":1:14: level: must be one value, not a list\n"},
    {"log: [level]\n", ":1:6: log must be a mapping (key: value)\n"},
    {"log: {level: info}\nhttp: {}\nlog: {}\n", ":3:1: 'log' appears twice, first in line 1\n"},
    {"log:\n  level: info\n  level: info\n", ":3:3: 'level' appears twice, first in line 2\n"},
    {"log: {level: }\n", ":1:14: level: has no value\n"},
    {"- a\n", ":1:1: the configuration must be a mapping (key: value)\n"},
    {"hello\n", ":1:1: the configuration must be a mapping (key: value)\n"},
    {"? [a]\n: b\n", ":1:3: a key of the configuration must be a word\n"},
    {"state_dir: \"a\\0b\"\n", ":1:12: state_dir: contains a zero byte\n"},
    {"state_dir: ${TW_TEST_UNSET}\n",
     ":1:12: state_dir: the environment variable TW_TEST_UNSET is not set\n"},
    {"state_dir: /a/${\n",
     ":1:12: state_dir: '${' needs NAME} behind it; a literal '${' is written '$${'\n"},
    {"sources: {kafka: {}}\n", ":1:10: sources must be a list: '- kind: {...}'\n"},
    {"sources: [kafka]\n", ":1:11: an entry of sources must have one key, its kind\n"},
    {"sources:\n  - kafca: {}\n", ":2:5: unknown key 'kafca'; did you mean 'kafka'?\n"},
    {"sources:\n  - kafka: {}\n",
     ":2:5: kafka: 'brokers' is missing (host:port of some brokers, separated by commas)\n"},
    {"sources:\n  - kafka: {brokers: [a]}\n", ":2:22: brokers: must be one value, not a list\n"},
    {"sources:\n  - kafka: {brokers: a, properties: {grop.id: x}}\n",
     ":2:5: properties: 'grop.id' is not a librdkafka property; did you mean 'group.id'?\n"},
    {"sources:\n  - kafka: {brokers: a, properties: {group.id: x}}\n",
     ":2:5: properties: 'group.id' is set by the key 'group'\n"},
    {"sources:\n  - kafka: {brokers: a, topic: \"^a.*\"}\n",
     ":2:5: topic: '^a.*' is no topic name (letters, digits, '.', '_', '-')\n"},
    {"sources:\n  - directory: {recursive: maybe}\n",
     ":2:28: recursive: 'maybe' is neither true nor false\n"
     ":2:5: directory: 'path' is missing (a directory of run directories)\n"},
    {"sinks:\n  - terminl: {}\n", ":2:5: unknown key 'terminl'; did you mean 'terminal'?\n"},
    {"sinks:\n  - terminal: {}\n  - terminal: {}\n",
     ":3:5: two sinks are called 'terminal'; give each a 'name' of its own\n"},
    {"sinks:\n  - terminal: {name: a}\n    email: {}\n",
     ":2:5: an entry of sinks must have one key, its kind\n"},
    {"sinks:\n  - terminal: {name: ../../x}\n",
     ":2:22: name: '../../x' must be 1 to 64 letters, digits, '-' and '_': it names a file and is "
     "part of -o sinks.NAME.option\n"},
    {"detectors: {shard: {}}\n", ":1:13: unknown key 'shard'; did you mean 'shared'?\n"},
    {"detectors: {shared: {cooldown_step: 1}}\n",
     ":1:22: unknown key 'cooldown_step'; did you mean 'cooldown_steps'?\n"},
    {"detectors: {shared: {cooldown_steps: soon}}\n",
     ":1:38: cooldown_steps: 'soon' is not a number\n"},
    {"delivery: {backoff_max: 10y}\n",
     ":1:25: backoff_max: '10y' is not a duration such as 250ms, 30s or 5m\n"},
    {"limits: {memory: 8GB}\n",
     ":1:18: memory: '8GB' is not a size such as 64KiB, 512MiB or 8GiB\n"},
    {"limits: {memory: 1KiB}\n", ":1:18: memory: 1KiB is outside 1.04858e+06 to 1.1259e+15\n"},
    {"delivery: {backoff_first: 1h}\n",
     ": delivery: backoff_max (60 s) is below backoff_first (3600 s)\n"},
    {"http: {listen: 9464}\n",
     ":1:16: http.listen: '9464' is not ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:0, nor "
     "'none'\n"},
    {"sinks:\n  - terminal: {}\n  - email: {server: \"http://a\", from: a@example.org, to: "
     "b@example.org}\n",
     ":3:5: sink email: server: write smtp://host:587 for STARTTLS or smtps://host:465\n"},
    {"advisory_log: {file: x}\n", ":1:16: unknown key 'file'; known here: kafka\n"},
    {"a: 1\n---\nb: 1\n", ":2:1: a second YAML document; a configuration is one\n"},
    {"state_dir: !ruby/object x\n", ":1:12: tags of your own have no meaning here\n"},
    {"a: [1, 2\nb: 3\n",
     ":2:2: is no YAML: did not find expected ',' or ']', while parsing a flow sequence\n"},
    {"a: *b\n", ":1:4: is no YAML: found undefined alias\n"},
};

static void every_mistake_is_told_with_line_column_and_remedy(void **state)
{
    struct tw_config config;
    struct mistakes mistakes;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(load(&config, wrong[i].text, NULL, &mistakes) != 0, 1);
        assert_string_equal(mistakes.text, wrong[i].mistakes);
    }
}

static void all_mistakes_are_told_at_once(void **state)
{
    struct tw_config config;
    struct mistakes mistakes;
    (void)state;
    load(&config, "foo: 1\nlog: {level: x, format: y}\nsinks:\n  - email: {form: a}\n", NULL,
         &mistakes);
    assert_true(mistakes.n >= 5); /* foo, level, format, form, and what the mail lacks */
}

static void nesting_and_aliases_are_bounded(void **state)
{
    struct tw_config config;
    struct mistakes mistakes;
    char *deep = malloc(200001);
    (void)state;
    memset(deep, '[', 200000);
    deep[200000] = '\0';
    load(&config, deep, NULL, &mistakes);
    assert_string_equal(mistakes.text, ":1:17: nested too deeply\n");
    free(deep);
    /* Each level ten of the one before it: 10^9 values, were they written out. */
    load(&config,
         "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
         "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
         "rules: *f\n",
         NULL, &mistakes);
    assert_true(mistakes.n >= 6 && mistakes.n <= 100);
    load(&config, "log: &l {level: *l}\n", NULL, &mistakes);
    assert_true(mistakes.n == 1);
}

static void a_file_that_is_too_large_or_missing_is_a_mistake(void **state)
{
    struct tw_config config;
    struct mistakes mistakes = {0};
    char *large = malloc(300001);
    (void)state;
    memset(large, '#', 300000);
    large[300000] = '\0';
    load(&config, large, NULL, &mistakes);
    assert_string_equal(mistakes.text, ": is larger than 256 KiB\n");
    free(large);
    mistakes = (struct mistakes){0};
    assert_true(tw_config_load(&config, "/nonexistent", NULL, 0, note, &mistakes, NULL) < 0);
    assert_string_equal(mistakes.text, "/nonexistent: cannot be read: No such file or directory\n");
}

/* ---- secrets ---- */

static const char *secret_file(const char *content, mode_t mode)
{
    static char name[] = "/tmp/tw-secret-test";
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return name;
}

static void a_secret_comes_from_its_file_and_only_a_private_one(void **state)
{
    struct tw_config config;
    struct mistakes mistakes;
    char text[300];
    (void)state;
    const char *file = secret_file("hunter2\n", 0600);
    snprintf(text, sizeof text,
             "sources:\n  - kafka: {brokers: a, properties: {sasl.password_file: %s}}\n", file);
    load_well(&config, text, NULL);
    const struct tw_kafka_config *kafka = config.kafka[0];
    assert_string_equal(kafka->properties.at[0], "sasl.password=hunter2");
    tw_config_release(&config);
    secret_file("hunter2\n", 0644);
    load(&config, text, NULL, &mistakes);
    assert_non_null(strstr(mistakes.text, "can be read by everybody"));
    assert_null(strstr(mistakes.text, "hunter2"));
    unlink(file);
}

static void a_secret_and_its_file_cannot_both_be_given(void **state)
{
    struct tw_config config;
    struct mistakes mistakes;
    (void)state;
    load(&config,
         "sinks:\n  - elasticsearch: {urls: [\"https://a:1\"], api_key: x, api_key_file: /y}\n",
         NULL, &mistakes);
    assert_string_equal(mistakes.text, ":2:56: 'api_key' and 'api_key_file' are both given\n");
}

/* ---- overrides ---- */

static void an_override_wins_over_the_file(void **state)
{
    struct tw_config config;
    (void)state;
    load_well(&config, full, "detectors.shared.cooldown_steps=9");
    assert_int_equal(config.settings.shared.cooldown_steps, 9);
    tw_config_release(&config);
    load_well(&config, full, "sources.kafka.topic=other");
    assert_string_equal(((struct tw_kafka_config *)config.kafka[0])->topic, "other");
    tw_config_release(&config);
    load_well(&config, full, "rules=/etc/c"); /* a list is replaced */
    assert_int_equal(config.rules.n, 1);
    assert_string_equal(config.rules.at[0], "/etc/c");
    tw_config_release(&config);
    load_well(&config, full, "sources.kafka.properties.client.id=x=y");
    assert_string_equal(((struct tw_kafka_config *)config.kafka[0])->properties.at[1],
                        "client.id=x=y");
    tw_config_release(&config);
    load_well(&config, full, "log.level=error");
    assert_int_equal(config.log_level, 0);
    tw_config_release(&config);
}

static void an_override_makes_what_the_file_does_not_have(void **state)
{
    struct tw_config config;
    (void)state;
    load_well(&config, "", "sources.directory.path=/runs");
    assert_string_equal(config.directories[0].path, "/runs");
    tw_config_release(&config);
    load_well(&config, "", "advisory_log.kafka.brokers=a:1");
    assert_true(config.log_in_kafka);
    assert_string_equal(config.log_prefix, "trainward");
    tw_config_release(&config);
}

static void a_wrong_override_is_told_by_its_key_and_never_by_its_value(void **state)
{
    static const struct {
        const char *override, *mistakes;
    } cases[] = {
        {"lgo.level=info", "-o lgo.level: unknown key 'lgo'; did you mean 'log'?\n"},
        {"log.lvel=info", "-o log.lvel: unknown key 'lvel'; did you mean 'level'?\n"},
        {"sinks.serch.urls=x",
         "-o sinks.serch.urls: unknown key 'serch'; did you mean 'search'?\n"},
        {"sinks.search.api_kee=hunter2",
         "-o sinks.search.api_kee: unknown key 'api_kee'; did you mean 'api_key'?\n"},
        {"detectors.shared=1",
         "-o detectors.shared: is not written as detectors.NAME.threshold=value\n"},
        {"state_dir", "-o: 'state_dir' is not written as key.path=value\n"},
        {"=x", "-o: '' is not written as key.path=value\n"},
    };
    struct tw_config config;
    struct mistakes mistakes;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        load(&config, full, cases[i].override, &mistakes);
        assert_string_equal(mistakes.text, cases[i].mistakes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_is_filled_in),
        cmocka_unit_test(sizes_are_read_with_their_unit),
        cmocka_unit_test(an_empty_file_and_no_file_are_the_defaults),
        cmocka_unit_test(the_environment_is_put_in_and_can_be_escaped),
        cmocka_unit_test(every_mistake_is_told_with_line_column_and_remedy),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(nesting_and_aliases_are_bounded),
        cmocka_unit_test(a_file_that_is_too_large_or_missing_is_a_mistake),
        cmocka_unit_test(a_secret_comes_from_its_file_and_only_a_private_one),
        cmocka_unit_test(a_secret_and_its_file_cannot_both_be_given),
        cmocka_unit_test(an_override_wins_over_the_file),
        cmocka_unit_test(an_override_makes_what_the_file_does_not_have),
        cmocka_unit_test(a_wrong_override_is_told_by_its_key_and_never_by_its_value),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 99;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
