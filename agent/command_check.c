/* trainward check: every mistake of a configuration with its place, then each service. */
#include "agent/commands.h"

#include "agent/check_kafka.h"
#include "agent/config_print.h"
#include "agent/load_rules.h"
#include "agent/usage.h"

#include "sinks/kibana_setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_offline, send_test_email, send_test, prints;

static const struct poptOption options[] = {
    {"offline", '\0', POPT_ARG_NONE, &is_offline, 0, "read the file only, connect to nothing",
     NULL},
    {"print", '\0', POPT_ARG_NONE, &prints, 0,
     "print the configuration in force, defaults included and secrets redacted, and check no more",
     NULL},
    {"send-test-email", '\0', POPT_ARG_NONE, &send_test_email, 0,
     "send a test mail to the configured recipients", NULL},
    {"send-test-notification", '\0', POPT_ARG_NONE, &send_test, 0,
     "send a test to everybody who is notified: mails and webhooks", NULL},
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

/* One line an item; a failure goes to standard error too, since it is what scripts look for. */
static int tell(const char *item, int result, const struct tw_error *error)
{
    char text[1024];
    if (!result)
        printf("ok    %s\n", item);
    else
        fprintf(stderr, "trainward check: %s: %s\n", item,
                tw_error_message(error, text, sizeof text));
    fflush(stdout);
    return result != 0;
}

static int check_state_dir(const struct tw_config *config)
{
    struct tw_error error = {0};
    struct stat status;
    int result = 0;
    const char *dir = config->state_dir;
    if (stat(dir, &status))
        result = mkdir(dir, 0700)
                     ? tw_error_at(&error, -errno, dir, 0, 0, "cannot be made: %s", strerror(errno))
                     : 0;
    else if (!S_ISDIR(status.st_mode))
        result = tw_error_at(&error, -ENOTDIR, dir, 0, 0, "is not a directory");
    if (!result && access(dir, W_OK | X_OK))
        result = tw_error_at(&error, -errno, dir, 0, 0, "cannot be written: %s", strerror(errno));
    return tell("state_dir", result, &error);
}

static int check_directories(const struct tw_config *config)
{
    int failed = 0;
    for (size_t i = 0; i < config->n_directories; i++) {
        struct tw_error error = {0};
        const char *path = config->directories[i].path;
        int result = access(path, R_OK | X_OK) ? tw_error_at(&error, -errno, path, 0, 0,
                                                             "cannot be read: %s", strerror(errno))
                                               : 0;
        failed += tell("directory", result, &error);
    }
    return failed;
}

static int check_rules(const struct tw_config *config)
{
    struct tw_error error = {0};
    struct tw_rules *rules = NULL;
    int result = tw_load_rules(&rules, config, &error);
    tw_rules_free(rules);
    return tell("rules", result, &error);
}

/* ---- services ---- */

static bool sends_test(const struct tw_sink *sink)
{
    return sink->notify && (send_test || (send_test_email && !strcmp(sink->name, "email")));
}

static int check_sink(const struct tw_configured_sink *configured)
{
    struct tw_error error = {0};
    const struct tw_sink *kind = configured->sink;
    void *sink;
    char item[128];
    int result = kind->open(&sink, configured->config, &error);
    if (!result) {
        if (kind->check && !is_offline)
            result = kind->check(sink, sends_test(kind), &error);
        kind->close(sink);
    }
    snprintf(item, sizeof item, "sink %.64s%s", configured->name,
             !result && sends_test(kind) ? ", a test was sent" : "");
    return tell(item, result, &error);
}

/* Who asks for a test and hears nothing would take it for sent. */
static int check_tests(const struct tw_config *config)
{
    struct tw_error error = {0};
    bool is_asked = send_test || send_test_email;
    for (size_t i = 0; i < config->n_sinks && is_asked; i++)
        is_asked = !sends_test(config->sinks[i].sink);
    if (!is_asked)
        return 0;
    tw_error_set(&error, -ENOENT, "no sink %s, nothing was sent",
                 send_test ? "is of kind email or webhook" : "is of kind email");
    return tell("test", -ENOENT, &error);
}

static int check_kibana(const struct tw_config *config)
{
    struct tw_error error = {0};
    if (!config->kibana.url)
        return 0;
    int result = tw_kibana_check(&config->kibana, &error);
    return tell("kibana", result, &error);
}

static int check_all(const struct tw_config *config)
{
    int failed = check_state_dir(config) + check_directories(config) + check_rules(config);
    if (!is_offline)
        failed += tw_check_kafka(config, tell);
    for (size_t i = 0; i < config->n_sinks; i++)
        failed += check_sink(&config->sinks[i]);
    failed += check_tests(config);
    if (!is_offline)
        failed += check_kibana(config);
    if (!failed)
        printf("%s is fine\n", config->path ? config->path : "the configuration");
    return failed;
}

static int print_configuration(const struct tw_config *config)
{
    struct tw_error error = {0};
    if (!tw_config_print(stdout, config, &error) && !fflush(stdout))
        return 0;
    tw_usage_error("check", &error);
    return TW_EXIT_WRONG;
}

static int run(int argc, const char **argv)
{
    struct tw_config config;
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_check, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char *surplus = poptGetArg(context);
    int status = TW_EXIT_WRONG;
    if (surplus)
        fprintf(stderr, "trainward check: %s: takes no arguments; name the file with --config\n",
                surplus);
    else if (!tw_common_options.config)
        fputs("trainward check: name the configuration with --config FILE\n", stderr);
    else if (is_offline && (send_test || send_test_email))
        fputs("trainward check: --offline connects to nothing, so no test can be sent\n", stderr);
    else if (!tw_common_load(&config, "check", true)) {
        status = prints ? print_configuration(&config) : check_all(&config) ? TW_EXIT_WRONG : 0;
        tw_config_release(&config);
    }
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_check = {
    .name = "check",
    .arguments = "--config FILE [OPTIONS]",
    .summary = "read a configuration, say every mistake, and connect to each service",
    .run = run,
};
