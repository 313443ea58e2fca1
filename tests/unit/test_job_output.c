/* What a command writes out is passed on as it is, and kept for reading. */
#include "agent/job_output.h"

#include "temporary_directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define MUCH (5 << 20)

struct fixture {
    char *dir;
    int out, err;             /* files that stand for our own standard output and error */
    int saved_out, saved_err; /* the real ones */
    struct tw_job_output *output;
};

static int open_file(const struct fixture *fixture, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    fixture->dir = make_directory();
    fixture->out = open_file(fixture, "out");
    fixture->err = open_file(fixture, "err");
    fixture->saved_out = dup(STDOUT_FILENO);
    fixture->saved_err = dup(STDERR_FILENO);
    return fixture->dir && fixture->out >= 0 && fixture->err >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_job_output_close(fixture->output);
    close(fixture->out);
    close(fixture->err);
    close(fixture->saved_out);
    close(fixture->saved_err);
    remove_directory(fixture->dir);
    free(fixture);
    return 0;
}

/* Runs `command` in a child whose output is the fixture's, to its end. */
static int run(struct fixture *fixture, int out, int err, void (*command)(void))
{
    struct tw_error error = {0};
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    int result = tw_job_output_open(&fixture->output, &error);
    pid_t pid = result ? -1 : fork();
    if (pid == 0) {
        tw_job_output_become(fixture->output);
        command();
        _exit(0);
    }
    if (!result)
        result = tw_job_output_start(fixture->output, &error);
    waitpid(pid, NULL, 0);
    if (!result)
        result = tw_job_output_finish(fixture->output, &error);
    dup2(fixture->saved_out, STDOUT_FILENO);
    dup2(fixture->saved_err, STDERR_FILENO);
    return result;
}

static void put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        _exit(1);
}

static void write_both(void)
{
    put(STDOUT_FILENO, "a\n");
    put(STDERR_FILENO, "b\r");
    put(STDOUT_FILENO, "c");
}

static void write_much(void)
{
    static char line[64];
    memset(line, 'x', sizeof line);
    line[63] = '\n';
    for (int i = 0; i < MUCH / 64; i++) {
        if (write(STDOUT_FILENO, line, 64) != 64)
            _exit(1);
    }
}

static void expect(int fd, const char *text)
{
    char bytes[100];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(bytes, text, (size_t)n);
}

static void expect_kept(const struct fixture *fixture, size_t stream, const char *name,
                        const char *text)
{
    assert_string_equal(tw_job_output_name(fixture->output, stream), name);
    int fd = open(tw_job_output_path(fixture->output, stream), O_RDONLY);
    assert_true(fd >= 0);
    expect(fd, text);
    close(fd);
}

static void two_streams_are_passed_on_and_kept_apart(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(run(fixture, fixture->out, fixture->err, write_both), 0);
    expect(fixture->out, "a\nc");
    expect(fixture->err, "b\r");
    expect_kept(fixture, 0, "stdout", "a\nc");
    expect_kept(fixture, 1, "stderr", "b\r");
    assert_null(tw_job_output_path(fixture->output, 2));
}

static void streams_to_one_place_are_one_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(run(fixture, fixture->out, fixture->out, write_both), 0);
    expect(fixture->out, "a\nb\rc");
    expect_kept(fixture, 0, "output", "a\nb\rc");
    assert_null(tw_job_output_path(fixture->output, 1));
}

static void what_was_read_is_given_back_but_for_what_tells_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct stat before, after;
    char bytes[4];
    assert_int_equal(run(fixture, fixture->out, fixture->err, write_much), 0);
    int fd = open(tw_job_output_path(fixture->output, 0), O_RDONLY);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(before.st_size, MUCH);
    tw_job_output_was_read(fixture->output, 0, MUCH);
    assert_int_equal(fstat(fd, &after), 0);
    assert_int_equal(after.st_size, MUCH);
    assert_true(after.st_blocks * 512 < MUCH / 4 || after.st_blocks == before.st_blocks);
    assert_int_equal(pread(fd, bytes, 4, 1024), 4);
    assert_memory_equal(bytes, "xxxx", 4);
    assert_int_equal(pread(fd, bytes, 4, MUCH - 256), 4);
    assert_memory_equal(bytes, "xxxx", 4);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(two_streams_are_passed_on_and_kept_apart),
        TEST(streams_to_one_place_are_one_in_their_order),
        TEST(what_was_read_is_given_back_but_for_what_tells_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
