/* tw_emit() as the training loop sees it: no allocation and no system call. Allocations are
 * counted by taking the place of malloc(); system calls are forbidden by seccomp's strict mode, in
 * which the kernel kills a thread for any but read() and write(). The records have their time:
 * strict mode forbids the processor's time-stamp counter, too, which the clock is read from. */
#include "config.h"

#include "telemetry/emitter.h"

#include "tests/unit/temporary_directory.h"
#include "tests/unit/wire_samples.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Sanitizers have a malloc() of their own, and make system calls of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#define COUNTS_ALLOCATIONS
#endif

static __thread unsigned long allocations;

#ifdef COUNTS_ALLOCATIONS
/* glibc's own, behind the names that we take. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

static struct tw_emitter *open_emitter(const char *dir)
{
    struct tw_emitter *emitter = NULL;
    struct tw_emitter_options options = {.run = "r1", .run_dir = dir, .ring_bytes = 65536};
    assert_int_equal(tw_emitter_open(&emitter, &options, NULL), 0);
    return emitter;
}

/* A record of each kind, many times around the ring, and over its limit. */
static void emit_many(struct tw_emitter *emitter, struct tw_record *records)
{
    for (int i = 0; i < 20000; i++)
        tw_emit(emitter, &records[i % (TW_KIND_END + 1)]);
}

static void make_records(struct tw_record *records)
{
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        tw_record_init(&records[kind]);
        wire_sample(&records[kind], (enum tw_kind)kind, 0);
    }
}

static void clear_records(struct tw_record *records)
{
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++)
        tw_record_clear(&records[kind]);
}

static void emitting_allocates_nothing(void **state)
{
    (void)state;
    if (IS_SANITIZED)
        return;
    char *dir = make_directory();
    struct tw_emitter *emitter = open_emitter(dir);
    struct tw_record records[TW_KIND_END + 1];
    make_records(records);
    unsigned long before = allocations;
    free(malloc(1));
    assert_int_equal(allocations, before + 1); /* the counter counts */
    before = allocations;
    emit_many(emitter, records);
    assert_int_equal(allocations, before);
    clear_records(records);
    tw_emitter_close(emitter, NULL, NULL);
    remove_directory(dir);
}

/* Runs in a child that never returns; reports one byte when it got through. */
static void emit_without_system_calls(const char *dir, int pipe_end, bool does_emit)
{
    struct tw_emitter *emitter = open_emitter(dir);
    struct tw_record records[TW_KIND_END + 1];
    make_records(records);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
        _exit(77);
    if (does_emit)
        emit_many(emitter, records);
    if (write(pipe_end, "k", 1) != 1)
        _exit(1);
    for (;;) /* to end is forbidden, too: the parent does it */
        ;
}

static bool gets_through(bool does_emit)
{
    char *dir = make_directory(), byte = 0;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        emit_without_system_calls(dir, ends[1], does_emit);
    close(ends[1]);
    /* The kernel kills the one thread only: of a failure we hear nothing. */
    struct pollfd end = {.fd = ends[0], .events = POLLIN};
    ssize_t got = poll(&end, 1, 10000) == 1 ? read(ends[0], &byte, 1) : 0;
    close(ends[0]);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    remove_directory(dir);
    return got == 1;
}

static void emitting_makes_no_system_call(void **state)
{
    (void)state;
    if (IS_SANITIZED)
        return;
    /* Where there is no seccomp this cannot be told. */
    if (!gets_through(false))
        return;
    assert_true(gets_through(true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emitting_allocates_nothing),
        cmocka_unit_test(emitting_makes_no_system_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
