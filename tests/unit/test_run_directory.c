/* The source "run_directory", over files made here. */
#include "sources/source.h"

#include "telemetry/run_file.h"
#include "telemetry/wire.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct tw_source tw_source_run_directory;
static const struct tw_source *const source = &tw_source_run_directory;

struct fixture {
    char dir[64];
    void *handle;
    struct tw_source_item item;
};

/* ---- making files ---- */

static const char *path_of(const struct fixture *fixture, const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    return path;
}

static void write_bytes(const struct fixture *fixture, const char *name, const void *data,
                        size_t size)
{
    int fd = open(path_of(fixture, name), O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

static void write_text(const struct fixture *fixture, const char *name, const char *text)
{
    write_bytes(fixture, name, text, strlen(text));
}

static void make_step(struct tw_record *record, uint64_t step, uint32_t rank)
{
    tw_record_init(record);
    strcpy(record->run, "r1");
    record->kind = TW_KIND_STEP;
    record->step = step;
    record->rank = rank;
    record->has = TW_HAS_KIND | TW_HAS_STEP | TW_HAS_RANK;
    tw_record_set(record, TW_SIGNAL_LOSS, .5);
}

/* Returns the bytes of one CBOR record of a step. */
static size_t encode_step(unsigned char *buffer, size_t size, uint64_t step, uint32_t rank)
{
    struct tw_record record;
    make_step(&record, step, rank);
    long n = tw_cbor_encode(&record, buffer, size);
    tw_record_clear(&record);
    assert_true(n > 0);
    return (size_t)n;
}

static size_t append_step(const struct fixture *fixture, const char *name, uint64_t step,
                          uint32_t rank)
{
    unsigned char buffer[512];
    size_t n = encode_step(buffer, sizeof buffer, step, rank);
    write_bytes(fixture, name, buffer, n);
    return n;
}

static void append_end(const struct fixture *fixture, const char *name)
{
    unsigned char buffer[512];
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r1");
    record.kind = TW_KIND_END;
    record.has = TW_HAS_KIND;
    record.status = TW_END_COMPLETED;
    long n = tw_cbor_encode(&record, buffer, sizeof buffer);
    assert_true(n > 0);
    write_bytes(fixture, name, buffer, (size_t)n);
    tw_record_clear(&record);
}

/* ---- reading ---- */

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->dir, "/tmp/tw-run-XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    source->close(fixture->handle);
    nftw(fixture->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

static void open_path(struct fixture *fixture, const char *path, bool follow)
{
    struct tw_error error = {0};
    struct tw_source_request request = {.path = path, .follow = follow};
    source->close(fixture->handle);
    fixture->handle = NULL;
    int result = source->open(&fixture->handle, &request, &error);
    if (result)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
}

static void open_run(struct fixture *fixture, bool follow)
{
    open_path(fixture, fixture->dir, follow);
}

static int next(struct fixture *fixture)
{
    struct tw_error error = {0};
    return source->next(fixture->handle, 0, &fixture->item, &error);
}

static void expect_step(struct fixture *fixture, uint64_t step)
{
    assert_int_equal(next(fixture), TW_NEXT_RECORD);
    assert_int_equal(fixture->item.record->step, step);
}

/* ---- tests ---- */

static void a_cbor_file_is_read_to_its_end_with_byte_positions(void **state)
{
    struct fixture *fixture = *state;
    size_t first = append_step(fixture, "telemetry.cbor", 1, 0);
    size_t second = append_step(fixture, "telemetry.cbor", 2, 0);
    open_run(fixture, false);
    expect_step(fixture, 1);
    assert_int_equal(fixture->item.position.offset, first);
    expect_step(fixture, 2);
    assert_int_equal(fixture->item.position.offset, first + second);
    assert_int_equal(next(fixture), TW_NEXT_END);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void json_lines_are_read_also_without_the_last_newline(void **state)
{
    struct fixture *fixture = *state;
    write_text(
        fixture, "log.jsonl",
        "\n{\"run\":\"r1\",\"step\":1,\"loss\":0.5}\r\n  \n{\"run\":\"r1\",\"step\":2,\"loss\":1}");
    open_path(fixture, path_of(fixture, "log.jsonl"), false);
    expect_step(fixture, 1);
    /* 1 newline + 32 bytes of record + CR LF */
    assert_int_equal(fixture->item.position.offset, 1 + 32 + 2);
    expect_step(fixture, 2);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_broken_line_is_told_and_does_not_hide_the_rest(void **state)
{
    struct fixture *fixture = *state;
    write_text(fixture, "telemetry.jsonl",
               "{\"run\":\"r1\",\"step\":1,\"loss\":0.5}\n{\"run\":\"r1\",\"st\n"
               "{\"run\":\"r1\",\"step\":3,\"loss\":0.5}\n");
    open_run(fixture, false);
    expect_step(fixture, 1);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_int_equal(fixture->item.n_bytes, 16); /* {"run":"r1","st and the newline */
    assert_memory_equal(fixture->item.bytes, "{\"run\":\"r1\",\"st\n", 16);
    assert_true(fixture->item.reason[0] != '\0');
    expect_step(fixture, 3);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_broken_stretch_of_cbor_is_passed_over_as_one(void **state)
{
    struct fixture *fixture = *state;
    static const unsigned char garbage[40] = {0xff, 0xff, 0x00, 0x13, 0x37};
    size_t first = append_step(fixture, "telemetry.cbor", 1, 0);
    write_bytes(fixture, "telemetry.cbor", garbage, sizeof garbage);
    append_step(fixture, "telemetry.cbor", 2, 0);
    open_run(fixture, false);
    expect_step(fixture, 1);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_int_equal(fixture->item.n_bytes, sizeof garbage);
    assert_memory_equal(fixture->item.bytes, garbage, sizeof garbage);
    assert_int_equal(fixture->item.position.offset, first + sizeof garbage);
    expect_step(fixture, 2);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_broken_stretch_larger_than_the_buffer_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 5 << 20;
    unsigned char *garbage = malloc(size);
    memset(garbage, 0xff, size);
    append_step(fixture, "telemetry.cbor", 1, 0);
    write_bytes(fixture, "telemetry.cbor", garbage, size);
    append_step(fixture, "telemetry.cbor", 2, 0);
    free(garbage);
    open_run(fixture, false);
    expect_step(fixture, 1);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_int_equal(fixture->item.n_bytes, size);
    expect_step(fixture, 2);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_line_that_is_too_long_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 3 << 20;
    char *line = malloc(size);
    memset(line, 'x', size);
    line[0] = '{';
    line[size - 1] = '\n';
    write_bytes(fixture, "telemetry.jsonl", line, size);
    write_text(fixture, "telemetry.jsonl", "{\"run\":\"r1\",\"step\":3,\"loss\":0.5}\n");
    free(line);
    open_run(fixture, false);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_int_equal(fixture->item.n_bytes, size);
    assert_non_null(strstr(fixture->item.reason, "longer than 1048576 bytes"));
    expect_step(fixture, 3);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_torn_tail_is_told_once_at_any_length(void **state)
{
    struct fixture *fixture = *state;
    unsigned char record[512];
    size_t n = encode_step(record, sizeof record, 2, 0);
    for (size_t cut = 1; cut < n; cut++) {
        unlink(path_of(fixture, "telemetry.cbor"));
        append_step(fixture, "telemetry.cbor", 1, 0);
        write_bytes(fixture, "telemetry.cbor", record, cut);
        open_run(fixture, false);
        expect_step(fixture, 1);
        assert_int_equal(next(fixture), TW_NEXT_BROKEN);
        assert_string_equal(fixture->item.reason, "record cut off at the end");
        assert_int_equal(fixture->item.n_bytes, cut);
        assert_int_equal(next(fixture), TW_NEXT_END);
    }
}

static void a_torn_line_is_told_once(void **state)
{
    struct fixture *fixture = *state;
    write_text(fixture, "telemetry.jsonl",
               "{\"run\":\"r1\",\"step\":1,\"loss\":0.5}\n{\"run\":\"r1\",\"step\":2,\"lo");
    open_run(fixture, false);
    expect_step(fixture, 1);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_string_equal(fixture->item.reason, "record cut off at the end");
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_corrupt_length_does_not_swallow_the_records_behind_it(void **state)
{
    struct fixture *fixture = *state;
    /* A map whose first key "v" has a byte string of 65,535 bytes for a value. */
    static const unsigned char liar[] = {0xa1, 0x61, 'v', 0x59, 0xff, 0xff};
    write_bytes(fixture, "telemetry.cbor", liar, sizeof liar);
    append_step(fixture, "telemetry.cbor", 7, 0);
    open_run(fixture, false);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_int_equal(fixture->item.n_bytes, sizeof liar);
    expect_step(fixture, 7);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void reading_goes_on_behind_a_saved_position(void **state)
{
    struct fixture *fixture = *state;
    struct tw_position position = {.partition = 0};
    position.offset = (int64_t)append_step(fixture, "telemetry.cbor", 1, 0);
    append_step(fixture, "telemetry.cbor", 2, 0);
    open_run(fixture, false);
    assert_int_equal(source->start(fixture->handle, &position, NULL), 0);
    expect_step(fixture, 2);
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void a_followed_run_waits_for_its_file_and_for_the_rest_of_a_record(void **state)
{
    struct fixture *fixture = *state;
    unsigned char record[512];
    open_run(fixture, true);
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
    size_t n = encode_step(record, sizeof record, 1, 0);
    write_bytes(fixture, "telemetry.cbor", record, n - 3);
    sleep(1); /* the directory is looked at again */
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
    write_bytes(fixture, "telemetry.cbor", record + n - 3, 3);
    expect_step(fixture, 1);
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
    append_step(fixture, "telemetry.cbor", 2, 0);
    expect_step(fixture, 2);
    append_end(fixture, "telemetry.cbor");
    assert_int_equal(next(fixture), TW_NEXT_RECORD);
    assert_int_equal(fixture->item.record->kind, TW_KIND_END);
    assert_int_equal(next(fixture), TW_NEXT_END);
    append_step(fixture, "telemetry.cbor", 3, 0); /* the run is resumed */
    expect_step(fixture, 3);
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
}

static void a_torn_record_that_its_writer_cuts_off_later_is_never_seen(void **state)
{
    struct fixture *fixture = *state;
    size_t first = append_step(fixture, "telemetry.cbor", 1, 0);
    write_bytes(fixture, "telemetry.cbor", "\xa5\x61v\x01\x63run", 8);
    open_run(fixture, true);
    expect_step(fixture, 1);
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
    assert_int_equal(truncate(path_of(fixture, "telemetry.cbor"), (off_t)first), 0);
    append_step(fixture, "telemetry.cbor", 2, 0);
    expect_step(fixture, 2);
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
}

static void a_truncated_file_is_told_and_read_again(void **state)
{
    struct fixture *fixture = *state;
    append_step(fixture, "telemetry.cbor", 1, 0);
    append_step(fixture, "telemetry.cbor", 2, 0);
    open_run(fixture, true);
    expect_step(fixture, 1);
    expect_step(fixture, 2);
    assert_int_equal(truncate(path_of(fixture, "telemetry.cbor"), 0), 0);
    append_step(fixture, "telemetry.cbor", 9, 0);
    assert_int_equal(next(fixture), TW_NEXT_BROKEN);
    assert_non_null(strstr(fixture->item.reason, "file was truncated"));
    expect_step(fixture, 9);
}

static void a_file_that_takes_the_place_of_another_is_read_from_its_start(void **state)
{
    struct fixture *fixture = *state;
    char other[200];
    append_step(fixture, "telemetry.cbor", 1, 0);
    open_run(fixture, true);
    expect_step(fixture, 1);
    append_step(fixture, "other", 5, 0);
    snprintf(other, sizeof other, "%s", path_of(fixture, "other"));
    assert_int_equal(rename(other, path_of(fixture, "telemetry.cbor")), 0);
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
    expect_step(fixture, 5);
}

static void a_wait_ends_when_something_is_written(void **state)
{
    struct fixture *fixture = *state;
    append_step(fixture, "telemetry.cbor", 1, 0);
    open_run(fixture, true);
    expect_step(fixture, 1);
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        append_step(fixture, "telemetry.cbor", 2, 0);
        _exit(0);
    }
    struct tw_error error = {0};
    assert_int_equal(source->next(fixture->handle, 10, &fixture->item, &error), TW_NEXT_RECORD);
    assert_int_equal(fixture->item.record->step, 2);
}

static void ranks_are_merged_by_step(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t steps[] = {1, 1, 2, 2, 3}; /* of ranks 0, 1, 0, 1, 0 */
    for (uint64_t step = 1; step <= 3; step++)
        append_step(fixture, "telemetry.cbor", step, 0);
    for (uint64_t step = 1; step <= 2; step++)
        append_step(fixture, "telemetry.rank1.cbor", step, 1);
    open_run(fixture, false);
    for (int i = 0; i < 5; i++) {
        expect_step(fixture, steps[i]);
        assert_int_equal(fixture->item.record->rank, i % 2);
    }
    assert_int_equal(next(fixture), TW_NEXT_END);
}

/* What rank 0 has told does not come again; of the others, what is as near as it may have been
 * overtaken. */
static void behind_a_saved_position_the_others_go_on_near_rank_0(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t step = 1; step <= 203; step++) {
        append_step(fixture, "telemetry.cbor", step > 100 ? step - 90 : step, 0);
        append_step(fixture, "telemetry.rank1.cbor", step > 100 ? step - 90 : step, 1);
    }
    open_run(fixture, false);
    for (int i = 0; i < 400; i++)
        assert_int_equal(next(fixture), TW_NEXT_RECORD);
    struct tw_position position = fixture->item.position; /* both ranks' step 110 are done */
    assert_int_equal(fixture->item.record->step, 110);
    assert_int_equal(position.index, 1);
    open_run(fixture, false);
    assert_int_equal(source->start(fixture->handle, &position, NULL), 0);
    for (uint64_t step = 46; step <= 110; step++) { /* of the second time */
        expect_step(fixture, step);
        assert_int_equal(fixture->item.record->rank, 1);
        assert_int_equal(fixture->item.position.offset, position.offset);
        assert_int_equal(fixture->item.position.index, 1 + step - 45);
    }
    for (uint64_t step = 111; step <= 113; step++) {
        for (uint32_t rank = 0; rank < 2; rank++) {
            expect_step(fixture, step);
            assert_int_equal(fixture->item.record->rank, rank);
        }
    }
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void append_end_of(const struct fixture *fixture, const char *name, uint32_t rank)
{
    char text[100];
    snprintf(text, sizeof text, "{\"run\":\"r1\",\"rank\":%u,\"kind\":\"end\"}\n", rank);
    write_text(fixture, name, text);
}

static void append_json(const struct fixture *fixture, const char *name, uint64_t step,
                        uint32_t rank)
{
    char text[100];
    snprintf(text, sizeof text, "{\"run\":\"r1\",\"rank\":%u,\"step\":%d,\"loss\":1}\n", rank,
             (int)step);
    write_text(fixture, name, text);
}

static void rank_0s_end_comes_last_and_a_resumed_run_is_merged_anew(void **state)
{
    static const struct {
        uint64_t step; /* 0: an end */
        uint32_t rank;
    } expected[] = {{1, 0}, {1, 1}, {2, 0}, {2, 1}, {0, 1}, {0, 0},
                    {1, 0}, {1, 1}, {2, 0}, {2, 1}, {0, 1}, {0, 0}};
    struct fixture *fixture = *state;
    for (int attempt = 0; attempt < 2; attempt++) {
        for (uint32_t rank = 0; rank < 2; rank++) {
            const char *name = rank ? "telemetry.rank1.jsonl" : "telemetry.jsonl";
            append_json(fixture, name, 1, rank);
            append_json(fixture, name, 2, rank);
            append_end_of(fixture, name, rank);
        }
    }
    open_run(fixture, false);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(next(fixture), TW_NEXT_RECORD);
        assert_int_equal(fixture->item.record->rank, expected[i].rank);
        assert_int_equal(fixture->item.record->step, expected[i].step);
    }
    assert_int_equal(next(fixture), TW_NEXT_END);
}

static void while_rank_0_waits_the_others_go_ahead_by_the_window(void **state)
{
    struct fixture *fixture = *state;
    append_step(fixture, "telemetry.cbor", 1, 0);
    for (uint64_t step = 1; step <= 100; step++)
        append_step(fixture, "telemetry.rank1.cbor", step, 1);
    open_run(fixture, true);
    expect_step(fixture, 1);
    for (uint64_t step = 1; step <= 65; step++) {
        expect_step(fixture, step);
        assert_int_equal(fixture->item.record->rank, 1);
    }
    assert_int_equal(next(fixture), TW_NEXT_WAIT);
    append_step(fixture, "telemetry.cbor", 2, 0);
    expect_step(fixture, 2);
    expect_step(fixture, 66);
}

static void a_directory_without_telemetry_is_an_error_that_names_it(void **state)
{
    struct fixture *fixture = *state;
    struct tw_error error = {0};
    struct tw_source_request request = {.path = fixture->dir};
    write_text(fixture, "run.json", "{\"run\":\"r1\",\"kind\":\"header\"}");
    assert_int_equal(source->probe(fixture->dir, NULL), 0);
    assert_true(source->open(&fixture->handle, &request, &error) < 0);
    assert_string_equal(error.place, fixture->dir);
    assert_string_equal(error.text, "holds no telemetry.cbor or telemetry.jsonl");
}

static void a_pipe_is_refused_and_does_not_block(void **state)
{
    struct fixture *fixture = *state;
    struct tw_error error = {0};
    char path[200];
    snprintf(path, sizeof path, "%s", path_of(fixture, "pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    struct tw_source_request request = {.path = path};
    assert_int_equal(source->probe(path, NULL), 0);
    assert_true(source->open(&fixture->handle, &request, &error) < 0);
    assert_string_equal(error.text, "is not a regular file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cbor_file_is_read_to_its_end_with_byte_positions),
        TEST(json_lines_are_read_also_without_the_last_newline),
        TEST(a_broken_line_is_told_and_does_not_hide_the_rest),
        TEST(a_broken_stretch_of_cbor_is_passed_over_as_one),
        TEST(a_broken_stretch_larger_than_the_buffer_is_passed_over),
        TEST(a_line_that_is_too_long_is_passed_over),
        TEST(a_torn_tail_is_told_once_at_any_length),
        TEST(a_torn_line_is_told_once),
        TEST(a_corrupt_length_does_not_swallow_the_records_behind_it),
        TEST(reading_goes_on_behind_a_saved_position),
        TEST(a_followed_run_waits_for_its_file_and_for_the_rest_of_a_record),
        TEST(a_torn_record_that_its_writer_cuts_off_later_is_never_seen),
        TEST(a_truncated_file_is_told_and_read_again),
        TEST(a_file_that_takes_the_place_of_another_is_read_from_its_start),
        TEST(a_wait_ends_when_something_is_written),
        TEST(ranks_are_merged_by_step),
        TEST(behind_a_saved_position_the_others_go_on_near_rank_0),
        TEST(rank_0s_end_comes_last_and_a_resumed_run_is_merged_anew),
        TEST(while_rank_0_waits_the_others_go_ahead_by_the_window),
        TEST(a_directory_without_telemetry_is_an_error_that_names_it),
        TEST(a_pipe_is_refused_and_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
