/* The record in memory: what it owns, and the few questions that everybody asks of it. */
#include "telemetry/record.h"

#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FNV_OFFSET 14695981039346656037u /* FNV-1a, 64 bit: Fowler, Noll, Vo */
#define FNV_PRIME 1099511628211u

_Static_assert(TW_SIGNALS <= 32, "the signals that were sent are a 32-bit mask");
_Static_assert(sizeof(struct tw_layers) % sizeof(float) == 0, "columns lie behind the struct");

void tw_record_init(struct tw_record *record)
{
    memset(record, 0, sizeof *record);
    record->kind = TW_KIND_STEP;
}

static void free_header(struct tw_header *header)
{
    if (!header)
        return;
    free(header->hyperparameters);
    free(header->layers);
    free(header);
}

/* All bytes but those of metrics that were never there, two thirds of the record: a decoder does
 * this for each. */
void tw_record_clear(struct tw_record *record)
{
    const size_t before = offsetof(struct tw_record, metrics);
    const size_t after = before + sizeof record->metrics;
    free_header(record->header);
    free(record->layers);
    memset(record->metrics, 0, record->n_metrics * sizeof *record->metrics);
    memset(record, 0, before);
    memset((char *)record + after, 0, sizeof *record - after);
    record->kind = TW_KIND_STEP;
}

__attribute__((hot)) void tw_record_set(struct tw_record *record, enum tw_signal signal,
                                        double value)
{
    record->signals |= 1u << signal;
    record->signal[signal] = value;
}

extern inline bool tw_record_has(const struct tw_record *record, enum tw_signal signal);

void tw_record_add_metric(struct tw_record *record, const char *name, double value)
{
    struct tw_metric metric = {.value = value};
    /* On the wire these two would be the signals of that name, twice. */
    if (!strcmp(name, "loss") || !strcmp(name, "samples")) {
        tw_record_set(record, *name == 'l' ? TW_SIGNAL_EVAL_LOSS : TW_SIGNAL_EVAL_SAMPLES, value);
        return;
    }
    tw_text_copy(metric.name, sizeof metric.name, name, strlen(name));
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        if (!strcmp(record->metrics[i].name, metric.name)) {
            record->metrics[i] = metric;
            return;
        }
    }
    if (metric.name[0] && record->n_metrics < TW_METRICS_MAX)
        record->metrics[record->n_metrics++] = metric;
}

struct tw_header *tw_record_add_header(struct tw_record *record)
{
    free_header(record->header);
    record->header = calloc(1, sizeof *record->header);
    return record->header;
}

/* One block for the struct and the room of all columns: a decoder makes one for each record. */
struct tw_layers *tw_record_add_layers(struct tw_record *record, uint32_t n)
{
    free(record->layers);
    record->layers = NULL;
    if (n > TW_LAYERS_MAX)
        return NULL;
    record->layers = malloc(sizeof *record->layers + (size_t)n * TW_LAYER_COLUMNS * sizeof(float));
    if (record->layers)
        *record->layers = (struct tw_layers){.n = n};
    return record->layers;
}

float *tw_layers_add_column(struct tw_layers *layers, enum tw_layer_column column)
{
    float *room = (float *)(void *)(layers + 1) + (size_t)column * layers->n;
    for (uint32_t i = 0; i < layers->n; i++)
        room[i] = NAN;
    layers->column[column] = room;
    return room;
}

const struct tw_hyperparameter *tw_header_find(const struct tw_header *header, const char *name)
{
    for (size_t i = 0; i < header->n_hyperparameters; i++) {
        if (!strcmp(header->hyperparameters[i].name, name))
            return &header->hyperparameters[i];
    }
    return NULL;
}

/* Makes room for one more in an array that doubles: grown when `n` is 0 or a power of two. */
static void *grow(void *items, size_t n, size_t size)
{
    if (n & (n - 1))
        return items;
    return realloc(items, (n ? 2 * n : 1) * size);
}

static int set_hyperparameter(struct tw_header *header, struct tw_hyperparameter entry,
                              const char *name)
{
    tw_text_copy(entry.name, sizeof entry.name, name, strlen(name));
    for (size_t i = 0; i < header->n_hyperparameters; i++) {
        if (!strcmp(header->hyperparameters[i].name, entry.name)) {
            header->hyperparameters[i] = entry;
            return 0;
        }
    }
    if (header->n_hyperparameters >= TW_HYPERPARAMETERS_MAX)
        return -E2BIG;
    void *grown = grow(header->hyperparameters, header->n_hyperparameters, sizeof entry);
    if (!grown)
        return -ENOMEM;
    header->hyperparameters = grown;
    header->hyperparameters[header->n_hyperparameters++] = entry;
    return 0;
}

int tw_header_set_number(struct tw_header *header, const char *name, double value)
{
    return set_hyperparameter(header, (struct tw_hyperparameter){.number = value}, name);
}

int tw_header_set_text(struct tw_header *header, const char *name, const char *value)
{
    struct tw_hyperparameter entry = {.is_text = true};
    tw_text_copy(entry.text, sizeof entry.text, value, strlen(value));
    return set_hyperparameter(header, entry, name);
}

struct tw_layer_info *tw_header_add_layer(struct tw_header *header, const char *name)
{
    if (header->n_layers >= TW_LAYERS_MAX)
        return NULL;
    void *grown = grow(header->layers, header->n_layers, sizeof *header->layers);
    if (!grown)
        return NULL;
    header->layers = grown;
    struct tw_layer_info *layer = &header->layers[header->n_layers++];
    *layer = (struct tw_layer_info){0};
    tw_text_copy(layer->name, sizeof layer->name, name, strlen(name));
    return layer;
}

uint64_t tw_header_hash(const struct tw_header *header)
{
    uint64_t hash = FNV_OFFSET;
    for (size_t i = 0; i < header->n_layers; i++) {
        const char *name = header->layers[i].name;
        do
            hash = (hash ^ (unsigned char)*name) * FNV_PRIME;
        while (*name++);
    }
    return hash;
}

/* Room for the next power of two, as grow() expects to find it. */
static void *copy_items(const void *items, size_t n, size_t size)
{
    size_t room = 1;
    while (room < n)
        room *= 2;
    void *copy = malloc(room * size);
    if (copy)
        memcpy(copy, items, n * size);
    return copy;
}

static struct tw_header *copy_header(const struct tw_header *from)
{
    struct tw_header *to = malloc(sizeof *to);
    if (!to)
        return NULL;
    *to = *from;
    to->hyperparameters = NULL;
    to->layers = NULL;
    if (from->n_hyperparameters)
        to->hyperparameters = copy_items(from->hyperparameters, from->n_hyperparameters,
                                         sizeof *from->hyperparameters);
    if (from->n_layers)
        to->layers = copy_items(from->layers, from->n_layers, sizeof *from->layers);
    if ((from->n_hyperparameters && !to->hyperparameters) || (from->n_layers && !to->layers)) {
        free_header(to);
        return NULL;
    }
    return to;
}

static int copy_layers(struct tw_record *to, const struct tw_layers *from)
{
    struct tw_layers *layers = tw_record_add_layers(to, from->n);
    if (!layers)
        return -ENOMEM;
    layers->header_hash = from->header_hash;
    for (int column = 0; column < TW_LAYER_COLUMNS; column++) {
        if (from->column[column])
            memcpy(tw_layers_add_column(layers, (enum tw_layer_column)column), from->column[column],
                   from->n * sizeof(float));
    }
    return 0;
}

int tw_record_copy(struct tw_record *to, const struct tw_record *from)
{
    if (to == from)
        return 0;
    tw_record_clear(to);
    *to = *from;
    to->header = NULL;
    to->layers = NULL;
    if (from->header)
        to->header = copy_header(from->header);
    if ((from->header && !to->header) || (from->layers && copy_layers(to, from->layers))) {
        tw_record_clear(to);
        return -ENOMEM;
    }
    return 0;
}

__attribute__((hot)) static bool layers_are_nonfinite(const struct tw_layers *layers)
{
    const float *count = layers->column[TW_LAYER_NONFINITE];
    for (uint32_t i = 0; count && i < layers->n; i++) {
        if (count[i] > 0)
            return true;
    }
    return false;
}

__attribute__((hot)) bool tw_record_is_nonfinite(const struct tw_record *record)
{
    for (uint32_t left = record->signals; left; left &= left - 1) {
        if (!isfinite(record->signal[__builtin_ctz(left)]))
            return true;
    }
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        if (!isfinite(record->metrics[i].value))
            return true;
    }
    if (tw_record_has(record, TW_SIGNAL_OVERFLOW) && record->signal[TW_SIGNAL_OVERFLOW] != 0)
        return true;
    return record->layers && layers_are_nonfinite(record->layers);
}
