/* A directory of images and classes as MNIST, Fashion-MNIST, KMNIST and EMNIST have them. */
#include "trainer/datasets/idx.h"

#include "trainer/datasets/bytes.h"
#include "trainer/datasets/dataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE_BYTE 8
#define HEAD_BYTES 4

static int not_idx(struct tw_error *error, const char *place, const char *text)
{
    return tw_error_at(error, -EBADMSG, place, 0, 0, "%s", text);
}

static size_t size_at(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

int tw_idx_read(struct tw_idx *ret, const unsigned char *bytes, size_t size, const char *place,
                struct tw_error *error)
{
    size_t total, n_dimensions = size >= HEAD_BYTES ? bytes[3] : 0;
    size_t head = HEAD_BYTES * (1 + n_dimensions);
    if (!n_dimensions || bytes[0] || bytes[1])
        return not_idx(error, place, "this is no IDX file");
    if (bytes[2] != TYPE_BYTE)
        return not_idx(error, place, "this IDX file does not hold bytes");
    if (size < head)
        return not_idx(error, place, "the IDX file is cut short");
    struct tw_idx idx = {size_at(bytes + HEAD_BYTES), 1, bytes + head};
    for (size_t i = 1; i < n_dimensions; i++) {
        if (__builtin_mul_overflow(idx.width, size_at(bytes + HEAD_BYTES * (1 + i)), &idx.width))
            return not_idx(error, place, "the IDX file tells an impossible size");
    }
    if (!idx.n || !idx.width || __builtin_mul_overflow(idx.n, idx.width, &total) ||
        total != size - head)
        return tw_error_at(error, -EBADMSG, place, 0, 0,
                           "the IDX file tells %zu items of %zu bytes and holds %zu bytes", idx.n,
                           idx.width, size - head);
    *ret = idx;
    return 0;
}

/* ---- one file ---- */

struct part {
    char path[4096];
    unsigned char *bytes;
    struct tw_idx idx;
};

/* DIR/train-images-idx3-ubyte, or with a dot before "idx", and packed or not: as they are found on
 * the net. `path` is the first of these where there is none. */
static bool find_file(char *path, size_t size, const char *dir, const char *part, int dimensions)
{
    static const char *const dots[] = {".", "-"}, *const ends[] = {".gz", ""};
    for (int form = 0; form < 4; form++) {
        snprintf(path, size, "%s/%s%sidx%d-ubyte%s", dir, part, dots[form / 2], dimensions,
                 ends[form % 2]);
        if (!access(path, F_OK))
            return true;
    }
    return false;
}

static int read_part(struct part *part, const char *dir, const char *name, int dimensions,
                     struct tw_error *error)
{
    size_t size;
    find_file(part->path, sizeof part->path, dir, name, dimensions);
    int result = tw_bytes_read(&part->bytes, &size, part->path, error);
    return result ? result : tw_idx_read(&part->idx, part->bytes, size, part->path, error);
}

/* ---- images and their classes ---- */

struct set {
    struct part images, labels;
};

static void release_set(struct set *set)
{
    free(set->images.bytes);
    free(set->labels.bytes);
}

static int read_set(struct set *set, const char *dir, const char *images, const char *labels,
                    struct tw_error *error)
{
    int result = read_part(&set->images, dir, images, 3, error);
    if (!result)
        result = read_part(&set->labels, dir, labels, 1, error);
    if (!result && (set->labels.idx.width != 1 || set->labels.idx.n != set->images.idx.n))
        result = tw_error_at(error, -EBADMSG, set->labels.path, 0, 0,
                             "%zu classes do not belong to %zu images", set->labels.idx.n,
                             set->images.idx.n);
    return result;
}

static size_t count_classes(const struct set *set, size_t n_classes)
{
    for (size_t i = 0; i < set->labels.idx.n; i++) {
        if (set->labels.idx.values[i] >= n_classes)
            n_classes = (size_t)set->labels.idx.values[i] + 1;
    }
    return n_classes;
}

static void copy_set(struct tw_data *data, size_t row, const struct set *set)
{
    const struct tw_idx *images = &set->images.idx;
    float *features = data->features + row * data->n_features;
    for (size_t i = 0; i < images->n * images->width; i++)
        features[i] = (float)images->values[i] / 255;
    if (images->n)
        memcpy(data->labels + row, set->labels.idx.values, images->n);
}

static int make_data(struct tw_data *data, const struct set *train, const struct set *test,
                     struct tw_error *error)
{
    if (test->images.idx.n && test->images.idx.width != train->images.idx.width)
        return tw_error_at(error, -EBADMSG, test->images.path, 0, 0,
                           "images of %zu pixels, those to train with have %zu",
                           test->images.idx.width, train->images.idx.width);
    data->n_features = train->images.idx.width;
    data->n_classes = count_classes(test, count_classes(train, 2));
    int result = tw_data_allocate(data, train->images.idx.n + test->images.idx.n, error);
    if (result)
        return result;
    copy_set(data, 0, train);
    copy_set(data, train->images.idx.n, test);
    data->n_train = train->images.idx.n;
    data->n_validation = test->images.idx.n;
    return 0;
}

static int idx_load(struct tw_data *ret, const struct tw_dataset_config *config,
                    struct tw_error *error)
{
    struct set train = {0}, test = {0};
    struct tw_data data = {0};
    char path[sizeof test.images.path];
    int result = read_set(&train, config->path, "train-images", "train-labels", error);
    if (!result && find_file(path, sizeof path, config->path, "t10k-images", 3))
        result = read_set(&test, config->path, "t10k-images", "t10k-labels", error);
    if (!result)
        result = make_data(&data, &train, &test, error);
    if (!result && !data.n_validation)
        result = tw_data_split_share(&data, config->validation_fraction, config->path, error);
    release_set(&train);
    release_set(&test);
    if (result)
        tw_data_release(&data);
    else
        *ret = data;
    return result;
}

const struct tw_dataset tw_dataset_idx = {
    .name = "idx",
    .description = "idx:DIR, images as MNIST has them (train-images-idx3-ubyte and so on, also "
                   ".gz), scaled to 0..1; t10k-* validate, or a share of the others",
    .needs_path = true,
    .standardize = TW_STANDARDIZE_NONE,
    .load = idx_load,
};
