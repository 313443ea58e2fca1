/* Overrides, `-o key.path=value`: the same keys as the file's, a list entry by its name. */
#include "agent/config_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX_LENGTH 256

/* One override taken apart: "sinks.team.to" and its value. */
struct override {
    const char *place;           /* "-o sinks.team.to", for mistakes: a value may be a secret */
    char first[KEY_MAX_LENGTH];  /* "sinks" */
    char second[KEY_MAX_LENGTH]; /* "team"; empty: there is none */
    const char *rest;            /* "to", behind the second; "" */
    const char *value;
};

static void say_unknown(struct tw_config_loader *loader, const struct override *override,
                        const char *typed, const char *const *known, size_t n)
{
    char text[512];
    tw_config_say(loader, override->place, 0, 0, "%s",
                  tw_config_unknown(typed, known, n, text, sizeof text));
}

static void override_detector(struct tw_config_loader *loader, const struct override *override)
{
    struct tw_settings_table found;
    if (!tw_settings_find(&loader->config->settings, override->second, &found)) {
        const char *known[TW_DETECTORS_MAX + 1];
        say_unknown(loader, override, override->second, known,
                    tw_settings_names(known, TW_DETECTORS_MAX + 1));
        return;
    }
    struct tw_config_table table = {found.options, found.n, found.config};
    tw_config_set_option(loader, &table, override->place, override->rest, override->value);
}

static void override_advisory_log(struct tw_config_loader *loader, const struct override *override)
{
    static const char *const known[] = {"kafka"};
    if (strcmp(override->second, known[0])) {
        say_unknown(loader, override, override->second, known, 1);
        return;
    }
    struct tw_config_table table = tw_config_use_log_kafka(loader, NULL);
    tw_config_set_option(loader, &table, override->place, override->rest, override->value);
}

/* Sources have no names: their kind stands for all of it. One that is not there is made. */
static void override_source(struct tw_config_loader *loader, const struct override *override)
{
    size_t found = 0;
    for (size_t i = 0; i < loader->n_objects; i++) {
        const struct tw_config_object *object = &loader->objects[i];
        if (strcmp(object->kind, override->second))
            continue;
        found++;
        tw_config_set_option(loader, &object->table, override->place, override->rest,
                             override->value);
    }
    struct tw_config_table table;
    if (!found && tw_config_add_source(loader, override->second, NULL, override->place, &table))
        tw_config_set_option(loader, &table, override->place, override->rest, override->value);
}

static void say_unknown_sink(struct tw_config_loader *loader, const struct override *override)
{
    const struct tw_config *config = loader->config;
    const char *known[TW_CONFIG_SINKS_MAX];
    for (size_t i = 0; i < config->n_sinks; i++)
        known[i] = config->sinks[i].name;
    say_unknown(loader, override, override->second, known, config->n_sinks);
}

/* By name; a kind that no sink is named by is made. */
static void override_sink(struct tw_config_loader *loader, const struct override *override)
{
    const struct tw_config *config = loader->config;
    struct tw_config_table table;
    for (size_t i = 0; i < config->n_sinks; i++) {
        const struct tw_configured_sink *sink = &config->sinks[i];
        if (strcmp(sink->name, override->second))
            continue;
        table = (struct tw_config_table){sink->sink->options, sink->sink->n_options, sink->config};
        tw_config_set_option(loader, &table, override->place, override->rest, override->value);
        return;
    }
    if (config->n_sinks && !tw_sink_find(override->second))
        say_unknown_sink(loader, override);
    else if (tw_config_add_sink(loader, override->second, NULL, override->place, &table))
        tw_config_set_option(loader, &table, override->place, override->rest, override->value);
}

static const struct {
    const char *name;
    void (*set)(struct tw_config_loader *loader, const struct override *override);
    const char *form;
} nested[] = {
    {"detectors", override_detector, "detectors.NAME.threshold=value"},
    {"advisory_log", override_advisory_log, "advisory_log.kafka.key=value"},
    {"sources", override_source, "sources.kafka.key=value"},
    {"sinks", override_sink, "sinks.NAME.key=value"},
};

static void apply(struct tw_config_loader *loader, const struct override *override,
                  const char *behind_first)
{
    const char *known[32];
    struct tw_config_table table;
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        if (strcmp(nested[i].name, override->first))
            continue;
        if (*override->rest)
            nested[i].set(loader, override);
        else
            tw_config_say(loader, override->place, 0, 0, "is not written as %s", nested[i].form);
        return;
    }
    if (*override->first && *behind_first && tw_config_section(loader, override->first, &table)) {
        tw_config_set_option(loader, &table, override->place, behind_first, override->value);
        return;
    }
    tw_config_section(loader, "", &table);
    if (!*behind_first && tw_option_find(table.options, table.n, override->first))
        tw_config_set_option(loader, &table, override->place, override->first, override->value);
    else
        say_unknown(loader, override, override->first, known, tw_config_root_keys(known, 32));
}

/* Copies up to the next dot; returns what is behind it. */
static const char *take_part(const char *path, char part[KEY_MAX_LENGTH])
{
    size_t length = strcspn(path, ".");
    snprintf(part, KEY_MAX_LENGTH, "%.*s", (int)length, path);
    return path[length] ? path + length + 1 : path + length;
}

void tw_config_override(struct tw_config_loader *loader, const char *text)
{
    char key[KEY_MAX_LENGTH], place[KEY_MAX_LENGTH + 8];
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    if (!length || length >= sizeof key) {
        tw_config_say(loader, "-o", 0, 0, "'%.*s' is not written as key.path=value",
                      (int)strcspn(text, "="), text);
        return;
    }
    snprintf(key, sizeof key, "%.*s", (int)length, text);
    snprintf(place, sizeof place, "-o %s", key);
    struct override override = {.place = place, .value = equals + 1};
    const char *behind_first = take_part(key, override.first);
    override.rest = take_part(behind_first, override.second);
    apply(loader, &override, behind_first);
}
