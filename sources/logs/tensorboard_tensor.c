/* Numbers of every type that a scalar may have, and the sums of histograms. */
#include "sources/logs/tensorboard_tensor.h"

#include <math.h>

/* Fields of TensorProto. */
enum { DTYPE = 1, SHAPE = 2, CONTENT = 4, STRINGS = 8 };

/* How a type stands in `tensor_content`, and in which field of its own. */
enum layout { FLOAT, HALF, BFLOAT, SIGNED, UNSIGNED };
struct dtype {
    uint64_t number;
    enum layout layout;
    unsigned size; /* bytes in tensor_content */
    uint32_t field;
    enum tw_wire wire;
};

static const struct dtype dtypes[] = {
    {1, FLOAT, 4, 5, TW_WIRE_FIXED32},     /* DT_FLOAT: float_val */
    {2, FLOAT, 8, 6, TW_WIRE_FIXED64},     /* DT_DOUBLE: double_val */
    {3, SIGNED, 4, 7, TW_WIRE_VARINT},     /* DT_INT32: int_val */
    {4, UNSIGNED, 1, 7, TW_WIRE_VARINT},   /* DT_UINT8 */
    {5, SIGNED, 2, 7, TW_WIRE_VARINT},     /* DT_INT16 */
    {6, SIGNED, 1, 7, TW_WIRE_VARINT},     /* DT_INT8 */
    {9, SIGNED, 8, 10, TW_WIRE_VARINT},    /* DT_INT64: int64_val */
    {10, UNSIGNED, 1, 11, TW_WIRE_VARINT}, /* DT_BOOL: bool_val */
    {14, BFLOAT, 2, 13, TW_WIRE_VARINT},   /* DT_BFLOAT16: half_val */
    {17, UNSIGNED, 2, 7, TW_WIRE_VARINT},  /* DT_UINT16 */
    {19, HALF, 2, 13, TW_WIRE_VARINT},     /* DT_HALF */
    {22, UNSIGNED, 4, 16, TW_WIRE_VARINT}, /* DT_UINT32: uint32_val */
    {23, UNSIGNED, 8, 17, TW_WIRE_VARINT}, /* DT_UINT64: uint64_val */
};

static const struct dtype *find_dtype(uint64_t number)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].number == number)
            return &dtypes[i];
    return NULL;
}

/* TensorShapeProto: dim = 2 {size = 1}. */
static bool read_shape(struct tw_protobuf message, struct tw_tensor *ret)
{
    struct tw_protobuf_field field, size;
    int found;
    while ((found = tw_protobuf_next(&message, &field)) > 0) {
        if (!tw_protobuf_is(&field, 2, TW_WIRE_BYTES))
            continue;
        uint64_t n = 0;
        while ((found = tw_protobuf_next(&field.bytes, &size)) > 0)
            if (tw_protobuf_is(&size, 1, TW_WIRE_VARINT))
                n = size.value;
        if (found < 0)
            return false;
        if (ret->n_dimensions < 2)
            ret->shape[ret->n_dimensions] = n;
        ret->n_dimensions++;
    }
    return !found;
}

static bool take_tensor_field(const struct tw_protobuf_field *field, struct tw_tensor *ret)
{
    if (tw_protobuf_is(field, DTYPE, TW_WIRE_VARINT)) {
        ret->dtype = field->value;
    } else if (tw_protobuf_is(field, SHAPE, TW_WIRE_BYTES)) {
        return read_shape(field->bytes, ret);
    } else if (tw_protobuf_is(field, STRINGS, TW_WIRE_BYTES)) {
        if (!ret->has_first)
            ret->first = field->bytes;
        ret->has_first = true;
    } else if (field->number >= CONTENT) {
        ret->values_field = field->number;
        ret->has_single = field->wire != TW_WIRE_BYTES;
        ret->single = field->value;
        if (!ret->has_single)
            ret->values = field->bytes;
    }
    return true;
}

bool tw_tensor_read(struct tw_protobuf message, struct tw_tensor *ret)
{
    struct tw_protobuf_field field;
    int found;
    *ret = (struct tw_tensor){0};
    while ((found = tw_protobuf_next(&message, &field)) > 0)
        if (!take_tensor_field(&field, ret))
            return false;
    return !found;
}

/* IEEE 754 binary16. */
static double half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 0x1f);
    double fraction = (double)(bits & 0x3ff), value;
    if (exponent == 31)
        value = fraction != 0 ? (double)NAN : (double)INFINITY;
    else
        value = exponent ? ldexp(fraction + 1024, exponent - 25) : ldexp(fraction, -24);
    return bits & 0x8000 ? -value : value;
}

static int64_t sign_extended(uint64_t bits, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (int64_t)(bits << unused) >> unused;
}

static double number_of(const struct dtype *type, uint64_t bits)
{
    switch (type->layout) {
    case FLOAT:
        return type->size == 8 ? tw_protobuf_double(bits) : (double)tw_protobuf_float(bits);
    case HALF:
        return half(bits);
    case BFLOAT: /* the upper half of a float */
        return (double)tw_protobuf_float(bits << 16);
    case SIGNED:
        return (double)sign_extended(bits, type->size);
    case UNSIGNED:
        return (double)bits;
    }
    return NAN;
}

static bool packed_number(const struct dtype *type, struct tw_protobuf values, uint64_t *ret)
{
    if (type->wire == TW_WIRE_VARINT)
        return tw_protobuf_varint(&values, ret);
    return tw_protobuf_fixed(&values, type->size, ret);
}

bool tw_tensor_scalar(const struct tw_tensor *tensor, double *ret)
{
    const struct dtype *type = find_dtype(tensor->dtype);
    struct tw_protobuf values = tensor->values;
    uint64_t bits = 0; /* TensorFlow leaves zeros out, and fills up with them */
    if (!type || tensor->n_dimensions)
        return false;
    if (tensor->values_field == CONTENT) {
        if (tw_protobuf_size(&values) != type->size)
            return false;
        tw_protobuf_fixed(&values, type->size, &bits);
    } else if (tensor->values_field == type->field && tensor->has_single) {
        bits = tensor->single;
    } else if (tensor->values_field == type->field && tw_protobuf_size(&values)) {
        if (!packed_number(type, values, &bits))
            return false;
    } else if (tensor->values_field) {
        return false;
    }
    *ret = number_of(type, bits);
    return true;
}

/* HistogramProto; `limits` are the right edges of the buckets. */
struct sums {
    double min, max, n, sum, sum_squares;
    struct tw_protobuf limits, counts;
};

static void take_sum(const struct tw_protobuf_field *field, struct sums *sums)
{
    double *const numbers[] = {NULL,     &sums->min, &sums->max,
                               &sums->n, &sums->sum, &sums->sum_squares};
    if (field->wire == TW_WIRE_FIXED64 && field->number <= 5)
        *numbers[field->number] = tw_protobuf_double(field->value);
    else if (tw_protobuf_is(field, 6, TW_WIRE_BYTES))
        sums->limits = field->bytes;
    else if (tw_protobuf_is(field, 7, TW_WIRE_BYTES))
        sums->counts = field->bytes;
}

static bool next_double(struct tw_protobuf *doubles, double *ret)
{
    uint64_t bits;
    bool is_there = tw_protobuf_fixed(doubles, 8, &bits);
    if (is_there)
        *ret = tw_protobuf_double(bits);
    return is_there;
}

/* Writers have buckets of 1e-12 on both sides of 0. A wider one tells nothing of zeros. */
static bool zero_fraction(const struct sums *sums, double *ret)
{
    struct tw_protobuf limits = sums->limits, counts = sums->counts;
    double left = sums->min, right, count, zeros = 0;
    while (next_double(&limits, &right) && next_double(&counts, &count)) {
        bool holds_zero = left <= 0 && right >= 0 && count > 0;
        bool is_narrow = left >= -1e-9 && right <= 1e-9;
        if (holds_zero && !is_narrow)
            return false;
        zeros += holds_zero ? count : 0;
        left = right;
    }
    *ret = zeros / sums->n;
    return true;
}

bool tw_histogram_read(struct tw_protobuf message, struct tw_histogram *ret)
{
    struct sums sums = {0};
    struct tw_protobuf_field field;
    int found;
    while ((found = tw_protobuf_next(&message, &field)) > 0)
        take_sum(&field, &sums);
    if (found < 0 || !(sums.n > 0))
        return false;
    double mean = sums.sum / sums.n, variance = sums.sum_squares / sums.n - mean * mean;
    *ret = (struct tw_histogram){
        .has_sums = true,
        .mean = mean,
        .standard_deviation = sqrt(variance < 0 ? 0 : variance), /* rounding may go below 0 */
        .norm = sqrt(sums.sum_squares),
        .abs_max = fmax(fabs(sums.min), fabs(sums.max)),
    };
    ret->has_zeros = zero_fraction(&sums, &ret->zero_fraction);
    return true;
}

bool tw_histogram_of_tensor(const struct tw_tensor *tensor, struct tw_histogram *ret)
{
    struct tw_protobuf first = tensor->values, last = tensor->values;
    size_t size = tw_protobuf_size(&tensor->values);
    double left, right;
    if (tensor->dtype != TW_DT_DOUBLE || tensor->n_dimensions != 2 || tensor->shape[1] != 3 ||
        size < 24 || size % 24 || tensor->shape[0] != size / 24)
        return false;
    last.at = last.end - 16;
    if (!next_double(&first, &left) || !next_double(&last, &right))
        return false;
    *ret = (struct tw_histogram){.abs_max = fmax(fabs(left), fabs(right))};
    return true;
}
