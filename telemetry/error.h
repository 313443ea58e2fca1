/* Errors: an int result and the caller's struct tw_error, filled by whoever failed first. */
#ifndef TW_ERROR_H
#define TW_ERROR_H

#include <stddef.h>

#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "built with -ffast-math or -Ofast: isnan() and isfinite() no longer work"
#endif

#if defined(__GNUC__)
#define TW_PRINTF(string, first) __attribute__((__format__(__printf__, string, first)))
#else
#define TW_PRINTF(string, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Start with {0}. Written on failure only and never overwritten on the way up, so that the first
 * failure is the one a person reads. Holds no pointers: it may be copied and kept. */
struct tw_error {
    int code;        /* negative errno; 0 while nothing failed */
    unsigned line;   /* 1-based line in `place`, 0 when there is none */
    unsigned column; /* 1-based column, 0 when there is none */
    char place[256]; /* file, topic, URL or option; empty when there is none */
    char text[512];  /* one sentence without a full stop: what is wrong and what to do */
};

/* Records a failure unless one is recorded already. `code` is a negative errno.
 * Returns `code`, so that `return tw_error_set(...)` is one step. `error` may be NULL. */
int tw_error_set(struct tw_error *error, int code, const char *format, ...) TW_PRINTF(3, 4);

/* Same, with the place it happened at; `line` and `column` may be 0, `place` NULL. */
int tw_error_at(struct tw_error *error, int code, const char *place, unsigned line, unsigned column,
                const char *format, ...) TW_PRINTF(6, 7);

/* Names the place of an error that has none yet; does nothing to one that has. */
void tw_error_add_place(struct tw_error *error, const char *place);

/* "place:line:column: text" as far as these are known, in one line: control characters become "?".
 * Returns `buffer`, always terminated. */
const char *tw_error_message(const struct tw_error *error, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
