/* Bytes to lines: every end of line, what steers terminals, and the encodings of editors. */
#include "sources/logs/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX (4u << 20)

/* All lines of `bytes`, put in so many at a time, each in brackets. */
static void read_lines(const char *bytes, size_t size, size_t portion, char *ret)
{
    struct tw_log_lines *lines = tw_log_lines_new();
    const char *line;
    size_t length, room, used = 0;
    assert_non_null(lines);
    ret[0] = '\0';
    for (;;) {
        while (tw_log_lines_next(lines, &line, &length))
            used += (size_t)sprintf(ret + used, "[%.*s]", (int)length, line);
        if (!size)
            break;
        char *to = tw_log_lines_room(lines, &room);
        assert_true(room > 0);
        size_t n = size < portion ? size : portion;
        n = n < room ? n : room;
        memcpy(to, bytes, n);
        tw_log_lines_add(lines, n);
        bytes += n;
        size -= n;
    }
    if (tw_log_lines_last(lines, &line, &length))
        sprintf(ret + used, "[%.*s]", (int)length, line);
    tw_log_lines_free(lines);
}

static void check(const char *bytes, size_t size, const char *expected)
{
    static const size_t portions[] = {1, 2, 3, 7, 4096};
    char *text = malloc(TEXT_MAX);
    for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
        read_lines(bytes, size, portions[i], text);
        assert_string_equal(text, expected);
    }
    free(text);
}

#define CHECK(bytes, expected) check(bytes, sizeof(bytes) - 1, expected)

static void every_end_of_line_ends_a_line(void **state)
{
    (void)state;
    CHECK("a\nb\nc", "[a][b][c]");
    CHECK("a\r\nb\r\n\r\nc\r\n", "[a][b][c]");
    CHECK("10%\r20%\r30%\nend\n", "[10%][20%][30%][end]");
    char text[2500], expected[2600]; /* far from each other */
    for (int i = 508; i < 516; i++) {
        int n = sprintf(text, "a\r%0*d\n%0*d\r", i, 7, i, 8);
        sprintf(expected, "[a][%0*d][%0*d]", i, 7, i, 8);
        check(text, (size_t)n, expected);
    }
    CHECK("\n\n\na\n", "[a]");
    CHECK("", "");
    CHECK("x", "[x]");
}

static void what_steers_a_terminal_is_removed(void **state)
{
    (void)state;
    CHECK("\033[31mloss\033[0m 1\n", "[loss 1]");
    CHECK("\033]0;title\aloss 1\n", "[loss 1]");
    CHECK("\033]8;;http://x\033\\loss 1\n", "[loss 1]");
    CHECK("12\b\b34\b5\n", "[35]");
    CHECK("\b\ba\n", "[a]");
    CHECK("\xc3\xa4\b-\n", "[-]"); /* one character of two bytes */
    CHECK("a\033[\nb\n", "[a][b]");
    CHECK("a\033\n", "[a]");
    CHECK("\033[K\033[2J\n", "");
}

static void encodings_become_utf8(void **state)
{
    (void)state;
    CHECK("\xef\xbb\xbf"
          "a\nb\n",
          "[a][b]");
    /* U+00E4, U+4E2D, U+1F600 as UTF-16, by RFC 2781's scheme. */
    CHECK("\xff\xfe\xe4\0\x2d\x4e\x3d\xd8\x00\xde\n\0b\0\n\0",
          "[\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80][b]");
    CHECK("\xfe\xff\0\xe4\x4e\x2d\xd8\x3d\xde\x00\0\n\0b\0\n",
          "[\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80][b]");
    CHECK("\xff\xfe\x00\xdc"
          "a\0\n\0",
          "[\xef\xbf\xbd"
          "a]"); /* half a pair */
}

static void a_line_that_is_too_long_is_cut_and_the_next_is_whole(void **state)
{
    size_t size = 3 * TW_LOG_LINE_MAX;
    char *bytes = malloc(size + 16), *text = malloc(TEXT_MAX);
    (void)state;
    memset(bytes, 'x', size);
    memcpy(bytes + size, "\nnext\n", 6);
    read_lines(bytes, size + 6, 65536, text);
    assert_int_equal(strlen(text), TW_LOG_LINE_MAX + 2 + 6);
    assert_string_equal(text + TW_LOG_LINE_MAX + 1, "][next]");
    free(text);
    free(bytes);
}

static void wide_text_of_any_length_is_read(void **state)
{
    enum { N = 300000 };
    char *bytes = malloc(2 + 2 * N), *text = malloc(TEXT_MAX);
    size_t lines = 0;
    (void)state;
    memcpy(bytes, "\xff\xfe", 2);
    for (size_t i = 0; i < N; i++) {
        bytes[2 + 2 * i] = (char)(i % 10 == 9 ? '\n' : 0x2d);
        bytes[3 + 2 * i] = (char)(i % 10 == 9 ? 0 : 0x4e);
    }
    read_lines(bytes, 2 + 2 * (size_t)N, 1000000, text);
    for (const char *at = text; (at = strchr(at, '[')); at++)
        lines++;
    assert_int_equal(lines, N / 10);
    assert_int_equal(strlen(text), N / 10 * (9 * 3 + 2));
    free(text);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_of_line_ends_a_line),
        cmocka_unit_test(what_steers_a_terminal_is_removed),
        cmocka_unit_test(encodings_become_utf8),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_the_next_is_whole),
        cmocka_unit_test(wide_text_of_any_length_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
