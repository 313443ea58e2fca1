/* Checkpoint files: their bytes, and which of them are kept. */
#include <config.h>

#include "trainer/checkpoint.h"

#include "trainer/checkpoint_list.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "checkpoints hold floats as they lie in memory: this needs a little-endian machine"
#endif

#define NAME_BYTES 32

static const char magic[8] = "TWCKPT";

struct preamble {
    char magic[8];
    uint32_t version, n_layers, n_slots, position;
    uint64_t seed, step, samples, epoch, batch_size, random_state, random_increment, n_parameters;
    double eval_loss;
    char dataset[NAME_BYTES], optimizer[NAME_BYTES];
    uint64_t n_updates, dropout_state, dropout_increment, n_buffers;
    double loss_scale;
    uint64_t n_clean;
};
_Static_assert(sizeof(struct preamble) == 208, "the preamble has no padding");

struct layer_entry {
    char kind[NAME_BYTES];
    uint64_t fan_in, units;
};

/* ---- writing ---- */

struct writer {
    FILE *file;
    uLong crc;
    bool failed;
};

static void put(struct writer *writer, const void *data, size_t size)
{
    writer->crc = crc32_z(writer->crc, data, size);
    writer->failed |= fwrite(data, 1, size, writer->file) != size;
}

static void put_training(struct writer *writer, const struct tw_training *training, uint64_t seed,
                         double eval_loss)
{
    const struct tw_model *model = &training->model;
    bool is_over = tw_training_epoch_is_over(training);
    const struct tw_random *random = is_over ? &training->random : &training->epoch_random;
    struct preamble preamble = {
        .version = TW_CHECKPOINT_VERSION,
        .n_layers = (uint32_t)model->n_layers,
        .n_slots = training->plan.optimizer->n_slots,
        .position = is_over ? 0 : (uint32_t)training->position,
        .seed = seed,
        .step = training->step,
        .samples = training->samples,
        .epoch = training->epoch,
        .batch_size = training->batch_size,
        .random_state = random->state,
        .random_increment = random->increment,
        .n_parameters = model->n_parameters,
        .eval_loss = eval_loss,
        .n_updates = training->n_updates,
        .dropout_state = training->dropout_random.state,
        .dropout_increment = training->dropout_random.increment,
        .n_buffers = model->n_buffers,
        .loss_scale = training->loss_scaler.scale,
        .n_clean = training->loss_scaler.n_clean,
    };
    memcpy(preamble.magic, magic, sizeof magic);
    snprintf(preamble.dataset, NAME_BYTES, "%s", training->plan.dataset->name);
    snprintf(preamble.optimizer, NAME_BYTES, "%s", training->plan.optimizer->name);
    put(writer, &preamble, sizeof preamble);
    for (size_t i = 0; i < model->n_layers; i++) {
        struct layer_entry entry = {.fan_in = model->layers[i].fan_in,
                                    .units = model->layers[i].units};
        snprintf(entry.kind, NAME_BYTES, "%s", model->layers[i].type->name);
        put(writer, &entry, sizeof entry);
    }
    put(writer, model->parameters, model->n_parameters * sizeof(float));
    for (uint32_t slot = 0; slot < preamble.n_slots; slot++)
        put(writer, training->slots[slot], model->n_parameters * sizeof(float));
    put(writer, model->buffers, model->n_buffers * sizeof(float));
    uint32_t crc = (uint32_t)writer->crc;
    put(writer, &crc, sizeof crc);
}

static int write_file(const char *path, const struct tw_training *training, uint64_t seed,
                      double eval_loss, struct tw_error *error)
{
    char temporary[4096];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return tw_error_at(error, -ENAMETOOLONG, path, 0, 0, "the path is too long");
    struct writer writer = {.file = fopen(temporary, "we"), .crc = crc32(0, NULL, 0)};
    if (!writer.file)
        return tw_error_at(error, -errno, temporary, 0, 0, "cannot write: %s", strerror(errno));
    put_training(&writer, training, seed, eval_loss);
    writer.failed |= fflush(writer.file) || fsync(fileno(writer.file));
    writer.failed |= fclose(writer.file) != 0;
    if (!writer.failed && !rename(temporary, path))
        return 0;
    int code = errno ? errno : EIO;
    unlink(temporary);
    return tw_error_at(error, -code, path, 0, 0, "cannot write: %s", strerror(code));
}

/* ---- which are kept ---- */

static void path_of(const struct tw_checkpoints *checkpoints, uint64_t step, char *ret, size_t size)
{
    snprintf(ret, size, "%s/step-%llu.bin", checkpoints->dir, (unsigned long long)step);
}

static void remove_step(const struct tw_checkpoints *checkpoints, uint64_t step)
{
    char path[4096];
    path_of(checkpoints, step, path, sizeof path);
    unlink(path);
}

static bool is_kept(const struct tw_checkpoints *checkpoints, uint64_t step)
{
    for (uint64_t i = 0; i < checkpoints->n; i++) {
        if (checkpoints->steps[i] == step)
            return true;
    }
    return checkpoints->has_best && checkpoints->best_step == step;
}

static void keep_as_newest(struct tw_checkpoints *checkpoints, uint64_t step)
{
    if (checkpoints->n < checkpoints->keep) {
        checkpoints->steps[checkpoints->n++] = step;
        return;
    }
    uint64_t oldest = checkpoints->steps[0];
    memmove(checkpoints->steps, checkpoints->steps + 1,
            (checkpoints->n - 1) * sizeof *checkpoints->steps);
    checkpoints->steps[checkpoints->n - 1] = step;
    if (!is_kept(checkpoints, oldest))
        remove_step(checkpoints, oldest);
}

static void keep_if_best(struct tw_checkpoints *checkpoints, uint64_t step, double eval_loss)
{
    uint64_t former = checkpoints->best_step;
    bool had_best = checkpoints->has_best;
    if (had_best && !(eval_loss < checkpoints->best_loss))
        return;
    if (!isfinite(eval_loss))
        return;
    checkpoints->has_best = true;
    checkpoints->best_step = step;
    checkpoints->best_loss = eval_loss;
    if (had_best && !is_kept(checkpoints, former))
        remove_step(checkpoints, former);
}

int tw_checkpoints_open(struct tw_checkpoints *checkpoints, const char *run_dir, uint64_t keep,
                        uint64_t seed, struct tw_error *error)
{
    *checkpoints = (struct tw_checkpoints){.keep = keep, .seed = seed};
    checkpoints->steps = calloc(keep, sizeof *checkpoints->steps);
    if (!checkpoints->steps || asprintf(&checkpoints->dir, "%s/checkpoints", run_dir) < 0) {
        checkpoints->dir = NULL;
        tw_checkpoints_close(checkpoints);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    /* Room for "/step-N.bin.tmp" in the buffers above. */
    if (strlen(checkpoints->dir) <= 4000 && (!mkdir(checkpoints->dir, 0777) || errno == EEXIST))
        return 0;
    int code = strlen(checkpoints->dir) > 4000 ? ENAMETOOLONG : errno;
    tw_error_at(error, -code, checkpoints->dir, 0, 0, "cannot make the directory: %s",
                strerror(code));
    tw_checkpoints_close(checkpoints);
    return -code;
}

int tw_checkpoints_continue(struct tw_checkpoints *checkpoints, uint64_t step,
                            struct tw_error *error)
{
    struct tw_checkpoint_entry *entries;
    size_t n;
    int result = tw_checkpoint_list(&entries, &n, checkpoints->dir, error);
    if (result)
        return result;
    while (n && entries[n - 1].step > step)
        n--;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(entries[i].eval_loss) ||
            (checkpoints->has_best && !(entries[i].eval_loss < checkpoints->best_loss)))
            continue;
        checkpoints->has_best = true;
        checkpoints->best_step = entries[i].step;
        checkpoints->best_loss = entries[i].eval_loss;
    }
    size_t first = n > checkpoints->keep ? n - checkpoints->keep : 0;
    for (size_t i = first; i < n; i++)
        checkpoints->steps[checkpoints->n++] = entries[i].step;
    free(entries);
    return 0;
}

int tw_checkpoints_save(struct tw_checkpoints *checkpoints, const struct tw_training *training,
                        double eval_loss, struct tw_error *error)
{
    char path[4096];
    path_of(checkpoints, training->step, path, sizeof path);
    int result = write_file(path, training, checkpoints->seed, eval_loss, error);
    if (result)
        return result;
    keep_if_best(checkpoints, training->step, eval_loss);
    keep_as_newest(checkpoints, training->step);
    return 0;
}

void tw_checkpoints_close(struct tw_checkpoints *checkpoints)
{
    free(checkpoints->dir);
    free(checkpoints->steps);
    *checkpoints = (struct tw_checkpoints){0};
}

/* ---- reading ---- */

/* Size of a checkpoint of this training, which is the only one that it can read. */
static size_t file_size(const struct tw_training *training)
{
    return sizeof(struct preamble) + training->model.n_layers * sizeof(struct layer_entry) +
           (1 + training->plan.optimizer->n_slots) * training->model.n_parameters * sizeof(float) +
           training->model.n_buffers * sizeof(float) + sizeof(uint32_t);
}

static int check(const unsigned char *data, const struct tw_training *training, const char *path,
                 struct tw_error *error)
{
    const struct tw_model *model = &training->model;
    size_t size = file_size(training);
    struct preamble preamble;
    memcpy(&preamble, data, sizeof preamble);
    bool fits =
        preamble.n_layers == model->n_layers && preamble.n_parameters == model->n_parameters &&
        preamble.n_buffers == model->n_buffers && preamble.position < training->data.n_train &&
        preamble.n_slots == training->plan.optimizer->n_slots &&
        !strncmp(preamble.optimizer, training->plan.optimizer->name, NAME_BYTES) &&
        !strncmp(preamble.dataset, training->plan.dataset->name, NAME_BYTES);
    for (size_t i = 0; fits && i < model->n_layers; i++) {
        struct layer_entry entry;
        memcpy(&entry, data + sizeof preamble + i * sizeof entry, sizeof entry);
        fits = entry.fan_in == model->layers[i].fan_in && entry.units == model->layers[i].units &&
               !strncmp(entry.kind, model->layers[i].type->name, NAME_BYTES);
    }
    if (!fits)
        return tw_error_at(error, -EINVAL, path, 0, 0,
                           "the checkpoint is of another model, optimizer or data set");
    uint32_t crc;
    memcpy(&crc, data + size - sizeof crc, sizeof crc);
    if (crc != (uint32_t)crc32_z(crc32(0, NULL, 0), data, size - sizeof crc))
        return tw_error_at(error, -EBADMSG, path, 0, 0, "the checkpoint is damaged");
    return 0;
}

static void restore_loss_scaler(const struct preamble *preamble, struct tw_loss_scaler *scaler)
{
    if (!tw_loss_scaler_is_on(scaler) || !(preamble->loss_scale > 0))
        return;
    scaler->scale = preamble->loss_scale;
    scaler->n_clean = preamble->n_clean;
}

static void restore(const unsigned char *data, struct tw_training *training)
{
    struct tw_model *model = &training->model;
    struct preamble preamble;
    size_t bytes = model->n_parameters * sizeof(float);
    memcpy(&preamble, data, sizeof preamble);
    training->step = preamble.step;
    training->samples = preamble.samples;
    training->epoch = preamble.epoch;
    training->resumed_from = preamble.step;
    training->n_updates = preamble.n_updates;
    tw_training_enter_epoch(training,
                            (struct tw_random){preamble.random_state, preamble.random_increment},
                            preamble.position);
    training->dropout_random =
        (struct tw_random){preamble.dropout_state, preamble.dropout_increment};
    restore_loss_scaler(&preamble, &training->loss_scaler);
    data += sizeof preamble + model->n_layers * sizeof(struct layer_entry);
    memcpy(model->parameters, data, bytes);
    for (uint32_t slot = 0; slot < preamble.n_slots; slot++)
        memcpy(training->slots[slot], data + (1 + slot) * bytes, bytes);
    memcpy(model->buffers, data + (1 + preamble.n_slots) * bytes, model->n_buffers * sizeof(float));
}

static int check_start(const unsigned char *data, size_t got, size_t size, const char *path,
                       struct tw_error *error)
{
    uint32_t version;
    if (got < sizeof magic + sizeof version || memcmp(data, magic, sizeof magic))
        return tw_error_at(error, -EBADMSG, path, 0, 0, "this is no checkpoint");
    memcpy(&version, data + sizeof magic, sizeof version);
    if (version != TW_CHECKPOINT_VERSION)
        return tw_error_at(error, -EPROTONOSUPPORT, path, 0, 0,
                           "the checkpoint has version %u, this program knows %d", version,
                           TW_CHECKPOINT_VERSION);
    if (got != size)
        return tw_error_at(error, -EINVAL, path, 0, 0,
                           "the checkpoint is cut short, or of another model or optimizer");
    return 0;
}

int tw_checkpoint_read(const char *path, struct tw_training *training, struct tw_error *error)
{
    size_t size = file_size(training);
    /* One more, to tell a longer file. */
    unsigned char *data = malloc(size + 1);
    FILE *file = fopen(path, "re");
    int result = 0;
    if (!data)
        result = tw_error_set(error, -ENOMEM, "out of memory");
    else if (!file)
        result = tw_error_at(error, -errno, path, 0, 0, "cannot read: %s", strerror(errno));
    if (!result)
        result = check_start(data, fread(data, 1, size + 1, file), size, path, error);
    if (!result)
        result = check(data, training, path, error);
    if (!result)
        restore(data, training);
    if (file)
        fclose(file);
    free(data);
    return result;
}

int tw_checkpoint_peek(const char *path, uint64_t *ret_step, double *ret_eval_loss,
                       struct tw_error *error)
{
    struct preamble preamble;
    FILE *file = fopen(path, "re");
    if (!file)
        return tw_error_at(error, -errno, path, 0, 0, "cannot read: %s", strerror(errno));
    size_t got = fread(&preamble, 1, sizeof preamble, file);
    fclose(file);
    int result = check_start((const unsigned char *)&preamble, got, sizeof preamble, path, error);
    if (result)
        return result;
    *ret_step = preamble.step;
    *ret_eval_loss = preamble.eval_loss;
    return 0;
}
