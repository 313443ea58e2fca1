/* Marks, and UTF-16. */
#include "sources/logs/encoding.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum tw_encoding tw_encoding_of(const void *bytes, size_t n, size_t *ret_mark)
{
    const unsigned char *first = bytes;
    *ret_mark = 0;
    if (n < 2)
        return TW_ENCODING_UNKNOWN;
    bool is_little = first[0] == 0xff && first[1] == 0xfe;
    if (is_little || (first[0] == 0xfe && first[1] == 0xff)) {
        *ret_mark = 2;
        return is_little ? TW_ENCODING_UTF16_LE : TW_ENCODING_UTF16_BE;
    }
    if (n < 3 && first[0] == 0xef)
        return TW_ENCODING_UNKNOWN;
    if (n >= 3 && !memcmp(first, "\xef\xbb\xbf", 3))
        *ret_mark = 3;
    return TW_ENCODING_UTF8;
}

bool tw_encoding_is_wide(enum tw_encoding encoding)
{
    return encoding == TW_ENCODING_UTF16_LE || encoding == TW_ENCODING_UTF16_BE;
}

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static uint32_t unit_at(enum tw_encoding encoding, const unsigned char *two)
{
    return encoding == TW_ENCODING_UTF16_LE ? (uint32_t)(two[0] | two[1] << 8)
                                            : (uint32_t)(two[0] << 8 | two[1]);
}

size_t tw_encoding_convert(enum tw_encoding encoding, const unsigned char *wide, size_t n, char *to,
                           size_t *ret_used)
{
    size_t at = 0, written = 0;
    while (at + 2 <= n) {
        uint32_t code = unit_at(encoding, wide + at);
        size_t size = 2;
        if (code >= 0xd800 && code < 0xdc00) { /* the first half of a pair */
            if (at + 4 > n)
                break;
            uint32_t low = unit_at(encoding, wide + at + 2);
            bool is_pair = low >= 0xdc00 && low < 0xe000;
            code = is_pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
            size = is_pair ? 4 : 2;
        } else if (code >= 0xdc00 && code < 0xe000) {
            code = 0xfffd;
        }
        written += put_utf8(to + written, code);
        at += size;
    }
    *ret_used = at;
    return written;
}

bool tw_encoding_to_utf8(char **bytes, size_t *size)
{
    size_t mark, used;
    enum tw_encoding encoding = tw_encoding_of(*bytes, *size, &mark);
    if (!mark)
        return true;
    *size -= mark;
    if (!tw_encoding_is_wide(encoding)) {
        memmove(*bytes, *bytes + mark, *size + 1);
        return true;
    }
    char *narrow = malloc(*size / 2 * 3 + 1);
    if (!narrow)
        return false;
    *size = tw_encoding_convert(encoding, (unsigned char *)*bytes + mark, *size, narrow, &used);
    narrow[*size] = '\0';
    free(*bytes);
    *bytes = narrow;
    return true;
}
