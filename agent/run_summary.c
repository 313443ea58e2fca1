/* One line of each run. */
#include "agent/run_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tw_short_number(double value, char *buffer, size_t size)
{
    if (isnan(value))
        snprintf(buffer, size, "nan"); /* printf would tell its sign */
    else
        snprintf(buffer, size, "%.*g", value == floor(value) && fabs(value) < 1e7 ? 7 : 4, value);
    return buffer;
}

static bool newest_of(const struct tw_run_charts *charts, enum tw_signal signal, double *ret)
{
    bool has = charts && charts->has >> signal & 1u;
    *ret = has ? charts->newest[signal] : NAN;
    return has;
}

static void take_findings(struct tw_run_summary *summary, const struct tw_run *run)
{
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_finding *finding = &run->episodes.at[i].finding;
        if (finding->state == TW_STATE_WITHDRAWN)
            continue;
        summary->n_findings++;
        if (summary->detector && finding->severity <= summary->severity &&
            (finding->severity < summary->severity || finding->onset_step >= summary->onset_step))
            continue;
        summary->severity = finding->severity;
        summary->detector = finding->detector;
        summary->onset_step = finding->onset_step;
    }
}

static int copy_hyperparameters(struct tw_run_summary *summary, const struct tw_header *header)
{
    if (!header || !header->n_hyperparameters)
        return 0;
    size_t size = header->n_hyperparameters * sizeof *header->hyperparameters;
    summary->hyperparameters = malloc(size);
    if (!summary->hyperparameters)
        return -1;
    memcpy(summary->hyperparameters, header->hyperparameters, size);
    summary->n_hyperparameters = header->n_hyperparameters;
    return 0;
}

static int copy_scores(struct tw_run_summary *summary, const struct tw_scores *scores)
{
    if (!scores || !scores->n)
        return 0;
    summary->scores = malloc(scores->n * sizeof *scores->at);
    if (!summary->scores)
        return -1;
    for (size_t i = 0; i < scores->n; i++) {
        if (scores->at[i].has_best)
            summary->scores[summary->n_scores++] = scores->at[i];
    }
    return 0;
}

static int make_room(struct tw_run_summaries *summaries)
{
    if (summaries->n < summaries->room)
        return 0;
    size_t room = summaries->room ? summaries->room * 2 : 8;
    struct tw_run_summary *at = realloc(summaries->at, room * sizeof *at);
    if (!at)
        return -1;
    summaries->at = at;
    summaries->room = room;
    return 0;
}

struct tw_run_summary *tw_run_summaries_add(struct tw_run_summaries *summaries,
                                            const struct tw_run *run,
                                            const struct tw_run_charts *charts,
                                            const struct tw_settings *settings)
{
    struct tw_run_summary summary = {.verdict = tw_run_verdict(run, settings)};
    if (make_room(summaries) || copy_hyperparameters(&summary, run->header))
        return NULL;
    if (copy_scores(&summary, charts ? &charts->scores : NULL)) {
        free(summary.hyperparameters);
        return NULL;
    }
    memcpy(summary.run, run->core.id, sizeof summary.run);
    summary.has_loss = newest_of(charts, TW_SIGNAL_LOSS, &summary.loss);
    summary.has_eval_loss = newest_of(charts, TW_SIGNAL_EVAL_LOSS, &summary.eval_loss);
    summary.section = summaries->n;
    take_findings(&summary, run);
    summaries->at[summaries->n] = summary;
    return &summaries->at[summaries->n++];
}

static int badness(const struct tw_run_summary *summary)
{
    if (!strcmp(summary->verdict, "problem"))
        return 2 + (int)summary->severity;
    return strcmp(summary->verdict, "healthy") ? 1 : 0;
}

static int worst_first(const void *a, const void *b)
{
    const struct tw_run_summary *x = a, *y = b;
    int order = badness(y) - badness(x);
    if (order)
        return order;
    if (x->n_findings != y->n_findings)
        return x->n_findings > y->n_findings ? -1 : 1;
    return (x->section > y->section) - (x->section < y->section);
}

void tw_run_summaries_sort(struct tw_run_summaries *summaries)
{
    if (summaries->n)
        qsort(summaries->at, summaries->n, sizeof *summaries->at, worst_first);
}

void tw_run_summaries_release(struct tw_run_summaries *summaries)
{
    for (size_t i = 0; i < summaries->n; i++) {
        free(summaries->at[i].hyperparameters);
        free(summaries->at[i].scores);
    }
    free(summaries->at);
    *summaries = (struct tw_run_summaries){0};
}
