/* The data sets, and what the readers of files make of them and refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/datasets/table.h"

#include "trainer/datasets/bytes.h"
#include "trainer/datasets/idx.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "tests/unit/temporary_directory.h"

extern const unsigned char tw_embedded_digits[];
extern const size_t tw_embedded_digits_size;

static const struct tw_dataset_config automatic = {.validation_fraction = .25};

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((double)(value) - (double)(expected)) <= (tolerance))

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
    assert_int_equal(tw_dataset_find("digits")->load(&data, &automatic, NULL), 0);
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
    assert_int_equal(tw_dataset_find("digits")->load(&first, &automatic, NULL), 0);
    assert_int_equal(tw_dataset_find("digits")->load(&second, &automatic, NULL), 0);
    assert_memory_equal(first.labels, second.labels, 1797);
    assert_memory_equal(first.features, second.features, 1797 * 64 * sizeof(float));
    /* The file begins 0, 1, ... 9, 0, 1, ... 9, 0, 1, ... 9. */
    for (size_t i = 0; i < 30; i++)
        same += first.labels[i] == i % 10;
    assert_in_range(same, 0, 12);
    tw_data_release(&first);
    tw_data_release(&second);
}

/* The sources' own figures: 212 malignant and 357 benign (UCI); 442 patients (Efron et al.), whose
 * progression goes from 25 to 346 (scikit-learn's description). */
static void the_other_built_in_sets_are_those_of_their_sources(void **state)
{
    struct tw_data data;
    size_t benign = 0;
    float least = INFINITY, most = 0;
    (void)state;
    assert_int_equal(tw_dataset_find("breast_cancer")->load(&data, &automatic, NULL), 0);
    assert_int_equal(data.n_features, 30);
    assert_int_equal(data.n_classes, 2);
    assert_int_equal(data.n_train, 455);
    assert_int_equal(data.n_validation, 114);
    for (size_t i = 0; i < 569; i++)
        benign += data.labels[i];
    assert_int_equal(benign, 357);
    tw_data_release(&data);
    assert_int_equal(tw_dataset_find("diabetes")->load(&data, &automatic, NULL), 0);
    assert_int_equal(data.n_features, 10);
    assert_int_equal(data.n_classes, 0);
    assert_null(data.labels);
    assert_int_equal(data.n_train + data.n_validation, 442);
    for (size_t i = 0; i < 442; i++) {
        least = fminf(least, data.values[i]);
        most = fmaxf(most, data.values[i]);
    }
    assert_true(least == 25 && most == 346);
    tw_data_release(&data);
}

/* ---- tables ---- */

static int read_table(struct tw_data *ret, const char *text, const struct tw_dataset_config *config,
                      struct tw_error *error)
{
    return tw_table_read(ret, (const unsigned char *)text, strlen(text), config, "few.csv", error);
}

static void expect_table(const char *text, const struct tw_dataset_config *config, size_t n_classes,
                         const float *features, const float *targets)
{
    struct tw_data data = {0};
    struct tw_error error = {0};
    if (read_table(&data, text, config, &error))
        fail_msg("%s", error.text);
    assert_int_equal(data.n_classes, n_classes);
    assert_int_equal(data.n_train, 3);
    assert_int_equal(data.n_features, 2);
    assert_memory_equal(data.features, features, 6 * sizeof(float));
    for (size_t i = 0; i < 3; i++)
        assert_true((data.labels ? data.labels[i] : data.values[i]) == targets[i]);
    tw_data_release(&data);
}

static void tables_of_many_forms_are_the_same_numbers(void **state)
{
    static const float features[] = {1, 2.5f, -3, 400, 5, 6}, targets[] = {1, 0, 1};
    static const char *const forms[] = {
        "1,2.5,7\n-3,4e2,2\n5,6,7\n",
        "1;2.5;7\r\n-3;400;2\r\n5;6;7\r\n",
        "1\t2.5\t7\n-3\t400\t2\n5\t6\t7", /* the last line does not end */
        "a,b,c\n1,2.5,7\n-3,400,2\n5,6,7\n",
        "\xef\xbb\xbf\"a\",\"b, or \"\"B\"\"\",\"c\nd\"\n1,2.5,7\n\n-3,\"400\",2\n5,6,7.0\n",
        "a,b,c\n1,2.5,yes\n-3,400,no\n5,6,yes\n",
        "1,2.5,yes\n-3,400,no\n5,6,yes\n", /* words to predict make no row of names */
    };
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        expect_table(forms[i], &automatic, 2, features, targets);
}

static void the_column_to_predict_is_told_by_name_or_number(void **state)
{
    static const float features[] = {1, 3, 4, 6, 7, 9}, targets[] = {2.5f, 5, 8};
    struct tw_dataset_config config = {.target = "b"};
    (void)state;
    expect_table("a,b,c\n1,2.5,3\n4,5,6\n7,8,9\n", &config, 0, features, targets);
    config.target = "2";
    expect_table("1,2.5,3\n4,5,6\n7,8,9\n", &config, 0, features, targets);
}

static void whole_numbers_are_classes_up_to_a_hundred(void **state)
{
    struct tw_data data = {0};
    char text[2000] = "";
    (void)state;
    for (int rows = 100; rows <= 101; rows++) {
        text[0] = '\0';
        for (int i = 0; i < rows; i++)
            sprintf(text + strlen(text), "0,%d\n", rows - i);
        assert_int_equal(read_table(&data, text, &automatic, NULL), 0);
        assert_int_equal(data.n_classes, rows == 100 ? 100 : 0);
        if (rows == 100) /* 100, 99, ... as numbers, not as words */
            assert_true(data.labels[0] == 99 && data.labels[99] == 0);
        tw_data_release(&data);
    }
    struct tw_dataset_config config = {.task = TW_TASK_CLASSIFICATION};
    assert_int_equal(read_table(&data, text, &config, NULL), 0);
    assert_int_equal(data.n_classes, 101);
    tw_data_release(&data);
    config.task = TW_TASK_REGRESSION;
    assert_int_equal(read_table(&data, "1,0\n2,1\n", &config, NULL), 0);
    assert_int_equal(data.n_classes, 0);
    tw_data_release(&data);
}

static void broken_tables_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *words;
        unsigned line;
        struct tw_dataset_config config;
    } broken[] = {
        {"1,2,0\n1,2\n", "fewer cells", 2},
        {"1,2,0\n1,2,0,0\n", "more cells", 2},
        {"1,2,0\n,2,0\n", "empty", 2},
        {"1,2,0\n1,2,\n", "the cell to predict is empty", 2},
        {"1,2,0\n\n\nx,2,0\n", "'x' is not a finite number", 4},
        {"a,b\n\"1\",\"2\n3\"\n1,x y,3\n", "more cells", 4},
        {"1,2,0\nnan,2,0\n", "'nan' is not", 2},
        {"1,2,0\n0x1p3,2,0\n", "'0x1p3' is not", 2},
        {"1,2,0\n1e99,2,0\n", "'1e99' is not", 2},
        {"1,2,0\n1,\"2,0\n", "not end", 2},
        {"1,2,a\n1,2,b\n", "'a' is not a number", 1, {.task = TW_TASK_REGRESSION}},
        {"1,2,0\n1,2,0\n", "'0' is the class of every row", 0},
        {"1,2,0\n1,2,1\n", "'4' is no column", 0, {.target = "4"}},
        {"1,2,0\n1,2,1\n", "'x' is no column", 0, {.target = "x"}},
        {"1\n2\n", "one column is too few", 1},
        {"a,b\n", "there are no rows", 0},
        {"", "there are no rows", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct tw_data data = {0};
        struct tw_error error = {0};
        assert_true(read_table(&data, broken[i].text, &broken[i].config, &error) < 0);
        if (!strstr(error.text, broken[i].words))
            fail_msg("'%s' instead of '%s'", error.text, broken[i].words);
        assert_int_equal(error.line, broken[i].line);
        assert_string_equal(error.place, "few.csv");
        assert_null(data.features);
    }
}

/* ---- files ---- */

static void write_file(const char *dir, const char *name, const void *bytes, size_t size)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void write_packed(const char *dir, const char *name, const void *bytes, unsigned size)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

static void rows_keep_together_through_the_split(void **state)
{
    struct tw_data data;
    struct tw_error error = {0};
    char *dir = make_directory(), path[200], text[4000] = "a,b\n";
    (void)state;
    for (int i = 0; i < 200; i++)
        sprintf(text + strlen(text), "%d,%d.5\n", i, i);
    write_packed(dir, "t.csv.gz", text, (unsigned)strlen(text));
    snprintf(path, sizeof path, "%s/t.csv.gz", dir);
    struct tw_dataset_config config = {.path = path, .validation_fraction = .25};
    if (tw_dataset_find("csv")->load(&data, &config, &error))
        fail_msg("%s", error.text);
    assert_int_equal(data.n_train, 150);
    assert_int_equal(data.n_validation, 50);
    size_t in_place = 0;
    for (size_t i = 0; i < 200; i++) {
        assert_true(data.values[i] == data.features[i] + .5f);
        in_place += data.features[i] == (float)i;
    }
    assert_in_range(in_place, 0, 10); /* one on average */
    tw_data_release(&data);
    remove_directory(dir);
}

static void a_damaged_gzip_file_is_refused(void **state)
{
    char *dir = make_directory(), path[200];
    unsigned char packed[200], *bytes;
    size_t size;
    (void)state;
    write_packed(dir, "t.csv.gz", "1,2\n3,4\n5,6\n", 12);
    snprintf(path, sizeof path, "%s/t.csv.gz", dir);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t whole = fread(packed, 1, sizeof packed, file);
    fclose(file);
    for (size_t cut = 12; cut < whole; cut++) {
        struct tw_error error = {0};
        write_file(dir, "t.csv.gz", packed, cut);
        assert_true(tw_bytes_read(&bytes, &size, path, &error) < 0);
        assert_string_equal(error.place, path);
        assert_null(bytes);
    }
    remove_directory(dir);
}

/* Two images of 1 x 2 pixels; 255 is 1, as torchvision's ToTensor() has it. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2,   0,  0,
                                       0, 1, 0, 0, 0, 2, 0, 255, 51, 0};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 2, 0};

static void idx_files_are_read_packed_or_not(void **state)
{
    static const float features[] = {0, 1, .2f, 0};
    struct tw_data data;
    struct tw_error error = {0};
    char *dir = make_directory();
    struct tw_dataset_config config = {.path = dir, .validation_fraction = .5};
    (void)state;
    write_file(dir, "train-images-idx3-ubyte", images, sizeof images);
    write_packed(dir, "train-labels-idx1-ubyte.gz", labels, sizeof labels);
    assert_int_equal(tw_dataset_find("idx")->load(&data, &config, NULL), 0);
    assert_int_equal(data.n_train, 1);
    assert_int_equal(data.n_validation, 1);
    tw_data_release(&data);
    write_packed(dir, "t10k-images.idx3-ubyte.gz", images, sizeof images);
    write_file(dir, "t10k-labels.idx1-ubyte", labels, sizeof labels);
    if (tw_dataset_find("idx")->load(&data, &config, &error))
        fail_msg("%s", error.text);
    assert_int_equal(data.n_train, 2);
    assert_int_equal(data.n_validation, 2);
    assert_int_equal(data.n_classes, 3);
    for (size_t part = 0; part < 2; part++) {
        assert_memory_equal(data.features + 4 * part, features, sizeof features);
        assert_true(data.labels[2 * part] == 2 && data.labels[2 * part + 1] == 0);
    }
    tw_data_release(&data);
    write_file(dir, "t10k-labels.idx1-ubyte", labels, sizeof labels - 1);
    assert_true(tw_dataset_find("idx")->load(&data, &config, &error) < 0);
    assert_non_null(strstr(error.text, "2 items of 1 bytes and holds 1 bytes"));
    assert_non_null(strstr(error.place, "t10k-labels.idx1-ubyte"));
    remove_directory(dir);
}

static void what_is_no_idx_file_is_refused(void **state)
{
    static const struct {
        unsigned char bytes[16];
        size_t size;
    } broken[] = {
        {{0}, 0},
        {{0, 0, 8}, 3},
        {{0, 0, 8, 0}, 4},
        {{1, 0, 8, 1, 0, 0, 0, 1, 7}, 9},
        {{0, 0, 13, 1, 0, 0, 0, 1, 7}, 9},    /* floats */
        {{0, 0, 8, 1, 0, 0, 0, 2, 7}, 9},     /* one is missing */
        {{0, 0, 8, 1, 0, 0, 0, 1, 7, 7}, 10}, /* one too many */
        {{0, 0, 8, 1, 0, 0, 0, 0}, 8},        /* none */
        {{0, 0, 8, 3, 0, 0, 0, 1}, 8},        /* no sizes */
        {{0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255}, 12},
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct tw_idx idx;
        struct tw_error error = {0};
        assert_int_equal(tw_idx_read(&idx, broken[i].bytes, broken[i].size, "x", &error), -EBADMSG);
        assert_string_equal(error.place, "x");
    }
}

/* ---- changes and facts ---- */

static void the_first_samples_stay_and_so_does_the_validation_part(void **state)
{
    struct tw_data all, few;
    const struct tw_data_changes changes = {.train_samples = 100};
    (void)state;
    assert_int_equal(tw_dataset_find("digits")->load(&all, &automatic, NULL), 0);
    assert_int_equal(tw_dataset_find("digits")->load(&few, &automatic, NULL), 0);
    assert_int_equal(tw_data_change(&few, &changes, NULL), 0);
    assert_int_equal(few.n_train, 100);
    assert_int_equal(few.n_validation, 360);
    assert_memory_equal(few.features, all.features, 100 * 64 * sizeof(float));
    assert_memory_equal(few.labels, all.labels, 100);
    assert_memory_equal(few.features + 100 * 64, all.features + 1437 * 64,
                        360 * 64 * sizeof(float));
    assert_memory_equal(few.labels + 100, all.labels + 1437, 360);
    tw_data_release(&all);
    tw_data_release(&few);
}

/* Half the labels drawn anew from ten classes: 1437 x .5 x .9 = 647 differ, with a standard
 * deviation of 19; five of them. */
static void noise_changes_a_share_of_the_training_labels(void **state)
{
    struct tw_data clean, noisy;
    const struct tw_data_changes changes = {.label_noise = .5};
    size_t changed = 0;
    (void)state;
    assert_int_equal(tw_dataset_find("digits")->load(&clean, &automatic, NULL), 0);
    assert_int_equal(tw_dataset_find("digits")->load(&noisy, &automatic, NULL), 0);
    assert_int_equal(tw_data_change(&noisy, &changes, NULL), 0);
    for (size_t i = 0; i < 1437; i++)
        changed += clean.labels[i] != noisy.labels[i];
    assert_in_range(changed, 552, 742);
    assert_memory_equal(clean.labels + 1437, noisy.labels + 1437, 360);
    tw_data_release(&clean);
    tw_data_release(&noisy);
    assert_int_equal(tw_dataset_find("diabetes")->load(&clean, &automatic, NULL), 0);
    assert_true(tw_data_change(&clean, &changes, NULL) < 0);
    tw_data_release(&clean);
}

/* Training rows 1, 3 and 10, 10: mean 2 and deviation 1; 10 and 0, which is taken as 1. */
static void the_training_parts_figures_standardize_both_parts(void **state)
{
    float features[] = {1, 10, 3, 10, 4, 12}, values[] = {-2, 6, 10};
    static const float expected[] = {-1, 0, 1, 0, 2, 2}, expected_values[] = {-1, 1, 2};
    struct tw_data data = {
        .n_features = 2, .n_train = 2, .n_validation = 1, .features = features, .values = values};
    const struct tw_data_changes features_only = {.standardize = TW_STANDARDIZE_FEATURES};
    const struct tw_data_changes all = {.standardize = TW_STANDARDIZE_ALL};
    (void)state;
    assert_true(tw_data_target_variance(&data) == 16);
    assert_int_equal(tw_data_change(&data, &features_only, NULL), 0);
    assert_memory_equal(features, expected, sizeof expected);
    assert_true(values[0] == -2);
    assert_int_equal(tw_data_change(&data, &all, NULL), 0);
    assert_memory_equal(values, expected_values, sizeof expected_values);
}

/* Shares 1/2, 1/4, 1/4: entropy 1/2 ln 2 + 1/2 ln 4 = 1.5 ln 2; one-hot (1/4 + 3/16 + 3/16) / 3 =
 * 5/24. */
static void the_levels_of_knowing_nothing_are_those_of_the_shares(void **state)
{
    uint8_t of[] = {0, 1, 2, 0, 2};
    struct tw_data data = {.n_classes = 3, .n_train = 4, .n_validation = 1, .labels = of};
    (void)state;
    assert_near(tw_data_label_entropy(&data), 1.5 * log(2), 1e-12);
    assert_near(tw_data_target_variance(&data), 5. / 24, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digits_are_the_published_file),
        cmocka_unit_test(the_classes_have_as_many_samples_as_their_source_says),
        cmocka_unit_test(the_split_is_shuffled_and_always_the_same),
        cmocka_unit_test(the_other_built_in_sets_are_those_of_their_sources),
        cmocka_unit_test(tables_of_many_forms_are_the_same_numbers),
        cmocka_unit_test(the_column_to_predict_is_told_by_name_or_number),
        cmocka_unit_test(whole_numbers_are_classes_up_to_a_hundred),
        cmocka_unit_test(broken_tables_are_refused_with_their_line),
        cmocka_unit_test(rows_keep_together_through_the_split),
        cmocka_unit_test(a_damaged_gzip_file_is_refused),
        cmocka_unit_test(idx_files_are_read_packed_or_not),
        cmocka_unit_test(what_is_no_idx_file_is_refused),
        cmocka_unit_test(the_first_samples_stay_and_so_does_the_validation_part),
        cmocka_unit_test(noise_changes_a_share_of_the_training_labels),
        cmocka_unit_test(the_training_parts_figures_standardize_both_parts),
        cmocka_unit_test(the_levels_of_knowing_nothing_are_those_of_the_shares),
    };
    return cmocka_run_group_tests_name("trainer_data", tests, NULL, NULL);
}
