/* Samples in memory: their room, their split, and what may be done to them. */
#include "trainer/datasets/dataset.h"

#include "trainer/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The split is the same in every run, whatever the run's own seed: results stay comparable. */
#define SPLIT_SEED 1998

static size_t row_count(const struct tw_data *data)
{
    return data->n_train + data->n_validation;
}

int tw_data_allocate(struct tw_data *data, size_t rows, struct tw_error *error)
{
    size_t floats;
    /* Rows are counted in 32 bits where they are shuffled. */
    if (rows > UINT32_MAX || __builtin_mul_overflow(rows, data->n_features, &floats))
        return tw_error_set(error, -EFBIG, "%zu rows of %zu features are too many", rows,
                            data->n_features);
    data->n_train = rows;
    data->n_validation = 0;
    data->features = calloc(floats, sizeof *data->features);
    data->labels = data->n_classes ? calloc(rows, sizeof *data->labels) : NULL;
    data->values = data->n_classes ? NULL : calloc(rows, sizeof *data->values);
    if (data->features && (data->labels || data->values))
        return 0;
    tw_data_release(data);
    return tw_error_set(error, -ENOMEM, "out of memory");
}

void tw_data_release(struct tw_data *data)
{
    free(data->features);
    free(data->labels);
    free(data->values);
    *data = (struct tw_data){0};
}

/* ---- the split ---- */

static void swap_bytes(void *a, void *b, void *room, size_t size)
{
    memcpy(room, a, size);
    memcpy(a, b, size);
    memcpy(b, room, size);
}

static void swap_rows(struct tw_data *data, size_t a, size_t b, float *room)
{
    size_t n = data->n_features;
    swap_bytes(data->features + a * n, data->features + b * n, room, n * sizeof(float));
    if (data->labels)
        swap_bytes(data->labels + a, data->labels + b, room, sizeof *data->labels);
    if (data->values)
        swap_bytes(data->values + a, data->values + b, room, sizeof *data->values);
}

/* Row i goes to place[i]: along each cycle of the permutation, without a second copy of the data.
 * `place` is used up. */
static void move_rows(struct tw_data *data, uint32_t *place, size_t rows, float *room)
{
    for (size_t row = 0; row < rows; row++) {
        while (place[row] != row) {
            uint32_t to = place[row];
            swap_rows(data, row, to, room);
            place[row] = place[to];
            place[to] = to;
        }
    }
}

static int shuffle(struct tw_data *data, struct tw_error *error)
{
    size_t rows = row_count(data);
    uint32_t *place = calloc(rows, sizeof *place);
    float *room = calloc(data->n_features + 1, sizeof *room);
    struct tw_random random;
    if (place && room) {
        tw_random_init(&random, SPLIT_SEED, TW_RANDOM_SPLIT);
        for (size_t i = 0; i < rows; i++)
            place[i] = (uint32_t)i;
        tw_random_shuffle(&random, place, rows);
        move_rows(data, place, rows, room);
    }
    int result = place && room ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    free(place);
    free(room);
    return result;
}

int tw_data_split(struct tw_data *data, size_t n_validation, const char *place,
                  struct tw_error *error)
{
    size_t rows = row_count(data);
    if (rows <= n_validation)
        return tw_error_at(error, -EINVAL, place, 0, 0,
                           "%zu rows are too few: %zu are for validation", rows, n_validation);
    data->n_train = rows - n_validation;
    data->n_validation = n_validation;
    return shuffle(data, error);
}

int tw_data_split_share(struct tw_data *data, double share, const char *place,
                        struct tw_error *error)
{
    size_t n_validation = (size_t)((double)row_count(data) * share);
    return tw_data_split(data, n_validation ? n_validation : 1, place, error);
}

/* ---- changes ---- */

static void keep_first(struct tw_data *data, size_t n_train)
{
    size_t n = data->n_features, from = data->n_train, left = data->n_validation;
    if (n_train >= from)
        return;
    memmove(data->features + n_train * n, data->features + from * n, left * n * sizeof(float));
    if (data->labels)
        memmove(data->labels + n_train, data->labels + from, left * sizeof *data->labels);
    if (data->values)
        memmove(data->values + n_train, data->values + from, left * sizeof *data->values);
    data->n_train = n_train;
}

static void add_noise(struct tw_data *data, double probability)
{
    struct tw_random random;
    tw_random_init(&random, SPLIT_SEED, TW_RANDOM_NOISE);
    for (size_t i = 0; i < data->n_train; i++) {
        if (tw_random_uniform(&random) < probability)
            data->labels[i] = (uint8_t)tw_random_below(&random, (uint32_t)data->n_classes);
    }
}

/* Of every `stride`-th number. A column that is the same everywhere becomes 0. */
static void standardize_column(float *values, size_t stride, size_t n_train, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n_train; i++)
        mean += values[i * stride] / (double)n_train;
    for (size_t i = 0; i < n_train; i++)
        squares += (values[i * stride] - mean) * (values[i * stride] - mean);
    double deviation = sqrt(squares / (double)n_train);
    for (size_t i = 0; i < n; i++)
        values[i * stride] = (float)((values[i * stride] - mean) / (deviation > 0 ? deviation : 1));
}

static void standardize(struct tw_data *data, enum tw_standardize what)
{
    size_t rows = row_count(data);
    for (size_t i = 0; what >= TW_STANDARDIZE_FEATURES && i < data->n_features; i++)
        standardize_column(data->features + i, data->n_features, data->n_train, rows);
    if (what == TW_STANDARDIZE_ALL && data->values)
        standardize_column(data->values, 1, data->n_train, rows);
}

int tw_data_change(struct tw_data *data, const struct tw_data_changes *changes,
                   struct tw_error *error)
{
    if (changes->label_noise > 0 && !data->labels)
        return tw_error_set(error, -EINVAL, "label_noise: the data set has no classes");
    if (changes->train_samples)
        keep_first(data, changes->train_samples);
    if (changes->label_noise > 0)
        add_noise(data, changes->label_noise);
    standardize(data, changes->standardize);
    return 0;
}

/* ---- facts ---- */

double tw_data_squares_around_mean(const float *values, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return squares;
}

static void class_shares(const struct tw_data *data, double shares[TW_CLASSES_MAX])
{
    memset(shares, 0, TW_CLASSES_MAX * sizeof *shares);
    for (size_t i = 0; i < data->n_train; i++)
        shares[data->labels[i]] += 1 / (double)data->n_train;
}

double tw_data_target_variance(const struct tw_data *data)
{
    double shares[TW_CLASSES_MAX], sum = 0;
    if (!data->labels)
        return tw_data_squares_around_mean(data->values, data->n_train) / (double)data->n_train;
    class_shares(data, shares);
    for (size_t class = 0; class < data->n_classes; class ++)
        sum += shares[class] * (1 - shares[class]);
    return sum / (double)data->n_classes;
}

double tw_data_label_entropy(const struct tw_data *data)
{
    double shares[TW_CLASSES_MAX], entropy = 0;
    if (!data->labels)
        return NAN;
    class_shares(data, shares);
    for (size_t class = 0; class < data->n_classes; class ++)
        entropy -= shares[class] > 0 ? shares[class] * log(shares[class]) : 0;
    return entropy;
}
