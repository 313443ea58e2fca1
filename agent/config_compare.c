/* Comparing configurations by their option tables. */
#include "agent/config_compare.h"

#include "agent/config_loader.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool same_texts(const struct tw_texts *a, const struct tw_texts *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++)
        same = !strcmp(a->at[i], b->at[i]);
    return same;
}

static bool same_table(const struct tw_option *options, size_t n, const void *a, const void *b);

static bool same_list(const struct tw_option_entries *entries, const struct tw_list *a,
                      const struct tw_list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++)
        same = same_table(entries->options, entries->n_options,
                          (const char *)a->at + i * entries->size,
                          (const char *)b->at + i * entries->size);
    return same;
}

static bool same_option(const struct tw_option *option, const void *a, const void *b)
{
    const void *x = (const char *)a + option->offset, *y = (const char *)b + option->offset;
    switch (option->type) {
    case TW_OPTION_NUMBER:
    case TW_OPTION_DURATION:
        return *(const double *)x == *(const double *)y;
    case TW_OPTION_COUNT:
    case TW_OPTION_BYTES:
        return *(const uint64_t *)x == *(const uint64_t *)y;
    case TW_OPTION_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case TW_OPTION_CHOICE:
        return *(const int *)x == *(const int *)y;
    case TW_OPTION_TEXT:
    case TW_OPTION_SECRET:
        return same_text(*(char *const *)x, *(char *const *)y);
    case TW_OPTION_TEXTS:
    case TW_OPTION_PROPERTIES:
        return same_texts(x, y);
    case TW_OPTION_LIST:
        return same_list(option->entries, x, y);
    }
    return false;
}

static bool same_table(const struct tw_option *options, size_t n, const void *a, const void *b)
{
    bool same = true;
    for (size_t i = 0; i < n && same; i++)
        same = same_option(&options[i], a, b);
    return same;
}

static bool same_sources(const struct tw_config *a, const struct tw_config *b)
{
    const struct tw_source *kafka = tw_source_find("kafka");
    bool same = a->n_kafka == b->n_kafka && a->n_directories == b->n_directories;
    for (size_t i = 0; i < a->n_kafka && same; i++)
        same = same_table(kafka->options, kafka->n_options, a->kafka[i], b->kafka[i]);
    for (size_t i = 0; i < a->n_directories && same; i++)
        same = same_table(tw_config_directory_options, tw_config_n_directory_options,
                          &a->directories[i], &b->directories[i]);
    return same;
}

static bool same_log(const struct tw_config *a, const struct tw_config *b)
{
    return a->log_in_kafka == b->log_in_kafka && same_text(a->log_brokers, b->log_brokers) &&
           same_text(a->log_prefix, b->log_prefix) &&
           same_texts(&a->log_properties, &b->log_properties);
}

/* The feeds share room for as many runs as they started with. */
static bool same_limits(const struct tw_limits *a, const struct tw_limits *b)
{
    return a->runs == b->runs && a->memory == b->memory && a->retired == b->retired;
}

bool tw_config_has_same_inputs(const struct tw_config *a, const struct tw_config *b)
{
    char of_a[17], of_b[17];
    tw_settings_digest(&a->settings, of_a);
    tw_settings_digest(&b->settings, of_b);
    return !strcmp(of_a, of_b) && same_text(a->state_dir, b->state_dir) && same_sources(a, b) &&
           same_log(a, b) && tw_config_draws(a) == tw_config_draws(b) &&
           same_limits(&a->limits, &b->limits);
}

void tw_config_exchange_outputs(struct tw_config *a, struct tw_config *b)
{
    const struct tw_config old = *a, fresh = *b;
    *a = fresh;
    *b = old;
    /* Back again what feeds and the advisory log hold on to. */
#define KEEP(field)                                                                                \
    a->field = old.field;                                                                          \
    b->field = fresh.field
    KEEP(state_dir);
    KEEP(n_kafka);
    KEEP(kafka);
    KEEP(n_directories);
    KEEP(directories);
    KEEP(log_in_kafka);
    KEEP(log_brokers);
    KEEP(log_prefix);
    KEEP(log_properties);
    KEEP(settings);
#undef KEEP
}
