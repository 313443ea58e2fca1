/* Run files: what a crash, a full disk or a second writer leaves of them. */
#include "config.h"

#include "telemetry/run_file.h"

#include "tests/unit/temporary_directory.h"
#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECORDS 4

struct fixture {
    char *dir;
    char path[128];
    char bytes[16384]; /* RECORDS records, one of each of some kinds */
    size_t ends[RECORDS + 1];
};

static size_t encode(const struct tw_record *record, enum tw_wire_format format, char *ret,
                     size_t size)
{
    if (format == TW_WIRE_CBOR)
        return (size_t)tw_cbor_encode(record, ret, size);
    char *line = tw_json_encode(record);
    size_t length = (size_t)snprintf(ret, size, "%s\n", line);
    free(line);
    return length;
}

static void fill(struct fixture *fixture, enum tw_wire_format format)
{
    static const enum tw_kind kinds[RECORDS] = {TW_KIND_EVENT, TW_KIND_LAYERS, TW_KIND_STEP,
                                                TW_KIND_END};
    fixture->dir = make_directory();
    assert_non_null(fixture->dir);
    snprintf(fixture->path, sizeof fixture->path, "%s/telemetry.%s", fixture->dir,
             format == TW_WIRE_CBOR ? "cbor" : "jsonl");
    fixture->ends[0] = 0;
    for (int i = 0; i < RECORDS; i++) {
        struct tw_record record;
        tw_record_init(&record);
        wire_sample(&record, kinds[i], (uint64_t)i);
        fixture->ends[i + 1] =
            fixture->ends[i] + encode(&record, format, fixture->bytes + fixture->ends[i],
                                      sizeof fixture->bytes - fixture->ends[i]);
        tw_record_clear(&record);
    }
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static size_t read_file(const char *path, char *ret, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(ret, 1, size, file);
    fclose(file);
    return length;
}

/* Reads all records of a file and checks their `seq`; returns how many. */
static int count_records(const char *path, const uint64_t *seqs)
{
    static char bytes[65536];
    size_t size = read_file(path, bytes, sizeof bytes), offset = 0;
    struct tw_record record;
    struct tw_error error = {0};
    int n = 0, result;
    tw_record_init(&record);
    while ((result = tw_message_next(bytes, size, &offset, &record, &error)) > 0)
        assert_true(record.seq == seqs[n++]);
    assert_int_equal(result, 0);
    tw_record_clear(&record);
    return n;
}

/* How many whole records the first `cut` bytes hold. */
static int whole_records(const struct fixture *fixture, size_t cut)
{
    int n = 0;
    while (n < RECORDS && fixture->ends[n + 1] <= cut)
        n++;
    return n;
}

static void cut_at_every_byte(enum tw_wire_format format)
{
    struct fixture fixture;
    struct tw_error error = {0};
    fill(&fixture, format);
    const char *last = fixture.bytes + fixture.ends[RECORDS - 1];
    size_t last_size = fixture.ends[RECORDS] - fixture.ends[RECORDS - 1];
    for (size_t cut = 0; cut <= fixture.ends[RECORDS]; cut++) {
        struct tw_run_file *file = NULL;
        uint64_t seqs[RECORDS + 2] = {0};
        int whole = whole_records(&fixture, cut);
        /* A line that lacks nothing but its newline is whole, too. */
        if (format == TW_WIRE_JSON && whole < RECORDS && fixture.ends[whole + 1] == cut + 1)
            whole++;
        write_file(fixture.path, fixture.bytes, cut);
        assert_int_equal(tw_run_file_open(&file, fixture.dir, format, 0, &error), 0);
        for (int i = 0; i < whole; i++)
            seqs[i] = (uint64_t)i;
        assert_int_equal(count_records(fixture.path, seqs), whole);
        assert_int_equal(tw_run_file_append(file, last, last_size, &error), 0);
        tw_run_file_close(file);
        seqs[whole] = RECORDS - 1;
        assert_int_equal(count_records(fixture.path, seqs), whole + 1);
    }
    remove_directory(fixture.dir);
}

static void a_cbor_file_cut_at_every_byte_can_be_gone_on_with(void **state)
{
    (void)state;
    cut_at_every_byte(TW_WIRE_CBOR);
}

static void a_json_file_cut_at_every_byte_can_be_gone_on_with(void **state)
{
    (void)state;
    cut_at_every_byte(TW_WIRE_JSON);
}

static void a_tail_of_zeros_is_cut_off(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tw_run_file *file = NULL;
    struct tw_error error = {0};
    const uint64_t seqs[] = {0, 1, 2, 3};
    fill(&fixture, TW_WIRE_CBOR);
    /* What some file systems leave after a power cut: the length is there, the data is not. */
    memset(fixture.bytes + fixture.ends[RECORDS], 0, 4096);
    write_file(fixture.path, fixture.bytes, fixture.ends[RECORDS] + 4096);
    assert_int_equal(tw_run_file_open(&file, fixture.dir, TW_WIRE_CBOR, 0, &error), 0);
    assert_int_equal(count_records(fixture.path, seqs), RECORDS);
    tw_run_file_close(file);
    remove_directory(fixture.dir);
}

static void a_corrupt_stretch_costs_no_later_record(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tw_run_file *file = NULL;
    struct tw_error error = {0};
    struct stat status;
    fill(&fixture, TW_WIRE_CBOR);
    /* A length in the second record now claims more than the file holds. */
    char *name = memchr(fixture.bytes + fixture.ends[1], 'r', 10);
    assert_memory_equal(name, "run", 3);
    name[3] = '\x7A';
    write_file(fixture.path, fixture.bytes, fixture.ends[RECORDS]);
    assert_int_equal(tw_run_file_open(&file, fixture.dir, TW_WIRE_CBOR, 0, &error), 0);
    tw_run_file_close(file);
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_int_equal(status.st_size, fixture.ends[RECORDS]);
    assert_int_equal(tw_cbor_resync(fixture.bytes, fixture.ends[RECORDS], fixture.ends[1] + 1),
                     fixture.ends[2]);
    remove_directory(fixture.dir);
}

static void a_file_longer_than_the_window_is_walked_through(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tw_run_file *file = NULL;
    struct tw_error error = {0};
    struct stat status;
    off_t whole = 0;
    fill(&fixture, TW_WIRE_CBOR);
    FILE *stream = fopen(fixture.path, "wb");
    while (whole < 5 * (off_t)TW_RECORD_BYTES_MAX) {
        fwrite(fixture.bytes, 1, fixture.ends[RECORDS], stream);
        whole += (off_t)fixture.ends[RECORDS];
    }
    fwrite(fixture.bytes, 1, fixture.ends[1] - 1, stream);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(tw_run_file_open(&file, fixture.dir, TW_WIRE_CBOR, 0, &error), 0);
    tw_run_file_close(file);
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_int_equal(status.st_size, whole);
    remove_directory(fixture.dir);
}

static void something_else_is_not_overwritten(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tw_run_file *file = NULL;
    struct tw_error error = {0};
    char back[64], message[800];
    fill(&fixture, TW_WIRE_CBOR);
    write_file(fixture.path, "someone's diary", 15);
    assert_int_equal(tw_run_file_open(&file, fixture.dir, TW_WIRE_CBOR, 0, &error), -EBADMSG);
    assert_non_null(strstr(tw_error_message(&error, message, sizeof message), fixture.path));
    assert_int_equal(read_file(fixture.path, back, sizeof back), 15);
    remove_directory(fixture.dir);
}

static void a_second_writer_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tw_run_file *file = NULL, *second = NULL;
    struct tw_error error = {0};
    fill(&fixture, TW_WIRE_CBOR);
    assert_int_equal(tw_run_file_open(&file, fixture.dir, TW_WIRE_CBOR, 0, &error), 0);
    assert_int_equal(tw_run_file_open(&second, fixture.dir, TW_WIRE_CBOR, 0, &error), -EBUSY);
    assert_non_null(strstr(error.text, "another process"));
    /* Other ranks have files of their own. */
    assert_int_equal(tw_run_file_open(&second, fixture.dir, TW_WIRE_CBOR, 3, NULL), 0);
    tw_run_file_close(second);
    tw_run_file_close(file);
    assert_int_equal(tw_run_file_open(&file, fixture.dir, TW_WIRE_CBOR, 0, NULL), 0);
    tw_run_file_close(file);
    snprintf(fixture.path, sizeof fixture.path, "%s/telemetry.rank3.cbor", fixture.dir);
    assert_int_equal(access(fixture.path, F_OK), 0);
    remove_directory(fixture.dir);
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    char *dir = make_directory(), deep[128], path[160];
    struct tw_run_file *file = NULL;
    struct tw_error error = {0};
    snprintf(deep, sizeof deep, "%s/a/b//c/", dir);
    assert_int_equal(tw_run_file_open(&file, deep, TW_WIRE_JSON, 0, &error), 0);
    tw_run_file_close(file);
    snprintf(path, sizeof path, "%s/a/b/c/telemetry.jsonl", dir);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(tw_run_file_open(&file, path, TW_WIRE_JSON, 0, &error), -ENOTDIR);
    assert_int_equal(tw_run_file_open(&file, "", TW_WIRE_JSON, 0, NULL), -ENOENT);
    remove_directory(dir);
}

/* In a process of its own, since the limit on the size of files cannot be raised again. */
static int append_over_the_limit(const struct fixture *fixture)
{
    struct tw_run_file *file = NULL;
    struct rlimit limit = {fixture->ends[2] - 1, fixture->ends[2] - 1};
    signal(SIGXFSZ, SIG_IGN);
    if (tw_run_file_open(&file, fixture->dir, TW_WIRE_CBOR, 0, NULL) ||
        tw_run_file_append(file, fixture->bytes, fixture->ends[1], NULL) ||
        setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    /* One byte short of the room that it needs: the kernel writes the rest of it. */
    struct tw_error error = {0};
    if (tw_run_file_append(file, fixture->bytes + fixture->ends[1],
                           fixture->ends[2] - fixture->ends[1], &error) != -EFBIG ||
        strcmp(error.place, fixture->path))
        return 2;
    if (tw_run_file_append(file, fixture->bytes, 0, NULL))
        return 3;
    tw_run_file_close(file);
    return 0;
}

static void a_full_disk_leaves_whole_records(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stat status;
    int result;
    fill(&fixture, TW_WIRE_CBOR);
    pid_t child = fork();
    if (child == 0)
        _exit(append_over_the_limit(&fixture));
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_int_equal(status.st_size, fixture.ends[1]);
    remove_directory(fixture.dir);
}

static void run_json_is_the_header_and_replaces_the_old_one(void **state)
{
    (void)state;
    char *dir = make_directory(), path[128], text[4096];
    struct tw_record header, back;
    struct tw_error error = {0};
    tw_record_init(&header);
    tw_record_init(&back);
    snprintf(path, sizeof path, "%s/run.json", dir);
    write_file(path, "old", 3);
    wire_sample(&header, TW_KIND_HEADER, 1);
    assert_int_equal(tw_run_file_write_header(dir, &header, &error), 0);
    size_t size = read_file(path, text, sizeof text);
    assert_int_equal(text[size - 1], '\n');
    assert_int_equal(tw_json_decode(text, size, &back, &error), 1);
    assert_same_record(&header, &back);
    tw_record_clear(&header);
    tw_record_clear(&back);
    /* Nothing else is left behind. */
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(dir), 0);
    free(dir);
}

static void resync_finds_maps_of_every_size(void **state)
{
    (void)state;
    /* A map of 3 pairs, of 24 (B8 18), of 256 (B9 01 00), and of indefinite length. */
    static const char *const heads[] = {"\xA3", "\xB8\x18", "\xB9\x01", "\xBF"};
    static const size_t sizes[] = {1, 2, 3, 1};
    for (size_t i = 0; i < 4; i++) {
        char bytes[32] = "noise\x61v\x01"; /* "v" without its map */
        size_t at = 8;
        memcpy(bytes + at, heads[i], strlen(heads[i]));
        memcpy(bytes + at + sizes[i], "\x61v\x01", 3);
        size_t size = at + sizes[i] + 3;
        assert_int_equal(tw_cbor_resync(bytes, size, 0), at);
        assert_int_equal(tw_cbor_resync(bytes, size, at), at);
        assert_int_equal(tw_cbor_resync(bytes, size, at + 1), size);
        /* A beginning at the end of what there is so far. */
        for (size_t cut = at + 1; cut < size; cut++)
            assert_int_equal(tw_cbor_resync(bytes, cut, 0), at);
        /* A text behind "v" is no version. */
        bytes[size - 1] = '\x61';
        assert_int_equal(tw_cbor_resync(bytes, size, 0), size);
    }
    assert_int_equal(tw_cbor_resync("", 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cbor_file_cut_at_every_byte_can_be_gone_on_with),
        cmocka_unit_test(a_json_file_cut_at_every_byte_can_be_gone_on_with),
        cmocka_unit_test(a_tail_of_zeros_is_cut_off),
        cmocka_unit_test(a_corrupt_stretch_costs_no_later_record),
        cmocka_unit_test(a_file_longer_than_the_window_is_walked_through),
        cmocka_unit_test(something_else_is_not_overwritten),
        cmocka_unit_test(a_second_writer_is_refused),
        cmocka_unit_test(directories_are_made_with_their_parents),
        cmocka_unit_test(a_full_disk_leaves_whole_records),
        cmocka_unit_test(run_json_is_the_header_and_replaces_the_old_one),
        cmocka_unit_test(resync_finds_maps_of_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
