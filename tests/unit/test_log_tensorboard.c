/* Event files made up by the letter of event.proto, summary.proto and tensor.proto. Real writers'
 * files: tests/test_log_writers.py. */
#include "sources/logs/crc32c.h"
#include "tests/unit/log_rows.h"
#include "tests/unit/protobuf_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

extern const struct tw_log_format tw_log_format_tensorboard;

#define TIME 1700000000.5

static struct built file;
static struct log_rows rows;
static struct tw_error error;

static int setup(void **unused)
{
    (void)unused;
    file = build();
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

static void put_record(struct built record)
{
    struct built head = build();
    put_little_endian(&head, record.size, 8);
    put_little_endian(&head, tw_crc32c_masked(head.bytes, 8), 4);
    put_raw(&file, head.bytes, head.size);
    put_raw(&file, record.bytes, record.size);
    put_little_endian(&file, tw_crc32c_masked(record.bytes, record.size), 4);
    build_free(&head);
    build_free(&record);
}

static struct built event(double time, uint64_t step)
{
    struct built message = build();
    put_double(&message, 1, time);
    put_number(&message, 2, step);
    return message;
}

static void put_version(void)
{
    struct built message = build();
    put_double(&message, 1, TIME);
    put_text(&message, 3, "brain.Event:2");
    put_record(message);
}

/* `more`: further fields of the Summary.Value, freed. */
static void put_value(uint64_t step, const char *tag, struct built more)
{
    struct built message = event(TIME, step), summary = build(), value = build();
    put_text(&value, 1, tag);
    put_raw(&value, more.bytes, more.size);
    build_free(&more);
    put_message(&summary, 1, value);
    put_message(&message, 5, summary);
    put_record(message);
}

static void put_scalar(uint64_t step, const char *tag, float number)
{
    struct built more = build();
    put_float(&more, 2, number);
    put_value(step, tag, more);
}

static void put_plugin(struct built *value, const char *plugin, const struct built *content)
{
    struct built metadata = build(), data = build();
    put_text(&data, 1, plugin);
    if (content)
        put_bytes(&data, 2, content->bytes, content->size);
    put_message(&metadata, 1, data);
    put_message(value, 9, metadata);
}

/* A tensor of rank 0 and type `dtype`, whose number stands in `field`. */
static void put_tensor(uint64_t step, const char *plugin, unsigned dtype, unsigned field,
                       const void *bytes, size_t size)
{
    struct built more = build(), tensor = build();
    put_number(&tensor, 1, dtype);
    put_bytes(&tensor, 2, "", 0);
    if (size)
        put_bytes(&tensor, field, bytes, size);
    put_message(&more, 8, tensor);
    if (plugin)
        put_plugin(&more, plugin, NULL);
    put_value(step, "t", more);
}

static void read_portions(size_t portion, int expected)
{
    free(rows.text);
    memset(&rows, 0, sizeof rows);
    memset(&error, 0, sizeof error);
    assert_int_equal(log_rows_read(&tw_log_format_tensorboard, "events.out.tfevents.1", file.bytes,
                                   file.size, portion, &rows, &error),
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

/* RFC 3720, B.4, and tensorflow/core/lib/hash/crc32c_test.cc; TensorBoard's masked_crc.rs. */
static void test_checksums_are_the_published_ones(void **unused)
{
    (void)unused;
    uint8_t bytes[48];
    memset(bytes, 0, 32);
    assert_int_equal(tw_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(tw_crc32c(bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(tw_crc32c(bytes, 32), 0x46dd794e);
    assert_int_equal(tw_crc32c_masked("\x1a\x11"
                                      "CRC test, one two",
                                      19),
                     0x5794d08a);
}

static void test_both_checksums_are_the_same(void **unused)
{
    (void)unused;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t size = 0; size < 100; size++)
        for (size_t at = 0; at < 9; at++)
            assert_int_equal(tw_crc32c(bytes + at, size), tw_crc32c_by_tables(bytes + at, size));
}

static void test_simple_values_are_cells(void **unused)
{
    (void)unused;
    put_version();
    put_scalar(0, "train/loss", 2.5f);
    put_scalar(10, "train/loss", NAN);
    put_scalar(10, "lr", 0.25f);
    put_scalar(20, "train/loss", -INFINITY);
    assert_rows("row step=0 time=1700000000500: train/loss=2.5\n"
                "row step=10 time=1700000000500: train/loss=nan\n"
                "row step=10 time=1700000000500: lr=0.25\n"
                "row step=20 time=1700000000500: train/loss=-inf\n");
}

/* Events like those before are read by the bytes between step and number (is_plain()): one that
 * differs in them, or is one of another plugin by now, is not. */
static void test_scalars_in_turn(void **unused)
{
    (void)unused;
    struct built other = build();
    for (uint64_t step = 1; step < 4; step++) {
        put_scalar(step, "loss", 1.5f / (float)step);
        put_scalar(step, "b/lr", 0.5f);
    }
    put_scalar(300, "loss", NAN);
    put_scalar((uint64_t)-4, "b/lr", 0.25f);
    put_scalar(301, "lost", 7);
    put_scalar(302, "loss", 6);
    put_float(&other, 2, 5);
    put_plugin(&other, "images", NULL);
    put_value(303, "b/lr", other);
    put_scalar(304, "loss", 4);
    put_scalar(305, "b/lr", 3);
    put_scalar(306, "loss", 2);
    assert_rows("row step=1 time=1700000000500: loss=1.5\n"
                "row step=1 time=1700000000500: b/lr=0.5\n"
                "row step=2 time=1700000000500: loss=0.75\n"
                "row step=2 time=1700000000500: b/lr=0.5\n"
                "row step=3 time=1700000000500: loss=0.5\n"
                "row step=3 time=1700000000500: b/lr=0.5\n"
                "row step=300 time=1700000000500: loss=nan\n"
                "row step=-4 time=1700000000500: b/lr=0.25\n"
                "row step=301 time=1700000000500: lost=7\n"
                "row step=302 time=1700000000500: loss=6\n"
                "row step=304 time=1700000000500: loss=4\n"
                "row step=306 time=1700000000500: loss=2\n");
}

/* Of a field that comes twice the last one counts, and fields come in any order. */
static void test_scalars_told_otherwise(void **unused)
{
    (void)unused;
    for (uint64_t step = 1; step < 3; step++) {
        struct built message = event(TIME, 9), value = build(), summary = build();
        put_number(&message, 2, step);
        put_text(&value, 1, "loss");
        put_float(&value, 2, (float)step);
        put_message(&summary, 1, value);
        put_message(&message, 5, summary);
        put_record(message);
    }
    for (uint64_t step = 3; step < 6; step++) {
        struct built message = event(TIME, step), value = build(), summary = build();
        put_float(&value, 2, 0.5f);
        put_text(&value, 1, step < 5 ? "\x15look" : "\x15lock"); /* as a number's head */
        put_message(&summary, 1, value);
        put_message(&message, 5, summary);
        put_record(message);
    }
    assert_rows("row step=1 time=1700000000500: loss=1\n"
                "row step=2 time=1700000000500: loss=2\n"
                "row step=3 time=1700000000500: \x15look=0.5\n"
                "row step=4 time=1700000000500: \x15look=0.5\n"
                "row step=5 time=1700000000500: \x15lock=0.5\n");
}

static void test_values_of_one_summary_are_one_row(void **unused)
{
    (void)unused;
    struct built message = event(TIME, 3), summary = build();
    for (int i = 0; i < 70; i++) {
        struct built value = build();
        put_text(&value, 1, i % 2 ? "b" : "a");
        put_float(&value, 2, 1);
        put_message(&summary, 1, value);
    }
    put_message(&message, 5, summary);
    put_record(message);
    read_portions(0, 0);
    assert_int_equal(rows.n_rows, 2); /* 64 cells are in one */
    size_t n = 0;
    for (const char *at = rows.text; (at = strchr(at, '=')); at++)
        n++;
    assert_int_equal(n, 70 + 2 * 2);
}

static void test_tensors_of_every_type(void **unused)
{
    (void)unused;
    static const struct {
        unsigned dtype, field;
        const char *bytes;
        size_t size;
    } tensors[] = {
        {1, 4, "\0\0\x20\x40", 4},         /* DT_FLOAT 2.5 in tensor_content */
        {1, 5, "\0\0\x20\x40", 4},         /* in float_val */
        {2, 4, "\0\0\0\0\0\0\x04\x40", 8}, /* DT_DOUBLE 2.5 */
        {2, 6, "\0\0\0\0\0\0\x04\x40", 8},
        {3, 4, "\xfe\xff\xff\xff", 4},                            /* DT_INT32 -2 */
        {3, 7, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},   /* in int_val */
        {4, 4, "\xc8", 1},                                        /* DT_UINT8 200 */
        {5, 4, "\xfe\xff", 2},                                    /* DT_INT16 -2 */
        {6, 4, "\xfe", 1},                                        /* DT_INT8 -2 */
        {9, 4, "\xfe\xff\xff\xff\xff\xff\xff\xff", 8},            /* DT_INT64 -2 */
        {9, 10, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},  /* in int64_val */
        {10, 4, "\x01", 1},                                       /* DT_BOOL */
        {10, 11, "\x01", 1},                                      /* in bool_val */
        {14, 4, "\x20\x40", 2},                                   /* DT_BFLOAT16 2.5 */
        {14, 13, "\xa0\x80\x01", 3},                              /* in half_val: 0x4020 */
        {17, 4, "\xfe\xff", 2},                                   /* DT_UINT16 65534 */
        {19, 4, "\0\x41", 2},                                     /* DT_HALF 2.5 */
        {19, 13, "\x80\x82\x01", 3},                              /* in half_val: 0x4100 */
        {19, 4, "\x01\0", 2},                                     /* its least, 2^-24 */
        {19, 4, "\0\xfc", 2},                                     /* -inf */
        {19, 4, "\0\x7e", 2},                                     /* nan */
        {22, 4, "\xfe\xff\xff\xff", 4},                           /* DT_UINT32 4294967294 */
        {22, 16, "\xfe\xff\xff\xff\x0f", 5},                      /* in uint32_val */
        {23, 4, "\0\0\0\0\0\0\0\x80", 8},                         /* DT_UINT64 2^63 */
        {23, 17, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10}, /* in uint64_val */
        {1, 5, "", 0},                                            /* left out: 0 */
    };
    static const char *const values[] = {"2.5",
                                         "2.5",
                                         "2.5",
                                         "2.5",
                                         "-2",
                                         "-2",
                                         "200",
                                         "-2",
                                         "-2",
                                         "-2",
                                         "-2",
                                         "1",
                                         "1",
                                         "2.5",
                                         "2.5",
                                         "65534",
                                         "2.5",
                                         "2.5",
                                         "5.96046448e-08",
                                         "-inf",
                                         "nan",
                                         "4.29496729e+09",
                                         "4.29496729e+09",
                                         "9.22337204e+18",
                                         "9.22337204e+18",
                                         "0"};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        char expected[80];
        file.size = 0;
        put_tensor(1, "scalars", tensors[i].dtype, tensors[i].field, tensors[i].bytes,
                   tensors[i].size);
        snprintf(expected, sizeof expected, "row step=1 time=1700000000500: t=%s\n", values[i]);
        assert_rows(expected);
    }
}

static void test_tensors_that_are_no_scalars(void **unused)
{
    (void)unused;
    struct built more = build(), tensor = build(), shape = build(), dimension = build();
    put_number(&tensor, 1, 1);
    put_number(&dimension, 1, 2);
    put_message(&shape, 2, dimension);
    put_message(&tensor, 2, shape);
    put_bytes(&tensor, 4, "\0\0\0\0\0\0\0\0", 8);
    put_message(&more, 8, tensor);
    put_value(1, "vector", more);
    put_tensor(2, NULL, 8, 9, "\0\0\0\0\0\0\0\0", 8); /* DT_COMPLEX64 */
    put_tensor(3, NULL, 1, 4, "\0\0", 2);             /* too few bytes for a float */
    put_scalar(4, "loss", 1);
    assert_rows("row step=4 time=1700000000500: loss=1\n");
}

static void put_shape(struct built *tensor, const unsigned *sizes, size_t n)
{
    struct built shape = build();
    for (size_t i = 0; i < n; i++) {
        struct built dimension = build();
        put_number(&dimension, 1, sizes[i]);
        put_message(&shape, 2, dimension);
    }
    put_message(tensor, 2, shape);
}

static void test_tensors_of_any_rank(void **unused)
{
    (void)unused;
    static const unsigned ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (size_t rank = 0; rank <= 8; rank++) {
        struct built more = build(), tensor = build();
        put_number(&tensor, 1, 1);
        put_shape(&tensor, ones, rank);
        put_bytes(&tensor, 4, "\0\0\x20\x40", 4);
        put_message(&more, 8, tensor);
        put_value(rank, "t", more);
    }
    assert_rows("row step=0 time=1700000000500: t=2.5\n");
}

static void test_a_plugin_is_told_with_the_first_value_only(void **unused)
{
    (void)unused;
    put_tensor(1, "pr_curves", 1, 4, "\0\0\x20\x40", 4);
    put_tensor(2, NULL, 1, 4, "\0\0\x20\x40", 4);
    assert_rows("");
    file.size = 0;
    put_tensor(1, "scalars", 1, 4, "\0\0\x20\x40", 4);
    put_tensor(2, NULL, 1, 4, "\0\0\x20\x40", 4);
    assert_rows("row step=1 time=1700000000500: t=2.5\n"
                "row step=2 time=1700000000500: t=2.5\n");
}

/* {-3, 0, 0, 1}: mean -0.5, squares 9 + 1 = 10, variance 2.5 - 0.25 = 2.25. */
static struct built histogram(double edge)
{
    struct built histo = build(), limits = build(), counts = build(), more = build();
    const double right[] = {-2, -1e-12, edge, 0.5, 2}, n[] = {1, 0, 2, 0, 1};
    put_double(&histo, 1, -3);
    put_double(&histo, 2, 1);
    put_double(&histo, 3, 4);
    put_double(&histo, 4, -2);
    put_double(&histo, 5, 10);
    put_raw(&limits, right, sizeof right);
    put_raw(&counts, n, sizeof n);
    put_message(&histo, 6, limits);
    put_message(&histo, 7, counts);
    put_message(&more, 5, histo);
    return more;
}

static void test_histograms_give_what_is_exact(void **unused)
{
    (void)unused;
    put_value(1, "w", histogram(1e-12));
    put_value(2, "w", histogram(0.25)); /* too wide a bucket to tell of zeros */
    assert_rows("row step=1 time=1700000000500: w/abs_max=3(21) w/mean=-0.5(21) w/std=1.5(21) "
                "w/norm=3.16227766(21) w/zero_fraction=0.5(21)\n"
                "row step=2 time=1700000000500: w/abs_max=3(21) w/mean=-0.5(21) w/std=1.5(21) "
                "w/norm=3.16227766(21)\n");
}

static void test_histograms_of_the_plugin_give_the_largest_value(void **unused)
{
    (void)unused;
    const double bins[] = {-4, -1, 3, -1, 2, 5};
    struct built more = build(), tensor = build(), shape = build(), k = build(), three = build();
    put_number(&k, 1, 2);
    put_number(&three, 1, 3);
    put_message(&shape, 2, k);
    put_message(&shape, 2, three);
    put_number(&tensor, 1, 2);
    put_message(&tensor, 2, shape);
    put_bytes(&tensor, 4, bins, sizeof bins);
    put_message(&more, 8, tensor);
    put_plugin(&more, "histograms", NULL);
    put_value(1, "w", more);
    assert_rows("row step=1 time=1700000000500: w/abs_max=4(21)\n");
}

/* Rows of two edges and a count: more or fewer than its shape says is no histogram. */
static void test_histograms_of_the_plugin_have_their_size(void **unused)
{
    (void)unused;
    static const double bins[] = {-4, -1, 3, -1, 2, 5};
    static const struct {
        unsigned shape[3];
        size_t rank, bytes;
    } cases[] = {{{0, 3}, 2, 0},  {{0, 3}, 2, 8},     {{3, 3}, 2, 48},
                 {{1, 3}, 2, 48}, {{2, 3}, 2, 47},    {{2, 3}, 2, 24},
                 {{6, 1}, 2, 48}, {{2, 3, 1}, 3, 48}, {{1, 3}, 2, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct built more = build(), tensor = build();
        put_number(&tensor, 1, 2);
        put_shape(&tensor, cases[i].shape, cases[i].rank);
        put_bytes(&tensor, 4, bins, cases[i].bytes);
        put_message(&more, 8, tensor);
        put_plugin(&more, "histograms", NULL);
        put_value(i, "w", more);
    }
    assert_rows("");
}

static void put_histogram(uint64_t step, struct built histogram)
{
    struct built more = build();
    put_message(&more, 5, histogram);
    put_value(step, "w", more);
}

/* Fields of a histogram that are there once each where a list should be, of no number, and sums
 * that rounding made less than they can be. */
static void test_histograms_that_nobody_writes(void **unused)
{
    (void)unused;
    struct built once = build(), none = build(), rounded = build();
    for (unsigned field = 1; field <= 9; field++)
        put_double(&once, field, 4);
    put_histogram(1, once);
    put_double(&none, 1, 0);
    put_histogram(2, none);
    put_double(&rounded, 1, 0.5);
    put_double(&rounded, 2, 0.5);
    put_double(&rounded, 3, 4);
    put_double(&rounded, 4, 2);
    put_double(&rounded, 5, 0.9999999);
    put_histogram(3, rounded);
    assert_rows("row step=1 time=1700000000500: w/abs_max=4(21) w/mean=1(21) w/std=0(21) "
                "w/norm=2(21) w/zero_fraction=0(21)\n"
                "row step=3 time=1700000000500: w/abs_max=0.5(21) w/mean=0.5(21) w/std=0(21) "
                "w/norm=0.99999995(21) w/zero_fraction=0(21)\n");
}

static struct built text_value(const char *text)
{
    struct built more = build(), tensor = build(), shape = build(), dimension = build();
    put_number(&dimension, 1, 1);
    put_message(&shape, 2, dimension);
    put_number(&tensor, 1, 7);
    put_message(&tensor, 2, shape);
    put_text(&tensor, 8, text);
    put_text(&tensor, 8, "lr: 9"); /* of several texts the first counts */
    put_message(&more, 8, tensor);
    put_plugin(&more, "text", NULL);
    return more;
}

static void test_text_summaries_are_parameters(void **unused)
{
    (void)unused;
    put_value(0, "args/text_summary",
              text_value("{\n \"learning_rate\": 5e-05, \"optim\": \"adamw\", \"x\": {\"y\": null, "
                         "\"z\": NaN}, \"betas\": [0.9, 0.99]}"));
    put_value(0, "hyperparameters/text_summary",
              text_value("|param|value|\n|-|-|\n|lr|0.001|\n| seed | 1 |\n"));
    put_value(0, "micro-batch-size/text_summary", text_value("4"));
    put_value(0, "story/text_summary", text_value("Once upon a time\nthere was"));
    put_value(9, "micro-batch-size/text_summary", text_value("8")); /* a sample of text */
    assert_rows("parameter args/learning_rate=5e-5\n"
                "parameter args/optim=adamw\n"
                "parameter args/x/y=null\n"
                "parameter args/x/z=nan\n"
                "parameter args/betas=[0.9,0.99]\n"
                "parameter lr=0.001\n"
                "parameter seed=1\n"
                "parameter micro-batch-size=4\n");
}

/* A map's entry: key = 1, value = 2; one of google.protobuf.Value in `value`. */
static void put_hparam(struct built *start, const char *name, struct built value)
{
    struct built entry = build();
    put_text(&entry, 1, name);
    put_message(&entry, 2, value);
    put_message(start, 1, entry);
}

static void put_session(unsigned field, const struct built *session)
{
    struct built content = build(), more = build();
    put_bytes(&content, field, session->bytes, session->size);
    put_plugin(&more, "hparams", &content);
    build_free(&content);
    put_value(0, "_hparams_/session", more);
}

static void test_hparams_are_parameters(void **unused)
{
    (void)unused;
    struct built start = build(), number = build(), text = build(), truth = build();
    put_double(&number, 2, 0.1);
    put_text(&text, 3, "adam");
    put_number(&truth, 4, 1);
    put_hparam(&start, "lr", number);
    put_hparam(&start, "optimizer", text);
    put_hparam(&start, "nesterov", truth);
    put_session(3, &start);
    build_free(&start);
    assert_rows("parameter lr=0.1\nparameter optimizer=adam\nparameter nesterov=true\n");
}

static void test_an_end_counts_where_it_has_a_time(void **unused)
{
    (void)unused;
    struct built end = build();
    put_number(&end, 1, 1);
    put_session(4, &end); /* add_hparams() of PyTorch */
    assert_rows("");
    put_double(&end, 2, TIME);
    put_session(4, &end); /* Keras */
    assert_rows("event 3\n");
    build_free(&end);
}

static void put_session_log(uint64_t step, unsigned status)
{
    struct built message = event(TIME, step), log = build();
    put_number(&log, 1, status);
    put_message(&message, 7, log);
    put_record(message);
}

/* A start at step 5 makes what has step 5 and more void. */
static void test_session_logs(void **unused)
{
    (void)unused;
    put_session_log(0, 1);
    put_scalar(6, "loss", 1);
    put_session_log(6, 3);
    put_session_log(6, 2);
    put_session_log(5, 1);
    assert_rows("event 0\n"
                "row step=6 time=1700000000500: loss=1\n"
                "event 2 step=6\n"
                "event 1 step=4\n");
}

static void test_a_wrong_checksum_costs_its_record(void **unused)
{
    (void)unused;
    put_scalar(1, "loss", 1);
    size_t first = file.size;
    put_scalar(2, "loss", 2);
    put_scalar(3, "loss", 3);
    file.bytes[first + 20] ^= 1;
    assert_rows("row step=1 time=1700000000500: loss=1\n"
                "broken a record has a wrong checksum\n"
                "row step=3 time=1700000000500: loss=3\n");
}

static void test_a_wrong_length_ends_the_file(void **unused)
{
    (void)unused;
    put_scalar(1, "loss", 1);
    size_t first = file.size;
    put_scalar(2, "loss", 2);
    file.bytes[first] ^= 1;
    read_portions(0, -EBADMSG);
    assert_string_equal(rows.text, "row step=1 time=1700000000500: loss=1\n");
    assert_non_null(strstr(error.text, "checksum"));
}

static void test_half_a_record_is_waited_for(void **unused)
{
    (void)unused;
    put_scalar(1, "loss", 1);
    size_t first = file.size;
    put_scalar(2, "loss", 2);
    for (; file.size > first; file.size--) {
        size_t size = file.size;
        file.size = size - 1;
        read_portions(5, 0);
        assert_string_equal(rows.text, "row step=1 time=1700000000500: loss=1\n");
        file.size = size;
    }
}

static void put_long_record(size_t size)
{
    struct built message = event(TIME, 7), summary = build(), value = build(), picture = build();
    put_text(&value, 1, "loss");
    put_float(&value, 2, 4);
    for (size_t i = 0; i < size; i++)
        put_raw(&picture, "x", 1);
    put_message(&summary, 1, value);
    value = build();
    put_text(&value, 1, "picture");
    put_message(&value, 4, picture);
    put_message(&summary, 1, value);
    put_message(&message, 5, summary);
    put_record(message);
}

static void test_scalars_beside_a_large_picture(void **unused)
{
    (void)unused;
    put_long_record(1 << 20);
    put_scalar(8, "loss", 5);
    for (size_t portion = 1000; portion < 2000000; portion *= 7) {
        read_portions(portion, 0);
        assert_string_equal(rows.text, "row step=7 time=1700000000500: loss=4\n"
                                       "row step=8 time=1700000000500: loss=5\n");
    }
}

/* The length says 2^40 bytes, with a good checksum; memory must not follow it. */
static void test_a_monstrous_length_is_passed_over(void **unused)
{
    (void)unused;
    put_little_endian(&file, 1ull << 40, 8);
    put_little_endian(&file, tw_crc32c_masked(file.bytes, 8), 4);
    put_scalar(1, "loss", 1);
    assert_rows("broken a record is longer than 64 MiB\n");
}

static void test_what_is_not_well_formed_is_told(void **unused)
{
    (void)unused;
    struct built message = event(TIME, 1), bad = event(TIME, 2);
    put_bytes(&message, 5, "\x0a\x05x", 3); /* a value that is cut */
    put_record(message);
    put_raw(&bad, "\x2a\x7f", 2); /* a summary that is cut */
    put_record(bad);
    put_scalar(3, "loss", 3);
    assert_rows("broken a summary is not well-formed\n"
                "broken an event is not well-formed\n"
                "row step=3 time=1700000000500: loss=3\n");
}

static void test_tags_are_text(void **unused)
{
    (void)unused;
    struct built message = event(TIME, 0), summary = build(), value = build();
    put_float(&value, 2, 1);
    put_message(&summary, 1, value);
    put_message(&message, 5, summary);
    put_record(message); /* without a tag */
    put_scalar(1, "\xff\xc3\xa9", 1);
    assert_rows("row step=0 time=1700000000500: =1\n"
                "row step=1 time=1700000000500: ?\xc3\xa9=1\n");
}

static int count_row(void *closure, const struct tw_row *row)
{
    char expected[20];
    unsigned *n = closure;
    snprintf(expected, sizeof expected, "tag%u", (*n)++);
    assert_string_equal(row->cells[0].name, expected);
    return 0;
}

/* More tags than are kept: each is read all the same. */
static void test_many_tags(void **unused)
{
    (void)unused;
    char tag[20];
    unsigned n = 0;
    struct tw_log_sink sink = {.closure = &n, .row = count_row};
    void *state = calloc(1, tw_log_format_tensorboard.state_size);
    for (int i = 0; i < 70000; i++) {
        snprintf(tag, sizeof tag, "tag%d", i);
        put_scalar(1, tag, 1);
    }
    assert_int_equal(
        tw_log_format_tensorboard.bytes(state, file.bytes, file.size, true, &sink, &error),
        file.size);
    assert_int_equal(n, 70000);
    tw_log_format_tensorboard.done(state);
    free(state);
}

static int probe(const char *path)
{
    struct tw_log_sample sample = {path, (const char *)file.bytes, file.size, true, NULL};
    return tw_log_format_tensorboard.probe(&sample);
}

/* The first record of each file that TensorFlow writes begins so: 24 bytes, and their checksum. */
static void test_probe(void **unused)
{
    (void)unused;
    assert_int_equal(probe("x"), 0);
    assert_true(probe("a/events.out.tfevents.17.host.1.0") >= 50);
    put_version();
    assert_memory_equal(file.bytes, "\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12);
    assert_true(probe("x") >= 90);
    file.bytes[3] = 1;
    assert_int_equal(probe("x"), 0);
    file.size = 0;
    struct built example = build(); /* training data in a TFRecord file */
    put_text(&example, 1, "feature");
    put_record(example);
    assert_int_equal(probe("train.tfrecord"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_checksums_are_the_published_ones),
        TEST(test_both_checksums_are_the_same),
        TEST(test_simple_values_are_cells),
        TEST(test_scalars_in_turn),
        TEST(test_scalars_told_otherwise),
        TEST(test_values_of_one_summary_are_one_row),
        TEST(test_tensors_of_every_type),
        TEST(test_tensors_that_are_no_scalars),
        TEST(test_tensors_of_any_rank),
        TEST(test_a_plugin_is_told_with_the_first_value_only),
        TEST(test_histograms_give_what_is_exact),
        TEST(test_histograms_of_the_plugin_give_the_largest_value),
        TEST(test_histograms_of_the_plugin_have_their_size),
        TEST(test_histograms_that_nobody_writes),
        TEST(test_text_summaries_are_parameters),
        TEST(test_hparams_are_parameters),
        TEST(test_an_end_counts_where_it_has_a_time),
        TEST(test_session_logs),
        TEST(test_a_wrong_checksum_costs_its_record),
        TEST(test_a_wrong_length_ends_the_file),
        TEST(test_half_a_record_is_waited_for),
        TEST(test_scalars_beside_a_large_picture),
        TEST(test_a_monstrous_length_is_passed_over),
        TEST(test_what_is_not_well_formed_is_told),
        TEST(test_tags_are_text),
        TEST(test_many_tags),
        TEST(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
