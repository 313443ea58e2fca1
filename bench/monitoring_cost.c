/* A training step that is watched against one that is not. Watched: the figures of the step and of
 * every layer's gradients, weights, updates and activations, both records, and the emitter, which
 * writes them to a file in a thread of its own. One training takes both kinds of step, so that they
 * share memory, caches and weights. */
#include "bench/perceptron.h"

#include "telemetry/emitter.h"
#include "trainer/recorder.h"

#include <errno.h>
#include <stdio.h>

struct watched {
    struct bench_perceptron perceptron;
    struct tw_emitter *emitter;
    uint64_t header_hash;
    unsigned steps; /* in one burst */
    volatile double loss;
};

static void step_unwatched(void *closure)
{
    struct watched *watched = closure;
    watched->perceptron.training.measure = TW_MEASURE_NOTHING;
    for (unsigned i = 0; i < watched->steps; i++)
        watched->loss = tw_training_step(&watched->perceptron.training).loss;
}

static void emit(struct watched *watched, struct tw_record *record)
{
    tw_emit(watched->emitter, record);
    tw_record_clear(record);
}

static void step_watched(void *closure)
{
    struct watched *watched = closure;
    struct tw_training *training = &watched->perceptron.training;
    struct tw_record record;
    tw_record_init(&record);
    training->measure = TW_MEASURE_LAYERS;
    for (unsigned i = 0; i < watched->steps; i++) {
        struct tw_step_figures figures = tw_training_step(training);
        tw_recorder_step(&record, training, &figures);
        emit(watched, &record);
        tw_recorder_layers(&record, training, watched->header_hash);
        emit(watched, &record);
    }
}

static int emit_header(struct watched *watched, struct tw_error *error)
{
    struct tw_record record;
    tw_record_init(&record);
    if (tw_recorder_header(&record, &watched->perceptron.training, &watched->perceptron.config)) {
        tw_record_clear(&record);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    watched->header_hash = tw_header_hash(record.header);
    emit(watched, &record);
    return 0;
}

static void judge(const struct bench_contestant *contestants, const struct bench_times *times,
                  const struct watched *watched, struct bench_figure *ret)
{
    struct bench_quartiles cpu = bench_ratio(times->cpu[1], times->cpu[0], times->rounds, 1);
    struct bench_quartiles wall = bench_ratio(times->wall[1], times->wall[0], times->rounds, 1);
    struct tw_emitter_counts counts = tw_emitter_counts(watched->emitter);
    ret->value = cpu.median;
    ret->raw = bench_json_times(contestants, times);
    json_object_set_new(ret->raw, "ratio_cpu", bench_json_quartiles(cpu));
    json_object_set_new(ret->raw, "ratio_wall", bench_json_quartiles(wall));
    json_object_set_new(ret->raw, "steps_a_burst", json_integer(watched->steps));
    json_object_set_new(ret->raw, "records_emitted", json_integer((json_int_t)counts.emitted));
    json_object_set_new(ret->raw, "records_dropped", json_integer((json_int_t)counts.dropped));
    json_object_set_new(ret->raw, "signals",
                        json_string("step and layers records, every layer, every step, written to "
                                    "a file by the emitter"));
    bench_perceptron_describe(&watched->perceptron, ret->raw);
}

static int compare(struct watched *watched, unsigned rounds, struct bench_figure *ret,
                   struct tw_error *error)
{
    const struct bench_contestant contestants[] = {{"unwatched", step_unwatched, watched},
                                                   {"watched", step_watched, watched}};
    struct bench_times times;
    int result = emit_header(watched, error);
    if (result)
        return result;
    bench_interleave(contestants, 2, rounds, &times);
    judge(contestants, &times, watched, ret);
    return 0;
}

/* A training whose cost is told. */
struct setting {
    const char *name, *activation, *batch_size;
    unsigned steps, rounds;
};

/* tanh can saturate, which is one more figure. Bursts are about as long as the first's. */
static const struct setting settings_beside[] = {
    {"tanh_b32", "tanh", "32", 5, 61},
    {"tanh_b512", "tanh", "512", 1, 61},
};

static int run_setting(const struct setting *setting, const struct bench_settings *settings,
                       struct bench_figure *ret, struct tw_error *error)
{
    struct watched watched = {.steps = setting->steps};
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/monitoring_%s", settings->dir, setting->name);
    struct tw_emitter_options options = {.run = "bench", .run_dir = dir};
    int result = bench_perceptron_init_as(&watched.perceptron, setting->activation,
                                          setting->batch_size, settings, error);
    if (result)
        return result;
    result = tw_emitter_open(&watched.emitter, &options, error);
    if (!result) {
        result =
            compare(&watched, settings->rounds ? settings->rounds : setting->rounds, ret, error);
        int closed = tw_emitter_close(watched.emitter, NULL, error);
        result = result ? result : closed;
    }
    bench_perceptron_release(&watched.perceptron);
    return result;
}

static int run(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error)
{
    const struct setting main_one = {"relu_b128", "relu", "128", 2, 151};
    int result = run_setting(&main_one, settings, ret, error);
    for (size_t i = 0; !result && i < sizeof settings_beside / sizeof *settings_beside; i++) {
        struct bench_figure beside = {0};
        result = run_setting(&settings_beside[i], settings, &beside, error);
        if (!result)
            json_object_set_new(ret->raw, settings_beside[i].name, beside.raw);
    }
    return result;
}

const struct bench_benchmark bench_monitoring_cost = {
    .name = "monitoring_cost_ratio",
    .unit = "of the unwatched step",
    .description = "step with every layer's figures and their emission, MLP, batch 128",
    .goal = 1.01,
    .run = run,
};
