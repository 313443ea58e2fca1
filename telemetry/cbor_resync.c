/* Finding a record in the middle of bytes: each of ours is a map that begins with "v" and a small
 * integer. */
#include "telemetry/cbor_cursor.h"
#include "telemetry/run_file.h"

/* The head of a map, "v" (0x61 0x76) and the head of an integer, in the bytes that there are: at
 * the end of the data a beginning of these will do. */
bool tw_cbor_may_begin(const unsigned char *at, size_t left)
{
    size_t head;
    if ((at[0] >= 0xA1 && at[0] <= 0xB7) || at[0] == 0xBF)
        head = 1;
    else if (at[0] == 0xB8)
        head = 2; /* the number of pairs in one byte */
    else if (at[0] == 0xB9)
        head = 3; /* in two */
    else
        return false;
    if (left > head && at[head] != 0x61)
        return false;
    if (left > head + 1 && at[head + 1] != 0x76)
        return false;
    return left <= head + 2 || at[head + 2] <= 0x1B; /* major type 0 */
}

size_t tw_cbor_resync(const void *data, size_t size, size_t from)
{
    const unsigned char *bytes = data;
    for (size_t at = from; at < size; at++) {
        if (tw_cbor_may_begin(bytes + at, size - at))
            return at;
    }
    return size;
}
