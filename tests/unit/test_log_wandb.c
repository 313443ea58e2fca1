/* .wandb files made up by the letter of LevelDB's log format and wandb_internal.proto. Real ones:
 * tests/test_log_writers.py. */
#include "tests/unit/log_rows.h"
#include "tests/unit/protobuf_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <zlib.h>

#include <cmocka.h>

extern const struct tw_log_format tw_log_format_wandb;

#define BLOCK 32768u

static struct built file;
static struct log_rows rows;
static struct tw_error error;

static int setup(void **unused)
{
    (void)unused;
    file = build();
    put_raw(&file, ":W&B\xe1\xbe\0", 7);
    memset(&rows, 0, sizeof rows);
    memset(&error, 0, sizeof error);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    build_free(&file);
    free(rows.text);
    return 0;
}

static void put_chunk(uint8_t type, const uint8_t *data, size_t size)
{
    uLong crc = crc32(0, &type, 1);
    put_little_endian(&file, crc32(crc, data, (uInt)size), 4);
    put_little_endian(&file, size, 2);
    put_raw(&file, &type, 1);
    put_raw(&file, data, size);
}

/* Fragments as LevelDB's writer makes them. */
static void put_record(struct built record)
{
    const uint8_t *at = record.bytes, *end = at + record.size;
    do {
        size_t left = BLOCK - file.size % BLOCK;
        if (left < 7) {
            put_raw(&file, "\0\0\0\0\0\0", left);
            left = BLOCK;
        }
        size_t size = (size_t)(end - at) < left - 7 ? (size_t)(end - at) : left - 7;
        int is_first = at == record.bytes, is_last = at + size == end;
        put_chunk(is_first ? (is_last ? 1 : 2) : is_last ? 4 : 3, at, size);
        at += size;
    } while (at < end);
    build_free(&record);
}

/* Items of field `number`: name, JSON, name, JSON, NULL. '/' in a name divides nested keys. */
static struct built items(unsigned number, const char *const *pairs)
{
    struct built message = build();
    for (; *pairs; pairs += 2) {
        struct built item = build();
        if (strchr(pairs[0], '/')) {
            char copy[100], *rest = copy, *key;
            strcpy(copy, pairs[0]);
            while ((key = strtok_r(NULL, "/", &rest)))
                put_text(&item, 2, key);
        } else {
            put_text(&item, 1, pairs[0]);
        }
        put_text(&item, 16, pairs[1]);
        put_message(&message, number, item);
    }
    return message;
}

static void put_kind(unsigned kind, struct built message)
{
    struct built record = build();
    put_number(&record, 1, 5);
    put_message(&record, kind, message);
    put_record(record);
}

static void put_history(uint64_t step, const char *const *pairs)
{
    struct built message = items(1, pairs), number = build();
    if (step)
        put_number(&number, 1, step);
    put_message(&message, 2, number);
    put_kind(2, message);
}

#define HISTORY(step, ...) put_history(step, (const char *const[]){__VA_ARGS__, NULL})

static void put_loss(uint64_t step)
{
    HISTORY(step, "loss", "0.5");
}

static void read_portions(size_t portion, int expected)
{
    free(rows.text);
    memset(&rows, 0, sizeof rows);
    memset(&error, 0, sizeof error);
    assert_int_equal(log_rows_read(&tw_log_format_wandb, "run-1.wandb", file.bytes, file.size,
                                   portion, &rows, &error),
                     expected);
}

static void assert_rows(const char *expected)
{
    static const size_t portions[] = {1, 7, 0};
    for (size_t i = 0; i < 3; i++) {
        read_portions(portions[i], 0);
        assert_string_equal(rows.text ? rows.text : "", expected);
    }
}

static void test_history_is_rows(void **unused)
{
    (void)unused;
    HISTORY(0, "_timestamp", "1.7e+09", "_step", "0", "train/loss", "1.5", "_runtime", "3");
    HISTORY(2, "loss", "NaN", "up", "Infinity", "down", "-Infinity", "word", "\"nan\"", "name",
            "\"a\"", "nothing", "null", "yes", "true");
    assert_rows("row step=0 time=1700000000000: train/loss=1.5 _runtime=3(1)\n"
                "row step=2: loss=nan up=inf down=-inf word=nan yes=1\n");
}

static void test_nested_values_are_joined(void **unused)
{
    (void)unused;
    HISTORY(1, "a", "{\"b\": {\"c\": 1, \"d\": Infinity}, \"e\": [1, 2]}");
    assert_rows("row step=1: a/b/c=1 a/b/d=inf\n");
}

/* Newer items have a field for each type. */
static void test_typed_items(void **unused)
{
    (void)unused;
    struct built history = build(), one = build(), other = build();
    put_text(&one, 1, "n");
    put_number(&one, 5, (uint64_t)-3);
    put_text(&other, 1, "x");
    put_double(&other, 6, 0.25);
    put_message(&history, 1, one);
    put_message(&history, 1, other);
    put_kind(2, history);
    assert_rows("row: n=-3 x=0.25\n");
}

static void test_kinds_of_their_own_are_no_numbers(void **unused)
{
    (void)unused;
    HISTORY(1, "img/_type", "\"image-file\"", "img/size", "1234", "img/x/y", "3", "loss", "1");
    HISTORY(2, "w/bins", "[-3, 0, 2]", "w/values", "[1, 2]", "w/_type", "\"histogram\"");
    HISTORY(3, "w", "{\"_type\": \"histogram\", \"bins\": [-1, 4], \"values\": [2]}", "i",
            "{\"_type\": \"image-file\", \"size\": 5}");
    assert_rows("row step=1: loss=1\n"
                "row step=2: w/abs_max=3(21)\n"
                "row step=3: w/abs_max=4(21)\n");
}

static void test_configuration_is_parameters(void **unused)
{
    (void)unused;
    struct built run = build(), config = items(1, (const char *const[]){"lr", "0.001", NULL});
    put_text(&run, 1, "id");
    put_message(&run, 4, config);
    put_kind(17, run);
    put_kind(5, items(1, (const char *const[]){"_wandb", "{\"x\": 1}", "opt",
                                               "{\"name\": \"adam\", \"betas\": [0.9, 0.99]}",
                                               "amp", "true", NULL}));
    assert_rows("parameter lr=0.001\n"
                "parameter opt/name=adam\n"
                "parameter opt/betas=[0.9,0.99]\n"
                "parameter amp=true\n");
}

static void put_exit(uint64_t code)
{
    struct built message = build();
    if (code)
        put_number(&message, 1, code);
    put_number(&message, 2, 100);
    put_kind(18, message);
}

static void test_the_exit_tells_how_it_ended(void **unused)
{
    (void)unused;
    put_exit(0);
    put_exit(1);
    put_exit(255);
    assert_rows("event 3\nevent 4\nevent 5\n");
}

static void test_a_resumed_run(void **unused)
{
    (void)unused;
    struct built run = build();
    put_number(&run, 14, 100);
    put_number(&run, 18, 1);
    put_kind(17, run);
    assert_rows("event 1 step=99\n");
}

/* Each record is longer than the one before, so that blocks end in every way, padding too. */
static void test_records_over_blocks(void **unused)
{
    (void)unused;
    char expected[400 * 24] = "", value[2000];
    size_t length = 0;
    for (unsigned i = 1; i < 400; i++) {
        memset(value, 'x', sizeof value);
        value[0] = value[i] = '"';
        value[i + 1] = 0;
        HISTORY(i, "loss", "0.5", "text", value);
        length += (size_t)sprintf(expected + length, "row step=%u: loss=0.5\n", i);
    }
    assert_true(file.size > 2 * BLOCK);
    assert_rows(expected);
}

static void test_a_record_of_many_blocks(void **unused)
{
    (void)unused;
    size_t size = 5 * BLOCK;
    char *value = malloc(size + 1);
    memset(value, 'x', size);
    value[0] = value[size - 1] = '"';
    value[size] = 0;
    HISTORY(1, "text", value, "loss", "2");
    put_loss(2);
    free(value);
    read_portions(7, 0);
    assert_string_equal(rows.text, "row step=1: loss=2\nrow step=2: loss=0.5\n");
}

/* The rest of the block is lost with it, and no more. */
static void test_a_wrong_checksum_costs_its_block(void **unused)
{
    (void)unused;
    put_loss(1);
    size_t first = file.size;
    for (unsigned i = 2; file.size < BLOCK; i++)
        put_loss(i);
    put_loss(100000);
    put_loss(100001);
    file.bytes[first + 9] ^= 1;
    read_portions(7, 0);
    assert_int_equal(rows.n_broken, 2); /* and the record that goes on in the next block */
    assert_memory_equal(rows.text, "row step=1: loss=0.5\nbroken a record has a wrong checksum\n",
                        58);
    assert_non_null(strstr(rows.text, "row step=100001: loss=0.5\n"));
    assert_null(strstr(rows.text, "row step=3:"));
}

static void test_a_lost_fragment_costs_its_record(void **unused)
{
    (void)unused;
    put_chunk(3, (const uint8_t *)"x", 1);
    put_loss(1);
    put_chunk(2, (const uint8_t *)"x", 1);
    put_loss(2);
    put_chunk(2, (const uint8_t *)"", 0);
    put_chunk(2, (const uint8_t *)"\7", 1); /* no protobuf */
    put_chunk(2, (const uint8_t *)"\7", 1);
    put_chunk(4, (const uint8_t *)"\7", 1);
    assert_rows("broken a record has no beginning\n"
                "row step=1: loss=0.5\n"
                "broken a record has no end\n"
                "row step=2: loss=0.5\n"
                "broken a record has no end\n"
                "broken a record has no end\n"
                "broken a record is not well-formed\n");
}

static void test_half_a_record_is_waited_for(void **unused)
{
    (void)unused;
    put_loss(1);
    size_t first = file.size;
    put_loss(2);
    for (size_t whole = file.size; file.size > first;) {
        file.size--;
        read_portions(3, 0);
        assert_string_equal(rows.text, "row step=1: loss=0.5\n");
        assert_true(file.size < whole);
    }
}

static void test_broken_values_are_told(void **unused)
{
    (void)unused;
    HISTORY(1, "loss", "{\"x\":", "lr", "2");
    assert_rows("broken a value is no JSON\nrow step=1: lr=2\n");
}

static void test_what_is_no_wandb_file(void **unused)
{
    (void)unused;
    struct tw_log_sample sample = {"x", (const char *)file.bytes, file.size, true, NULL};
    assert_true(tw_log_format_wandb.probe(&sample) >= 90);
    file.bytes[4] = 0;
    assert_int_equal(tw_log_format_wandb.probe(&sample), 0);
    read_portions(0, -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_history_is_rows),
        TEST(test_nested_values_are_joined),
        TEST(test_typed_items),
        TEST(test_kinds_of_their_own_are_no_numbers),
        TEST(test_configuration_is_parameters),
        TEST(test_the_exit_tells_how_it_ended),
        TEST(test_a_resumed_run),
        TEST(test_records_over_blocks),
        TEST(test_a_record_of_many_blocks),
        TEST(test_a_wrong_checksum_costs_its_block),
        TEST(test_a_lost_fragment_costs_its_record),
        TEST(test_half_a_record_is_waited_for),
        TEST(test_broken_values_are_told),
        TEST(test_what_is_no_wandb_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
