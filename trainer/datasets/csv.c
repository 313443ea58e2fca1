/* Data sets that are rows of whole numbers with commas between. */
#include "trainer/datasets/dataset.h"

#include "trainer/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The split is the same in every run, whatever the run's own seed: results stay comparable. */
#define SPLIT_SEED 1998

struct csv {
    const unsigned char *at, *end;
    unsigned line;
    const char *place;
    struct tw_error *error;
};

/* The next whole number up to `largest`, followed by `separator`. Negative: an error. */
static int next_number(struct csv *csv, unsigned largest, unsigned char separator)
{
    unsigned value = 0;
    const unsigned char *first = csv->at;
    while (csv->at < csv->end && *csv->at >= '0' && *csv->at <= '9' && value <= largest)
        value = value * 10 + (*csv->at++ - '0');
    if (csv->at == first)
        return tw_error_at(csv->error, -EBADMSG, csv->place, csv->line, 0,
                           "a whole number is missing");
    if (value > largest)
        return tw_error_at(csv->error, -ERANGE, csv->place, csv->line, 0, "a number is over %u",
                           largest);
    if (csv->at == csv->end || *csv->at != separator)
        return tw_error_at(csv->error, -EBADMSG, csv->place, csv->line, 0,
                           separator == '\n' ? "the row is too long" : "the row is too short");
    csv->at++;
    return (int)value;
}

static size_t count_rows(const unsigned char *text, size_t size)
{
    size_t rows = 0;
    for (size_t i = 0; i < size; i++)
        rows += text[i] == '\n';
    return rows;
}

static int read_row(struct csv *csv, float *features, size_t n_features, unsigned largest,
                    uint8_t *label, size_t n_classes)
{
    for (size_t i = 0; i < n_features; i++) {
        int value = next_number(csv, largest, ',');
        if (value < 0)
            return value;
        features[i] = (float)value / (float)largest;
    }
    int class = next_number(csv, (unsigned)n_classes - 1, '\n');
    if (class < 0)
        return class;
    *label = (uint8_t) class;
    csv->line++;
    return 0;
}

/* Which row of the text goes where: 0 .. n - 1, shuffled. */
static uint32_t *places(size_t n)
{
    uint32_t *order = malloc(n * sizeof *order);
    struct tw_random random;
    tw_random_init(&random, SPLIT_SEED, TW_RANDOM_SPLIT);
    for (size_t i = 0; order && i < n; i++)
        order[i] = (uint32_t)i;
    if (order)
        tw_random_shuffle(&random, order, n);
    return order;
}

int tw_data_read_csv(struct tw_data *ret, const unsigned char *text, size_t size, size_t n_features,
                     unsigned largest, size_t n_classes, size_t n_validation, const char *place,
                     struct tw_error *error)
{
    struct csv csv = {text, text + size, 1, place, error};
    size_t rows = count_rows(text, size);
    if (rows <= n_validation)
        return tw_error_at(error, -EBADMSG, place, 0, 0,
                           "%zu rows are too few: %zu are for validation", rows, n_validation);
    struct tw_data data = {n_features,
                           n_classes,
                           rows - n_validation,
                           n_validation,
                           calloc(rows * n_features, sizeof *data.features),
                           calloc(rows, sizeof *data.labels)};
    uint32_t *order = places(rows);
    int result =
        data.features && data.labels && order ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    for (size_t row = 0; !result && row < rows; row++)
        result = read_row(&csv, data.features + order[row] * n_features, n_features, largest,
                          &data.labels[order[row]], n_classes);
    if (!result && csv.at != csv.end)
        result = tw_error_at(error, -EBADMSG, place, csv.line, 0, "the last row does not end");
    free(order);
    if (result)
        tw_data_release(&data);
    else
        *ret = data;
    return result;
}
