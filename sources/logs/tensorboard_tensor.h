/* What TensorBoard's TensorProto and HistogramProto hold (tensorflow/core/framework/tensor.proto,
 * types.proto, summary.proto). */
#ifndef TW_TENSORBOARD_TENSOR_H
#define TW_TENSORBOARD_TENSOR_H

#include "sources/logs/protobuf.h"

#include <stdbool.h>

#define TW_DT_DOUBLE 2
#define TW_DT_STRING 7

struct tw_tensor {
    uint64_t dtype;
    unsigned n_dimensions;
    uint64_t shape[2];         /* the first of `n_dimensions` */
    struct tw_protobuf first;  /* its bytes, where it is a tensor of strings */
    struct tw_protobuf values; /* numbers, little-endian or packed */
    uint32_t values_field;     /* where `values` stood; 0: there are none */
    uint64_t single;           /* the last number, where they are not packed */
    bool has_first, has_single;
};

/* False where it is not well-formed. `ret` points into the message. */
bool tw_tensor_read(struct tw_protobuf message, struct tw_tensor *ret);

/* The number of a tensor of rank 0. False where it is no number, or has another rank. */
bool tw_tensor_scalar(const struct tw_tensor *tensor, double *ret);

/* What a histogram tells exactly. */
struct tw_histogram {
    double abs_max;
    bool has_sums; /* whether it tells these: */
    double mean, standard_deviation;
    double norm; /* square root of the sum of squares */
    bool has_zeros;
    double zero_fraction; /* share of values nearer to 0 than 1e-9 */
};

/* A histogram of summary.proto. False where it is not well-formed, or of no value. */
bool tw_histogram_read(struct tw_protobuf message, struct tw_histogram *ret);

/* One of the plugin "histograms": rows of left edge, right edge, count. Only abs_max is exact
 * there, since the edges begin and end at the least and the largest value. */
bool tw_histogram_of_tensor(const struct tw_tensor *tensor, struct tw_histogram *ret);

#endif
