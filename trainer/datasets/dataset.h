/* A data set is one file ending in one struct tw_dataset, listed in datasets.c. */
#ifndef TW_DATASET_H
#define TW_DATASET_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Labels are bytes: a data set has no more classes. */
#define TW_CLASSES_MAX 256

/* Samples in memory. The first n_train rows are for training, the n_validation after them for
 * validation. All arrays are owned. */
struct tw_data {
    size_t n_features;
    size_t n_classes; /* 0: the target is a number */
    size_t n_train, n_validation;
    float *features; /* [n_train + n_validation][n_features] */
    uint8_t *labels; /* [n_train + n_validation], each < n_classes; NULL without classes */
    float *values;   /* [n_train + n_validation], the numbers to predict; NULL with classes */
};

enum tw_task { TW_TASK_AUTO, TW_TASK_CLASSIFICATION, TW_TASK_REGRESSION };

/* What is made mean 0 and standard deviation 1 (by the training part's figures): `auto` is the data
 * set's own choice. */
enum tw_standardize {
    TW_STANDARDIZE_AUTO,
    TW_STANDARDIZE_NONE,
    TW_STANDARDIZE_FEATURES,
    TW_STANDARDIZE_ALL /* and the numbers to predict */
};

/* How a data set is to be read. Those that are built in use none of it. */
struct tw_dataset_config {
    const char *path;   /* behind the colon: a file or a directory; NULL: none was given */
    const char *target; /* (csv) column's name, or its number from 1; NULL: the last */
    enum tw_task task;
    double validation_fraction; /* where the files have no validation part of their own */
};

struct tw_dataset {
    const char *name;                /* "digits" */
    const char *description;         /* one line: what it is, and how it is split */
    bool needs_path;                 /* is written NAME:PATH */
    bool has_columns;                /* one can be chosen to be predicted, and how */
    enum tw_standardize standardize; /* what `auto` stands for */
    int (*load)(struct tw_data *ret, const struct tw_dataset_config *config,
                struct tw_error *error);
};

extern const struct tw_dataset *const tw_datasets[]; /* NULL-terminated */
/* The one called `name`, up to a colon in it; or NULL. */
const struct tw_dataset *tw_dataset_find(const char *name);
/* What stands behind the colon, or NULL. */
const char *tw_dataset_path(const char *name);

/* Frees what load() made; a zeroed one is allowed. */
void tw_data_release(struct tw_data *data);

/* Allocates for `rows` rows, all of them for training; n_features and n_classes are set before.
 * -ENOMEM, and -EFBIG over what a size holds. */
int tw_data_allocate(struct tw_data *data, size_t rows, struct tw_error *error);

/* Shuffles the rows by a generator with a seed that never changes (results of different runs stay
 * comparable), and makes the last `n_validation` the validation part. -EINVAL where that leaves
 * nothing to train with, -ENOMEM. `place` names the data in errors. */
int tw_data_split(struct tw_data *data, size_t n_validation, const char *place,
                  struct tw_error *error);
/* The same with a share of the rows, rounded down, at least one. */
int tw_data_split_share(struct tw_data *data, double share, const char *place,
                        struct tw_error *error);

/* What is done to a data set after it was read; 0 and TW_STANDARDIZE_NONE: nothing. */
struct tw_data_changes {
    uint64_t train_samples; /* only the first so many stay in the training part */
    double label_noise;     /* probability that a training label gives way to one drawn uniformly
                             * from all classes (C. Zhang et al., "Understanding Deep Learning
                             * Requires Rethinking Generalization", ICLR 2017, section 2.1:
                             * "partially corrupted labels"); seed that never changes */
    enum tw_standardize standardize; /* not `auto` */
};
/* -EINVAL: label noise without classes. */
int tw_data_change(struct tw_data *data, const struct tw_data_changes *changes,
                   struct tw_error *error);

/* ---- facts ---- */

/* The sum over `n` values of (value - mean)^2. */
double tw_data_squares_around_mean(const float *values, size_t n);

/* The mean squared error of the best constant: the population variance of the training part's
 * numbers, or with classes that of their one-hot form (the mean over classes of p (1 - p)). */
double tw_data_target_variance(const struct tw_data *data);
/* The cross-entropy of the best constant: the entropy, in nats, of the training part's classes.
 * NaN without classes. */
double tw_data_label_entropy(const struct tw_data *data);

#endif
