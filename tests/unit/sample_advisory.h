/* One advisory with everything that a document can hold, for the tests of documents and sinks. */
#ifndef SAMPLE_ADVISORY_H
#define SAMPLE_ADVISORY_H

#include "advisories/advisory.h"

#include <math.h>
#include <string.h>

struct sample {
    struct tw_finding finding;
    struct tw_suggestion suggestions[2];
    struct tw_episode_advisory advisory;
};

static inline void sample_init(struct sample *sample)
{
    *sample = (struct sample){
        .finding =
            {
                .detector = "gradient-explosion",
                .scope = "layer:fc2",
                .severity = TW_SEVERITY_CRITICAL,
                .state = TW_STATE_OPEN,
                .onset_step = 812,
                .detected_step = 815,
                .confidence = 0.97,
                .evidence =
                    {
                        .statistic = "gradient norm / its median",
                        .value = 54.25,
                        .threshold = 10,
                        .baseline = 1.1,
                        .window_first = 752,
                        .window_last = 815,
                        .unit = "ratio",
                        .n_extras = 2,
                        .extras = {{.name = "loss", .value = NAN},
                                   {.name = "layer_kind", .text = "linear"}},
                    },
            },
        .suggestions =
            {
                {
                    .parameter = "learning_rate",
                    .from = {.type = TW_VALUE_NUMBER, .number = 0.3},
                    .to = {.type = TW_VALUE_NUMBER, .number = 0.03},
                    .op = TW_CHANGE_MULTIPLY,
                    .change = {.type = TW_VALUE_NUMBER, .number = 0.1},
                    .why = "The gradient norm is 54 times its median.",
                    .verify = {"grad_norm", true, 2.2, 200},
                    .rule = "explosion-lower-learning-rate",
                },
                {
                    .parameter = "precision",
                    .op = TW_CHANGE_SET,
                    .change = {.type = TW_VALUE_TEXT, .text = "bf16"},
                    .why = "Its range is wider.",
                    .verify = {"loss", false, -1, 50},
                    .rule = "explosion-wider-precision",
                },
            },
    };
    sample->advisory = (struct tw_episode_advisory){
        .run = {.run = "exp7",
                .attempt = "a1",
                .name = "resnet",
                .project = "vision",
                .group = "",
                .host = "node3",
                .user = "ada"},
        .time_ms = 1785489300250, /* 2026-07-31T09:15:00.250Z by date -d @1785489300 */
        .step = 815,
        .action = TW_ACTION_OPENED,
        .finding = &sample->finding,
        .n_suggestions = 2,
        .suggestions = sample->suggestions,
        .rule = {"explosion-lower-learning-rate", "Lower the learning rate after an explosion"},
    };
    tw_episode_id(sample->advisory.episode_id, "exp7", "a1", "gradient-explosion", "layer:fc2",
                  815);
}

#endif
