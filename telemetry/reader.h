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
    enum tw_float_form form; /* FLOATS */
    bool is_negative;        /* INTEGER */
    bool boolean;            /* BOOLEAN */
    union {
        const char *text;           /* KEY, TEXT */
        const unsigned char *bytes; /* FLOATS */
        uint64_t integer;           /* INTEGER: its bits; with is_negative, of -1 - integer */
    };
    union {
        size_t length; /* KEY, TEXT, FLOATS: in bytes */
        double number; /* INTEGER, NUMBER */
    };
};

/* Tokens are made several at a time where they are of the kinds that records are full of: a call
 * for each would cost more than its token. */
struct tw_reader {
    const struct tw_token *at, *end; /* those that are made and not yet taken */
    /* Makes at least one, in storage of the wire form's: 1; 0: the data ends here; negative: no
     * such data. Maps and lists come balanced, nested no deeper than TW_NESTING_MAX, and none is
     * made beyond the end of the outermost. */
    int (*fill)(struct tw_reader *reader, struct tw_error *error);
};

/* The next token, which is valid until the one after it is asked for. Returns as `fill` does. */
static inline int tw_reader_next(struct tw_reader *reader, const struct tw_token **ret,
                                 struct tw_error *error)
{
    if (reader->at == reader->end) {
        int result = reader->fill(reader, error);
        if (result <= 0)
            return result;
    }
    *ret = reader->at++;
    return 1;
}

/* Reads one record into a cleared one. Returns 1; 0 when the data ended inside; -EBADMSG,
 * -EPROTONOSUPPORT or -ENOMEM, and the record may then be half filled. */
int tw_record_read(struct tw_record *ret, struct tw_reader *reader, struct tw_error *error);

/* Reads over the value that begins with `token`. Returns as `fill` does. */
int tw_reader_skip(struct tw_reader *reader, const struct tw_token *token, struct tw_error *error);

#endif
