/* The file log: what survives crashes, what is written once, and where a cursor goes on. */
#include "config.h"

#include "advisories/log.h"
#include "advisories/recent_ids.h"
#include "temporary_directory.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Bytes of {"event":{"id":"n1"}} and its newline. */
#define LINE 22

struct bench {
    char *dir;
    char path[128];
    struct tw_log_location location;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->dir = make_directory();
    snprintf(bench->path, sizeof bench->path, "%s/advisories.jsonl", bench->dir);
    bench->location.dir = bench->dir;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    remove_directory(bench->dir);
    free(bench);
    return 0;
}

static struct tw_log *open_log(const struct bench *bench)
{
    struct tw_log *log = NULL;
    struct tw_error error = {0};
    if (tw_log_open(&log, &bench->location, &error))
        fail_msg("%s", error.text);
    return log;
}

static struct tw_log_reader *open_reader(const struct bench *bench, const char *name)
{
    struct tw_log_reader *reader = NULL;
    struct tw_error error = {0};
    if (tw_log_reader_open(&reader, &bench->location, name, &error))
        fail_msg("%s", error.text);
    return reader;
}

/* Appends {"event":{"id":"n<number>"}}. */
static int append(struct tw_log *log, unsigned number)
{
    char id[16], document[64];
    snprintf(id, sizeof id, "n%u", number);
    snprintf(document, sizeof document, "{\"event\":{\"id\":\"%s\"}}", id);
    return tw_log_append(log, id, "run", document, NULL);
}

static void append_range(const struct bench *bench, unsigned first, unsigned last)
{
    struct tw_log *log = open_log(bench);
    for (unsigned i = first; i <= last; i++)
        assert_int_equal(append(log, i), 0);
    assert_int_equal(tw_log_flush(log, 1, NULL), 0);
    tw_log_close(log);
}

/* Reads one document and checks its number. */
static void expect_next(struct tw_log_reader *reader, unsigned number)
{
    struct tw_log_item item;
    char document[64];
    assert_int_equal(tw_log_read(reader, &item, 1, 0, NULL), 1);
    snprintf(document, sizeof document, "{\"event\":{\"id\":\"n%u\"}}", number);
    assert_string_equal(item.document, document);
    assert_int_equal(item.size, strlen(document));
}

static void expect_no_more(struct tw_log_reader *reader)
{
    struct tw_log_item item;
    assert_int_equal(tw_log_read(reader, &item, 1, 0, NULL), 0);
}

static void append_bytes(const struct bench *bench, const char *text)
{
    FILE *stream = fopen(bench->path, "a");
    fputs(text, stream);
    fclose(stream);
}

static off_t size_of_log(const struct bench *bench)
{
    struct stat status;
    assert_int_equal(stat(bench->path, &status), 0);
    return status.st_size;
}

static void what_is_appended_is_read_in_order(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 3);
    struct tw_log_reader *reader = open_reader(bench, "sink");
    struct tw_log_item items[8];
    assert_int_equal(tw_log_read(reader, items, 2, 0, NULL), 2);
    assert_string_equal(items[0].position, "byte 0");
    assert_string_equal(items[1].position, "byte 22");
    assert_int_equal(tw_log_read(reader, items, 8, 0, NULL), 1);
    assert_string_equal(items[0].document, "{\"event\":{\"id\":\"n3\"}}");
    tw_log_reader_close(reader);
}

static void a_torn_last_line_is_cut_off_on_open(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 2);
    off_t whole = size_of_log(bench);
    append_bytes(bench, "{\"event\":{\"id\":\"n3");
    struct tw_log_reader *reader = open_reader(bench, "sink");
    expect_next(reader, 1);
    expect_next(reader, 2);
    expect_no_more(reader); /* half a line is no document */
    struct tw_log *log = open_log(bench);
    assert_int_equal(size_of_log(bench), whole);
    append(log, 4); /* as long as the torn one, at the same place */
    expect_next(reader, 4);
    tw_log_close(log);
    tw_log_reader_close(reader);
}

static void a_log_of_one_torn_line_becomes_empty(void **state)
{
    struct bench *bench = *state;
    append_bytes(bench, "{\"event\"");
    tw_log_close(open_log(bench));
    assert_int_equal(size_of_log(bench), 0);
}

static void an_id_is_written_once_over_restarts(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 5);
    off_t size = size_of_log(bench);
    append_range(bench, 3, 5);
    assert_int_equal(size_of_log(bench), size);
    append_range(bench, 5, 6);
    assert_true(size_of_log(bench) > size);
}

static void the_newest_4096_ids_are_known_after_a_restart(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 5000);
    off_t size = size_of_log(bench);
    struct tw_log *log = open_log(bench);
    append(log, 905); /* the oldest of the newest 4,096: 5000 - 4096 + 1 */
    assert_int_equal(size_of_log(bench), size);
    append(log, 904);
    assert_true(size_of_log(bench) > size);
    tw_log_close(log);
}

static void recent_ids_forget_the_oldest_and_take_back_the_newest(void **state)
{
    (void)state;
    struct tw_recent_ids *ids = calloc(1, sizeof *ids);
    char id[16];
    for (unsigned i = 0; i < 3 * TW_RECENT_IDS; i++) {
        snprintf(id, sizeof id, "%u", i);
        tw_recent_ids_add(ids, id);
    }
    tw_recent_ids_forget(ids, 10);
    for (unsigned i = 0; i < 3 * TW_RECENT_IDS; i++) {
        snprintf(id, sizeof id, "%u", i);
        bool is_expected = i >= 2 * TW_RECENT_IDS && i < 3 * TW_RECENT_IDS - 10;
        assert_int_equal(tw_recent_ids_has(ids, id), is_expected);
    }
    free(ids);
}

static void two_writers_exclude_each_other(void **state)
{
    struct bench *bench = *state;
    struct tw_log *log = open_log(bench), *other = NULL;
    struct tw_error error = {0};
    assert_int_equal(tw_log_open(&other, &bench->location, &error), -EBUSY);
    assert_non_null(strstr(error.text, "another process writes"));
    tw_log_close(log);
    tw_log_close(open_log(bench));
}

static void a_reader_goes_on_where_it_committed(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 4);
    struct tw_log_reader *reader = open_reader(bench, "sink");
    expect_next(reader, 1);
    expect_next(reader, 2);
    assert_int_equal(tw_log_commit(reader, NULL), 0);
    expect_next(reader, 3);
    tw_log_reader_close(reader); /* 3 was not committed */
    reader = open_reader(bench, "sink");
    assert_true(tw_log_lag(reader) == 2 * LINE);
    expect_next(reader, 3);
    tw_log_reader_close(reader);
    reader = open_reader(bench, "other"); /* each name has its own */
    expect_next(reader, 1);
    tw_log_reader_close(reader);
}

static void a_log_that_was_replaced_is_read_from_its_start(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 4);
    struct tw_log_reader *reader = open_reader(bench, "sink");
    for (unsigned i = 1; i <= 4; i++)
        expect_next(reader, i);
    assert_int_equal(tw_log_commit(reader, NULL), 0);
    tw_log_reader_close(reader);
    assert_int_equal(truncate(bench->path, 0), 0);
    append_range(bench, 7, 7);
    reader = open_reader(bench, "sink");
    expect_next(reader, 7);
    tw_log_reader_close(reader);
}

static void a_reader_may_come_before_the_log(void **state)
{
    struct bench *bench = *state;
    struct tw_log_reader *reader = open_reader(bench, "sink");
    expect_no_more(reader);
    append_range(bench, 1, 1);
    expect_next(reader, 1);
    tw_log_reader_close(reader);
}

static void a_broken_cursor_is_an_error_and_not_a_silent_restart(void **state)
{
    struct bench *bench = *state;
    char path[160];
    append_range(bench, 1, 1);
    struct tw_log_reader *reader = open_reader(bench, "sink");
    expect_next(reader, 1);
    tw_log_commit(reader, NULL);
    tw_log_reader_close(reader);
    snprintf(path, sizeof path, "%s/cursors/sink", bench->dir);
    FILE *stream = fopen(path, "w");
    fputs("what?\n", stream);
    fclose(stream);
    struct tw_error error = {0};
    assert_int_equal(tw_log_reader_open(&reader, &bench->location, "sink", &error), -EBADMSG);
    assert_string_equal(error.place, path);
}

static void cursor_names_cannot_leave_their_directory(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {"../x", "a/b", "", ".hidden", "a b"};
    struct tw_log_reader *reader;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(tw_log_reader_open(&reader, &bench->location, names[i], NULL), -EINVAL);
}

static void a_giant_line_is_passed_over(void **state)
{
    struct bench *bench = *state;
    size_t size = 5u << 20;
    char *giant = malloc(size + 2);
    memset(giant, 'x', size);
    memcpy(giant + size, "\n", 2);
    append_bytes(bench, giant);
    free(giant);
    append_bytes(bench, "{\"event\":{\"id\":\"n1\"}}\n");
    struct tw_log_reader *reader = open_reader(bench, "sink");
    struct tw_log_item items[4];
    long n = tw_log_read(reader, items, 4, 0, NULL);
    assert_true(n >= 1); /* the giant's rest may come as a broken document; the next is whole */
    assert_string_equal(items[n - 1].document, "{\"event\":{\"id\":\"n1\"}}");
    tw_log_reader_close(reader);
}

/* A file size limit stands for a full disk: write() takes a part and then fails. */
static void a_line_that_does_not_fit_leaves_nothing_behind(void **state)
{
    struct bench *bench = *state;
    append_range(bench, 1, 4);
    off_t size = size_of_log(bench);
    struct rlimit old, low = {.rlim_cur = (rlim_t)size + 5};
    getrlimit(RLIMIT_FSIZE, &old);
    low.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    struct tw_log *log = open_log(bench);
    setrlimit(RLIMIT_FSIZE, &low);
    int result = append(log, 5);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(result, -EFBIG);
    assert_int_equal(size_of_log(bench), size);
    assert_int_equal(append(log, 5), 0); /* it was not taken for written */
    assert_int_equal(size_of_log(bench), size + LINE);
    tw_log_close(log);
}

static void documents_of_several_lines_are_refused(void **state)
{
    struct bench *bench = *state;
    struct tw_log *log = open_log(bench);
    assert_int_equal(tw_log_append(log, "x", "run", "{\n}", NULL), -EINVAL);
    tw_log_close(log);
}

static void state_files_are_private_to_the_user(void **state)
{
    struct bench *bench = *state;
    struct stat status;
    append_range(bench, 1, 1);
    assert_int_equal(stat(bench->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void the_stream_of_charts_is_a_file_of_its_own(void **state)
{
    struct bench *bench = *state;
    struct tw_log *log = open_log(bench);
    char path[160];
    snprintf(path, sizeof path, "%s/charts.jsonl", bench->dir);
    assert_int_equal(access(path, F_OK), -1); /* most logs have none */
    assert_int_equal(append(log, 1), 0);
    for (int i = 0; i < 2; i++) /* the second is a replay */
        assert_int_equal(
            tw_log_append_to(log, TW_LOG_CHARTS, "n1", "run", "{\"event\":{\"id\":\"n1\"}}", NULL),
            0);
    assert_int_equal(
        tw_log_append_to(log, TW_LOG_CHARTS, "n2", "run", "{\"event\":{\"id\":\"n2\"}}", NULL), 0);
    assert_int_equal(tw_log_flush(log, 1, NULL), 0);
    uint64_t durable = 0;
    assert_int_equal(tw_log_durable(log, &durable, NULL), 0);
    assert_int_equal(durable, tw_log_appended(log));
    tw_log_close(log);
    struct tw_log_reader *reader = open_reader(bench, "sink");
    expect_next(reader, 1);
    expect_no_more(reader);
    tw_log_reader_close(reader);
    bench->location.stream = TW_LOG_CHARTS;
    reader = open_reader(bench, "sink.charts");
    expect_next(reader, 1);
    expect_next(reader, 2);
    expect_no_more(reader);
    tw_log_reader_close(reader);
}

/* ---- the pieces of the stream of charts ---- */

static int append_chart(struct tw_log *log, unsigned number)
{
    char id[16], document[64];
    snprintf(id, sizeof id, "n%u", number);
    snprintf(document, sizeof document, "{\"event\":{\"id\":\"%s\"}}", id);
    return tw_log_append_to(log, TW_LOG_CHARTS, id, "run", document, NULL);
}

/* Opens the log anew, which also looks at once for what can go, and appends. */
static void append_charts(const struct bench *bench, unsigned first, unsigned last)
{
    struct tw_log *log = open_log(bench);
    for (unsigned i = first; i <= last; i++)
        assert_int_equal(append_chart(log, i), 0);
    assert_int_equal(tw_log_flush(log, 1, NULL), 0);
    tw_log_close(log);
}

static bool has_piece(const struct bench *bench, unsigned number)
{
    char path[160];
    snprintf(path, sizeof path, "%s/charts.%08u.jsonl", bench->dir, number);
    return !access(path, F_OK);
}

static void cut_charts_after(struct bench *bench, uint64_t lines, const struct tw_texts *readers)
{
    bench->location.stream = TW_LOG_CHARTS;
    bench->location.charts_file_bytes = lines * LINE;
    bench->location.charts_readers = readers;
}

static void charts_are_read_over_all_pieces(void **state)
{
    struct bench *bench = *state;
    cut_charts_after(bench, 2, NULL);
    append_charts(bench, 1, 3);
    struct tw_log_reader *reader = open_reader(bench, "sink.charts");
    for (unsigned i = 1; i <= 3; i++)
        expect_next(reader, i);
    expect_no_more(reader);
    /* What it has read becomes a complete piece while it waits, with a line that it has not. */
    append_charts(bench, 4, 7);
    assert_int_equal(tw_log_lag(reader), 7 * LINE);
    for (unsigned i = 4; i <= 7; i++)
        expect_next(reader, i);
    expect_no_more(reader);
    assert_int_equal(tw_log_commit(reader, NULL), 0);
    assert_int_equal(tw_log_lag(reader), 0);
    tw_log_reader_close(reader);
    assert_true(has_piece(bench, 1) && has_piece(bench, 2) && has_piece(bench, 3));
}

static void a_cursor_in_a_complete_piece_goes_on_there(void **state)
{
    struct bench *bench = *state;
    cut_charts_after(bench, 2, NULL);
    append_charts(bench, 1, 3);
    struct tw_log_reader *reader = open_reader(bench, "sink.charts");
    expect_next(reader, 1);
    expect_next(reader, 2);
    expect_next(reader, 3);
    assert_int_equal(tw_log_commit(reader, NULL), 0);
    tw_log_reader_close(reader);
    append_charts(bench, 4, 6);
    assert_true(has_piece(bench, 2));
    reader = open_reader(bench, "sink.charts");
    assert_int_equal(tw_log_lag(reader), 3 * LINE);
    for (unsigned i = 4; i <= 6; i++)
        expect_next(reader, i);
    expect_no_more(reader);
    tw_log_reader_close(reader);
}

static void pieces_go_once_every_reader_has_done_with_them(void **state)
{
    struct bench *bench = *state;
    char a[] = "a.charts", b[] = "b.charts", *names[] = {a, b};
    const struct tw_texts readers = {2, names};
    cut_charts_after(bench, 2, &readers);
    append_charts(bench, 1, 7);
    assert_true(has_piece(bench, 1) && has_piece(bench, 2) && has_piece(bench, 3));
    struct tw_log_reader *first = open_reader(bench, "a.charts");
    struct tw_log_reader *second = open_reader(bench, "b.charts");
    for (unsigned i = 1; i <= 7; i++)
        expect_next(first, i);
    assert_int_equal(tw_log_commit(first, NULL), 0);
    append_charts(bench, 8, 8); /* b has not begun */
    assert_true(has_piece(bench, 1));
    for (unsigned i = 1; i <= 3; i++)
        expect_next(second, i);
    assert_int_equal(tw_log_commit(second, NULL), 0);
    append_charts(bench, 8, 8); /* b stands in the second */
    assert_true(!has_piece(bench, 1) && has_piece(bench, 2) && has_piece(bench, 3));
    for (unsigned i = 4; i <= 8; i++)
        expect_next(second, i);
    assert_int_equal(tw_log_commit(second, NULL), 0);
    append_charts(bench, 9, 9); /* the newest stays for its ids */
    assert_true(!has_piece(bench, 2) && !has_piece(bench, 3) && has_piece(bench, 4));
    tw_log_reader_close(first);
    tw_log_reader_close(second);
}

static void without_readers_every_piece_stays(void **state)
{
    struct bench *bench = *state;
    const struct tw_texts none = {0};
    cut_charts_after(bench, 1, &none);
    append_charts(bench, 1, 4);
    append_charts(bench, 5, 5);
    assert_true(has_piece(bench, 1) && has_piece(bench, 2) && has_piece(bench, 4));
}

static void an_id_of_the_newest_complete_piece_is_not_written_again(void **state)
{
    struct bench *bench = *state;
    cut_charts_after(bench, 3, NULL);
    append_charts(bench, 1, 4);
    append_charts(bench, 2, 5); /* a replay */
    struct tw_log_reader *reader = open_reader(bench, "sink.charts");
    for (unsigned i = 1; i <= 5; i++)
        expect_next(reader, i);
    expect_no_more(reader);
    tw_log_reader_close(reader);
}

static void a_crash_between_two_pieces_loses_nothing(void **state)
{
    struct bench *bench = *state;
    char active[160], complete[160];
    bench->location.stream = TW_LOG_CHARTS;
    append_charts(bench, 1, 2);
    snprintf(active, sizeof active, "%s/charts.jsonl", bench->dir);
    snprintf(complete, sizeof complete, "%s/charts.00000001.jsonl", bench->dir);
    struct tw_log_reader *reader = open_reader(bench, "sink.charts");
    expect_next(reader, 1);
    assert_int_equal(rename(active, complete), 0);
    expect_next(reader, 2);
    expect_no_more(reader);
    append_charts(bench, 2, 3);
    expect_next(reader, 3);
    expect_no_more(reader);
    tw_log_reader_close(reader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_stream_of_charts_is_a_file_of_its_own),
        TEST(charts_are_read_over_all_pieces),
        TEST(a_cursor_in_a_complete_piece_goes_on_there),
        TEST(pieces_go_once_every_reader_has_done_with_them),
        TEST(without_readers_every_piece_stays),
        TEST(an_id_of_the_newest_complete_piece_is_not_written_again),
        TEST(a_crash_between_two_pieces_loses_nothing),
        TEST(what_is_appended_is_read_in_order),
        TEST(a_torn_last_line_is_cut_off_on_open),
        TEST(a_log_of_one_torn_line_becomes_empty),
        TEST(an_id_is_written_once_over_restarts),
        TEST(the_newest_4096_ids_are_known_after_a_restart),
        TEST(recent_ids_forget_the_oldest_and_take_back_the_newest),
        TEST(two_writers_exclude_each_other),
        TEST(a_reader_goes_on_where_it_committed),
        TEST(a_log_that_was_replaced_is_read_from_its_start),
        TEST(a_reader_may_come_before_the_log),
        TEST(a_broken_cursor_is_an_error_and_not_a_silent_restart),
        TEST(cursor_names_cannot_leave_their_directory),
        TEST(a_giant_line_is_passed_over),
        TEST(a_line_that_does_not_fit_leaves_nothing_behind),
        TEST(documents_of_several_lines_are_refused),
        TEST(state_files_are_private_to_the_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
