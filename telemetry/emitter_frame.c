/* A frame is a head, the signals that were sent, the metrics, and the columns of the layers. */
#include "telemetry/emitter_frame.h"

#include "telemetry/ring.h"

#include <string.h>

struct head {
    uint64_t seq, step, header_hash;
    int64_t time_ms;
    uint32_t has, signals, n_metrics;
    uint32_t columns; /* bit i: column i is there */
    uint32_t n_layers;
    bool has_layers;
    uint8_t kind, grad_norm_kind, status;
    char event[32];
};

TW_HOT
static bool has_layers(const struct tw_record *record)
{
    return record->kind == TW_KIND_LAYERS && record->layers;
}

TW_HOT
static uint32_t columns_of(const struct tw_layers *layers)
{
    uint32_t columns = 0;
    for (int i = 0; i < TW_LAYER_COLUMNS; i++)
        columns |= (uint32_t)(layers->column[i] != NULL) << i;
    return columns;
}

/* __builtin_popcount() is a table in memory where the oldest processors are allowed for. */
TW_HOT
static size_t count_bits(uint32_t bits)
{
    size_t n = 0;
    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

TW_HOT
size_t tw_frame_size(const struct tw_record *record)
{
    size_t size = sizeof(struct head) + count_bits(record->signals) * sizeof *record->signal +
                  record->n_metrics * sizeof *record->metrics;
    if (has_layers(record))
        size += count_bits(columns_of(record->layers)) * record->layers->n * sizeof(float);
    return size;
}

TW_HOT
static struct head head_of(const struct tw_record *record)
{
    struct head head = {.seq = record->seq,
                        .step = record->step,
                        .time_ms = record->time_ms,
                        .has = record->has,
                        .signals = record->signals,
                        .n_metrics = record->n_metrics,
                        .kind = (uint8_t)record->kind,
                        .grad_norm_kind = (uint8_t)record->grad_norm_kind,
                        .status = (uint8_t)record->status};
    if (has_layers(record)) {
        head.has_layers = true;
        head.header_hash = record->layers->header_hash;
        head.n_layers = record->layers->n;
        head.columns = columns_of(record->layers);
    }
    if (record->kind == TW_KIND_EVENT)
        memcpy(head.event, record->event, sizeof head.event);
    return head;
}

/* A loop and not memcpy(), whose code lies far away from this. */
TW_HOT
static float *copy_floats(float *restrict to, const float *restrict from, uint32_t n)
{
#pragma omp simd
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[i];
    return to + n;
}

TW_HOT
void tw_frame_pack(const struct tw_record *record, void *at)
{
    struct head *head = at;
    *head = head_of(record);
    double *signal = (double *)(head + 1);
    for (uint32_t left = head->signals; left; left &= left - 1)
        *signal++ = record->signal[__builtin_ctz(left)];
    struct tw_metric *metric = (struct tw_metric *)signal;
    for (uint32_t i = 0; i < head->n_metrics; i++)
        *metric++ = record->metrics[i];
    float *values = (float *)metric;
    for (uint32_t left = head->columns; left; left &= left - 1)
        values = copy_floats(values, record->layers->column[__builtin_ctz(left)], head->n_layers);
}

static void unpack_layers(struct tw_frame_record *ret, const struct head *head, float *values)
{
    ret->layers = (struct tw_layers){.header_hash = head->header_hash, .n = head->n_layers};
    for (uint32_t left = head->columns; left; left &= left - 1) {
        ret->layers.column[__builtin_ctz(left)] = values;
        values += head->n_layers;
    }
    ret->record.layers = head->has_layers ? &ret->layers : NULL;
}

void tw_frame_unpack(struct tw_frame_record *ret, void *frame)
{
    const struct head *head = frame;
    struct tw_record *record = &ret->record;
    record->seq = head->seq;
    record->step = head->step;
    record->time_ms = head->time_ms;
    record->has = head->has;
    record->signals = head->signals;
    record->n_metrics = head->n_metrics;
    record->kind = (enum tw_kind)head->kind;
    record->grad_norm_kind = (enum tw_grad_norm_kind)head->grad_norm_kind;
    record->status = (enum tw_end_status)head->status;
    memcpy(record->event, head->event, sizeof record->event);
    double *signal = (double *)((struct head *)frame + 1);
    for (uint32_t left = head->signals; left; left &= left - 1)
        record->signal[__builtin_ctz(left)] = *signal++;
    struct tw_metric *metrics = (struct tw_metric *)signal;
    memcpy(record->metrics, metrics, head->n_metrics * sizeof *metrics);
    unpack_layers(ret, head, (float *)(metrics + head->n_metrics));
}
