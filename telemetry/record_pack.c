/* What every record has, then what this one has. */
#include "telemetry/record_pack.h"

#include <stddef.h>
#include <string.h>

struct packed {
    struct tw_header *header;
    struct tw_layers *layers;
    uint64_t seq, step;
    int64_t time_ms;
    uint32_t rank, has, signals;
    uint8_t kind, grad_norm_kind, status, n_metrics;
    bool has_names, has_event;
};

/* Behind it: names, signals, metrics, event. */
#define NAMES_SIZE offsetof(struct tw_record, seq)

_Static_assert(NAMES_SIZE == TW_RUN_ID_MAX + 1 + TW_ATTEMPT_MAX + 1, "run and attempt come first");
_Static_assert(sizeof(struct packed) % 8 == 0 && NAMES_SIZE % 8 == 0 &&
                   sizeof(struct tw_metric) % 8 == 0 &&
                   sizeof((struct tw_record *)0)->event % 8 == 0,
               "all parts stay aligned");

static unsigned char *put(unsigned char *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static const unsigned char *get(void *to, const unsigned char *from, size_t size)
{
    memcpy(to, from, size);
    return from + size;
}

static bool has_new_names(const struct tw_record *record, const struct tw_record *before)
{
    return strcmp(record->run, before->run) || strcmp(record->attempt, before->attempt);
}

size_t tw_record_pack(struct tw_record *record, struct tw_record *before, void *to)
{
    const struct packed packed = {
        .header = record->header,
        .layers = record->layers,
        .seq = record->seq,
        .step = record->step,
        .time_ms = record->time_ms,
        .rank = record->rank,
        .has = record->has,
        .signals = record->signals,
        .kind = (uint8_t)record->kind,
        .grad_norm_kind = (uint8_t)record->grad_norm_kind,
        .status = (uint8_t)record->status,
        .n_metrics = (uint8_t)record->n_metrics,
        .has_names = has_new_names(record, before),
        .has_event = record->event[0] != '\0',
    };
    unsigned char *at = put(to, &packed, sizeof packed);
    if (packed.has_names) {
        memcpy(before, record, NAMES_SIZE);
        at = put(at, record, NAMES_SIZE);
    }
    for (uint32_t left = packed.signals; left; left &= left - 1)
        at = put(at, &record->signal[__builtin_ctz(left)], sizeof *record->signal);
    at = put(at, record->metrics, packed.n_metrics * sizeof *record->metrics);
    if (packed.has_event)
        at = put(at, record->event, sizeof record->event);
    record->header = NULL;
    record->layers = NULL;
    return (size_t)(at - (unsigned char *)to);
}

/* Clears all but the names and what is about to be set. */
static void clear(struct tw_record *record)
{
    unsigned char names[NAMES_SIZE];
    if (!record->header && !record->layers && !record->n_metrics && !record->event[0]) {
        for (uint32_t left = record->signals; left; left &= left - 1)
            record->signal[__builtin_ctz(left)] = 0;
        return;
    }
    memcpy(names, record, NAMES_SIZE);
    tw_record_clear(record);
    memcpy(record, names, NAMES_SIZE);
}

size_t tw_record_unpack(struct tw_record *ret, const void *from)
{
    struct packed packed;
    const unsigned char *at = get(&packed, from, sizeof packed);
    clear(ret);
    ret->header = packed.header;
    ret->layers = packed.layers;
    ret->seq = packed.seq;
    ret->step = packed.step;
    ret->time_ms = packed.time_ms;
    ret->rank = packed.rank;
    ret->has = packed.has;
    ret->signals = packed.signals;
    ret->kind = (enum tw_kind)packed.kind;
    ret->grad_norm_kind = (enum tw_grad_norm_kind)packed.grad_norm_kind;
    ret->status = (enum tw_end_status)packed.status;
    ret->n_metrics = packed.n_metrics;
    if (packed.has_names)
        at = get(ret, at, NAMES_SIZE);
    for (uint32_t left = packed.signals; left; left &= left - 1)
        at = get(&ret->signal[__builtin_ctz(left)], at, sizeof *ret->signal);
    at = get(ret->metrics, at, packed.n_metrics * sizeof *ret->metrics);
    if (packed.has_event)
        at = get(ret->event, at, sizeof ret->event);
    return (size_t)(at - (const unsigned char *)from);
}
