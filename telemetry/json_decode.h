/* The decoder of JSON whose word on what is a record is the last one. */
#ifndef TW_JSON_DECODE_H
#define TW_JSON_DECODE_H

#include "telemetry/wire.h"

/* As tw_json_decode(), into a cleared record, of at most TW_RECORD_BYTES_MAX. */
int tw_json_decode_by_jansson(const char *data, size_t size, struct tw_record *ret,
                              struct tw_error *error);

#endif
