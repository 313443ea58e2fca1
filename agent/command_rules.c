/* trainward rules: what is shipped, and why. */
#include "agent/commands.h"

#include "agent/load_rules.h"
#include "agent/nearest.h"
#include "agent/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct poptOption options[] = {
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int load(struct tw_rules **ret, struct tw_error *error)
{
    struct tw_config config;
    if (tw_common_load(&config, "rules", false))
        return -EINVAL; /* told already */
    int result = tw_load_rules(ret, &config, error);
    tw_config_release(&config);
    return result;
}

static int list(const struct tw_rules *rules)
{
    int name_width = 4, detector_width = 8;
    for (size_t i = 0; i < tw_rules_count(rules); i++) {
        struct tw_rule_view view;
        tw_rules_at(rules, i, &view);
        int name = (int)strlen(view.name), detector = (int)strlen(view.detector);
        name_width = name > name_width ? name : name_width;
        detector_width = detector > detector_width ? detector : detector_width;
    }
    printf("%-*s  %-*s  %s\n", name_width, "NAME", detector_width, "DETECTOR", "DESCRIPTION");
    for (size_t i = 0; i < tw_rules_count(rules); i++) {
        struct tw_rule_view view;
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
        struct tw_rule_view view;
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
    struct tw_rule_view view;
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

static int run_word(poptContext context)
{
    const char *word = poptGetArg(context), *name = word ? poptGetArg(context) : NULL;
    struct tw_error error = {0};
    struct tw_rules *rules = NULL;
    int status = TW_EXIT_WRONG;
    if (!word || (strcmp(word, "list") && strcmp(word, "explain"))) {
        fprintf(stderr, "trainward rules: %s%sexpected 'list' or 'explain NAME'\n",
                word ? word : "", word ? ": " : "");
        return status;
    }
    if (!strcmp(word, "explain") && !name) {
        fputs("trainward rules: explain: name a rule; 'trainward rules list' names them\n", stderr);
        return status;
    }
    if (!load(&rules, &error))
        status = name ? explain(rules, name) : list(rules);
    else if (error.code)
        tw_usage_error("rules", &error);
    tw_rules_free(rules);
    return status;
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
    .arguments = "[OPTIONS] list | explain NAME",
    .summary = "what is advised for which finding, and why these amounts",
    .run = run,
};
