/* The record from CBOR. */
#include "telemetry/wire.h"

#include "telemetry/cbor_cursor.h"

#include <errno.h>

int tw_cbor_decode(const void *data, size_t size, struct tw_record *ret, size_t *ret_used,
                   struct tw_error *error)
{
    struct tw_cbor_cursor cursor;
    bool is_too_long = size > TW_RECORD_BYTES_MAX;
    tw_record_clear(ret);
    tw_cbor_cursor_start(&cursor, data, is_too_long ? TW_RECORD_BYTES_MAX : size);
    int result = tw_record_read(ret, &cursor.reader, error);
    if (result == 0 && is_too_long)
        result = tw_error_set(error, -EMSGSIZE, "the record is larger than %u bytes",
                              TW_RECORD_BYTES_MAX);
    if (result > 0)
        *ret_used = cursor.at;
    else
        tw_record_clear(ret);
    return result;
}
