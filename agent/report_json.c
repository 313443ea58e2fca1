/* The object that `analyze --format json` prints for a run. */
#include <config.h>

#include "agent/report.h"

#include "advisories/json_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct tw_run *ordered_run; /* qsort has no closure; set only around the call */

static int by_onset(const void *a, const void *b)
{
    const struct tw_finding *x = &ordered_run->episodes.at[*(const size_t *)a].finding;
    const struct tw_finding *y = &ordered_run->episodes.at[*(const size_t *)b].finding;
    if (x->onset_step != y->onset_step)
        return x->onset_step < y->onset_step ? -1 : 1;
    int order = strcmp(x->detector, y->detector);
    if (!order)
        order = strcmp(x->scope, y->scope);
    if (order)
        return order;
    return (x->detected_step > y->detected_step) - (x->detected_step < y->detected_step);
}

size_t *tw_report_order(const struct tw_run *run)
{
    size_t *order = calloc(run->episodes.n + 1, sizeof *order);
    for (size_t i = 0; order && i < run->episodes.n; i++)
        order[i] = i;
    if (order) {
        ordered_run = run;
        qsort(order, run->episodes.n, sizeof *order, by_onset);
    }
    return order;
}

const char *tw_report_raw_name(const struct tw_analysis *analysis, const struct tw_run *run,
                               enum tw_signal signal)
{
    const struct tw_source *source = analysis->source;
    const char *raw =
        source->raw_name ? source->raw_name(analysis->handle, run->core.id, signal) : NULL;
    return raw ? raw : tw_signal_name(signal);
}

static json_t *signals(const struct tw_analysis *analysis, const struct tw_run *run)
{
    json_t *signals = json_object();
    for (int i = 0; i < TW_SIGNALS; i++) {
        const char *name = tw_signal_name((enum tw_signal)i);
        if (run->core.signal_counts[i])
            json_object_set_new(
                signals, name,
                json_pack("{s:o, s:I}", "raw_name",
                          tw_json_string(tw_report_raw_name(analysis, run, (enum tw_signal)i)),
                          "count", (json_int_t)run->core.signal_counts[i]));
    }
    return signals;
}

static json_t *findings(const struct tw_run *run)
{
    json_t *list = json_array();
    size_t *order = tw_report_order(run);
    for (size_t i = 0; order && i < run->episodes.n; i++) {
        struct tw_episode_advisory advisory = tw_watch_advisory(run, &run->episodes.at[order[i]]);
        json_array_append_new(list, tw_finding_json(&advisory));
    }
    free(order);
    return list;
}

static json_t *not_checked(const struct tw_run *run, const struct tw_settings *settings)
{
    struct tw_not_checked entries[TW_DETECTORS_MAX];
    size_t n = tw_run_not_checked(run, settings, entries, TW_DETECTORS_MAX);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "detector", entries[i].detector,
                                              "reason", entries[i].reason));
    return list;
}

char *tw_report_json(const struct tw_analysis *analysis, const struct tw_run *run,
                     const struct tw_settings *settings)
{
    char digest[17], format[64];
    const struct tw_context *context = run->context;
    tw_settings_digest(settings, digest);
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:s, s:I, s:o, s:s, s:o, s:o, s:I, s:s, s:s}", "run",
        tw_json_string(run->core.id), "attempt", tw_json_string(run->core.attempt), "source",
        tw_json_string(analysis->path), "format",
        tw_analysis_format(analysis, format, sizeof format), "steps",
        (json_int_t)(context->records ? tw_run_series_steps(context) : 0), "signals",
        signals(analysis, run), "verdict", tw_run_verdict(run, settings), "findings", findings(run),
        "not_checked", not_checked(run, settings), "skipped_lines", (json_int_t)analysis->skipped,
        "version", PACKAGE_VERSION, "config_digest", digest);
    char *text = object ? tw_json_text(object) : NULL;
    json_decref(object);
    return text;
}
