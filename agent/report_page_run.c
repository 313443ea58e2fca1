/* The section of one run: its verdict, its findings, its charts, what was not
 * checked, and how it was set. */
#include "agent/report_page.h"

#include "agent/html_text.h"
#include "agent/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "divergence since step 168": the worst, and of these the first. */
static void write_verdict(FILE *out, const struct tw_run *run, const char *verdict)
{
    const struct tw_finding *worst = NULL;
    const char *id = NULL;
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_finding *finding = &run->episodes.at[i].finding;
        if (finding->state == TW_STATE_WITHDRAWN)
            continue;
        if (!worst || finding->severity > worst->severity ||
            (finding->severity == worst->severity && finding->onset_step < worst->onset_step)) {
            worst = finding;
            id = run->episodes.at[i].id;
        }
    }
    fprintf(out, "<p class=\"verdict\"><span class=\"badge %s\">%s</span> ", verdict, verdict);
    if (worst) {
        fprintf(out, "<a href=\"#finding-%s\">%s</a> since step ", id, worst->detector);
        tw_html_step(out, worst->onset_step);
        fprintf(out, ", %s", tw_severity_name(worst->severity));
    } else {
        fputs(strcmp(verdict, "unknown") ? "nothing found" : "nothing could be judged", out);
    }
    fputs("</p>\n", out);
}

static void write_facts(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run)
{
    char format[64];
    fputs("<p class=\"facts\">", out);
    tw_html_element(out, "bdi", analysis->path); /* turns nothing after it around */
    fputs(" &middot; ", out);
    tw_html_text(out, tw_analysis_format(analysis, format, sizeof format));
    fputs(" &middot; steps ", out);
    tw_html_step(out, run->context->first_step);
    fputs(" to ", out);
    tw_html_step(out, run->context->step);
    const char *end = tw_report_ending(analysis, run);
    fprintf(out, "%s%s", *end ? " &middot; " : "", end);
    if (analysis->skipped) {
        fprintf(out, " &middot; %llu broken stretches skipped, the first: ",
                (unsigned long long)analysis->skipped);
        tw_html_text(out, analysis->first_skip);
    }
    fputs("</p>\n", out);
}

static void write_number_row(FILE *out, const char *name, double value)
{
    tw_html_element(out, "dt", name);
    fputs("<dd>", out);
    tw_html_number(out, value);
    fputs("</dd>\n", out);
}

static void write_evidence(FILE *out, const struct tw_finding *finding)
{
    const struct tw_evidence *evidence = &finding->evidence;
    fputs("<dl class=\"evidence\">\n", out);
    write_number_row(out, evidence->statistic, evidence->value);
    write_number_row(out, "threshold", evidence->threshold);
    if (!isnan(evidence->baseline))
        write_number_row(out, "normal for this run", evidence->baseline);
    fputs("<dt>steps looked at</dt><dd>", out);
    tw_html_step(out, evidence->window_first);
    fputs(" to ", out);
    tw_html_step(out, evidence->window_last);
    fputs("</dd>\n", out);
    for (uint32_t i = 0; i < evidence->n_extras; i++) {
        const struct tw_evidence_extra *extra = &evidence->extras[i];
        if (!extra->text[0]) {
            write_number_row(out, extra->name, extra->value);
            continue;
        }
        tw_html_element(out, "dt", extra->name);
        tw_html_element(out, "dd", extra->text);
    }
    fputs("</dl>\n", out);
}

static enum tw_action action_of(enum tw_state state)
{
    return state == TW_STATE_RECOVERED    ? TW_ACTION_RECOVERED
           : state == TW_STATE_WITHDRAWN  ? TW_ACTION_WITHDRAWN
           : state == TW_STATE_STILL_OPEN ? TW_ACTION_STILL_OPEN
                                          : TW_ACTION_OPENED;
}

static const char *state_words(enum tw_state state)
{
    return state == TW_STATE_STILL_OPEN ? "still open" : tw_state_name(state);
}

static void write_finding(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                          const struct tw_episode *episode)
{
    char message[1024];
    struct tw_episode_advisory advisory = tw_watch_advisory(run, episode);
    const struct tw_finding *finding = advisory.finding;
    advisory.action = action_of(finding->state);
    fprintf(out, "<article class=\"finding %s %s\" id=\"finding-%s\"><h3>%s <small>",
            tw_severity_name(finding->severity), tw_state_name(finding->state), episode->id,
            finding->detector);
    tw_html_text(out, finding->scope);
    fprintf(out, " &middot; %s &middot; %s &middot; since step ",
            tw_severity_name(finding->severity), state_words(finding->state));
    tw_html_step(out, finding->onset_step);
    fputs(", found at step ", out);
    tw_html_step(out, finding->detected_step);
    fprintf(out, " &middot; confidence %.0f&nbsp;%%</small></h3>\n", finding->confidence * 100);
    tw_html_element(out, "p", tw_episode_message(&advisory, message, sizeof message));
    tw_report_page_advice(out, analysis, run, &advisory);
    write_evidence(out, finding);
    fputs("</article>\n", out);
}

static void write_findings(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run)
{
    size_t *order = tw_report_order(run);
    for (size_t i = 0; order && i < run->episodes.n; i++)
        write_finding(out, analysis, run, &run->episodes.at[order[i]]);
    free(order);
}

static void write_not_checked(FILE *out, const struct tw_run *run,
                              const struct tw_settings *settings)
{
    struct tw_not_checked entries[TW_DETECTORS_MAX];
    size_t n = tw_run_not_checked(run, settings, entries, TW_DETECTORS_MAX);
    if (!n)
        return;
    fputs("<h3>Not checked</h3>\n<dl class=\"not-checked\">\n", out);
    for (size_t i = 0; i < n; i++) {
        tw_html_element(out, "dt", entries[i].detector);
        tw_html_element(out, "dd", entries[i].reason);
    }
    fputs("</dl>\n", out);
}

static void write_signals(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run)
{
    fputs("<details><summary>Signals read</summary>\n<div class=\"wide\"><table class=\"signals\">"
          "<tr><th>signal</th><th>in the log</th><th class=\"number\">readings</th></tr>\n",
          out);
    for (int i = 0; i < TW_SIGNALS; i++) {
        if (!run->core.signal_counts[i])
            continue;
        fprintf(out, "<tr><td>%s</td>", tw_signal_name((enum tw_signal)i));
        tw_html_element(out, "td", tw_report_raw_name(analysis, run, (enum tw_signal)i));
        fprintf(out, "<td class=\"number\">%u</td></tr>\n", run->core.signal_counts[i]);
    }
    fputs("</table></div></details>\n", out);
}

static void write_scores(FILE *out, const struct tw_scores *scores)
{
    if (!scores->n)
        return;
    fputs("<details open><summary>Metrics of evaluations</summary>\n<div class=\"wide\">"
          "<table class=\"scores\"><tr><th>metric</th><th class=\"number\">newest</th>"
          "<th class=\"number\">best</th><th class=\"number\">at step</th>"
          "<th class=\"number\">readings</th></tr>\n",
          out);
    for (size_t i = 0; i < scores->n; i++) {
        const struct tw_score *score = &scores->at[i];
        fputs("<tr>", out);
        tw_html_element(out, "td", score->name);
        fputs("<td class=\"number\">", out);
        tw_html_number(out, score->newest);
        fputs("</td><td class=\"number\">", out);
        if (score->has_best)
            tw_html_number(out, score->best);
        fputs("</td><td class=\"number\">", out);
        if (score->has_best)
            tw_html_step(out, score->best_step);
        fprintf(out, "</td><td class=\"number\">%llu</td></tr>\n", (unsigned long long)score->n);
    }
    fputs("</table></div></details>\n", out);
}

static void write_hyperparameters(FILE *out, const struct tw_header *header)
{
    if (!header || !header->n_hyperparameters)
        return;
    fputs("<details><summary>Hyper-parameters</summary>\n<dl class=\"hyperparameters\">\n", out);
    for (size_t i = 0; i < header->n_hyperparameters; i++) {
        const struct tw_hyperparameter *parameter = &header->hyperparameters[i];
        if (parameter->is_text) {
            tw_html_element(out, "dt", parameter->name);
            tw_html_element(out, "dd", parameter->text);
        } else {
            write_number_row(out, parameter->name, parameter->number);
        }
    }
    fputs("</dl></details>\n", out);
}

void tw_report_page_run(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                        const struct tw_run_charts *charts, const struct tw_settings *settings)
{
    tw_html_element(out, "h2", run->core.id);
    write_verdict(out, run, tw_run_verdict(run, settings));
    write_facts(out, analysis, run);
    if (charts)
        tw_report_page_first_charts(out, charts);
    write_findings(out, analysis, run);
    if (charts)
        tw_report_page_charts(out, analysis, run, charts);
    if (charts)
        write_scores(out, &charts->scores);
    write_not_checked(out, run, settings);
    write_signals(out, analysis, run);
    write_hyperparameters(out, run->header);
}
