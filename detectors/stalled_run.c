/* Stalled run: a rank of a run that has fallen silent while the others train on.
 *
 * What is silent sends no record, so nothing is seen here: detectors/stalled_run/ranks.c judges,
 * and is asked by whoever combines the ranks. */
#include "detectors/detectors.h"
#include "detectors/stalled_run/ranks.h"

struct stalled_config {
    struct tw_rank_lag_config rank; /* the first: agent/ranks.c asks by it alone */
};

#define FIELD(member) offsetof(struct stalled_config, member)

static const struct tw_option stalled_options[] = {
    {.name = "rank_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(rank.rank_steps),
     .initial = 48,
     .min = 1,
     .max = 64,
     .help = "steps that a rank is behind the others before it counts as silent (mixle's "
             "acceptance test: a dead rank is found within 50 steps)"},
    {.name = "rank_seconds",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(rank.rank_seconds),
     .initial = 5,
     .min = 0,
     .max = 1e9,
     .help = "and seconds that it is behind them: 25 times as long as an emitter holds records "
             "back (our judgement)"},
    {.name = "rank_intervals",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(rank.rank_intervals),
     .initial = 20,
     .min = 0,
     .max = 1e6,
     .help = "and so many times as long as a step takes, in the median (our judgement)"},
    {.name = "rank_back_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(rank.rank_back_steps),
     .initial = 8,
     .min = 0,
     .max = 64,
     .help = "a rank that was silent has caught up when it is no further behind (our judgement)"},
};

struct stalled_run {
    uint64_t unused;
};

static void stalled_start(void *state, const void *config)
{
    (void)state, (void)config;
}

static void stalled_observe(void *state, const void *config, const struct tw_context *context,
                            const struct tw_context_config *shared, const struct tw_record *record,
                            struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)record, (void)report;
}

static void stalled_finish(void *state, const void *config, const struct tw_context *context,
                           const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

/* Where there are several ranks each is looked at; where there is one, there is nothing to miss. */
static bool stalled_has_judged(const void *state, const void *config,
                               const struct tw_context *context, char *reason, size_t size)
{
    (void)state, (void)config, (void)context, (void)reason, (void)size;
    return true;
}

const struct tw_detector tw_detector_stalled_run = {
    .name = "stalled-run",
    .title = "Stalled run",
    .description = "a rank that sends nothing any more while the others go on",
    .secondary = true,
    .state_version = 1,
    .options = stalled_options,
    .n_options = sizeof stalled_options / sizeof *stalled_options,
    .config_size = sizeof(struct stalled_config),
    .state_size = TW_STATE_SIZES(struct stalled_run),
    .start = stalled_start,
    .observe = stalled_observe,
    .finish = stalled_finish,
    .has_judged = stalled_has_judged,
};
