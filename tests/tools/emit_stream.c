/* Reads telemetry as JSON lines from standard input and sends it to Kafka through the emitter, as a
 * training process would: one emitter for each run. Prints the emitters' counts, added up.
 *
 *     emit_stream BROKERS TOPIC [PROPERTY=VALUE ...] */
#include "telemetry/emitter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 64
/* Longer than the tests keep a broker away. */
#define CLOSE_SECONDS 120

struct stream {
    char run[TW_RUN_ID_MAX + 1];
    struct tw_emitter *emitter;
};

static const char *const *properties; /* ended by NULL, as argv is */
static struct stream streams[RUNS_MAX];
static size_t n_streams;

static _Noreturn void fail(const char *doing, const struct tw_error *error)
{
    char message[1024];
    fprintf(stderr, "emit_stream: %s: %s\n", doing,
            tw_error_message(error, message, sizeof message));
    exit(1);
}

static struct tw_emitter *emitter_of(const struct tw_record *record, const char *brokers,
                                     const char *topic)
{
    for (size_t i = 0; i < n_streams; i++) {
        if (!strcmp(streams[i].run, record->run))
            return streams[i].emitter;
    }
    struct tw_error error = {0};
    if (n_streams == RUNS_MAX) {
        tw_error_set(&error, -1, "more than %d runs", RUNS_MAX);
        fail(record->run, &error);
    }
    struct stream *stream = &streams[n_streams++];
    memcpy(stream->run, record->run, sizeof stream->run);
    struct tw_emitter_options options = {
        .run = stream->run,
        .attempt = record->attempt,
        .kafka_brokers = brokers,
        .kafka_topic = topic,
        .kafka_properties = properties,
        .close_seconds = CLOSE_SECONDS,
    };
    if (tw_emitter_open(&stream->emitter, &options, &error))
        fail("the emitter does not open", &error);
    return stream->emitter;
}

static void emit_line(const char *line, size_t size, const char *brokers, const char *topic)
{
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    if (tw_json_decode(line, size, &record, &error) != 1)
        fail("a line is no record", &error);
    /* A refusal is counted by the emitter. */
    tw_emit(emitter_of(&record, brokers, topic), &record);
    tw_record_clear(&record);
}

static void close_all(void)
{
    struct tw_emitter_counts total = {0}, counts;
    for (size_t i = 0; i < n_streams; i++) {
        struct tw_error error = {0};
        if (tw_emitter_close(streams[i].emitter, &counts, &error))
            fail(streams[i].run, &error);
        total.emitted += counts.emitted;
        total.dropped += counts.dropped;
        total.lost += counts.lost;
        total.delivered += counts.delivered;
    }
    printf("{\"runs\": %zu, \"emitted\": %" PRIu64 ", \"dropped\": %" PRIu64 ", \"lost\": %" PRIu64
           ", \"delivered\": %" PRIu64 "}\n",
           n_streams, total.emitted, total.dropped, total.lost, total.delivered);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: emit_stream BROKERS TOPIC [PROPERTY=VALUE ...]\n");
        return 2;
    }
    properties = (const char *const *)(argv + 3);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) > 0)
        emit_line(line, (size_t)size, argv[1], argv[2]);
    free(line);
    close_all();
    return 0;
}
