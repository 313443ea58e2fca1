/* How a text is encoded, by the mark at its beginning: UTF-8, or UTF-16 as PowerShell and
 * spreadsheets write it. */
#ifndef TW_LOG_ENCODING_H
#define TW_LOG_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

enum tw_encoding {
    TW_ENCODING_UNKNOWN, /* there are too few bytes as yet */
    TW_ENCODING_UTF8,    /* or what has no mark */
    TW_ENCODING_UTF16_LE,
    TW_ENCODING_UTF16_BE
};

/* By the first bytes of a text. `*ret_mark`: how many of them are the mark. */
enum tw_encoding tw_encoding_of(const void *bytes, size_t n, size_t *ret_mark);
bool tw_encoding_is_wide(enum tw_encoding encoding);

/* UTF-16 to UTF-8. `to` has room for 3 bytes where `wide` has 2. Returns how many were written;
 * `*ret_used` of `wide` were taken: all, but half a character at the end. Half pairs become
 * U+FFFD. */
size_t tw_encoding_convert(enum tw_encoding encoding, const unsigned char *wide, size_t n, char *to,
                           size_t *ret_used);

/* A whole text, or the beginning of one, as UTF-8 without its mark: `*bytes`, from malloc(), is
 * changed in place, or replaced; a NUL follows. False where memory is out. */
bool tw_encoding_to_utf8(char **bytes, size_t *size);

#endif
