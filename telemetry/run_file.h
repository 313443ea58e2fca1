/* The telemetry file of a run directory, `telemetry.cbor` or `telemetry.jsonl` (rank 0), or
 * `telemetry.rank<N>.cbor` (the others): an append-only sequence of records that a crash at any
 * byte leaves readable up to the last whole record. */
#ifndef TW_RUN_FILE_H
#define TW_RUN_FILE_H

#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A writer. Not for several threads at once. */
struct tw_run_file;

/* Opens DIR/telemetry[.rank<N>].{cbor,jsonl} for appending, makes DIR (and its parents) where
 * missing, and cuts off a torn last record that an earlier crash left. One writer at a time: a
 * file that another process writes is refused with -EBUSY (flock, where the file system has it);
 * one that holds no telemetry with -EBADMSG. */
int tw_run_file_open(struct tw_run_file **ret, const char *dir, enum tw_wire_format format,
                     uint32_t rank, struct tw_error *error);

/* Appends whole encoded records (as tw_cbor_encode or tw_json_encode + '\n' made them) in one
 * write. On failure (a full disk) the file is cut back to the last whole record. */
int tw_run_file_append(struct tw_run_file *file, const void *data, size_t size,
                       struct tw_error *error);

/* Writes DIR/run.json (the header record as JSON) by rename. */
int tw_run_file_write_header(const char *dir, const struct tw_record *header,
                             struct tw_error *error);

int tw_run_file_sync(struct tw_run_file *file, struct tw_error *error);
/* NULL is allowed. */
void tw_run_file_close(struct tw_run_file *file);

/* Where the next record after broken bytes may begin: the first offset >= `from` at which a CBOR
 * record plausibly starts (a map whose first key is "v"), or `size`. For readers that go on after
 * a corrupt stretch. */
size_t tw_cbor_resync(const void *data, size_t size, size_t from);

#ifdef __cplusplus
}
#endif
#endif
