/* A log of lines or one document, given as text: what its format makes of it. */
#ifndef TW_TEST_LOG_TEXT_H
#define TW_TEST_LOG_TEXT_H

#include "tests/unit/log_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline void assert_reads(const struct tw_log_format *format, const char *path,
                                const char *text, const char *expected)
{
    struct log_rows rows = {0};
    struct tw_error error = {0};
    assert_int_equal(log_rows_read(format, path, text, strlen(text), 0, &rows, &error), 0);
    assert_string_equal(rows.text ? rows.text : "", expected);
    free(rows.text);
}

static inline int how_sure(const struct tw_log_format *format, const char *path, const char *text)
{
    struct tw_log_sample sample = {path, text, strlen(text), true, NULL};
    return format->probe(&sample);
}

/* The surest of all formats, as the source chooses. */
static inline void assert_is(const char *path, const char *text, const char *expected)
{
    const struct tw_log_format *surest = NULL;
    int most = 29; /* what is below is for logs that are named */
    for (const struct tw_log_format *const *format = tw_log_formats; *format; format++) {
        if ((*format)->kind != TW_LOG_STORE && how_sure(*format, path, text) > most) {
            most = how_sure(*format, path, text);
            surest = *format;
        }
    }
    assert_string_equal(surest ? surest->name : "none", expected);
}

#endif
