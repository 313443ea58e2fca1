/* trainward analyze: reads finished logs and says what went wrong and what to change. */
#include "agent/commands.h"

#include "agent/each_log.h"
#include "agent/load_rules.h"
#include "agent/report.h"
#include "agent/usage.h"

#include "sinks/terminal.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_DOCUMENTS };

struct analyze {
    enum format format;
    struct tw_config config;
    struct tw_rules *rules;
    int status; /* worst so far: 2, then 1, then 3, then 0 */
    bool is_first;
};

static int rank(int status)
{
    static const int ranks[] = {0, 2, 3, 1}; /* of exit status 0, 1, 2, 3 */
    return ranks[status];
}

static void raise_status(struct analyze *analyze, int status)
{
    if (rank(status) > rank(analyze->status))
        analyze->status = status;
}

static int status_of(const struct tw_run *run, const struct tw_settings *settings)
{
    const char *verdict = tw_run_verdict(run, settings);
    if (!strcmp(verdict, "problem"))
        return 1;
    return strcmp(verdict, "healthy") ? 3 : 0;
}

static int print_document(void *closure, const char *id, const char *run, const char *document,
                          struct tw_error *error)
{
    (void)closure, (void)id, (void)run, (void)error;
    puts(document);
    return 0;
}

static void print_run(struct analyze *analyze, const struct tw_analysis *analysis,
                      const struct tw_run *run)
{
    const struct tw_settings *settings = &analyze->config.settings;
    raise_status(analyze, status_of(run, settings));
    if (analyze->format == FORMAT_JSON) {
        char *line = tw_report_json(analysis, run, settings);
        if (line)
            puts(line);
        free(line);
    } else if (analyze->format == FORMAT_TEXT) {
        bool colour = tw_terminal_has_colour(STDOUT_FILENO);
        if (!analyze->is_first)
            putchar('\n');
        tw_report_text(stdout, analysis, run, settings, colour, tw_terminal_width(STDOUT_FILENO));
        analyze->is_first = false;
    }
}

static int analyze_log(void *closure, const char *path, const char *run_id, struct tw_error *error)
{
    struct analyze *analyze = closure;
    struct tw_analysis analysis;
    struct tw_watch_options options = {
        .settings = &analyze->config.settings,
        .rules = analyze->rules,
        .document = analyze->format == FORMAT_DOCUMENTS ? print_document : NULL,
    };
    struct tw_source_request request = {
        .path = path, .run = run_id, .map = &analyze->config.log_map};
    int result = tw_analysis_open_log(&analysis, &request, &options, error);
    if (result)
        return result;
    result = tw_analysis_read_all(&analysis, error);
    struct tw_run *run = NULL;
    while (!result && (run = tw_watch_next(analysis.watch, run)))
        print_run(analyze, &analysis, run);
    tw_analysis_close(&analysis);
    return result;
}

static const char *format_name = "text";

static const struct poptOption options[] = {
    {"format", 'f', POPT_ARG_STRING, &format_name, 0,
     "text for people, json: one object a run, documents: the advisories as the log holds them",
     "text|json|documents"},
    TW_COMMON_OPTIONS,
    TW_MAP_OPTION,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int parse_format(enum format *ret)
{
    static const char *const names[] = {"text", "json", "documents"};
    for (int i = 0; i < 3; i++) {
        if (!strcmp(names[i], format_name)) {
            *ret = (enum format)i;
            return 0;
        }
    }
    fprintf(stderr, "trainward analyze: --format: '%s' is none of text, json, documents\n",
            format_name);
    return -1;
}

static int analyze_all(struct analyze *analyze, const char **paths)
{
    struct tw_error error = {0};
    if (tw_load_rules(&analyze->rules, &analyze->config, &error)) {
        tw_usage_error("analyze", &error);
        return TW_EXIT_WRONG;
    }
    for (; *paths; paths++)
        raise_status(analyze, tw_each_log("analyze", *paths, analyze_log, analyze));
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "trainward analyze: cannot write the result: %s\n", strerror(errno));
        return TW_EXIT_WRONG;
    }
    return analyze->status;
}

static int run(int argc, const char **argv)
{
    struct analyze analyze = {.is_first = true};
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_analyze, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char **paths = poptGetArgs(context);
    int status = TW_EXIT_WRONG;
    if (!paths)
        fputs("trainward analyze: name a log, or a folder of logs\n", stderr);
    else if (!parse_format(&analyze.format) && !tw_common_load(&analyze.config, "analyze", false)) {
        status = analyze_all(&analyze, paths);
        tw_rules_free(analyze.rules);
        tw_config_release(&analyze.config);
    }
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_analyze = {
    .name = "analyze",
    .arguments = "[OPTIONS] PATH...",
    .summary = "read finished logs: what went wrong, since when, and what to change",
    .run = run,
};
