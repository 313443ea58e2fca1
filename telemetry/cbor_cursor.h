/* A cursor that pulls tokens out of CBOR bytes, over libcbor's streaming decoder: no tree and no
 * allocation, whatever lengths the bytes claim. */
#ifndef TW_CBOR_CURSOR_H
#define TW_CBOR_CURSOR_H

#include "telemetry/reader.h"

/* Room for the pieces of a text of indefinite length; more than any text that is kept. */
#define TW_CBOR_PIECES_MAX 256
/* So many tokens are made at a time, at most: a step record has fewer. */
#define TW_CBOR_TOKENS 64

struct tw_cbor_level {
    uint64_t left; /* items to come, when the length is known */
    bool is_indefinite, is_map, wants_value;
};

struct tw_cbor_cursor {
    struct tw_reader reader;
    const unsigned char *data;
    size_t size, at;
    unsigned depth;
    struct tw_cbor_level levels[TW_NESTING_MAX];
    struct tw_token tokens[TW_CBOR_TOKENS];
    char key[TW_CBOR_PIECES_MAX], text[TW_CBOR_PIECES_MAX];
};

void tw_cbor_cursor_start(struct tw_cbor_cursor *cursor, const void *data, size_t size);

/* True when the bytes, at least one, look like the beginning of a record of any version. */
bool tw_cbor_may_begin(const unsigned char *at, size_t left);

#endif
