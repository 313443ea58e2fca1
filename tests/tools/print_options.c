/* Prints option tables as Markdown: what docs/update.sh puts into the pages, so that they say what
 * the programs do.
 *
 *     print_options detectors|sinks|sources|configuration|facts|metrics [NAME]
 *
 * Without a name all tables of the kind, each under its name; with one, that table alone. */
#include "agent/config_loader.h"
#include "agent/metrics.h"
#include "agent/settings.h"
#include "rules/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one table ---- */

/* Markdown's columns end at a bar, and tags would be HTML. */
static void print_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputs("\\|", stdout);
        else if (*text == '<')
            fputs("&lt;", stdout);
        else
            putchar(*text);
    }
}

static const char *type_name(enum tw_option_type type)
{
    switch (type) {
    case TW_OPTION_NUMBER:
        return "number";
    case TW_OPTION_COUNT:
        return "count";
    case TW_OPTION_BOOL:
        return "boolean";
    case TW_OPTION_DURATION:
        return "duration";
    case TW_OPTION_BYTES:
        return "size";
    case TW_OPTION_TEXT:
        return "text";
    case TW_OPTION_SECRET:
        return "secret";
    case TW_OPTION_CHOICE:
        return "choice";
    case TW_OPTION_TEXTS:
        return "list";
    case TW_OPTION_PROPERTIES:
        return "mapping";
    case TW_OPTION_LIST:
        return "list of mappings";
    }
    return "?";
}

static void print_bytes(double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; unit < 4 && bytes >= 1024; unit++)
        bytes /= 1024;
    printf("%.10g%s", bytes, units[unit]);
}

static void print_default(const struct tw_option *option)
{
    if (option->required)
        fputs("needed", stdout);
    else if (option->type == TW_OPTION_NUMBER || option->type == TW_OPTION_COUNT)
        printf("%.10g", option->initial);
    else if (option->type == TW_OPTION_DURATION && option->initial >= option->min)
        printf("%.10gs", option->initial);
    else if (option->type == TW_OPTION_BYTES)
        print_bytes(option->initial);
    else if (option->type == TW_OPTION_BOOL)
        fputs(option->initial != 0 ? "true" : "false", stdout);
    else if (option->type == TW_OPTION_CHOICE)
        fputs(option->choices[(int)option->initial], stdout);
    else if (option->type == TW_OPTION_TEXT && option->initial_text)
        print_text(option->initial_text);
}

static void print_range(const struct tw_option *option)
{
    const char *unit = option->type == TW_OPTION_DURATION ? "s" : "";
    bool is_measured = option->type == TW_OPTION_NUMBER || option->type == TW_OPTION_COUNT ||
                       option->type == TW_OPTION_DURATION;
    if (option->type == TW_OPTION_CHOICE) {
        for (int i = 0; option->choices[i]; i++)
            printf("%s%s", i ? ", " : "", option->choices[i]);
    } else if (option->type == TW_OPTION_BOOL) {
        fputs("true, false", stdout);
    } else if (option->type == TW_OPTION_BYTES) {
        print_bytes(option->min);
        fputs(" to ", stdout);
        print_bytes(option->max);
    } else if (is_measured && option->min < option->max) {
        printf("%.10g%s to %.10g%s", option->min, unit, option->max, unit);
    }
}

static void print_table(const struct tw_option *options, size_t n)
{
    puts("| key | type | default | range | meaning |\n| --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < n; i++) {
        const struct tw_option *option = &options[i];
        printf("| `%s`", option->name);
        if (option->type == TW_OPTION_SECRET)
            printf(", `%s_file`", option->name);
        printf(" | %s | ", type_name(option->type));
        print_default(option);
        fputs(" | ", stdout);
        print_range(option);
        fputs(" | ", stdout);
        print_text(option->help);
        puts(" |");
    }
}

/* ---- the kinds ---- */

struct choice {
    const char *name; /* NULL: all */
    unsigned printed;
};

static void offer(struct choice *choice, const char *name, const char *description,
                  const struct tw_option *options, size_t n)
{
    if (choice->name && strcmp(choice->name, name))
        return;
    if (!choice->name)
        printf("%s### `%s`\n\n%s%s", choice->printed ? "\n" : "", name, description,
               *description ? "\n\n" : "");
    choice->printed++;
    if (n)
        print_table(options, n);
}

static void print_detectors(struct choice *choice)
{
    offer(choice, "shared", "what all detectors go by", tw_context_options, tw_context_n_options);
    for (size_t i = 0; tw_detectors[i]; i++)
        offer(choice, tw_detectors[i]->name, tw_detectors[i]->description, tw_detectors[i]->options,
              tw_detectors[i]->n_options);
}

/* "email.routes": what an entry of a list may hold; only when asked for. */
static void offer_entries(struct choice *choice, const char *kind, const struct tw_option *option)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", kind, option->name);
    if (option->type == TW_OPTION_LIST && choice->name)
        offer(choice, name, "", option->entries->options, option->entries->n_options);
}

static void print_sinks(struct choice *choice)
{
    for (size_t i = 0; tw_sinks[i]; i++) {
        const struct tw_sink *sink = tw_sinks[i];
        offer(choice, sink->name, sink->description, sink->options, sink->n_options);
        for (size_t j = 0; j < sink->n_options; j++)
            offer_entries(choice, sink->name, &sink->options[j]);
    }
}

/* In the configuration the run directories of a tree are "directory". */
static void print_sources(struct choice *choice)
{
    for (size_t i = 0; tw_sources[i]; i++) {
        if (tw_sources[i]->n_options)
            offer(choice, tw_sources[i]->name, tw_sources[i]->description, tw_sources[i]->options,
                  tw_sources[i]->n_options);
    }
    offer(choice, "directory", "every run directory in a directory", tw_config_directory_options,
          tw_config_n_directory_options);
}

static void print_configuration(struct choice *choice)
{
    static const char *const sections[] = {
        "advisory_log.kafka", "checkpoint", "delivery", "http", "kibana", "limits", "log", "logs"};
    struct tw_config config = {0};
    struct tw_config_loader *loader = calloc(1, sizeof *loader);
    struct tw_config_table table;
    if (!loader)
        return;
    loader->config = &config;
    if (tw_config_section(loader, "", &table))
        offer(choice, "top", "", table.options, table.n);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (tw_config_section(loader, sections[i], &table))
            offer(choice, sections[i], "", table.options, table.n);
    }
    free(loader);
}

/* What the expressions of rules can see of a run. */
static void print_facts(struct choice *choice)
{
    puts("| fact | meaning |\n| --- | --- |");
    for (size_t i = 0; i < tw_n_facts; i++) {
        if (choice->name && strcmp(choice->name, tw_fact_table[i].name))
            continue;
        printf("| `facts.%s` | ", tw_fact_table[i].name);
        print_text(tw_fact_table[i].help);
        puts(" |");
        choice->printed++;
    }
}

static void print_metric_rows(struct choice *choice, const struct tw_metric_name *metrics, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        printf("| `%s` | %s | ", metrics[i].name, metrics[i].labels);
        print_text(metrics[i].help);
        puts(" |");
        choice->printed++;
    }
}

/* What the agent says of itself at /metrics. */
static void print_metrics(struct choice *choice)
{
    puts("| metric | labels | meaning |\n| --- | --- | --- |");
    print_metric_rows(choice, tw_metric_more, tw_n_metric_more);
    print_metric_rows(choice, tw_metric_table, tw_n_metrics);
}

static const struct {
    const char *name;
    void (*print)(struct choice *choice);
} kinds[] = {
    {"detectors", print_detectors},         {"sinks", print_sinks}, {"sources", print_sources},
    {"configuration", print_configuration}, {"facts", print_facts}, {"metrics", print_metrics},
};

int main(int argc, char **argv)
{
    struct choice choice = {.name = argc == 3 ? argv[2] : NULL};
    for (size_t i = 0; (argc == 2 || argc == 3) && i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(argv[1], kinds[i].name))
            kinds[i].print(&choice);
    }
    if (choice.printed)
        return fflush(stdout) ? 1 : 0;
    fputs("usage: print_options detectors|sinks|sources|configuration|facts|metrics [NAME]\n",
          stderr);
    return 2;
}
