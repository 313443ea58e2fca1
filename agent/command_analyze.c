/* trainward analyze: reads finished logs and says what went wrong and what to change. */
#include "agent/commands.h"

#include "agent/compare_runs.h"
#include "agent/daemon.h"
#include "agent/each_log.h"
#include "agent/load_rules.h"
#include "agent/plot_text.h"
#include "agent/report.h"
#include "agent/report_page.h"
#include "agent/usage.h"
#include "agent/verdict_status.h"

#include "sinks/terminal.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_DOCUMENTS, FORMAT_CHARTS };

struct analyze {
    enum format format;
    struct tw_config config;
    struct tw_rules *rules;
    int status; /* worst so far: 2, then 1, then 3, then 0 */
    bool is_first;
    bool plots, keeps_charts; /* what charts are for: plots, pages, and the table of several runs */
    struct tw_run_summaries summaries;
    struct tw_report_page *page; /* NULL: none is wanted */
};

static void raise_status(struct analyze *analyze, int status)
{
    analyze->status = tw_worse_status(analyze->status, status);
}

static int print_document(void *closure, const char *id, const char *run, const char *document,
                          struct tw_error *error)
{
    (void)closure, (void)id, (void)run, (void)error;
    puts(document);
    return 0;
}

static void plot_run(const struct tw_run *run, const struct tw_run_charts *charts)
{
    struct tw_plot_options options = {.width = tw_terminal_width(STDOUT_FILENO),
                                      .is_utf8 = tw_plot_locale_is_utf8()};
    tw_plot_run(stdout, run, charts, &options);
}

static void take_record(void *closure, const struct tw_run *run, const struct tw_record *record)
{
    tw_charts_take(closure, run, record);
}

static void print_run(struct analyze *analyze, const struct tw_analysis *analysis,
                      const struct tw_run *run, const struct tw_run_charts *charts)
{
    const struct tw_settings *settings = &analyze->config.settings;
    raise_status(analyze, tw_verdict_status(run, settings));
    if (analyze->format == FORMAT_JSON) {
        char *line = tw_report_json(analysis, run, settings);
        if (line)
            puts(line);
        free(line);
    } else if (analyze->format == FORMAT_TEXT) {
        bool colour = tw_terminal_has_colour(STDOUT_FILENO);
        if (!analyze->is_first)
            putchar('\n');
        tw_report_text(stdout, analysis, run, charts ? &charts->scores : NULL, settings, colour,
                       tw_terminal_width(STDOUT_FILENO));
        if (analyze->plots)
            plot_run(run, charts);
        analyze->is_first = false;
    }
}

/* What is told once all runs are known. */
static int keep_run(struct analyze *analyze, const struct tw_analysis *analysis,
                    const struct tw_run *run, const struct tw_run_charts *charts,
                    struct tw_error *error)
{
    const struct tw_settings *settings = &analyze->config.settings;
    if (!analyze->keeps_charts)
        return 0;
    if (!tw_run_summaries_add(&analyze->summaries, run, charts, settings))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return analyze->page ? tw_report_page_add(analyze->page, analysis, run, charts, settings, error)
                         : 0;
}

static int analyze_log(void *closure, const char *path, const char *run_id, struct tw_error *error)
{
    struct analyze *analyze = closure;
    struct tw_analysis analysis;
    struct tw_charts charts = {.drawn = (analyze->plots ? tw_plot_signals() : 0) |
                                        (analyze->page ? tw_report_page_signals() : 0)};
    struct tw_watch_options options = {
        .settings = &analyze->config.settings,
        .rules = analyze->rules,
        .document = analyze->format == FORMAT_DOCUMENTS ? print_document : NULL,
        .chart = analyze->format == FORMAT_CHARTS ? print_document : NULL,
        .observed = analyze->keeps_charts ? take_record : NULL,
        .closure = &charts,
    };
    struct tw_source_request request = {
        .path = path, .run = run_id, .map = &analyze->config.log_map};
    int result = tw_analysis_open_log(&analysis, &request, &options, error);
    if (result)
        return result;
    result = tw_analysis_read_all(&analysis, error);
    struct tw_run *run = NULL;
    while (!result && (run = tw_watch_next(analysis.watch, run))) {
        const struct tw_run_charts *drawn = tw_charts_find(&charts, run->core.id);
        print_run(analyze, &analysis, run, drawn);
        result = keep_run(analyze, &analysis, run, drawn, error);
    }
    tw_charts_release(&charts);
    tw_analysis_close(&analysis);
    return result;
}

static const char *format_name = "text", *html_path;
static int wants_plot;

static const struct poptOption options[] = {
    {"format", 'f', POPT_ARG_STRING, &format_name, 0,
     "text for people, json: one object a run, documents: the advisories as the log holds them, "
     "charts: its documents for charts",
     "text|json|documents|charts"},
    {"html", '\0', POPT_ARG_STRING, &html_path, 0,
     "also write a page with charts, which needs nothing but itself", "FILE"},
    {"plot", '\0', POPT_ARG_NONE, &wants_plot, 0,
     "draw the loss and the gradient norm as text, as is done on a terminal", NULL},
    TW_COMMON_OPTIONS,
    TW_MAP_OPTION,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int parse_format(enum format *ret)
{
    static const char *const names[] = {"text", "json", "documents", "charts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i], format_name)) {
            *ret = (enum format)i;
            return 0;
        }
    }
    fprintf(stderr, "trainward analyze: --format: '%s' is none of text, json, documents, charts\n",
            format_name);
    return -1;
}

/* A page in the place of its log would cost the log. */
static bool is_one_of(const char *file, const char **paths)
{
    struct stat status, other;
    if (!file || stat(file, &status) || !S_ISREG(status.st_mode))
        return false;
    for (; *paths; paths++) {
        if (!stat(*paths, &other) && other.st_dev == status.st_dev && other.st_ino == status.st_ino)
            return true;
    }
    return false;
}

/* The table of several runs, and the page. */
static int finish(struct analyze *analyze, struct tw_error *error)
{
    tw_run_summaries_sort(&analyze->summaries);
    if (analyze->format == FORMAT_TEXT && analyze->summaries.n > 1)
        tw_compare_print(stdout, &analyze->summaries,
                         isatty(STDOUT_FILENO) ? tw_terminal_width(STDOUT_FILENO) : 0);
    if (!analyze->page || !analyze->summaries.n)
        return 0; /* without a run, why has been told */
    return tw_report_page_write(analyze->page, html_path, &analyze->summaries,
                                &analyze->config.settings, error);
}

static int analyze_all(struct analyze *analyze, const char **paths)
{
    struct tw_error error = {0};
    bool is_text = analyze->format == FORMAT_TEXT;
    analyze->plots = is_text && (wants_plot || isatty(STDOUT_FILENO));
    analyze->keeps_charts = is_text || html_path;
    if (tw_load_rules(&analyze->rules, &analyze->config, &error) ||
        (html_path && tw_report_page_open(&analyze->page, &error))) {
        tw_usage_error("analyze", &error);
        return TW_EXIT_WRONG;
    }
    for (; *paths; paths++)
        raise_status(analyze, tw_each_log("analyze", *paths, analyze_log, analyze));
    if (finish(analyze, &error)) {
        tw_usage_error("analyze", &error);
        raise_status(analyze, TW_EXIT_WRONG);
    }
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
    else if (is_one_of(html_path, paths))
        fprintf(stderr, "trainward analyze: --html: %s is the log that is to be read\n", html_path);
    else if (!parse_format(&analyze.format) && !tw_common_load(&analyze.config, "analyze", false)) {
        tw_daemon_raise_descriptors(); /* a log may be a thousand files */
        status = analyze_all(&analyze, paths);
        tw_run_summaries_release(&analyze.summaries);
        tw_report_page_close(analyze.page);
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
