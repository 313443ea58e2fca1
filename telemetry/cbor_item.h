/* One data item of CBOR (RFC 8949), by libcbor's streaming decoder. */
#ifndef TW_CBOR_ITEM_H
#define TW_CBOR_ITEM_H

#include "telemetry/reader.h"

enum tw_cbor_item_type {
    ITEM_PLAIN, /* its token is complete */
    ITEM_BYTES,
    ITEM_TAG,
    ITEM_LIST,
    ITEM_MAP,
    ITEM_PIECES_OF_TEXT,
    ITEM_PIECES_OF_BYTES,
    ITEM_BREAK
};

/* What one call of the decoder found. */
struct tw_cbor_item {
    enum tw_cbor_item_type type;
    struct tw_token token;
    bool is_indefinite;
    uint64_t count; /* LIST, MAP: entries; TAG: the tag */
};

/* The item at the start of data[size]: its bytes; 0: the data ends inside; -EBADMSG: a value that
 * RFC 8949 reserves. What its type has no use for is left as it was. */
long tw_cbor_item_read(const unsigned char *data, size_t size, struct tw_cbor_item *ret);

#endif
