/* Edit distance (restricted Damerau-Levenshtein: a swap of two neighbours counts once). */
#include "telemetry/nearest.h"

#include <string.h>

#define WORD_MAX 64

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned two = a < b ? a : b;
    return two < c ? two : c;
}

/* Both at most WORD_MAX long. Rows of the table: two back, one back, this one. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n_a; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned differs = a[i - 1] != b[j - 1];
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + differs);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1;
        }
    }
    return rows[n_a % 3][n_b];
}

const char *tw_nearest_bytes(const char *typed, size_t length, const char *const *words, size_t n)
{
    const char *nearest = NULL;
    size_t limit = length / 3 < 2 ? 2 : length / 3;
    for (size_t i = 0; length && length <= WORD_MAX && i < n; i++) {
        size_t word_length = strlen(words[i]);
        if (!word_length || word_length > WORD_MAX)
            continue;
        unsigned edits = distance(typed, length, words[i], word_length);
        /* A word of which less than half is left is not what was meant. */
        if (edits > limit || edits * 2 > length || edits * 2 > word_length)
            continue;
        limit = edits ? edits - 1 : 0;
        nearest = words[i];
        if (!edits)
            break;
    }
    return nearest;
}

const char *tw_nearest(const char *typed, const char *const *words, size_t n)
{
    return tw_nearest_bytes(typed, strlen(typed), words, n);
}
