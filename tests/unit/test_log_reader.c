/* The reader over formats of this test's own: documents that are written again and move, binary
 * records in portions, stores, and what happens where a format gives up or a file fails. A record
 * is 'r' and a digit. */
#include "sources/logs/reader.h"

#include "failing_files.h"
#include "log_rows.h"
#include "temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    char *dir, path[100], other[100];
    struct tw_log_reader *reader;
    struct log_rows rows;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->dir = make_directory();
    snprintf(fixture->path, sizeof fixture->path, "%s/a", fixture->dir);
    snprintf(fixture->other, sizeof fixture->other, "%s/b", fixture->dir);
    files_are_well();
    *state = fixture;
    return fixture->dir ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_log_reader_free(fixture->reader);
    free(fixture->rows.text);
    remove_directory(fixture->dir);
    free(fixture);
    return 0;
}

static void put(const char *path, const char *how, const char *text)
{
    static time_t second = 1000000000;
    FILE *file = fopen(path, how);
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    struct timespec times[2] = {{.tv_sec = ++second}, {.tv_sec = second}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* ---- formats ---- */

static int give_digit(const struct tw_log_sink *sink, char digit, double step)
{
    struct tw_cell cell = {"x", digit - '0', TW_MEANS_BY_NAME};
    struct tw_row row = {.step = step, .epoch = NAN, .time_ms = -1, .cells = &cell, .n_cells = 1};
    return sink->row(sink->closure, &row);
}

static int no_probe(const struct tw_log_sample *sample)
{
    (void)sample;
    return 0;
}

static int give(const struct tw_log_sink *sink, char byte, double step)
{
    if (byte == '.')
        return sink->event(sink->closure, NULL, TW_LOG_COMPLETED, step);
    return byte == '?' ? sink->broken(sink->closure, "?") : give_digit(sink, byte, step);
}

/* "[12.]": a row for each digit, an end for a dot, damage for '?'; without the bracket at its end
 * it is half-written. */
static int read_document(void *state, const char *bytes, size_t size,
                         const struct tw_log_sink *sink, struct tw_error *error)
{
    (void)state;
    assert_int_equal(bytes[size], '\0');
    if (!size || bytes[size - 1] != ']')
        return tw_error_set(error, -EAGAIN, "no end");
    for (size_t i = 1; i + 1 < size; i++) {
        if (give(sink, bytes[i], (double)i))
            return -ENOMEM;
    }
    return 0;
}

static const struct tw_log_format document = {
    .name = "document", .kind = TW_LOG_DOCUMENT, .probe = no_probe, .document = read_document};

static long read_bytes(void *state, const void *bytes, size_t size, bool has_ended,
                       const struct tw_log_sink *sink, struct tw_error *error)
{
    const char *text = bytes;
    int *step = state;
    if (text[0] != 'r')
        return tw_error_set(error, -EBADMSG, "no r");
    if (size < 2)
        return has_ended ? tw_error_set(error, -EBADMSG, "cut off") : 0;
    return give_digit(sink, text[1], ++*step) ? -ENOMEM : 2;
}

static const struct tw_log_format binary = {.name = "binary",
                                            .kind = TW_LOG_BYTES,
                                            .state_size = sizeof(int),
                                            .probe = no_probe,
                                            .bytes = read_bytes};

static int poll_result;

static int poll_store(void *state, const struct tw_log_sink *sink, struct tw_error *error)
{
    int *step = state;
    if (poll_result)
        return tw_error_set(error, poll_result, "this store fails");
    return give_digit(sink, '1', ++*step);
}

static const struct tw_log_format store = {.name = "store",
                                           .kind = TW_LOG_STORE,
                                           .state_size = sizeof(int),
                                           .probe = no_probe,
                                           .poll = poll_store};

/* ---- reading ---- */

static void open_log(struct fixture *fixture, const struct tw_log_format *format, bool follow)
{
    fixture->reader = tw_log_reader_new(fixture->path, format, follow, NULL);
    assert_non_null(fixture->reader);
}

/* Reads what there is and compares what came. */
static void expect(struct fixture *fixture, int progress, const char *text)
{
    struct tw_log_sink sink = log_rows_sink(&fixture->rows);
    struct tw_error error = {0};
    int result;
    free(fixture->rows.text);
    fixture->rows = (struct log_rows){0};
    while ((result = tw_log_reader_step(fixture->reader, &sink, &error)) == TW_LOG_READ_SOME)
        ;
    assert_int_equal(result, progress);
    assert_string_equal(fixture->rows.text ? fixture->rows.text : "", text);
}

static void a_document_that_is_written_again_tells_what_is_new(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[12]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\nrow step=2: x=2\n");
    expect(fixture, TW_LOG_READ_ALL, "");
    put(fixture->path, "w", "[12");
    expect(fixture, TW_LOG_READ_ALL, "");
    put(fixture->path, "w", "[123]");
    expect(fixture, TW_LOG_READ_ALL, "row step=3: x=3\n");
}

static void a_document_goes_on_in_another_file(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[12]");
    put(fixture->other, "w", "[1234]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\nrow step=2: x=2\n");
    assert_int_equal(tw_log_reader_move(fixture->reader, fixture->other), 0);
    expect(fixture, TW_LOG_READ_ALL, "row step=3: x=3\nrow step=4: x=4\n");
}

/* Event 1: TW_LOG_RUN_RESUMES. A shorter document alone says nothing as yet. */
static void a_document_that_differs_from_some_row_on_was_resumed(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[1234]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL,
           "row step=1: x=1\nrow step=2: x=2\nrow step=3: x=3\nrow step=4: x=4\n");
    put(fixture->path, "w", "[12]");
    expect(fixture, TW_LOG_READ_ALL, "");
    put(fixture->path, "w", "[1256]");
    expect(fixture, TW_LOG_READ_ALL, "event 1 step=3\nrow step=3: x=5\nrow step=4: x=6\n");
    put(fixture->path, "w", "[12567]");
    expect(fixture, TW_LOG_READ_ALL, "row step=5: x=7\n");
}

static void a_document_that_nobody_writes_any_more_and_has_no_end_is_broken(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[12");
    open_log(fixture, &document, false);
    expect(fixture, TW_LOG_READ_ALL, "broken no end\n");
}

static void half_a_record_waits_for_its_rest(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "r1r2r");
    open_log(fixture, &binary, true);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\nrow step=2: x=2\n");
    assert_int_equal(tw_log_reader_place(fixture->reader), 4);
    put(fixture->path, "a", "3");
    expect(fixture, TW_LOG_READ_ALL, "row step=3: x=3\n");
}

static void half_a_record_at_the_end_is_told_by_its_format(void **state)
{
    struct fixture *fixture = *state;
    struct log_rows rows = {0};
    struct tw_log_sink sink = log_rows_sink(&rows);
    put(fixture->path, "w", "r1r");
    open_log(fixture, &binary, false);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\n");
    assert_int_equal(tw_log_reader_finish(fixture->reader, &sink, NULL), 0);
    assert_int_equal(tw_log_reader_finish(fixture->reader, &sink, NULL), 0);
    assert_string_equal(rows.text, "broken cut off\n");
    free(rows.text);
}

static void what_a_format_gives_up_is_told_once_and_passed_over(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "r1?r2");
    open_log(fixture, &binary, true);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\nbroken no r\n");
    put(fixture->path, "a", "r3r4");
    expect(fixture, TW_LOG_READ_ALL, "");
    /* Another file in its place is read. */
    put(fixture->path, "w", "r1r5");
    expect(fixture, TW_LOG_READ_ALL, "row step=2: x=5\n");
}

/* Event 3: TW_LOG_COMPLETED. */
static void what_a_document_ends_with_is_told_once(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[12?.]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL,
           "row step=1: x=1\nrow step=2: x=2\nbroken ?\nevent 3 step=4\n");
    put(fixture->path, "w", "[12?.]");
    expect(fixture, TW_LOG_READ_ALL, "");
    put(fixture->path, "w", "[12?.");
    expect(fixture, TW_LOG_READ_ALL, "");
    put(fixture->path, "w", "[12?.]");
    expect(fixture, TW_LOG_READ_ALL, "");
    /* It went on, and ended again. */
    put(fixture->path, "w", "[12?.34?.]");
    expect(fixture, TW_LOG_READ_ALL,
           "row step=5: x=3\nrow step=6: x=4\nbroken ?\nevent 3 step=8\n");
    put(fixture->path, "w", "[12?.34?.]");
    expect(fixture, TW_LOG_READ_ALL, "");
}

static void a_document_without_rows_tells_its_end_once(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[.]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL, "event 3 step=1\n");
    put(fixture->path, "w", "[.]");
    expect(fixture, TW_LOG_READ_ALL, "");
    put(fixture->path, "w", "[.1.]");
    expect(fixture, TW_LOG_READ_ALL, "row step=2: x=1\nevent 3 step=3\n");
}

static void a_document_that_is_deleted_and_made_anew_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[1]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\n");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unlink(fixture->path), 0);
        expect(fixture, TW_LOG_READ_ALL, "");
        seconds_pass(1.5);
        expect(fixture, TW_LOG_READ_ALL, "");
        put(fixture->path, "w", i ? "[123]" : "[12]");
        expect(fixture, TW_LOG_READ_ALL, i ? "row step=3: x=3\n" : "row step=2: x=2\n");
    }
}

static void a_log_that_is_deleted_is_gone_after_two_seconds(void **state)
{
    static const struct tw_log_format *const formats[] = {&document, &binary, &store};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        put(fixture->path, "w", formats[i] == &binary ? "r1" : "[1]");
        open_log(fixture, formats[i], true);
        expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\n");
        assert_int_equal(unlink(fixture->path), 0);
        expect(fixture, TW_LOG_READ_ALL, "");
        seconds_pass(2);
        expect(fixture, TW_LOG_READ_GONE, "");
        tw_log_reader_free(fixture->reader);
    }
    fixture->reader = NULL;
}

static void expect_error(struct fixture *fixture, int code)
{
    struct tw_log_sink sink = log_rows_sink(&fixture->rows);
    struct tw_error error = {0};
    assert_int_equal(tw_log_reader_step(fixture->reader, &sink, &error), code);
    assert_int_equal(error.code, code);
}

static void a_document_that_fails_for_less_than_a_minute_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[1]");
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\n");
    put(fixture->path, "w", "[12]");
    reading_fails(EIO);
    expect(fixture, TW_LOG_READ_ALL, "");
    seconds_pass(59);
    opening_fails(ESTALE);
    expect(fixture, TW_LOG_READ_ALL, "");
    files_are_well();
    expect(fixture, TW_LOG_READ_ALL, "row step=2: x=2\n");
    put(fixture->path, "w", "[123]");
    opening_fails(EACCES);
    expect(fixture, TW_LOG_READ_ALL, "");
    seconds_pass(2);
    expect_error(fixture, -EACCES);
}

static void a_document_that_is_not_followed_or_has_no_writer_fails_at_once(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "[1]");
    reading_fails(EIO);
    open_log(fixture, &document, true);
    expect(fixture, TW_LOG_READ_ALL, "");
    tw_log_reader_no_more(fixture->reader);
    expect_error(fixture, -EIO);
    tw_log_reader_free(fixture->reader);
    open_log(fixture, &document, false);
    expect_error(fixture, -EIO);
    assert_int_equal(unlink(fixture->path), 0);
    expect_error(fixture, -ENOENT);
}

static void a_store_that_fails_for_less_than_a_minute_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put(fixture->path, "w", "");
    open_log(fixture, &store, true);
    poll_result = -EIO;
    expect(fixture, TW_LOG_READ_ALL, "");
    seconds_pass(59);
    expect(fixture, TW_LOG_READ_ALL, "");
    poll_result = 0;
    expect(fixture, TW_LOG_READ_ALL, "row step=1: x=1\n");
    poll_result = -EIO;
    expect(fixture, TW_LOG_READ_ALL, "");
    seconds_pass(60);
    expect_error(fixture, -EIO);
    poll_result = 0;
}

/* The names of 20,000 columns: more than what is looked at of other logs. */
static void a_table_is_known_by_a_long_line_of_names(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = fopen(fixture->path, "w");
    int sure;
    fputs("step,loss", file);
    for (int i = 0; i < 20000; i++)
        fprintf(file, ",column%d", i);
    fputs("\n1,0.5\n2,0.5\n", file);
    fclose(file);
    const struct tw_log_format *format = tw_log_format_probe(fixture->path, NULL, &sure);
    assert_non_null(format);
    assert_string_equal(format->name, "csv");
    assert_int_equal(tw_log_format_fault(fixture->path, NULL), 0);
}

static void why_a_file_has_no_format_is_told_where_that_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct tw_error error = {0};
    put(fixture->path, "w", "nothing\n");
    assert_int_equal(tw_log_format_fault(fixture->path, &error), 0);
    reading_fails(EIO);
    assert_int_equal(tw_log_format_fault(fixture->path, &error), -EIO);
    assert_string_equal(error.text, "cannot be read: Input/output error");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_that_is_written_again_tells_what_is_new),
        TEST(a_document_goes_on_in_another_file),
        TEST(a_document_that_differs_from_some_row_on_was_resumed),
        TEST(a_document_that_nobody_writes_any_more_and_has_no_end_is_broken),
        TEST(half_a_record_waits_for_its_rest),
        TEST(half_a_record_at_the_end_is_told_by_its_format),
        TEST(what_a_format_gives_up_is_told_once_and_passed_over),
        TEST(what_a_document_ends_with_is_told_once),
        TEST(a_document_without_rows_tells_its_end_once),
        TEST(a_document_that_is_deleted_and_made_anew_goes_on),
        TEST(a_log_that_is_deleted_is_gone_after_two_seconds),
        TEST(a_document_that_fails_for_less_than_a_minute_goes_on),
        TEST(a_document_that_is_not_followed_or_has_no_writer_fails_at_once),
        TEST(a_table_is_known_by_a_long_line_of_names),
        TEST(why_a_file_has_no_format_is_told_where_that_is_known),
        TEST(a_store_that_fails_for_less_than_a_minute_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
