/* The digits, and what the reader of such files refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/datasets/dataset.h"

#include <string.h>
#include <zlib.h>

extern const unsigned char tw_embedded_digits[];
extern const size_t tw_embedded_digits_size;

/* The CRC-32 and the size that `gzip -lv` shows of scikit-learn's digits.csv.gz. */
static void the_digits_are_the_published_file(void **state)
{
    (void)state;
    assert_int_equal(tw_embedded_digits_size, 264712);
    assert_int_equal(crc32_z(crc32(0, NULL, 0), tw_embedded_digits, tw_embedded_digits_size),
                     0x2ebe3bb7);
}

/* "Class: No of examples in testing set", UCI's page of the data set. */
static void the_classes_have_as_many_samples_as_their_source_says(void **state)
{
    static const size_t published[] = {178, 182, 177, 183, 181, 182, 181, 179, 174, 180};
    size_t counts[10] = {0}, validation[10] = {0};
    struct tw_data data;
    (void)state;
    assert_int_equal(tw_dataset_find("digits")->load(&data, NULL), 0);
    assert_int_equal(data.n_features, 64);
    assert_int_equal(data.n_classes, 10);
    assert_int_equal(data.n_train, 1437);
    assert_int_equal(data.n_validation, 360);
    for (size_t i = 0; i < 1797; i++) {
        counts[data.labels[i]]++;
        validation[data.labels[i]] += i >= data.n_train;
    }
    for (size_t class = 0; class < 10; class ++) {
        assert_int_equal(counts[class], published[class]);
        /* A shuffled split has about 36 of each class; an unshuffled one may, too. */
        assert_in_range(validation[class], 18, 60);
    }
    tw_data_release(&data);
}

static void the_split_is_shuffled_and_always_the_same(void **state)
{
    struct tw_data first, second;
    size_t same = 0;
    (void)state;
    assert_int_equal(tw_dataset_find("digits")->load(&first, NULL), 0);
    assert_int_equal(tw_dataset_find("digits")->load(&second, NULL), 0);
    assert_memory_equal(first.labels, second.labels, 1797);
    assert_memory_equal(first.features, second.features, 1797 * 64 * sizeof(float));
    /* The file begins 0, 1, ... 9, 0, 1, ... 9, 0, 1, ... 9. */
    for (size_t i = 0; i < 30; i++)
        same += first.labels[i] == i % 10;
    assert_in_range(same, 0, 12);
    tw_data_release(&first);
    tw_data_release(&second);
}

static int read_text(struct tw_data *ret, const char *text, struct tw_error *error)
{
    return tw_data_read_csv(ret, (const unsigned char *)text, strlen(text), 2, 16, 3, 1, "few.csv",
                            error);
}

static void features_stay_with_their_label(void **state)
{
    struct tw_data data;
    (void)state;
    assert_int_equal(read_text(&data, "16,0,0\n0,16,1\n8,4,2\n", NULL), 0);
    assert_int_equal(data.n_train, 2);
    for (size_t i = 0; i < 3; i++) {
        static const float expected[3][2] = {{1, 0}, {0, 1}, {.5f, .25f}};
        assert_memory_equal(data.features + 2 * i, expected[data.labels[i]], 2 * sizeof(float));
    }
    tw_data_release(&data);
}

static void broken_rows_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } broken[] = {
        {"1,2,0\n1,17,0\n", 2},
        {"1,2,0\n1,2,3\n", 2},
        {"1,2,0\n1,2\n", 2},
        {"1,2,0\n1,2,0,0\n", 2},
        {"1,2,0\n,2,0\n", 2},
        {"1,2,0\nx,2,0\n", 2},
        {"1,2,0\n-1,2,0\n", 2},
        {"1,2,0\n\n", 2},
        {"1,2,0\n1,2,0\n3", 3},
        {"1,2,0\n99999999999,2,0\n", 2},
        {"", 0},
        {"1,2,0\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct tw_data data = {0};
        struct tw_error error = {0};
        assert_true(read_text(&data, broken[i].text, &error) < 0);
        assert_int_equal(error.line, broken[i].line);
        assert_string_equal(error.place, "few.csv");
        assert_null(data.features);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digits_are_the_published_file),
        cmocka_unit_test(the_classes_have_as_many_samples_as_their_source_says),
        cmocka_unit_test(the_split_is_shuffled_and_always_the_same),
        cmocka_unit_test(features_stay_with_their_label),
        cmocka_unit_test(broken_rows_are_refused_with_their_line),
    };
    return cmocka_run_group_tests_name("trainer_data", tests, NULL, NULL);
}
