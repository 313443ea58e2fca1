/* Reading a record: a wire form is a stream of tokens, and one interpreter makes a record of them.
 * A wire form begins its own struct with a struct tw_reader. */
#ifndef TW_READER_H
#define TW_READER_H

#include "telemetry/record.h"

/* How deep lists and maps may nest. */
#define TW_NESTING_MAX 16

enum tw_token_type {
    TW_TOKEN_MAP,
    TW_TOKEN_MAP_END,
    TW_TOKEN_LIST,
    TW_TOKEN_LIST_END,
    TW_TOKEN_KEY, /* before each value of a map */
    TW_TOKEN_TEXT,
    TW_TOKEN_INTEGER,
    TW_TOKEN_NUMBER,
    TW_TOKEN_BOOLEAN,
    TW_TOKEN_NULL,
    TW_TOKEN_FLOATS, /* an RFC 8746 typed array */
    TW_TOKEN_OTHER   /* something that no field of ours is made of */
};

enum tw_float_form { TW_FLOAT32_BIG, TW_FLOAT64_BIG, TW_FLOAT32_LITTLE, TW_FLOAT64_LITTLE };

struct tw_token {
    enum tw_token_type type;
    const char *text; /* KEY, TEXT: valid until the next token of that type */
    size_t length;
    uint64_t integer; /* INTEGER: its bits; with is_negative, of -1 - integer */
    bool is_negative;
    double number; /* INTEGER, NUMBER */
    bool boolean;
    enum tw_float_form form; /* FLOATS */
    const unsigned char *bytes;
    size_t n_bytes;
};

struct tw_reader {
    /* 1 and a token; 0: the data ends here; negative: no such data. Maps and lists come balanced,
     * nested no deeper than TW_NESTING_MAX. */
    int (*next)(struct tw_reader *reader, struct tw_token *ret, struct tw_error *error);
};

/* Reads one record into a cleared one. Returns 1; 0 when the data ended inside; -EBADMSG,
 * -EPROTONOSUPPORT or -ENOMEM, and the record may then be half filled. */
int tw_record_read(struct tw_record *ret, struct tw_reader *reader, struct tw_error *error);

/* Reads over the value that begins with `token`. Returns as `next` does. */
int tw_reader_skip(struct tw_reader *reader, const struct tw_token *token, struct tw_error *error);

#endif
