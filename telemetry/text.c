/* UTF-8 by table 3-7 of the Unicode standard ("Well-Formed UTF-8 Byte Sequences"). */
#include "telemetry/text.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Length of the well-formed character at `at`, 0 when there is none. */
static size_t character_length(const unsigned char *at, size_t left)
{
    unsigned char first = at[0], low = 0x80, high = 0xBF;
    size_t length;
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (left < length)
        return 0;
    if (first == 0xE0)
        low = 0xA0; /* shorter forms exist below */
    else if (first == 0xED)
        high = 0x9F; /* surrogates */
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    return length;
}

static bool is_ascii_word(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return !(word & 0x8080808080808080u);
}

/* How many bytes at the start are known to be ASCII: what comes behind may be, too. */
static size_t ascii_length(const unsigned char *bytes, size_t size)
{
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        if (!is_ascii_word(bytes + i))
            return i;
    }
    /* What is left is in the last word. */
    return size >= 8 && is_ascii_word(bytes + size - 8) ? size : i;
}

bool tw_text_is_utf8(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = ascii_length(bytes, size); i < size;) {
        size_t length = character_length(bytes + i, size - i);
        if (!length)
            return false;
        i += length;
    }
    return true;
}

void tw_text_make_utf8(char *text, size_t size)
{
    for (size_t i = ascii_length((const unsigned char *)text, size); i < size;) {
        size_t length = character_length((const unsigned char *)text + i, size - i);
        if (!length)
            text[i] = '?';
        i += length ? length : 1;
    }
}

void tw_text_copy(char *to, size_t to_size, const char *from, size_t size)
{
    if (size >= to_size) {
        size = to_size - 1;
        for (int i = 0; i < 3 && size && is_continuation((unsigned char)from[size]); i++)
            size--;
    }
    memcpy(to, from, size);
    tw_text_make_utf8(to, size);
    to[size] = '\0';
}

/* U+061C; U+200E and U+200F; U+2028 to U+202E; U+2066 to U+2069: what Unicode's bidirectional
 * algorithm (UAX #9) calls marks, embeddings, overrides and isolates, and the two separators. */
static bool is_direction(const unsigned char *c, size_t size)
{
    if (size >= 2 && c[0] == 0xd8)
        return c[1] == 0x9c;
    if (size < 3 || c[0] != 0xe2)
        return false;
    if (c[1] == 0x80)
        return c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae);
    return c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

size_t tw_control_size(const char *text, size_t size)
{
    const unsigned char *c = (const unsigned char *)text;
    if (size && (c[0] < 0x20 || c[0] == 0x7f))
        return 1;
    if (size >= 2 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
        return 2;
    if (is_direction(c, size))
        return c[0] == 0xd8 ? 2 : 3;
    return 0;
}
