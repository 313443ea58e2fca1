/* Thresholds by name; see settings.h. */
#include "agent/settings.h"

#include "telemetry/nearest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED "shared"

static size_t n_detectors(void)
{
    size_t n = 0;
    while (n < TW_DETECTORS_MAX && tw_detectors[n])
        n++;
    return n;
}

int tw_settings_init(struct tw_settings *settings, struct tw_error *error)
{
    *settings = (struct tw_settings){0};
    int result =
        tw_options_initialise(tw_context_options, tw_context_n_options, &settings->shared, error);
    for (size_t i = 0; i < n_detectors() && !result; i++) {
        const struct tw_detector *detector = tw_detectors[i];
        settings->detector[i] = calloc(1, detector->config_size ? detector->config_size : 1);
        if (!settings->detector[i])
            result = tw_error_set(error, -ENOMEM, "out of memory");
        else
            result = tw_options_initialise(detector->options, detector->n_options,
                                           settings->detector[i], error);
    }
    if (result)
        tw_settings_release(settings);
    return result;
}

void tw_settings_release(struct tw_settings *settings)
{
    tw_options_release(tw_context_options, tw_context_n_options, &settings->shared);
    for (size_t i = 0; i < n_detectors(); i++) {
        tw_options_release(tw_detectors[i]->options, tw_detectors[i]->n_options,
                           settings->detector[i]);
        free(settings->detector[i]);
    }
    *settings = (struct tw_settings){0};
}

/* ---- by name ---- */

static struct tw_settings_table shared_table(const struct tw_settings *settings)
{
    /* The table is for writing; the caller's own struct decides who may. */
    return (struct tw_settings_table){tw_context_options, tw_context_n_options,
                                      (void *)(size_t)&settings->shared};
}

static struct tw_settings_table detector_table(const struct tw_settings *settings, size_t i)
{
    return (struct tw_settings_table){tw_detectors[i]->options, tw_detectors[i]->n_options,
                                      settings->detector[i]};
}

bool tw_settings_find(const struct tw_settings *settings, const char *name,
                      struct tw_settings_table *ret)
{
    if (!strcmp(name, SHARED)) {
        *ret = shared_table(settings);
        return true;
    }
    for (size_t i = 0; i < n_detectors(); i++) {
        if (!strcmp(name, tw_detectors[i]->name)) {
            *ret = detector_table(settings, i);
            return true;
        }
    }
    return false;
}

size_t tw_settings_names(const char **ret, size_t max)
{
    size_t n = 0;
    if (n < max)
        ret[n++] = SHARED;
    for (size_t i = 0; i < n_detectors() && n < max; i++)
        ret[n++] = tw_detectors[i]->name;
    return n;
}

static int unknown_table(const char *name, struct tw_error *error)
{
    const char *names[TW_DETECTORS_MAX + 1];
    const char *near = tw_nearest(name, names, tw_settings_names(names, TW_DETECTORS_MAX + 1));
    if (near)
        return tw_error_set(error, -EINVAL, "no detector '%.64s'; did you mean '%s'?", name, near);
    return tw_error_set(error, -EINVAL, "no detector '%.64s'", name);
}

static int unknown_option(const char *table, const char *option,
                          const struct tw_settings_table *known, struct tw_error *error)
{
    const char *names[64];
    size_t n = 0;
    for (; n < known->n && n < 64; n++)
        names[n] = known->options[n].name;
    const char *near = tw_nearest(option, names, n);
    if (near)
        return tw_error_set(error, -EINVAL, "%s has no threshold '%.64s'; did you mean '%s'?",
                            table, option, near);
    return tw_error_set(error, -EINVAL, "%s has no threshold '%.64s'", table, option);
}

int tw_settings_set(struct tw_settings *settings, const char *name, const char *value,
                    struct tw_error *error)
{
    char first[128];
    struct tw_settings_table table;
    const char *dot = strchr(name, '.');
    if (!dot || (size_t)(dot - name) >= sizeof first)
        return tw_error_set(error, -EINVAL, "'%.64s' is not DETECTOR.THRESHOLD", name);
    snprintf(first, sizeof first, "%.*s", (int)(dot - name), name);
    settings->digest[0] = '\0';
    if (!tw_settings_find(settings, first, &table))
        return unknown_table(first, error);
    const struct tw_option *option = tw_option_find(table.options, table.n, dot + 1);
    if (!option)
        return unknown_option(first, dot + 1, &table, error);
    return tw_option_set(option, table.config, value, error);
}

/* ---- digest ---- */

/* FNV-1a, 64 bit (draft-eastlake-fnv). */
static uint64_t add_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

/* With its final zero, so that "ab" "c" and "a" "bc" differ. */
static uint64_t add_text(uint64_t hash, const char *text)
{
    return add_bytes(hash, text ? text : "", strlen(text ? text : "") + 1);
}

static uint64_t add_texts(uint64_t hash, const struct tw_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        hash = add_text(hash, texts->at[i]);
    return hash;
}

static uint64_t add_value(uint64_t hash, const struct tw_option *option, const void *config)
{
    const void *value = (const char *)config + option->offset;
    switch (option->type) {
    case TW_OPTION_NUMBER:
    case TW_OPTION_DURATION:
        return add_bytes(hash, value, sizeof(double));
    case TW_OPTION_COUNT:
    case TW_OPTION_BYTES:
        return add_bytes(hash, value, sizeof(uint64_t));
    case TW_OPTION_BOOL:
        return add_bytes(hash, value, sizeof(bool));
    case TW_OPTION_CHOICE:
        return add_bytes(hash, value, sizeof(int));
    case TW_OPTION_TEXT:
        return add_text(hash, *(char *const *)value);
    case TW_OPTION_TEXTS:
    case TW_OPTION_PROPERTIES:
        return add_texts(hash, value);
    case TW_OPTION_SECRET:
    case TW_OPTION_LIST:
        break; /* no threshold is one */
    }
    return hash;
}

static uint64_t add_table(uint64_t hash, const char *name, const struct tw_settings_table *table)
{
    hash = add_text(hash, name);
    for (size_t i = 0; i < table->n; i++) {
        hash = add_text(hash, table->options[i].name);
        hash = add_value(hash, &table->options[i], table->config);
    }
    return hash;
}

static void compute_digest(const struct tw_settings *settings, char ret[17])
{
    const uint32_t context_version = TW_CONTEXT_VERSION;
    uint64_t hash = 14695981039346656037u;
    struct tw_settings_table table = shared_table(settings);
    hash = add_table(hash, SHARED, &table);
    hash = add_bytes(hash, &context_version, sizeof context_version);
    for (size_t i = 0; i < n_detectors(); i++) {
        table = detector_table(settings, i);
        hash = add_table(hash, tw_detectors[i]->name, &table);
        hash = add_bytes(hash, &tw_detectors[i]->state_version, sizeof(uint32_t));
    }
    snprintf(ret, 17, "%016" PRIx64, hash);
}

void tw_settings_digest(const struct tw_settings *settings, char ret[17])
{
    if (settings->digest[0])
        memcpy(ret, settings->digest, sizeof settings->digest);
    else
        compute_digest(settings, ret);
}

void tw_settings_seal(struct tw_settings *settings)
{
    compute_digest(settings, settings->digest);
}
