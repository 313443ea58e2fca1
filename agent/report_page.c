/* The page around the sections: its head with the style, the table of runs, the scripts. */
#include <config.h>

#include "agent/report_page.h"

#include "agent/compare_runs.h"
#include "agent/html_text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const unsigned char tw_embedded_page_style[], tw_embedded_page_script[];
extern const size_t tw_embedded_page_style_size, tw_embedded_page_script_size;

struct section {
    off_t start, end; /* in the temporary file */
};

struct tw_report_page {
    FILE *sections;
    size_t n, room;
    struct section *at;
};

int tw_report_page_open(struct tw_report_page **ret, struct tw_error *error)
{
    struct tw_report_page *page = calloc(1, sizeof *page);
    if (!page)
        return tw_error_set(error, -ENOMEM, "out of memory");
    page->sections = tmpfile();
    if (!page->sections) {
        int result = tw_error_set(error, -errno, "no temporary file: %s", strerror(errno));
        free(page);
        return result;
    }
    *ret = page;
    return 0;
}

void tw_report_page_close(struct tw_report_page *page)
{
    if (!page)
        return;
    fclose(page->sections);
    free(page->at);
    free(page);
}

static int make_room(struct tw_report_page *page)
{
    if (page->n < page->room)
        return 0;
    size_t room = page->room ? page->room * 2 : 8;
    struct section *at = realloc(page->at, room * sizeof *at);
    if (!at)
        return -ENOMEM;
    page->at = at;
    page->room = room;
    return 0;
}

int tw_report_page_add(struct tw_report_page *page, const struct tw_analysis *analysis,
                       const struct tw_run *run, const struct tw_run_charts *charts,
                       const struct tw_settings *settings, struct tw_error *error)
{
    if (make_room(page))
        return tw_error_set(error, -ENOMEM, "out of memory");
    struct section *section = &page->at[page->n];
    section->start = ftello(page->sections);
    tw_report_page_run(page->sections, analysis, run, charts, settings);
    if (fflush(page->sections) || ferror(page->sections))
        return tw_error_set(error, -EIO, "the report's temporary file: %s", strerror(errno));
    section->end = ftello(page->sections);
    page->n++;
    return 0;
}

static void write_embedded(FILE *out, const char *tag, const unsigned char *text, size_t size)
{
    fprintf(out, "<%s>\n", tag);
    fwrite(text, 1, size, out);
    fprintf(out, "</%s>\n", tag);
}

/* The policy holds browsers to it: nothing is fetched from anywhere. */
static void write_head(FILE *out, const struct tw_run_summaries *summaries)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    if (summaries->n == 1)
        tw_html_text(out, summaries->at[0].run);
    else
        fprintf(out, "%zu runs", summaries->n);
    fputs(" - trainward</title>\n", out);
    write_embedded(out, "style", tw_embedded_page_style, tw_embedded_page_style_size);
    fputs("</head>\n<body>\n<header><h1>trainward</h1></header>\n<main>\n"
          "<noscript><p>The charts need JavaScript; all findings are text.</p></noscript>\n",
          out);
}

static void write_cell(FILE *out, const char *open, bool has, double value)
{
    fprintf(out, "<%s>", open);
    if (has)
        tw_html_number(out, value);
    fputs("</td>", out);
}

static void write_row(FILE *out, const struct tw_run_summary *summary, const char *metric)
{
    const struct tw_score *score = tw_compare_score(summary, metric);
    fprintf(out, "<tr><td class=\"run\"><a href=\"#run-%llu\">",
            (unsigned long long)summary->section);
    tw_html_text(out, summary->run);
    fprintf(out, "</a></td><td><span class=\"badge %s\">%s</span></td>", summary->verdict,
            summary->verdict);
    write_cell(out, "td class=\"number spare\"", summary->has_loss, summary->loss);
    write_cell(out, "td class=\"number spare\"", summary->has_eval_loss, summary->eval_loss);
    if (metric)
        write_cell(out, "td class=\"number\"", score != NULL, score ? score->best : 0);
    fprintf(out, "<td class=\"number spare\">%zu</td><td class=\"number spare\">",
            summary->n_findings);
    if (summary->detector)
        tw_html_step(out, summary->onset_step);
    fprintf(out, "</td><td>%s</td></tr>\n", summary->detector ? summary->detector : "");
}

static void write_differences(FILE *out, const struct tw_run_summaries *summaries)
{
    struct tw_parameter_difference *differences = calloc(TW_DIFFERENCES_MAX, sizeof *differences);
    size_t n = differences ? tw_compare_parameters(summaries, differences) : 0;
    if (n)
        fputs("<h3>What differs</h3>\n<p>Hyper-parameters whose values in runs with a problem are "
              "others than in healthy ones; first those with no value in common.</p>\n"
              "<div class=\"wide\"><table class=\"differences\"><tr><th>parameter</th>"
              "<th>healthy</th><th>problem</th></tr>\n",
              out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "<tr%s>", differences[i].is_apart ? " class=\"apart\"" : "");
        tw_html_element(out, "td", differences[i].name);
        tw_html_element(out, "td", differences[i].healthy);
        tw_html_element(out, "td", differences[i].sick);
        fputs("</tr>\n", out);
    }
    fputs(n ? "</table></div>\n" : "", out);
    free(differences);
}

static size_t count(const struct tw_run_summaries *summaries, const char *verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < summaries->n; i++)
        n += !strcmp(summaries->at[i].verdict, verdict);
    return n;
}

static void write_overview(FILE *out, const struct tw_run_summaries *summaries)
{
    const char *metric = tw_compare_metric(summaries);
    fprintf(out,
            "<section class=\"overview\"><h2>%zu runs</h2>\n<p>%zu with a problem, %zu that could "
            "not be judged, %zu healthy. The worst comes first.</p>\n<div class=\"wide\">"
            "<table class=\"runs\"><tr><th>run</th><th>verdict</th>"
            "<th class=\"number spare\">loss</th><th class=\"number spare\">eval loss</th>",
            summaries->n, count(summaries, "problem"), count(summaries, "unknown"),
            count(summaries, "healthy"));
    if (metric) {
        fputs("<th class=\"number\">best ", out);
        tw_html_text(out, metric);
        fputs("</th>", out);
    }
    fputs("<th class=\"number spare\">findings</th><th class=\"number spare\">since "
          "step</th><th>worst</th>"
          "</tr>\n",
          out);
    for (size_t i = 0; i < summaries->n; i++)
        write_row(out, &summaries->at[i], metric);
    fputs("</table></div>\n", out);
    write_differences(out, summaries);
    fputs("</section>\n", out);
}

static void copy_section(FILE *out, FILE *from, const struct section *section)
{
    char buffer[16384];
    off_t left = section->end - section->start;
    if (fseeko(from, section->start, SEEK_SET))
        left = 0;
    while (left > 0) {
        size_t want = left < (off_t)sizeof buffer ? (size_t)left : sizeof buffer;
        size_t n = fread(buffer, 1, want, from);
        if (!n)
            break;
        fwrite(buffer, 1, n, out);
        left -= (off_t)n;
    }
}

static void write_page(FILE *out, struct tw_report_page *page,
                       const struct tw_run_summaries *summaries, const struct tw_settings *settings)
{
    char digest[17];
    tw_settings_digest(settings, digest);
    write_head(out, summaries);
    if (summaries->n > 1)
        write_overview(out, summaries);
    for (size_t i = 0; i < summaries->n; i++) {
        uint64_t section = summaries->at[i].section;
        fprintf(out, "<section class=\"run\" id=\"run-%llu\">\n", (unsigned long long)section);
        copy_section(out, page->sections, &page->at[section]);
        fputs("</section>\n", out);
    }
    fprintf(out, "</main>\n<footer><p>trainward %s, thresholds %s</p></footer>\n", PACKAGE_VERSION,
            digest);
    write_embedded(out, "script", tw_embedded_page_script, tw_embedded_page_script_size);
    fputs("</body>\n</html>\n", out);
}

/* A device or a pipe (/dev/stdout) is written to: it must not be replaced by a file. */
static bool is_replaced(const char *path)
{
    struct stat status;
    return stat(path, &status) || S_ISREG(status.st_mode);
}

int tw_report_page_write(struct tw_report_page *page, const char *path,
                         const struct tw_run_summaries *summaries,
                         const struct tw_settings *settings, struct tw_error *error)
{
    char part[PATH_MAX];
    const char *end = is_replaced(path) ? ".part" : "";
    if ((size_t)snprintf(part, sizeof part, "%s%s", path, end) >= sizeof part)
        return tw_error_at(error, -ENAMETOOLONG, path, 0, 0, "the name is too long");
    FILE *out = fopen(part, "w");
    if (!out)
        return tw_error_at(error, -errno, path, 0, 0, "%s", strerror(errno));
    write_page(out, page, summaries, settings);
    bool failed = ferror(page->sections) || ferror(out);
    failed = fclose(out) || failed || (*end && rename(part, path));
    if (!failed)
        return 0;
    int result = tw_error_at(error, errno ? -errno : -EIO, path, 0, 0, "%s",
                             errno ? strerror(errno) : "cannot write");
    if (*end)
        unlink(part);
    return result;
}
