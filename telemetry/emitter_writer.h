/* What the emitter's writer thread does with the records it takes out of the ring: it gathers them
 * into batches and carries these to the outputs. Used by that one thread, the counts apart. */
#ifndef TW_EMITTER_WRITER_H
#define TW_EMITTER_WRITER_H

#include "telemetry/emitter.h"
#include "telemetry/emitter_kafka.h"
#include "telemetry/run_file.h"

#include <stdatomic.h>

/* What a record is marked with on its way through the ring. */
#define TW_MARK_URGENT 1u
#define TW_MARK_HEADER 2u

/* Bytes that grow. */
struct tw_emitter_bytes {
    unsigned char *at; /* owned */
    size_t size, room;
};

struct tw_emitter_writer {
    enum tw_wire_format format;
    char *run_dir; /* owned, NULL: no file */
    uint32_t rank;
    double linger_seconds, header_seconds;
    size_t batch_bytes;
    struct tw_run_file *file;
    struct tw_emitter_kafka *kafka;

    struct tw_emitter_bytes batch;
    uint32_t n_batch;               /* records in it */
    bool is_urgent;                 /* one of them is */
    double batch_began;             /* when its first record came */
    struct tw_emitter_bytes line;   /* JSON only: the record that is being taken */
    struct tw_emitter_bytes header; /* the newest, as it went over the wire */
    double header_due;              /* when it is to be sent again */
    double close_by;                /* once closing: no waiting beyond */
    bool is_closing;

    struct tw_error error; /* the outputs' first */
    _Atomic uint64_t lost, delivered;
};

/* Opens the outputs; `options` is complete, with every default filled in. */
int tw_emitter_writer_open(struct tw_emitter_writer *writer,
                           const struct tw_emitter_options *options, struct tw_error *error);
/* Takes a record in CBOR. It leaves with the batch: when that is full, or tw_emitter_writer_tick()
 * finds that a record is urgent or the first one waited long enough. */
void tw_emitter_writer_take(struct tw_emitter_writer *writer, const void *record, size_t size,
                            uint32_t mark);
void tw_emitter_writer_tick(struct tw_emitter_writer *writer);
/* From now on, at most `seconds` may pass until tw_emitter_writer_close() returns. */
void tw_emitter_writer_begin_close(struct tw_emitter_writer *writer, double seconds);
/* Sends what is left, waits for Kafka, syncs and closes the outputs. A zeroed one is allowed. */
void tw_emitter_writer_close(struct tw_emitter_writer *writer);

#endif
