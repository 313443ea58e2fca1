/* Running out of memory anywhere in the wire forms is an error and nothing worse: allocation number
 * n fails, for every n until the call succeeds. */
#include "telemetry/wire.h"

#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#define TAKES_MALLOC
#endif

static long until_failure = -1; /* allocations that still succeed; negative: all */
static long balance;            /* allocated and not freed, while that is counted */

#ifdef TAKES_MALLOC
/* glibc's own, behind the names that we take. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *old);

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *malloc(size_t size)
{
    if (fails())
        return NULL;
    balance++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    if (fails())
        return NULL;
    balance++;
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    balance += !old;
    return __libc_realloc(old, size);
}

void free(void *old)
{
    balance -= old != NULL;
    __libc_free(old);
}
#endif

static struct tw_record sample;
static char bytes[4096], *line;
static size_t size;

static int decode_cbor(void)
{
    struct tw_record record;
    struct tw_error error = {0};
    size_t used;
    tw_record_init(&record);
    int result = tw_cbor_decode(bytes, size, &record, &used, &error);
    tw_record_clear(&record);
    return result;
}

static int decode_json(void)
{
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    int result = tw_json_decode(line, strlen(line), &record, &error);
    tw_record_clear(&record);
    return result;
}

static int encode_json(void)
{
    char *text = tw_json_encode(&sample);
    free(text);
    return text ? 1 : -ENOMEM;
}

static int copy(void)
{
    struct tw_record record;
    tw_record_init(&record);
    int result = tw_record_copy(&record, &sample);
    tw_record_clear(&record);
    return result ? result : 1;
}

static void fail_each_allocation_of(int (*call)(void))
{
    assert_int_equal(call(), 1); /* and what is allocated once and kept, is */
    for (long n = 0;; n++) {
        assert_true(n < 10000);
        long before = balance;
        until_failure = n;
        int result = call();
        bool has_failed = until_failure < 0;
        until_failure = -1;
        assert_int_equal(balance, before);
        /* jansson 2.14's lexer goes on without the byte it had no room for (lex_save() ignores
         * what strbuffer_append_byte() returns): of JSON we can only ask that nothing worse
         * happens. */
        if (!has_failed || call != decode_json)
            assert_int_equal(result, has_failed ? -ENOMEM : 1);
        if (!has_failed)
            return;
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    if (IS_SANITIZED)
        return; /* they have a malloc() of their own */
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        tw_record_init(&sample);
        wire_sample(&sample, (enum tw_kind)kind, 1);
        size = (size_t)tw_cbor_encode(&sample, bytes, sizeof bytes);
        line = tw_json_encode(&sample);
        fail_each_allocation_of(decode_cbor);
        fail_each_allocation_of(decode_json);
        fail_each_allocation_of(encode_json);
        fail_each_allocation_of(copy);
        free(line);
        tw_record_clear(&sample);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
