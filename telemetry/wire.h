/* The record's two wire forms. CBOR (RFC 8949) carries the same keys as JSON, arrays of layer
 * figures as RFC 8746 typed arrays (tag 85, float32 little-endian; the decoder also takes tag 81,
 * 82, 86 and plain arrays). In JSON a non-finite number is the string "nan", "inf" or "-inf"; the
 * bare words NaN, Infinity, -Infinity, nan, inf are read too; `header_hash` is a text of 16
 * hexadecimal digits, since JSON numbers do not hold 64 bits. Counts and times are at most 2^63-1.
 * Every record starts with its `v`. A text that is no UTF-8 is sent with '?' for the bytes that are
 * none. */
#ifndef TW_WIRE_H
#define TW_WIRE_H

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tw_wire_format { TW_WIRE_CBOR, TW_WIRE_JSON };

/* Which format a message or file starts with, from its first byte that is not white space:
 * '{' is JSON, anything else CBOR. */
enum tw_wire_format tw_wire_format_of(const void *data, size_t size);

/* Encodes into caller's storage: no allocation, no system call. Returns the bytes written, or
 * -ENOBUFS when `size` is too small (nothing usable was written). */
long tw_cbor_encode(const struct tw_record *record, void *buffer, size_t size);

/* Decodes one record from the start of `data` into an initialised `*ret`, which is cleared first.
 * Returns 1 and the bytes used; 0 when the data ends inside the record (a torn tail, or more to
 * come); -EBADMSG when these bytes are no record; -EPROTONOSUPPORT for a `v` we do not know;
 * -EMSGSIZE over TW_RECORD_BYTES_MAX; -ENOMEM. Unknown fields are skipped. Nesting is limited to
 * 16. Any bytes are safe. */
int tw_cbor_decode(const void *data, size_t size, struct tw_record *ret, size_t *ret_used,
                   struct tw_error *error);

/* One line of JSON without the newline, in a new string for free(). NULL when out of memory. */
char *tw_json_encode(const struct tw_record *record);

/* Decodes one JSON object; `data` need not be terminated. Returns 1, or a negative code as above
 * (an incomplete object is -EBADMSG: lines are cut before). */
int tw_json_decode(const char *data, size_t size, struct tw_record *ret, struct tw_error *error);

/* Decodes the next record of a message: a CBOR sequence (RFC 8742) or JSON lines, told apart by
 * its first byte. `*offset` starts at 0 and is moved behind what was read. Returns 1 with a record,
 * 0 at the end, or negative: the rest of the message is broken (a torn record too), and `*offset`
 * tells where. A message is one run's; blank JSON lines are skipped. */
int tw_message_next(const void *data, size_t size, size_t *offset, struct tw_record *ret,
                    struct tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
