/* Stalled run: a run that has fallen silent, or one of its ranks while the others train on.
 *
 * What is silent sends no record. How long a run may be silent is learned here from those that came
 * (stalled_run/silence.c), and whoever listens to it asks; of the ranks stalled_run/ranks.c judges,
 * and is asked by whoever combines them. */
#include "detectors/detectors.h"
#include "detectors/stalled_run/ranks.h"
#include "detectors/stalled_run/silence.h"

struct stalled_config {
    struct tw_rank_lag_config rank; /* the first: agent/ranks.c asks by it alone */
    struct tw_run_silence_config silence;
};

#define FIELD(member) offsetof(struct stalled_config, member)

static const struct tw_option stalled_options[] = {
    {.name = "after",
     .type = TW_OPTION_DURATION,
     .offset = FIELD(silence.after),
     .initial = 900,
     .min = 1,
     .max = 30 * 86400,
     .help = "shortest silence that is told (SageMaker Debugger's StalledTrainingRule waits 30 "
             "minutes)"},
    {.name = "factor",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(silence.factor),
     .initial = 10,
     .min = 1,
     .max = 10000,
     .help = "and it is so many times the longest time between two records that the run has had, "
             "evaluations and checkpoints included (our judgement)"},
    {.name = "after_unknown",
     .type = TW_OPTION_DURATION,
     .offset = FIELD(silence.after_unknown),
     .initial = 3600,
     .min = 1,
     .max = 30 * 86400,
     .help = "silence that is told of a run whose records carry no times, or as long as `min_gaps` "
             "is not reached: before its first steps a program compiles, loads and waits"},
    {.name = "after_max",
     .type = TW_OPTION_DURATION,
     .offset = FIELD(silence.after_max),
     .initial = 6 * 3600,
     .min = 1,
     .max = 30 * 86400,
     .help = "longest silence that is waited for, unless the run has been silent for half as long "
             "before and gone on"},
    {.name = "min_gaps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(silence.min_gaps),
     .initial = 8,
     .min = 1,
     .max = 1e6,
     .help = "times between two records without which the longest of them says little"},
    {.name = "needs_header",
     .type = TW_OPTION_BOOL,
     .offset = FIELD(silence.needs_header),
     .initial = 1,
     .min = 0,
     .max = 1,
     .help = "a run that never sent a header is not told: a script that sends a few plain values "
             "does not say either that it has ended"},
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

static void stalled_start(void *state, const void *config)
{
    (void)state, (void)config;
}

static void stalled_observe(void *state, const void *config, const struct tw_context *context,
                            const struct tw_context_config *shared, const struct tw_record *record,
                            struct tw_report *report)
{
    (void)config, (void)shared;
    tw_run_silence_observe(state, context, record, report);
}

static double stalled_patience(const void *state, const void *config,
                               const struct tw_context *context)
{
    const struct stalled_config *own = config;
    return tw_run_silence_patience(state, &own->silence, context);
}

static void stalled_silent(void *state, const void *config, const struct tw_context *context,
                           struct tw_report *report)
{
    const struct stalled_config *own = config;
    tw_run_silence_tell(state, &own->silence, context, report);
}

static void stalled_finish(void *state, const void *config, const struct tw_context *context,
                           const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

/* A silence is looked at whenever somebody listens, and so is each rank of several: there is
 * nothing that could be missing from the records. */
static bool stalled_has_judged(const void *state, const void *config,
                               const struct tw_context *context, char *reason, size_t size)
{
    (void)state, (void)config, (void)context, (void)reason, (void)size;
    return true;
}

const struct tw_detector tw_detector_stalled_run = {
    .name = "stalled-run",
    .title = "Stalled run",
    .description = "a run that has not ended sends nothing any more, or one of its ranks does not",
    .secondary = true,
    .state_version = 1,
    .options = stalled_options,
    .n_options = sizeof stalled_options / sizeof *stalled_options,
    .config_size = sizeof(struct stalled_config),
    .state_size = TW_STATE_SIZES(struct tw_run_silence),
    .start = stalled_start,
    .observe = stalled_observe,
    .finish = stalled_finish,
    .has_judged = stalled_has_judged,
    .patience = stalled_patience,
    .silent = stalled_silent,
};
