/* Reads one file of telemetry records, CBOR or JSON lines, record by record through a bounded
 * buffer, also while another process appends to it. Broken stretches are passed over and told. */
#ifndef TW_RECORD_FILE_H
#define TW_RECORD_FILE_H

#include "sources/source.h"
#include "telemetry/wire.h"

struct tw_record_file;

/* Takes note of a path; the file is opened by the first next(). With `follow` it need not be there
 * yet, and at its end next() says WAIT. NULL when out of memory. */
struct tw_record_file *tw_record_file_new(const char *path, bool follow);
void tw_record_file_free(struct tw_record_file *file); /* NULL is allowed */

/* Goes on at a byte offset. */
void tw_record_file_start(struct tw_record_file *file, int64_t offset);

/* What is followed is not written any more: it ends where it would be waited for. */
void tw_record_file_no_more(struct tw_record_file *file);

/* The next thing, without waiting. With `follow`, END comes when the newest record was an `end` and
 * nothing stands behind it; later calls look again. `ret->record` and `ret->bytes` are valid until
 * the next call. Negative: the file cannot be read. */
int tw_record_file_next(struct tw_record_file *file, struct tw_source_item *ret,
                        struct tw_error *error);

#endif
