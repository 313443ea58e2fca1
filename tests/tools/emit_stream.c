/* Reads telemetry as JSON lines from standard input and sends it to Kafka through the emitter, as a
 * training process would: one emitter for each run, from its first record to its end. Prints the
 * emitters' counts, added up.
 *
 *     emit_stream BROKERS TOPIC [PROPERTY=VALUE ...] */
#include "telemetry/emitter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 256
/* Longer than the tests keep a broker away. */
#define CLOSE_SECONDS 600

struct stream {
    char run[TW_RUN_ID_MAX + 1];
    struct tw_emitter *emitter;
    /* Closing waits for the brokers, which other runs must not. */
    bool is_closing;
    pthread_t closer;
    struct tw_emitter_counts counts;
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

static struct stream *find_stream(const char *run)
{
    for (size_t i = 0; i < n_streams; i++) {
        if (!strcmp(streams[i].run, run))
            return &streams[i];
    }
    return NULL;
}

static struct stream *add_stream(const struct tw_record *record, const char *brokers,
                                 const char *topic)
{
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
    return stream;
}

static void *close_stream(void *closure)
{
    struct stream *stream = closure;
    struct tw_error error = {0};
    if (tw_emitter_close(stream->emitter, &stream->counts, &error))
        fail(stream->run, &error);
    return NULL;
}

static void begin_close(struct stream *stream)
{
    struct tw_error error = {0};
    if (stream->is_closing)
        return;
    stream->is_closing = true;
    if (pthread_create(&stream->closer, NULL, close_stream, stream)) {
        tw_error_set(&error, -1, "no thread can be started");
        fail(stream->run, &error);
    }
}

static void emit_line(const char *line, size_t size, const char *brokers, const char *topic)
{
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    if (tw_json_decode(line, size, &record, &error) != 1)
        fail("a line is no record", &error);
    struct stream *stream = find_stream(record.run);
    if (!stream)
        stream = add_stream(&record, brokers, topic);
    if (stream->is_closing) {
        tw_error_set(&error, -1, "a record after the end");
        fail(stream->run, &error);
    }
    tw_emit(stream->emitter, &record); /* a refusal is counted by the emitter */
    if (record.kind == TW_KIND_END)
        begin_close(stream);
    tw_record_clear(&record);
}

static void close_all(void)
{
    struct tw_emitter_counts total = {0};
    for (size_t i = 0; i < n_streams; i++)
        begin_close(&streams[i]);
    for (size_t i = 0; i < n_streams; i++) {
        pthread_join(streams[i].closer, NULL);
        total.emitted += streams[i].counts.emitted;
        total.dropped += streams[i].counts.dropped;
        total.lost += streams[i].counts.lost;
        total.delivered += streams[i].counts.delivered;
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
