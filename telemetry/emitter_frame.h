/* The form in which a record crosses the emitter's ring: its numbers, copied as they lie in memory.
 * The training loop runs with caches that its own work has filled, so what counts there is how
 * little code and memory is touched; the wire form is made by the writer thread. Header records do
 * not come this way: they are sent in CBOR. */
#ifndef TW_EMITTER_FRAME_H
#define TW_EMITTER_FRAME_H

#include "telemetry/record.h"

/* Bytes that the record needs. Run, attempt and rank are not in it: all of an emitter's records
 * have the same. */
size_t tw_frame_size(const struct tw_record *record);
/* Writes tw_frame_size() bytes to `at`, a multiple of 8. */
void tw_frame_pack(const struct tw_record *record, void *at);

/* A record as it was packed. It points into the frame: not for tw_record_clear(). */
struct tw_frame_record {
    struct tw_record record;
    struct tw_layers layers;
};

/* Sets all of ret->record but run, attempt and rank. */
void tw_frame_unpack(struct tw_frame_record *ret, void *frame);

#endif
