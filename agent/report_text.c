/* What people read about a run: the verdict, each finding with its advice, what was not checked. */
#include "agent/report.h"

#include "agent/run_summary.h"

#include "sinks/terminal.h"

#include <stdlib.h>
#include <string.h>

static void print_axis(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run)
{
    const struct tw_source *source = analysis->source;
    const char *axis = source->axis ? source->axis(analysis->handle, run->core.id) : NULL;
    if (axis && strcmp(axis, "step"))
        fprintf(out, "; steps are %ss", axis);
}

void tw_report_mapping(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run)
{
    bool is_first = true;
    for (int i = 0; i < TW_SIGNALS; i++) {
        if (!run->core.signal_counts[i])
            continue;
        const char *name = tw_signal_name((enum tw_signal)i);
        const char *raw = tw_report_raw_name(analysis, run, (enum tw_signal)i);
        fprintf(out, "%s%s", is_first ? "" : ", ", name);
        if (strcmp(raw, name)) {
            fputs(" <- ", out);
            tw_terminal_print_clean(out, raw, strlen(raw));
        }
        fprintf(out, " (%llu)", (unsigned long long)run->core.signal_counts[i]);
        is_first = false;
    }
    fputs(is_first ? "none" : "", out);
    print_axis(out, analysis, run);
    putc('\n', out);
}

/* "accuracy (40) 0.91, best 0.93 at step 1200; ..." */
static void print_scores(FILE *out, const struct tw_scores *scores)
{
    char number[32];
    for (size_t i = 0; scores && i < scores->n; i++) {
        const struct tw_score *score = &scores->at[i];
        fputs(i ? "; " : "  metrics  ", out);
        tw_terminal_print_clean(out, score->name, strlen(score->name));
        fprintf(out, " (%llu) %s", (unsigned long long)score->n,
                tw_short_number(score->newest, number, sizeof number));
        if (score->has_best)
            fprintf(out, ", best %s at step %llu",
                    tw_short_number(score->best, number, sizeof number),
                    (unsigned long long)score->best_step);
    }
    fputs(scores && scores->n ? "\n" : "", out);
}

static enum tw_action action_of(enum tw_state state)
{
    switch (state) {
    case TW_STATE_RECOVERED:
        return TW_ACTION_RECOVERED;
    case TW_STATE_WITHDRAWN:
        return TW_ACTION_WITHDRAWN;
    case TW_STATE_STILL_OPEN:
        return TW_ACTION_STILL_OPEN;
    case TW_STATE_SUSPECT:
    case TW_STATE_OPEN:
        break;
    }
    return TW_ACTION_OPENED;
}

static void print_finding(FILE *out, const struct tw_run *run, const struct tw_episode *episode,
                          bool colour, unsigned width)
{
    struct tw_episode_advisory advisory = tw_watch_advisory(run, episode);
    advisory.action = action_of(episode->finding.state);
    const struct tw_terminal_style style = {.is_coloured = colour, .width = width};
    char *document = tw_episode_document(&advisory);
    char *text = document ? tw_terminal_render(document, &style) : NULL;
    if (text)
        fprintf(out, "\n%s", text);
    free(text);
    free(document);
}

static const char *coloured_verdict(const char *verdict, bool colour)
{
    if (!colour)
        return verdict;
    if (!strcmp(verdict, "problem"))
        return "\033[1;31mproblem\033[0m";
    return strcmp(verdict, "healthy") ? "\033[1;33munknown\033[0m" : "\033[1;32mhealthy\033[0m";
}

const char *tw_report_ending(const struct tw_analysis *analysis, const struct tw_run *run)
{
    if (analysis->source->axis && run->core.status == TW_END_INTERRUPTED)
        return "";
    if (!run->core.ended || run->core.status == TW_END_INTERRUPTED)
        return "interrupted";
    return run->core.status == TW_END_FAILED ? "failed" : "completed";
}

/* Only what is not as it should be. */
static const char *end_of(const struct tw_analysis *analysis, const struct tw_run *run)
{
    const char *ending = tw_report_ending(analysis, run);
    if (!strcmp(ending, "interrupted"))
        return ", interrupted";
    return strcmp(ending, "failed") ? "" : ", ended as failed";
}

static void print_skipped(FILE *out, const struct tw_analysis *analysis)
{
    if (!analysis->skipped)
        return;
    fprintf(out, "  skipped  %llu broken %s; the first: ", (unsigned long long)analysis->skipped,
            analysis->skipped == 1 ? "stretch" : "stretches");
    tw_terminal_print_clean(out, analysis->first_skip, strlen(analysis->first_skip));
    putc('\n', out);
}

void tw_report_text(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                    const struct tw_scores *scores, const struct tw_settings *settings, bool colour,
                    unsigned width)
{
    char format[64];
    const struct tw_context *context = run->context;
    struct tw_not_checked entries[TW_DETECTORS_MAX];
    size_t n = tw_run_not_checked(run, settings, entries, TW_DETECTORS_MAX);
    tw_terminal_print_clean(out, run->core.id, strlen(run->core.id));
    fprintf(out, ": %s\n  log      ", coloured_verdict(tw_run_verdict(run, settings), colour));
    const char *shown = analysis->shown ? analysis->shown : analysis->path;
    tw_terminal_print_clean(out, shown, strlen(shown));
    fprintf(out, " (%s), steps %llu to %llu%s\n",
            tw_analysis_format(analysis, format, sizeof format),
            (unsigned long long)context->first_step, (unsigned long long)context->step,
            end_of(analysis, run));
    fputs("  signals  ", out);
    tw_report_mapping(out, analysis, run);
    print_scores(out, scores);
    print_skipped(out, analysis);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  not checked: %s (%s)\n", entries[i].detector, entries[i].reason);
    size_t *order = tw_report_order(run);
    for (size_t i = 0; order && i < run->episodes.n; i++)
        print_finding(out, run, &run->episodes.at[order[i]], colour, width);
    free(order);
    if (!run->episodes.n && strcmp(tw_run_verdict(run, settings), "unknown"))
        fputs("  nothing found\n", out);
}
