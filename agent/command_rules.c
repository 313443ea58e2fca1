/* trainward rules: what is shipped, why, and what rules make of a log. */
#include "agent/commands.h"

#include "agent/load_rules.h"
#include "telemetry/nearest.h"
#include "agent/rules_dry_run.h"
#include "agent/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct poptOption options[] = {
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int list(struct tw_rules *rules)
{
    int name_width = 4, detector_width = 8;
    for (size_t i = 0; i < tw_rules_count(rules); i++) {
        struct tw_rule_view view = {0};
        tw_rules_at(rules, i, &view);
        int name = (int)strlen(view.name), detector = (int)strlen(view.detector);
        name_width = name > name_width ? name : name_width;
        detector_width = detector > detector_width ? detector : detector_width;
    }
    printf("%-*s  %-*s  %s\n", name_width, "NAME", detector_width, "DETECTOR", "DESCRIPTION");
    for (size_t i = 0; i < tw_rules_count(rules); i++) {
        struct tw_rule_view view = {0};
        tw_rules_at(rules, i, &view);
        printf("%-*s  %-*s  %s\n", name_width, view.name, detector_width, view.detector,
               view.description);
    }
    return 0;
}

static int no_such_rule(const struct tw_rules *rules, const char *name)
{
    size_t n = tw_rules_count(rules);
    const char **names = calloc(n + 1, sizeof *names);
    for (size_t i = 0; names && i < n; i++) {
        struct tw_rule_view view = {0};
        tw_rules_at(rules, i, &view);
        names[i] = view.name;
    }
    const char *nearest = names ? tw_nearest(name, names, n) : NULL;
    fprintf(stderr, "trainward rules: no rule '%s'%s%s%s\n", name,
            nearest ? "; did you mean '" : "; 'trainward rules list' names them",
            nearest ? nearest : "", nearest ? "'?" : "");
    free(names);
    return TW_EXIT_WRONG;
}

static int explain(const struct tw_rules *rules, const char *name)
{
    struct tw_rule_view view = {0};
    long index = tw_rules_find(rules, name);
    if (index < 0)
        return no_such_rule(rules, name);
    tw_rules_at(rules, (size_t)index, &view);
    printf("%s (%s, %s)\n\n%s.\n\nwhy these amounts: %s\n\n%s", view.name, view.detector,
           view.place, view.description, view.source, view.text);
    size_t length = strlen(view.text);
    if (!length || view.text[length - 1] != '\n')
        putchar('\n');
    return 0;
}

static int explain_first(struct tw_rules *rules, const struct tw_config *config,
                         const char **arguments)
{
    (void)config;
    return explain(rules, arguments[0]);
}

static int list_all(struct tw_rules *rules, const struct tw_config *config, const char **arguments)
{
    (void)config, (void)arguments;
    return list(rules);
}

static const struct word {
    const char *name, *missing; /* missing: what to say without arguments; NULL: it needs none */
    bool takes_many;
    int (*run)(struct tw_rules *rules, const struct tw_config *config, const char **arguments);
} words[] = {
    {"list", NULL, false, list_all},
    {"explain", "name a rule; 'trainward rules list' names them", false, explain_first},
    {"test", "name a run directory or a log file", true, tw_rules_dry_run},
};

static const struct word *find_word(const char *name)
{
    for (size_t i = 0; name && i < sizeof words / sizeof *words; i++) {
        if (!strcmp(words[i].name, name))
            return &words[i];
    }
    fprintf(stderr, "trainward rules: %s%sexpected 'list', 'explain NAME' or 'test LOG...'\n",
            name ? name : "", name ? ": " : "");
    return NULL;
}

static int run_loaded(const struct word *word, const char **arguments)
{
    struct tw_config config;
    struct tw_error error = {0};
    struct tw_rules *rules = NULL;
    int status = TW_EXIT_WRONG;
    if (tw_common_load(&config, "rules", false))
        return status; /* told already */
    if (tw_load_rules(&rules, &config, &error))
        tw_usage_error("rules", &error);
    else
        status = word->run(rules, &config, arguments);
    tw_rules_free(rules);
    tw_config_release(&config);
    return status;
}

static int run_word(poptContext context)
{
    const struct word *word = find_word(poptGetArg(context));
    const char **arguments = poptGetArgs(context);
    if (!word)
        return TW_EXIT_WRONG;
    const char *surplus = word->takes_many || !arguments ? NULL
                          : word->missing                ? arguments[1]
                                                         : arguments[0];
    if (surplus) {
        fprintf(stderr, "trainward rules: %s: '%s' takes no more words\n", surplus, word->name);
        return TW_EXIT_WRONG;
    }
    if (!word->missing || arguments)
        return run_loaded(word, arguments);
    fprintf(stderr, "trainward rules: %s: %s\n", word->name, word->missing);
    return TW_EXIT_WRONG;
}

static int run(int argc, const char **argv)
{
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_rules, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    int status = run_word(context);
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_rules = {
    .name = "rules",
    .arguments = "[OPTIONS] list | explain NAME | test LOG...",
    .summary = "what is advised for which finding, why these amounts, and a dry run over a log",
    .run = run,
};
