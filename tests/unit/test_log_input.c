/* A followed file: growing, cut back, written anew, replaced, deleted, failing; and packed ones. */
#include "sources/logs/input.h"

#include "failing_files.h"
#include "temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

struct fixture {
    char *dir, path[100], other[100];
    struct tw_log_input *input;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->dir = make_directory();
    snprintf(fixture->path, sizeof fixture->path, "%s/log", fixture->dir);
    snprintf(fixture->other, sizeof fixture->other, "%s/other", fixture->dir);
    files_are_well();
    *state = fixture;
    return fixture->dir ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_log_input_free(fixture->input);
    remove_directory(fixture->dir);
    free(fixture);
    return 0;
}

/* `how`: "w" writes anew in place, "a" appends. Its time moves on, as a slower writer's would. */
static void put(const char *path, const char *how, const void *bytes, size_t size)
{
    static time_t second = 1000000000;
    FILE *file = fopen(path, how);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    struct timespec times[2] = {{.tv_sec = ++second}, {.tv_sec = second}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put_text(const char *path, const char *how, const char *text)
{
    put(path, how, text, strlen(text));
}

static void expect(struct fixture *fixture, int news, const char *text)
{
    char bytes[4096];
    size_t n;
    assert_int_equal(tw_log_input_read(fixture->input, bytes, sizeof bytes, &n, NULL), news);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(bytes, text, n);
}

/* After two seconds. */
static void expect_gone(struct fixture *fixture)
{
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(1.5);
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(.5);
    expect(fixture, TW_LOG_GONE, "");
}

static void a_file_that_comes_later_and_grows_is_read_as_it_comes(void **state)
{
    struct fixture *fixture = *state;
    fixture->input = tw_log_input_new(fixture->path, true);
    expect_gone(fixture);
    put_text(fixture->path, "w", "one\n");
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "a", "two\n");
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    expect(fixture, TW_LOG_NOTHING, "");
    assert_int_equal(tw_log_input_place(fixture->input), 8);
}

static void a_file_that_is_cut_back_starts_again(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\ntwo\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\ntwo\n");
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "w", "new\n");
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "new\n");
}

/* logrotate's copytruncate, while much of the file is still to be read; and soon there is more in
 * it than was read of the old one. */
static void a_file_that_is_cut_back_before_its_end_was_reached_starts_again(void **state)
{
    struct fixture *fixture = *state;
    char bytes[4];
    size_t n;
    put_text(fixture->path, "w", "one\ntwo\nthree\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tw_log_input_read(fixture->input, bytes, sizeof bytes, &n, NULL),
                         TW_LOG_BYTES_CAME);
        assert_memory_equal(bytes, i ? "two\n" : "one\n", 4);
    }
    put_text(fixture->path, "w", "four\nfive\nsix\n");
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "four\nfive\nsix\n");
}

/* Lightning's CSVLogger writes the whole file again when a column comes; it is longer then. */
static void a_file_that_is_written_anew_in_place_starts_again(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "step,loss\n1,2\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "step,loss\n1,2\n");
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "w", "step,loss,val_loss\n1,2,\n2,1,3\n");
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "step,loss,val_loss\n1,2,\n2,1,3\n");
}

static void a_file_that_is_written_anew_with_the_same_and_more_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "step,loss\n1,2\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "step,loss\n1,2\n");
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "w", "step,loss\n1,2\n2,1\n");
    expect(fixture, TW_LOG_BYTES_CAME, "2,1\n");
}

/* Only the bytes before our place differ: beyond the first KiB, which stays. */
static void a_change_before_our_place_starts_again(void **state)
{
    struct fixture *fixture = *state;
    char bytes[3001], again[4096];
    size_t n;
    memset(bytes, 'a', sizeof bytes);
    put(fixture->path, "w", bytes, 3000);
    fixture->input = tw_log_input_new(fixture->path, true);
    assert_int_equal(tw_log_input_read(fixture->input, again, sizeof again, &n, NULL),
                     TW_LOG_BYTES_CAME);
    expect(fixture, TW_LOG_NOTHING, "");
    bytes[2990] = 'b';
    put(fixture->path, "w", bytes, 3001);
    expect(fixture, TW_LOG_RESTARTED, "");
}

/* As in Python's RotatingFileHandler: renamed, and for a moment there is none. */
static void a_file_that_is_rotated_away_is_read_to_its_end_and_another_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    assert_int_equal(rename(fixture->path, fixture->other), 0);
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->other, "a", "last\n");
    put_text(fixture->path, "w", "two\n");
    expect(fixture, TW_LOG_BYTES_CAME, "last\n");
    expect(fixture, TW_LOG_ROTATED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    expect(fixture, TW_LOG_NOTHING, "");
}

/* As logrotate's "compress" does: the file is renamed, packed with its time, and deleted. */
static void pack_away(struct fixture *fixture)
{
    char packed[120];
    struct stat status;
    snprintf(packed, sizeof packed, "%s.1.gz", fixture->path);
    assert_int_equal(stat(fixture->path, &status), 0);
    put_text(packed, "w", "packed");
    struct timespec times[2] = {status.st_mtim, status.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, packed, times, 0), 0);
    assert_int_equal(unlink(fixture->path), 0);
}

static void a_file_that_is_packed_away_is_read_to_its_end_and_another_goes_on(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    put_text(fixture->path, "a", "last\n");
    pack_away(fixture);
    put_text(fixture->path, "w", "two\n");
    expect(fixture, TW_LOG_BYTES_CAME, "last\n");
    expect(fixture, TW_LOG_ROTATED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    /* Its writer makes the next one at its next line only. */
    pack_away(fixture);
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(3600);
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "w", "three\n");
    expect(fixture, TW_LOG_ROTATED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "three\n");
    /* The old copy is not of this one. */
    assert_int_equal(unlink(fixture->path), 0);
    expect_gone(fixture);
}

/* The old file's last bytes are read before the new one is. */
static void a_file_that_another_one_replaces_is_read_to_its_end_first(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    put_text(fixture->path, "a", "last\n");
    put_text(fixture->other, "w", "another\n");
    assert_int_equal(rename(fixture->other, fixture->path), 0);
    expect(fixture, TW_LOG_BYTES_CAME, "last\n");
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "another\n");
}

static void a_file_that_is_deleted_is_gone_until_it_comes_again(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    assert_int_equal(unlink(fixture->path), 0);
    expect_gone(fixture);
    put_text(fixture->path, "w", "again\n");
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "again\n");
}

static void the_end_of_a_file_is_seen_from_a_whole_line_on(void **state)
{
    static const char packed[] = "\x1f\x8b\x08\0 packed \n and more";
    struct fixture *fixture = *state;
    char bytes[12];
    put_text(fixture->path, "w", "first line\nsecond\nthird");
    assert_int_equal(tw_log_input_peek_end(fixture->path, bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "third", 5);
    assert_int_equal(tw_log_input_peek_end(fixture->path, bytes, 3), 0); /* no line begins there */
    put_text(fixture->path, "w", "small\n");
    assert_int_equal(tw_log_input_peek_end(fixture->path, bytes, sizeof bytes), 0);
    assert_true(tw_log_input_peek_end(fixture->other, bytes, sizeof bytes) < 0);
    put(fixture->path, "w", packed, sizeof packed);
    assert_int_equal(tw_log_input_peek_end(fixture->path, bytes, sizeof bytes), 0);
}

static void what_is_no_file_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct tw_error error = {0};
    char bytes[16];
    size_t n;
    fixture->input = tw_log_input_new(fixture->dir, false);
    assert_true(tw_log_input_read(fixture->input, bytes, sizeof bytes, &n, &error) < 0);
    assert_string_equal(error.place, fixture->dir);
    assert_true(mkfifo(fixture->other, 0600) == 0);
    bool is_whole;
    assert_true(tw_log_input_peek(fixture->other, bytes, sizeof bytes, &is_whole) < 0);
}

/* ---- packed ---- */

static size_t pack_gzip(const char *text, unsigned char *to, size_t size)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(size_t)text;
    stream.avail_in = (unsigned)strlen(text);
    stream.next_out = to;
    stream.avail_out = (unsigned)size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void members_of_gzip_are_one_text_and_padding_is_none(void **state)
{
    struct fixture *fixture = *state;
    unsigned char packed[1000] = {0};
    size_t first = pack_gzip("one\n", packed, sizeof packed);
    size_t all = first + pack_gzip("two\n", packed + first, sizeof packed - first);
    char *text;
    size_t size;
    put(fixture->path, "w", packed, all + 100); /* zeros, as from a tape */
    assert_int_equal(tw_log_input_whole(fixture->path, 1000, &text, &size, NULL), 0);
    assert_string_equal(text, "one\ntwo\n");
    free(text);
}

static void frames_of_zstd_are_one_text(void **state)
{
    struct fixture *fixture = *state;
    char packed[1000];
    size_t n = ZSTD_compress(packed, sizeof packed, "one\n", 4, 1);
    n += ZSTD_compress(packed + n, sizeof packed - n, "two\n", 4, 1);
    put(fixture->path, "w", packed, n);
    fixture->input = tw_log_input_new(fixture->path, false);
    char bytes[100];
    size_t used = 0, more;
    while (tw_log_input_read(fixture->input, bytes + used, 3, &more, NULL) == TW_LOG_BYTES_CAME)
        used += more;
    assert_int_equal(used, 8);
    assert_memory_equal(bytes, "one\ntwo\n", 8);
}

static void a_packed_file_that_is_damaged_gives_what_came_before(void **state)
{
    struct fixture *fixture = *state;
    unsigned char packed[1000];
    char bytes[100];
    size_t n = pack_gzip("one\n", packed, sizeof packed), got;
    packed[n - 8] ^= 1; /* its checksum */
    put(fixture->path, "w", packed, n);
    fixture->input = tw_log_input_new(fixture->path, false);
    int news = tw_log_input_read(fixture->input, bytes, sizeof bytes, &got, NULL);
    assert_int_equal(news, TW_LOG_BYTES_CAME);
    assert_memory_equal(bytes, "one\n", 4);
    expect(fixture, TW_LOG_DAMAGED, "");
    expect(fixture, TW_LOG_NOTHING, "");
}

static void a_packed_file_that_is_cut_off_is_told(void **state)
{
    struct fixture *fixture = *state;
    unsigned char packed[1000];
    size_t n = pack_gzip("one\n", packed, sizeof packed);
    put(fixture->path, "w", packed, n - 6);
    fixture->input = tw_log_input_new(fixture->path, false);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    expect(fixture, TW_LOG_DAMAGED, "");
}

static void a_packed_file_grows(void **state)
{
    struct fixture *fixture = *state;
    unsigned char packed[1000];
    size_t first = pack_gzip("one\n", packed, sizeof packed);
    put(fixture->path, "w", packed, first);
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    expect(fixture, TW_LOG_NOTHING, "");
    size_t second = pack_gzip("two\n", packed, sizeof packed);
    put(fixture->path, "a", packed, second);
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
}

/* ---- failures ---- */

static int error_of(struct fixture *fixture)
{
    struct tw_error error = {0};
    char bytes[16];
    size_t n;
    int news = tw_log_input_read(fixture->input, bytes, sizeof bytes, &n, &error);
    assert_int_equal(error.code, news < 0 ? news : 0);
    assert_string_equal(error.place, news < 0 ? fixture->path : "");
    return news;
}

/* It is read up to "one", and "two" has come. */
static void start_to_follow(struct fixture *fixture, bool follow)
{
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, follow);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "a", "two\n");
}

static void what_fails_for_less_than_a_minute_goes_on(void **state)
{
    static const int errors[] = {EIO, ETIMEDOUT, EHOSTUNREACH};
    struct fixture *fixture = *state;
    start_to_follow(fixture, true);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        reading_fails(errors[i]);
        expect(fixture, TW_LOG_NOTHING, "");
        seconds_pass(19);
    }
    expect(fixture, TW_LOG_NOTHING, "");
    files_are_well();
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    /* Another failure is borne as long. */
    seconds_pass(10);
    reading_fails(EIO);
    put_text(fixture->path, "a", "three\n");
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(59);
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(1);
    assert_int_equal(error_of(fixture), -EIO);
}

static void what_cannot_be_opened_for_a_moment_is_opened_later(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    opening_fails(EACCES);
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(1.5);
    expect(fixture, TW_LOG_NOTHING, "");
    opening_fails(ETIMEDOUT);
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(59);
    expect(fixture, TW_LOG_NOTHING, "");
    files_are_well();
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
}

static void rights_that_are_lost_end_it_after_two_seconds(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    opening_fails(EACCES);
    expect(fixture, TW_LOG_NOTHING, "");
    seconds_pass(2);
    assert_int_equal(error_of(fixture), -EACCES);
}

static void what_will_not_pass_ends_it_at_once(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    opening_fails(ELOOP);
    assert_int_equal(error_of(fixture), -ELOOP);
}

static void a_file_that_is_not_followed_or_has_no_writer_fails_at_once(void **state)
{
    struct fixture *fixture = *state;
    start_to_follow(fixture, false);
    reading_fails(EIO);
    assert_int_equal(error_of(fixture), -EIO);
    files_are_well();
    tw_log_input_free(fixture->input);
    start_to_follow(fixture, true);
    reading_fails(EIO);
    expect(fixture, TW_LOG_NOTHING, "");
    tw_log_input_no_more(fixture->input);
    assert_int_equal(error_of(fixture), -EIO);
}

/* A file server was started anew: the handle is void, and the file is what it was. */
static void a_handle_that_is_stale_is_opened_anew_and_goes_on(void **state)
{
    struct fixture *fixture = *state;
    start_to_follow(fixture, true);
    reading_fails(ESTALE);
    expect(fixture, TW_LOG_NOTHING, "");
    opening_fails(ESTALE);
    expect(fixture, TW_LOG_NOTHING, "");
    files_are_well();
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    assert_int_equal(tw_log_input_place(fixture->input), 8);
}

/* ... while there was more to read, and of a packed one. */
static void a_packed_file_goes_on_behind_a_stale_handle(void **state)
{
    struct fixture *fixture = *state;
    unsigned char packed[1000];
    size_t first = pack_gzip("one\n", packed, sizeof packed);
    size_t all = first + pack_gzip("two\n", packed + first, sizeof packed - first);
    put(fixture->path, "w", packed, first + 5);
    fixture->input = tw_log_input_new(fixture->path, true);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    reading_fails(ESTALE);
    expect(fixture, TW_LOG_NOTHING, "");
    files_are_well();
    put(fixture->path, "a", packed + first + 5, all - first - 5);
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
}

static void a_stale_handle_of_a_file_that_was_replaced_starts_again(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    start_to_follow(fixture, true);
    assert_int_equal(stat(fixture->path, &status), 0);
    put_text(fixture->other, "w", "another\n");
    /* The time that was seen last: before "two" came. */
    struct timespec times[2] = {{.tv_sec = status.st_mtim.tv_sec - 1}};
    times[1] = times[0];
    reading_fails(ESTALE);
    expect(fixture, TW_LOG_NOTHING, "");
    assert_int_equal(rename(fixture->other, fixture->path), 0);
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
    files_are_well();
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "another\n");
}

static void a_stale_handle_of_a_file_that_was_deleted_is_gone(void **state)
{
    struct fixture *fixture = *state;
    start_to_follow(fixture, true);
    assert_int_equal(unlink(fixture->path), 0);
    reading_fails(ESTALE);
    expect(fixture, TW_LOG_NOTHING, "");
    files_are_well();
    expect_gone(fixture);
}

/* ---- more files than may be open ---- */

#define DESCRIPTORS 40

static struct tw_log_input *others[DESCRIPTORS / 2];

static int set_up_few(void **state)
{
    struct rlimit few;
    char byte[8];
    size_t n;
    int result = set_up(state);
    struct fixture *fixture = *state;
    if (result || getrlimit(RLIMIT_NOFILE, &few))
        return -1;
    few.rlim_cur = DESCRIPTORS;
    put_text(fixture->other, "w", "x\n");
    for (size_t i = 0; i < DESCRIPTORS / 2; i++) {
        others[i] = tw_log_input_new(fixture->other, true);
        tw_log_input_read(others[i], byte, sizeof byte, &n, NULL);
    }
    put_text(fixture->path, "w", "one\n");
    fixture->input = tw_log_input_new(fixture->path, true);
    return setrlimit(RLIMIT_NOFILE, &few);
}

static int tear_down_few(void **state)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (size_t i = 0; i < DESCRIPTORS / 2; i++)
        tw_log_input_free(others[i]);
    return tear_down(state);
}

static int lowest_free_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

static void a_file_for_which_there_is_no_descriptor_is_closed_after_each_look(void **state)
{
    struct fixture *fixture = *state;
    int free_one = lowest_free_descriptor();
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    assert_int_equal(lowest_free_descriptor(), free_one);
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "a", "two\n");
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    expect(fixture, TW_LOG_NOTHING, "");
    assert_int_equal(lowest_free_descriptor(), free_one);
    opening_fails(EIO); /* a quiet one is not opened */
    expect(fixture, TW_LOG_NOTHING, "");
    files_are_well();
    tw_log_input_free(others[0]);
    others[0] = NULL;
    free_one = lowest_free_descriptor();
    put_text(fixture->path, "a", "three\n");
    expect(fixture, TW_LOG_BYTES_CAME, "three\n"); /* in the place that is free now */
    assert_int_not_equal(lowest_free_descriptor(), free_one);
}

static void a_closed_file_that_is_renamed_is_read_to_its_end_and_another_goes_on(void **state)
{
    struct fixture *fixture = *state;
    char renamed[120];
    snprintf(renamed, sizeof renamed, "%s.1", fixture->path);
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    assert_int_equal(rename(fixture->path, renamed), 0);
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(renamed, "a", "last\n");
    put_text(fixture->path, "w", "two\n");
    expect(fixture, TW_LOG_BYTES_CAME, "last\n");
    expect(fixture, TW_LOG_ROTATED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
    expect(fixture, TW_LOG_NOTHING, "");
}

static void a_closed_file_that_is_packed_away_goes_on_in_another(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    pack_away(fixture);
    seconds_pass(3);
    expect(fixture, TW_LOG_NOTHING, "");
    put_text(fixture->path, "w", "two\n");
    expect(fixture, TW_LOG_ROTATED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "two\n");
}

static void a_closed_file_that_is_replaced_or_deleted_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, TW_LOG_BYTES_CAME, "one\n");
    put_text(fixture->other, "w", "other\n");
    assert_int_equal(rename(fixture->other, fixture->path), 0);
    expect(fixture, TW_LOG_RESTARTED, "");
    expect(fixture, TW_LOG_BYTES_CAME, "other\n");
    assert_int_equal(unlink(fixture->path), 0);
    expect_gone(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_OF_FEW(name) cmocka_unit_test_setup_teardown(name, set_up_few, tear_down_few)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_comes_later_and_grows_is_read_as_it_comes),
        TEST(a_file_that_is_cut_back_starts_again),
        TEST(a_file_that_is_cut_back_before_its_end_was_reached_starts_again),
        TEST(a_file_that_is_written_anew_in_place_starts_again),
        TEST(a_file_that_is_written_anew_with_the_same_and_more_goes_on),
        TEST(a_change_before_our_place_starts_again),
        TEST(a_file_that_is_rotated_away_is_read_to_its_end_and_another_goes_on),
        TEST(a_file_that_is_packed_away_is_read_to_its_end_and_another_goes_on),
        TEST(a_file_that_another_one_replaces_is_read_to_its_end_first),
        TEST(a_file_that_is_deleted_is_gone_until_it_comes_again),
        TEST(the_end_of_a_file_is_seen_from_a_whole_line_on),
        TEST(what_is_no_file_is_an_error),
        TEST(members_of_gzip_are_one_text_and_padding_is_none),
        TEST(frames_of_zstd_are_one_text),
        TEST(a_packed_file_that_is_damaged_gives_what_came_before),
        TEST(a_packed_file_that_is_cut_off_is_told),
        TEST(a_packed_file_grows),
        TEST(what_fails_for_less_than_a_minute_goes_on),
        TEST(what_cannot_be_opened_for_a_moment_is_opened_later),
        TEST(rights_that_are_lost_end_it_after_two_seconds),
        TEST(what_will_not_pass_ends_it_at_once),
        TEST(a_file_that_is_not_followed_or_has_no_writer_fails_at_once),
        TEST(a_handle_that_is_stale_is_opened_anew_and_goes_on),
        TEST(a_packed_file_goes_on_behind_a_stale_handle),
        TEST(a_stale_handle_of_a_file_that_was_replaced_starts_again),
        TEST(a_stale_handle_of_a_file_that_was_deleted_is_gone),
        TEST_OF_FEW(a_file_for_which_there_is_no_descriptor_is_closed_after_each_look),
        TEST_OF_FEW(a_closed_file_that_is_renamed_is_read_to_its_end_and_another_goes_on),
        TEST_OF_FEW(a_closed_file_that_is_packed_away_goes_on_in_another),
        TEST_OF_FEW(a_closed_file_that_is_replaced_or_deleted_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
