/* The emitter: how a training process sends telemetry. tw_emit() is called from the training loop
 * and neither blocks, nor allocates, nor makes a system call: it copies the record into a ring
 * buffer and returns. A writer thread encodes what is in the ring and carries it to a run
 * directory, to Kafka, or to both.
 * When the ring is full the record is dropped and counted; the count travels in later step records
 * as `dropped_records`. */
#ifndef TW_EMITTER_H
#define TW_EMITTER_H

#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tw_emitter;

/* Zero or NULL = the default in brackets. At least one of run_dir and kafka_brokers is needed. */
struct tw_emitter_options {
    const char *run;     /* run id; needed */
    const char *attempt; /* one start of the run, the same for all its ranks [made from the time
                          * and the pid] */
    uint32_t rank;
    const char *run_dir;        /* directory for telemetry.cbor (or .jsonl) and run.json */
    enum tw_wire_format format; /* of the file and of the Kafka messages [CBOR] */
    const char *kafka_brokers;  /* host:port,... */
    const char *kafka_topic;    /* [trainward.telemetry] */
    /* Further librdkafka properties, "key=value", NULL-terminated. */
    const char *const *kafka_properties;
    size_t ring_bytes;     /* [4 MiB], rounded up to a power of two */
    double linger_seconds; /* how long records wait to share a Kafka message or a write [0.2] */
    size_t batch_bytes;    /* at most this many bytes in a Kafka message or a write [64 KiB] */
    double header_seconds; /* Kafka gets the header again this often, so that a reader may join
                            * late [60] */
    double close_seconds;  /* how long tw_emitter_close() waits for Kafka [10]; up to
                            * these 10, brokers that cannot be reached and never took anything are
                            * given up after 1 */
};

struct tw_emitter_counts {
    uint64_t emitted;   /* accepted by tw_emit() */
    uint64_t dropped;   /* refused: the ring was full, or the record too large */
    uint64_t lost;      /* accepted, then not delivered to one of the outputs */
    uint64_t delivered; /* written to every output */
};

/* Opens the outputs and starts the writer thread. An unreachable broker is no error: records wait
 * for it, up to 64 MiB of them however long it takes, and arrive in order when it comes back; what
 * finds no more room is counted as lost. Nothing is printed. Errors: -EINVAL (options), or what the
 * run directory answers. */
int tw_emitter_open(struct tw_emitter **ret, const struct tw_emitter_options *options,
                    struct tw_error *error);

/* Emits a record; run, attempt, rank and seq are added by the emitter, `time` when not set: in what
 * is sent, and seq and time in `record` too.
 * A header record is kept and repeated. A record that is non-finite, or an end, is urgent: it is
 * not held back by linger_seconds, and neither are the records before it. One thread at a time (the
 * training loop). Returns 0; or the record is dropped and counted: -ENOBUFS: the ring is full;
 * -EMSGSIZE: larger than TW_RECORD_BYTES_MAX or a quarter of the ring. */
int tw_emit(struct tw_emitter *emitter, struct tw_record *record);

/* Any thread. */
struct tw_emitter_counts tw_emitter_counts(const struct tw_emitter *emitter);

/* Drains the ring, flushes the outputs, joins the thread and frees; takes close_seconds and, where
 * a resolver or a connection holds librdkafka up, 12 seconds more. Returns 0, or the first error
 * that the outputs had (in `error` too); counts are final in `*ret_counts` (may be NULL). Not for
 * a process that was forked off after the emitter was opened: the thread stayed behind. A NULL
 * emitter is allowed. */
int tw_emitter_close(struct tw_emitter *emitter, struct tw_emitter_counts *ret_counts,
                     struct tw_error *error);

/* The library's version, "major.minor.patch". */
const char *tw_version(void);

#ifdef __cplusplus
}
#endif
#endif
