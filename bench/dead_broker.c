/* A training whose telemetry goes to Kafka brokers that are not there against one whose telemetry
 * goes to a file. One training takes all steps; each burst has an emitter of its own, opened before
 * and closed behind it, so that no burst pays for another's threads. */
#include "bench/perceptron.h"

#include "telemetry/emitter.h"
#include "trainer/recorder.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum output { TO_FILE, REFUSED, MUTE, FULL, OUTPUTS };
static const char *const output_names[OUTPUTS] = {"file", "refused", "mute", "refused_full_queue"};

struct dead_broker {
    struct bench_perceptron perceptron;
    struct tw_emitter_options options[OUTPUTS];
    char run_dir[4096], refused[32], mute[32];
    struct tw_emitter *emitter; /* of the burst */
    uint64_t header_hash;
    unsigned steps;        /* in one burst */
    int mute_port;         /* takes connections and never answers */
    struct tw_error error; /* the first of opening */
    uint64_t emitted[OUTPUTS], lost[OUTPUTS], dropped[OUTPUTS];
    volatile double loss;
};

/* What a contestant has for its closure. */
struct burst {
    struct dead_broker *bench;
    enum output output;
};

/* The address of a port of our own: listening, or closed again. */
static int take_port(char *ret, size_t size, bool is_listening, struct tw_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) ||
        getsockname(fd, (struct sockaddr *)&address, &length) || (is_listening && listen(fd, 64))) {
        if (fd >= 0)
            close(fd);
        return tw_error_set(error, -1, "no port can be had");
    }
    snprintf(ret, size, "127.0.0.1:%d", ntohs(address.sin_port));
    if (is_listening)
        return fd;
    close(fd);
    return 0;
}

static void open_emitter(void *closure)
{
    struct burst *burst = closure;
    struct dead_broker *bench = burst->bench;
    if (tw_emitter_open(&bench->emitter, &bench->options[burst->output], &bench->error))
        bench->emitter = NULL;
}

static void close_emitter(void *closure)
{
    struct burst *burst = closure;
    struct dead_broker *bench = burst->bench;
    struct tw_emitter_counts counts = {0};
    tw_emitter_close(bench->emitter, &counts, NULL); /* what it could not deliver is the point */
    bench->emitter = NULL;
    bench->emitted[burst->output] += counts.emitted;
    bench->lost[burst->output] += counts.lost;
    bench->dropped[burst->output] += counts.dropped;
}

static void emit(struct dead_broker *bench, struct tw_record *record)
{
    if (bench->emitter)
        tw_emit(bench->emitter, record);
    tw_record_clear(record);
}

static void take_steps(void *closure)
{
    struct dead_broker *bench = ((struct burst *)closure)->bench;
    struct tw_training *training = &bench->perceptron.training;
    struct tw_record record;
    tw_record_init(&record);
    training->measure = TW_MEASURE_LAYERS;
    for (unsigned i = 0; i < bench->steps; i++) {
        struct tw_step_figures figures = tw_training_step(training);
        bench->loss = figures.loss;
        tw_recorder_step(&record, training, &figures);
        emit(bench, &record);
        tw_recorder_layers(&record, training, bench->header_hash);
        emit(bench, &record);
    }
}

static json_t *json_counts(const struct dead_broker *bench, enum output output)
{
    return json_pack("{s:I, s:I, s:I}", "emitted", (json_int_t)bench->emitted[output], "lost",
                     (json_int_t)bench->lost[output], "dropped",
                     (json_int_t)bench->dropped[output]);
}

/* The figure is the worst of the three ways in which brokers are not there. */
static void judge(const struct bench_contestant *contestants, const struct bench_times *times,
                  const struct dead_broker *bench, struct bench_figure *ret)
{
    ret->raw = bench_json_times(contestants, times);
    ret->value = 0;
    for (int i = REFUSED; i < OUTPUTS; i++) {
        struct bench_quartiles wall =
            bench_ratio(times->wall[TO_FILE], times->wall[i], times->rounds, 1);
        struct bench_quartiles cpu =
            bench_ratio(times->cpu[TO_FILE], times->cpu[i], times->rounds, 1);
        json_t *of = json_object_get(ret->raw, contestants[i].name);
        json_object_set_new(of, "ratio_wall", bench_json_quartiles(wall));
        json_object_set_new(of, "ratio_cpu", bench_json_quartiles(cpu));
        json_object_set_new(of, "records", json_counts(bench, (enum output)i));
        ret->value = i == REFUSED || wall.median < ret->value ? wall.median : ret->value;
    }
    json_object_set_new(ret->raw, "steps_a_burst", json_integer(bench->steps));
    json_object_set_new(ret->raw, "signals",
                        json_string("step and layers records, every layer, every step"));
    bench_perceptron_describe(&bench->perceptron, ret->raw);
}

static void set_options(struct dead_broker *bench, const char *dir)
{
    static const char *const full_queue[] = {"queue.buffering.max.messages=1", NULL};
    struct tw_emitter_options *options = bench->options;
    snprintf(bench->run_dir, sizeof bench->run_dir, "%s/dead_broker", dir);
    for (int i = 0; i < OUTPUTS; i++)
        options[i] = (struct tw_emitter_options){.run = "bench", .close_seconds = 1e-3};
    options[TO_FILE].run_dir = bench->run_dir;
    options[REFUSED].kafka_brokers = options[FULL].kafka_brokers = bench->refused;
    options[MUTE].kafka_brokers = bench->mute;
    options[FULL].kafka_properties = full_queue;
}

static int compare(struct dead_broker *bench, unsigned rounds, struct bench_figure *ret,
                   struct tw_error *error)
{
    struct burst bursts[OUTPUTS];
    struct bench_contestant contestants[OUTPUTS];
    static struct bench_times times;
    for (int i = 0; i < OUTPUTS; i++) {
        bursts[i] = (struct burst){bench, (enum output)i};
        contestants[i] = (struct bench_contestant){output_names[i], take_steps, &bursts[i],
                                                   open_emitter, close_emitter};
    }
    bench_interleave(contestants, OUTPUTS, rounds, &times);
    if (bench->error.code) {
        *error = bench->error;
        return error->code;
    }
    judge(contestants, &times, bench, ret);
    return 0;
}

static int run(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error)
{
    static struct dead_broker bench;
    bench = (struct dead_broker){.steps = settings->is_smoke ? 2 : 40};
    int result = take_port(bench.refused, sizeof bench.refused, false, error);
    if (result < 0)
        return result;
    bench.mute_port = take_port(bench.mute, sizeof bench.mute, true, error);
    if (bench.mute_port < 0)
        return bench.mute_port;
    set_options(&bench, settings->dir);
    result = bench_perceptron_init_as(&bench.perceptron, "relu", "32", settings, error);
    if (!result)
        result = compare(&bench, settings->rounds ? settings->rounds : 61, ret, error);
    bench_perceptron_release(&bench.perceptron);
    close(bench.mute_port);
    return result;
}

const struct bench_benchmark bench_dead_broker = {
    .name = "trainer_with_dead_broker_ratio",
    .unit = "of the speed with a file",
    .description = "training while Kafka cannot be reached, MLP, batch 32, wall time",
    .goal = .99,
    .is_goal_a_minimum = true,
    .run = run,
};
