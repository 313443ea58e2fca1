/* Text to rows, for the formats that are lines of text. */
#ifndef TW_TEST_LOG_TEXT_FIXTURE_H
#define TW_TEST_LOG_TEXT_FIXTURE_H

#include "log_rows.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static inline void assert_rows(const struct tw_log_format *format, const char *text,
                               const char *expected)
{
    struct log_rows rows = {0};
    struct tw_error error = {0};
    assert_int_equal(log_rows_read(format, "train.log", text, strlen(text), 0, &rows, &error), 0);
    assert_string_equal(rows.text ? rows.text : "", expected);
    free(rows.text);
}

static inline int probe_of(const struct tw_log_format *format, const char *text)
{
    size_t size = strlen(text);
    char *exact = malloc(size + !size); /* sanitizers see its end */
    memcpy(exact, text, size);
    const struct tw_log_sample sample = {"train.log", exact, size, true, NULL};
    int sure = format->probe(&sample);
    free(exact);
    return sure;
}

/* Whatever comes, a format reads on: each beginning of the text, and the text with bytes changed.
 */
static inline void assert_survives_damage(const struct tw_log_format *format, const char *text)
{
    static const char bytes[] = "\0{}[]()|:=/'\"-.,%#0129eEn~\xff\n\r\t ";
    size_t size = strlen(text);
    char *damaged = malloc(size + 1);
    struct tw_error error = {0};
    for (unsigned i = 0; i < 3000; i++) {
        struct log_rows rows = {0};
        uint32_t random = i * 2654435761u;
        memcpy(damaged, text, size + 1);
        for (unsigned k = 0; k < i % 4 && size; k++, random = random * 1664525u + 1013904223u)
            damaged[random % size] = bytes[(random >> 16) % (sizeof bytes - 1)];
        size_t length = i < size ? i : size - (i * 7) % (size + !size);
        assert_int_equal(log_rows_read(format, "x", damaged, length, 0, &rows, &error), 0);
        free(rows.text);
        damaged[length] = '\0';
        probe_of(format, damaged);
    }
    free(damaged);
}

#endif
