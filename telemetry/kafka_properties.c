/* Defaults, the user's properties, and what users may not set. */
#include "telemetry/kafka_properties.h"

#include "telemetry/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 128
/* librdkafka 2.0 has 190. */
#define NAMES_MAX 1024

static const struct tw_kafka_setting shared[] = {
    {"client.id", "trainward"},
    {"socket.nagle.disable", "true"},
    /* librdkafka's producers have it true: on brokers that create topics by themselves, asking for
     * one that is missing would make it, with the wrong partitions and without compaction. */
    {"allow.auto.create.topics", "false"},
    {NULL, NULL},
};

/* What nothing else than our own keys may set, and what at-least-once stands on. */
static const struct {
    const char *name, *why;
    bool emitter_may;
} ours[] = {
    {"bootstrap.servers", "is set by the key 'brokers'", false},
    {"metadata.broker.list", "is set by the key 'brokers'", false},
    {"group.id", "is set by the key 'group'", false},
    {"group.instance.id", "is set by the key 'instance'", false},
    {"enable.auto.commit", "is always false here", false},
    {"enable.auto.offset.store", "is always false here", false},
    {"enable.partition.eof", "is trainward's to set", false},
    {"partition.assignment.strategy", "is trainward's to set", false},
    {"transactional.id", "is not used here", false},
    {"allow.auto.create.topics", "is always false here: 'trainward setup kafka' creates topics",
     true},
    {"enable.idempotence", "is always true here", true},
    {"max.in.flight", "is trainward's to set", true},
    {"max.in.flight.requests.per.connection", "is trainward's to set", true},
    {"acks", "is always 'all' here", true},
    {"request.required.acks", "is always 'all' here", true},
};

void tw_kafka_silent(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client, (void)level, (void)facility, (void)text;
}

/* ---- which properties there are ---- */

/* librdkafka's dumps leave out what has no default; its table, made for people, has all: "name |
 * who | range ..." a line. For free(); NULL when there is no memory. Cuts the names off in place.
 */
static char *list_names(const char **names, size_t *ret_n)
{
    char *table = NULL, *rest;
    size_t size;
    FILE *file = open_memstream(&table, &size);
    if (!file)
        return NULL;
    rd_kafka_conf_properties_show(file);
    if (fclose(file)) {
        free(table);
        return NULL;
    }
    *ret_n = 0;
    for (char *line = strtok_r(table, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *end = strpbrk(line, " |");
        if (!islower((unsigned char)*line) || !end || *ret_n == NAMES_MAX)
            continue;
        *end = '\0';
        names[(*ret_n)++] = line;
    }
    return table;
}

static int say_unknown(const char *name, struct tw_error *error)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    char *table = list_names(names, &n);
    const char *near = tw_nearest(name, names, n);
    int result =
        tw_error_set(error, -EINVAL, "properties: '%s' is not a librdkafka property%s%s%s", name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    free(table);
    return result;
}

/* ---- setting them ---- */

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct tw_error *error)
{
    char reason[256];
    switch (rd_kafka_conf_set(conf, name, value, reason, sizeof reason)) {
    case RD_KAFKA_CONF_OK:
        return 0;
    case RD_KAFKA_CONF_UNKNOWN:
        return say_unknown(name, error);
    case RD_KAFKA_CONF_INVALID:
        break;
    }
    /* librdkafka's reason quotes the value. */
    return tw_error_set(error, -EINVAL, "properties: librdkafka refuses the value of '%s'", name);
}

static int set_all(rd_kafka_conf_t *conf, const struct tw_kafka_setting *settings,
                   struct tw_error *error)
{
    int result = 0;
    for (; settings->name && !result; settings++)
        result = set(conf, settings->name, settings->value, error);
    return result;
}

static int refuse_ours(const char *name, const struct tw_kafka_settings *settings,
                       struct tw_error *error)
{
    const struct tw_kafka_setting *fixed = settings->fixed;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (!strcmp(ours[i].name, name) && (fixed || !ours[i].emitter_may))
            return tw_error_set(error, -EINVAL, "properties: '%s' %s", name, ours[i].why);
    }
    for (; fixed && fixed->name && !settings->are_anothers; fixed++) {
        if (!strcmp(fixed->name, name))
            return tw_error_set(error, -EINVAL, "properties: '%s' is always %s here", name,
                                fixed->value);
    }
    return 0;
}

static int set_property(rd_kafka_conf_t *conf, const char *property,
                        const struct tw_kafka_settings *settings, struct tw_error *error)
{
    char name[NAME_BYTES_MAX];
    const char *equals = strchr(property, '=');
    size_t length = equals ? (size_t)(equals - property) : 0;
    if (!length || length >= sizeof name)
        return tw_error_set(error, -EINVAL, "properties: one is written name=value");
    memcpy(name, property, length);
    name[length] = '\0';
    int result = refuse_ours(name, settings, error);
    return result ? result : set(conf, name, equals + 1, error);
}

static int set_properties(rd_kafka_conf_t *conf, const struct tw_kafka_settings *settings,
                          struct tw_error *error)
{
    const struct tw_texts *properties = settings->properties;
    int result = 0;
    for (size_t i = 0; properties && i < properties->n && !result; i++)
        result = set_property(conf, properties->at[i], settings, error);
    return result;
}

int tw_kafka_configure(rd_kafka_conf_t *conf, const struct tw_kafka_settings *settings,
                       struct tw_error *error)
{
    int result = set_all(conf, shared, error);
    if (!result)
        result = set_all(conf, settings->defaults, error);
    if (!result)
        result = set_properties(conf, settings, error);
    if (!result && settings->fixed)
        result = set_all(conf, settings->fixed, error);
    return result ? result : set(conf, "bootstrap.servers", settings->brokers, error);
}
