/* Command lines through libpopt; see usage.h. */
#include "agent/usage.h"

#include "sinks/terminal.h"
#include "sources/logs/names.h"

#include "telemetry/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 32

struct tw_common_options tw_common_options;

void tw_usage_error(const char *command, const struct tw_error *error)
{
    char message[1024];
    tw_error_message(error, message, sizeof message);
    fprintf(stderr, "trainward %s: ", command);
    tw_terminal_print_clean(stderr, message, strlen(message));
    putc('\n', stderr);
}

/* Before popt sees it: popt's own --help ends the program and says nothing of the command. */
static bool asks_for_help(int argc, const char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-?"))
            return true;
    }
    return false;
}

static void print_help(poptContext context, const struct tw_command *command)
{
    printf("trainward %s: %s\n\n", command->name, command->summary);
    fflush(stdout);
    poptPrintHelp(context, stdout, 0);
}

/* ---- mistakes ---- */

static const char *nearest_option(const struct poptOption *options, const char *typed)
{
    const char *words[OPTIONS_MAX];
    size_t n = 0;
    for (; n < OPTIONS_MAX && (options->longName || options->shortName || options->arg);
         options++) {
        if (options->longName)
            words[n++] = options->longName;
    }
    return tw_nearest(typed, words, n);
}

static void tell_bad_option(const struct tw_command *command, const struct poptOption *options,
                            const char *typed)
{
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed, "="), typed);
    const char *near = strncmp(name, "--", 2) ? NULL : nearest_option(options, name + 2);
    if (near)
        fprintf(stderr, "trainward %s: %s: unknown option; did you mean --%s?\n", command->name,
                name, near);
    else
        fprintf(stderr, "trainward %s: %s: unknown option (trainward %s --help lists them)\n",
                command->name, name, command->name);
}

static void tell_mistake(const struct tw_command *command, const struct poptOption *options,
                         poptContext context, int code)
{
    const char *typed = poptBadOption(context, POPT_BADOPTION_NOALIAS);
    if (code == POPT_ERROR_BADOPT)
        tell_bad_option(command, options, typed);
    else if (code == POPT_ERROR_NOARG)
        fprintf(stderr, "trainward %s: %s: needs a value\n", command->name, typed);
    else
        fprintf(stderr, "trainward %s: %s: %s\n", command->name, typed, poptStrerror(code));
}

enum tw_usage tw_usage_parse(poptContext *ret, const struct tw_command *command, int argc,
                             const char **argv, const struct poptOption *options)
{
    char name[64];
    enum tw_usage usage = TW_USAGE_GO_ON;
    snprintf(name, sizeof name, "trainward %s", command->name);
    const char *first = argv[0];
    argv[0] = name; /* what popt's usage line begins with */
    poptContext context = poptGetContext(NULL, argc, argv, options, 0);
    poptSetOtherOptionHelp(context, command->arguments);
    if (asks_for_help(argc, argv)) {
        print_help(context, command);
        usage = TW_USAGE_HELPED;
    } else {
        int code = poptGetNextOpt(context);
        if (code < -1) {
            tell_mistake(command, options, context, code);
            usage = TW_USAGE_WRONG;
        }
    }
    argv[0] = first;
    if (usage == TW_USAGE_GO_ON)
        *ret = context;
    else
        poptFreeContext(context);
    return usage;
}

/* ---- the configuration ---- */

struct telling {
    const char *command;
};

static void tell_config_mistake(void *closure, const struct tw_error *mistake)
{
    tw_usage_error(((const struct telling *)closure)->command, mistake);
}

static int add_rules(struct tw_config *config, struct tw_error *error)
{
    for (size_t i = 0; tw_common_options.rules && tw_common_options.rules[i]; i++) {
        if (tw_texts_add(&config->rules, tw_common_options.rules[i]))
            return tw_error_set(error, -ENOMEM, "out of memory");
    }
    return 0;
}

/* What the command line maps goes before what the configuration does. */
static int add_map(struct tw_config *config, struct tw_error *error)
{
    struct tw_texts map = {0};
    int result = 0;
    for (size_t i = 0; tw_common_options.map && tw_common_options.map[i] && !result; i++)
        result = tw_texts_add(&map, tw_common_options.map[i]);
    for (size_t i = 0; i < config->log_map.n && !result; i++)
        result = tw_texts_add(&map, config->log_map.at[i]);
    tw_texts_release(&config->log_map);
    config->log_map = map;
    return result ? tw_error_set(error, -ENOMEM, "out of memory") : tw_log_map_check(&map, error);
}

static int load(struct tw_config *ret, tw_config_mistake *mistake, void *closure,
                struct tw_error *error)
{
    size_t n = 0;
    while (tw_common_options.overrides && tw_common_options.overrides[n])
        n++;
    int result = tw_config_load(ret, tw_common_options.config, tw_common_options.overrides, n,
                                mistake, closure, error);
    if (result)
        return result;
    result = add_rules(ret, error);
    if (!result)
        result = add_map(ret, error);
    if (result)
        tw_config_release(ret);
    return result;
}

int tw_common_load_telling(struct tw_config *ret, tw_config_mistake *mistake, void *closure)
{
    return load(ret, mistake, closure, NULL);
}

int tw_common_load(struct tw_config *ret, const char *command, bool tells_all)
{
    struct telling telling = {command};
    struct tw_error error = {0};
    int result = load(ret, tells_all ? tell_config_mistake : NULL, &telling, &error);
    if (result && !tells_all)
        tw_usage_error(command, &error);
    return result;
}
