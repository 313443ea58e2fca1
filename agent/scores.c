#include "agent/scores.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct tw_score *find(struct tw_scores *scores, const char *name)
{
    for (size_t i = 0; i < scores->n; i++) {
        if (!strcmp(scores->at[i].name, name))
            return &scores->at[i];
    }
    return NULL;
}

const struct tw_score *tw_scores_find(const struct tw_scores *scores, const char *name)
{
    return find((struct tw_scores *)(size_t)scores, name);
}

static struct tw_score *add(struct tw_scores *scores, const char *name)
{
    if (scores->n == TW_METRICS_MAX)
        return NULL;
    struct tw_score *score = &scores->at[scores->n++];
    *score = (struct tw_score){.direction = tw_log_metric_direction(name)};
    snprintf(score->name, sizeof score->name, "%s", name);
    return score;
}

static bool is_better(const struct tw_score *score, double value)
{
    if (score->direction == TW_DIRECTION_UNKNOWN || !isfinite(value))
        return false;
    if (!score->has_best)
        return true;
    return score->direction == TW_DIRECTION_UP ? value > score->best : value < score->best;
}

void tw_scores_take(struct tw_scores *scores, const struct tw_record *record, uint64_t step)
{
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        const struct tw_metric *metric = &record->metrics[i];
        struct tw_score *score = find(scores, metric->name);
        if (!score && !(score = add(scores, metric->name)))
            continue;
        score->n++;
        score->newest = isnan(metric->value) ? (double)NAN : metric->value;
        if (!is_better(score, metric->value))
            continue;
        score->has_best = true;
        score->best = metric->value;
        score->best_step = step;
    }
}
