/* The telemetry record: one message of a training run, the same in memory whether it came as CBOR,
 * as JSON or from a foreign log. Plain names are those that HuggingFace's Trainer logs. */
#ifndef TW_RECORD_H
#define TW_RECORD_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TW_RECORD_VERSION 1

/* Longest identities in bytes, without the final NUL. A longer run id or attempt is refused (an
 * identity cannot be cut short); longer descriptive texts are cut at a character boundary. */
#define TW_RUN_ID_MAX 127
#define TW_ATTEMPT_MAX 63

#define TW_METRICS_MAX 16
#define TW_HYPERPARAMETERS_MAX 128
#define TW_LAYERS_MAX 4096
/* The largest record that the decoders accept, in bytes of its wire form. */
#define TW_RECORD_BYTES_MAX (1u << 20)

enum tw_kind {
    TW_KIND_HEADER,
    TW_KIND_STEP,
    TW_KIND_LAYERS,
    TW_KIND_EVAL,
    TW_KIND_EVENT,
    TW_KIND_END
};

/* The scalar series of a run; wire names in tw_signal_name(). A value may be NaN or infinite:
 * these are readings. Whether a signal was sent at all is told by tw_record_has(). */
enum tw_signal {
    TW_SIGNAL_EPOCH,
    TW_SIGNAL_LOSS,               /* training loss of this step, over all ranks */
    TW_SIGNAL_LOSS_AVERAGED_OVER, /* steps that `loss` is the mean of; 1 when not sent */
    TW_SIGNAL_LEARNING_RATE,
    TW_SIGNAL_GRAD_NORM,   /* global L2 norm, unscaled, over all ranks; see grad_norm_kind */
    TW_SIGNAL_UPDATE_NORM, /* L2 norm of the parameter change of this step */
    TW_SIGNAL_WEIGHT_NORM,
    TW_SIGNAL_LOSS_SCALE,    /* of dynamic loss scaling */
    TW_SIGNAL_OVERFLOW,      /* 1 when this step's gradients were not finite, else 0 */
    TW_SIGNAL_SKIPPED_STEPS, /* optimizer steps skipped since the last record */
    TW_SIGNAL_SAMPLES,       /* training samples seen so far */
    TW_SIGNAL_STEP_SECONDS,
    TW_SIGNAL_DROPPED_RECORDS, /* records the emitter has dropped so far */
    TW_SIGNAL_EVAL_LOSS,
    TW_SIGNAL_EVAL_SAMPLES,
    TW_SIGNAL_TRAIN_LOSS, /* training loss on the same footing as eval_loss */
    TW_SIGNALS
};

enum tw_grad_norm_kind { TW_GRAD_NORM_UNKNOWN, TW_GRAD_NORM_PRE_CLIP, TW_GRAD_NORM_POST_CLIP };
enum tw_end_status { TW_END_COMPLETED, TW_END_FAILED, TW_END_INTERRUPTED };

/* Per-layer figures; float NaN = not measured. Wire names in tw_layer_column_name(). */
enum tw_layer_column {
    TW_LAYER_GRAD_NORM,
    TW_LAYER_WEIGHT_NORM,
    TW_LAYER_UPDATE_NORM,
    TW_LAYER_ACTIVATION_MEAN,
    TW_LAYER_ACTIVATION_STD,
    TW_LAYER_ACTIVATION_ABS_MAX,
    TW_LAYER_ZERO_FRACTION,
    TW_LAYER_SATURATED_FRACTION, /* of activations: tanh beyond +-.95, sigmoid outside .05-.95 */
    TW_LAYER_SATURATED_UNITS_FRACTION, /* of units: saturated for >= 90 % of the samples */
    TW_LAYER_DEAD_FRACTION, /* of ReLU units: fired for none of the last >= 1,000 samples */
    TW_LAYER_NONFINITE,     /* count of NaN and infinite values */
    TW_LAYER_COLUMNS
};

/* A further evaluation result: the wire field `eval_<name>`. */
struct tw_metric {
    char name[48];
    double value;
};

/* One entry of the header's `hyperparameters`. */
struct tw_hyperparameter {
    char name[48];
    bool is_text; /* else `number`; a boolean is 0 or 1 */
    double number;
    char text[64];
};

struct tw_layer_info {
    char name[64], kind[24], activation[24];
    uint64_t units, fan_in, parameters;
};

/* What a run says of itself. Unknown texts are empty, unknown counts 0. */
struct tw_header {
    char name[128], project[64], group[64], user[64], host[64], framework[64], objective[32];
    uint64_t pid, world_size;
    size_t n_hyperparameters;
    struct tw_hyperparameter *hyperparameters; /* owned */
    size_t n_layers;
    struct tw_layer_info *layers; /* owned */
    char dataset_name[64];
    uint64_t dataset_samples, dataset_eval_samples, dataset_classes;
    char resumed_from_attempt[TW_ATTEMPT_MAX + 1]; /* empty: not resumed */
    uint64_t resumed_from_step;
};

struct tw_layers {
    uint64_t header_hash; /* tw_header_hash() of the header whose layers these are */
    uint32_t n;
    /* Each n long, or NULL: not sent. Made by tw_layers_add_column(), in the same allocation. */
    float *column[TW_LAYER_COLUMNS];
};

/* Which of the optional fields were sent. */
#define TW_HAS_ATTEMPT (1u << 0)
#define TW_HAS_SEQ (1u << 1)
#define TW_HAS_RANK (1u << 2)
#define TW_HAS_KIND (1u << 3)
#define TW_HAS_TIME (1u << 4)
#define TW_HAS_STEP (1u << 5)

struct tw_record {
    char run[TW_RUN_ID_MAX + 1];
    char attempt[TW_ATTEMPT_MAX + 1]; /* one process of the run; empty when not sent */
    uint64_t seq;                     /* counts per attempt and rank, from 0 */
    uint32_t rank;
    uint32_t has;      /* TW_HAS_* */
    enum tw_kind kind; /* inferred from the fields when not sent */
    int64_t time_ms;   /* since the epoch */
    uint64_t step;

    uint32_t signals; /* bit i: signal[i] was sent */
    double signal[TW_SIGNALS];
    enum tw_grad_norm_kind grad_norm_kind;
    uint32_t n_metrics;
    struct tw_metric metrics[TW_METRICS_MAX];

    char event[32];            /* kind event: resume, lr_change, data_change, checkpoint, ... */
    enum tw_end_status status; /* kind end */

    struct tw_header *header; /* owned; NULL unless kind header */
    struct tw_layers *layers; /* owned; NULL unless kind layers */
};

/* Makes an empty record of caller's storage, of kind `step` until that is changed. No failure. */
void tw_record_init(struct tw_record *record);
/* Frees what the record owns and makes it empty again. */
void tw_record_clear(struct tw_record *record);

/* Sets a signal and marks it as sent. */
void tw_record_set(struct tw_record *record, enum tw_signal signal, double value);
inline bool tw_record_has(const struct tw_record *record, enum tw_signal signal)
{
    return record->signals >> signal & 1u;
}

/* Sets or replaces `eval_<name>`; `loss` and `samples` are the signals of that name. Beyond
 * TW_METRICS_MAX the rest is ignored. */
void tw_record_add_metric(struct tw_record *record, const char *name, double value);

/* Allocates record->header, zeroed. Returns it, or NULL when out of memory. */
struct tw_header *tw_record_add_header(struct tw_record *record);
/* Allocates record->layers for `n` layers with no columns. NULL when out of memory, or for a larger
 * `n` than TW_LAYERS_MAX. */
struct tw_layers *tw_record_add_layers(struct tw_record *record, uint32_t n);
/* Makes a column, filled with NaN. Never fails. */
float *tw_layers_add_column(struct tw_layers *layers, enum tw_layer_column column);

/* Sets or replaces a hyper-parameter. 0, -ENOMEM, or -E2BIG over TW_HYPERPARAMETERS_MAX. */
int tw_header_set_number(struct tw_header *header, const char *name, double value);
int tw_header_set_text(struct tw_header *header, const char *name, const char *value);
/* The entry called `name`, or NULL. */
const struct tw_hyperparameter *tw_header_find(const struct tw_header *header, const char *name);
/* Appends a layer, zeroed but for its name; NULL when out of memory or over TW_LAYERS_MAX. */
struct tw_layer_info *tw_header_add_layer(struct tw_header *header, const char *name);
/* FNV-1a (64 bit) over the layers' names, each followed by a zero byte: tells whether a `layers`
 * record belongs to a header. */
uint64_t tw_header_hash(const struct tw_header *header);

/* A deep copy into an initialised record. 0 or -ENOMEM. */
int tw_record_copy(struct tw_record *to, const struct tw_record *from);

/* Names on the wire; never NULL for a valid value. */
const char *tw_kind_name(enum tw_kind kind);
const char *tw_signal_name(enum tw_signal signal);
const char *tw_layer_column_name(enum tw_layer_column column);
const char *tw_grad_norm_kind_name(enum tw_grad_norm_kind kind);
const char *tw_end_status_name(enum tw_end_status status);

/* True when a signal or metric of the record is NaN or infinite, or its overflow flag is set, or
 * a layer counts non-finite values. */
bool tw_record_is_nonfinite(const struct tw_record *record);

#ifdef __cplusplus
}
#endif
#endif
