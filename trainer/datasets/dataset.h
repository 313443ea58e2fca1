/* A data set is one file ending in one struct tw_dataset, listed in datasets.c. */
#ifndef TW_DATASET_H
#define TW_DATASET_H

#include "telemetry/error.h"

#include <stddef.h>
#include <stdint.h>

/* Samples in memory. The first n_train rows are for training, the n_validation after them for
 * validation. */
struct tw_data {
    size_t n_features, n_classes, n_train, n_validation;
    float *features; /* [n_train + n_validation][n_features], owned */
    uint8_t *labels; /* [n_train + n_validation], each < n_classes; owned */
};

struct tw_dataset {
    const char *name;        /* "digits" */
    const char *description; /* one line: what it is, and how it is split */
    int (*load)(struct tw_data *ret, struct tw_error *error);
};

extern const struct tw_dataset *const tw_datasets[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_dataset *tw_dataset_find(const char *name);

/* Frees what load() made; a zeroed one is allowed. */
void tw_data_release(struct tw_data *data);

/* Reads rows of `n_features` whole numbers from 0 to `largest` and a class, with commas between,
 * each row ended by a newline; features are divided by `largest`. The rows are shuffled by a
 * generator with a seed that never changes, and the last n_validation become the validation part.
 * `place` names the text in errors. */
int tw_data_read_csv(struct tw_data *ret, const unsigned char *text, size_t size, size_t n_features,
                     unsigned largest, size_t n_classes, size_t n_validation, const char *place,
                     struct tw_error *error);

#endif
