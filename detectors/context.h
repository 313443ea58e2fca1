/* What all detectors know of a run: its segments, warm-up, declared facts and the gates that mute
 * them. Flat state, no pointers: it is saved and restored with the run. A function of the records
 * alone. Source of the gates: docs/detectors.md ("Gates"). */
#ifndef TW_CONTEXT_H
#define TW_CONTEXT_H

#include "extent.h"

#include "detectors/statistics/course.h"
#include "detectors/update_sizes.h"
#include "telemetry/option.h"
#include "telemetry/record.h"

enum tw_objective {
    TW_OBJECTIVE_SUPERVISED, /* also when the run does not say */
    TW_OBJECTIVE_CTC,
    TW_OBJECTIVE_CONTRASTIVE,
    TW_OBJECTIVE_ADVERSARIAL,
    TW_OBJECTIVE_REINFORCEMENT,
    TW_OBJECTIVE_OTHER
};

enum tw_segment_cause { /* why the present segment began */
                        TW_SEGMENT_START,
                        TW_SEGMENT_RESUME,
                        TW_SEGMENT_LR_UP,
                        TW_SEGMENT_LR_DOWN,
                        TW_SEGMENT_DATA_CHANGE,
                        TW_SEGMENT_BATCH_CHANGE
};

/* What a layer's units end in, as far as detectors tell activations apart. */
enum tw_activation {
    TW_ACTIVATION_UNKNOWN, /* the header does not say */
    TW_ACTIVATION_NONE,    /* linear */
    TW_ACTIVATION_RELU,    /* units that can die */
    TW_ACTIVATION_LEAKY,   /* leaky ReLU, ELU, SELU, GELU, SiLU, ...: a slope below 0 too */
    TW_ACTIVATION_TANH,
    TW_ACTIVATION_SIGMOID,
    TW_ACTIVATION_SOFTMAX,
    TW_ACTIVATION_OTHER
};

enum tw_layer_role {
    TW_LAYER_HIDDEN,
    TW_LAYER_OUTPUT, /* the last one of the header, or called so */
    TW_LAYER_GATE    /* of LSTM, GRU, GLU, squeeze-and-excitation, attention, mixture of experts:
                      * saturates as its function */
};

/* Thresholds shared by all detectors; `detectors: {shared: {...}}` in the configuration. */
struct tw_context_config {
    uint64_t warmup_min_steps;  /* 100: critical findings only before it */
    double warmup_fraction;     /* .02 of the declared max_steps */
    double lr_jump_ratio;       /* 1.5: a larger change between two records is a new segment */
    uint64_t mute_after_lr_up;  /* 100 steps */
    uint64_t mute_after_resume; /* 200 steps */
    uint64_t cooldown_steps;    /* 100: between two episodes of one detector and scope */
    uint64_t findings_max;      /* 50 a run */
};
extern const struct tw_option tw_context_options[];
extern const size_t tw_context_n_options;

/* Room for the names of a run's layers, packed. Layers that find no room are called "#12". */
#define TW_CONTEXT_NAMES_SIZE 1024
#define TW_CONTEXT_LAYER_NAME_MAX 63
/* Layers that detectors keep figures of; further ones of a run are not judged. */
#define TW_CONTEXT_LAYERS_MAX 64

/* Raised whenever the layout or the meaning of the state below changes. */
#define TW_CONTEXT_VERSION 6

struct tw_context {
    uint8_t extent; /* enum tw_extent: how much of this and of the detectors' states there is */

    /* declared by the header */
    enum tw_objective objective;
    uint64_t declared_warmup_steps, declared_max_steps;
    uint32_t world_size;
    uint8_t is_fp16, has_header;
    uint8_t has_precision; /* the header told one */
    uint8_t has_schedule;  /* a learning rate that is to change after its warm-up */
    uint8_t has_squared_loss;
    /* NaN until declared */
    double declared_max_epochs, declared_learning_rate;
    double declared_early_stopping_patience; /* evaluations */
    double declared_min_loss_scale, declared_loss_scale_window;
    double dataset_classes, dataset_samples;
    double trivial_loss; /* of a model that knows the labels' frequencies or the targets' mean and
                          * nothing else: `label_entropy`, else ln(classes), in nats; with a
                          * squared loss `target_variance`. NaN when the header does not say */
    char attempt[TW_ATTEMPT_MAX + 1];

    /* where the run is */
    uint64_t records;            /* records observed */
    uint64_t first_step, step;   /* of the run; the newest step seen */
    uint64_t newest_record_step; /* of the newest step record */
    uint8_t has_step;            /* a record told its step */
    int64_t first_time_ms, time_ms;
    double learning_rate, peak_learning_rate; /* NaN until sent */
    double loss_scale, initial_loss_scale;    /* NaN until sent */
    double batch_size, micro_batches;         /* NaN until declared */
    double epoch, samples;                    /* newest sent; NaN until then */
    double loss_averaged_over;                /* steps that a loss is the mean of; 1 if not sent */

    /* segments */
    uint32_t segment; /* counts from 0 */
    enum tw_segment_cause segment_cause;
    uint64_t segment_first_step;
    uint8_t segment_is_new; /* this very record began it */
    uint8_t step_went_back; /* this very record rewinds the step index */

    /* the training loss of step records, and the sizes of the updates */
    uint32_t n_first_losses;           /* that the next two were taken from, at most 8 */
    double smallest_loss, first_level; /* the second smallest: one lucky batch is no level */
    struct tw_course course;
    struct tw_update_sizes updates;

    /* layers of the header */
    uint64_t header_hash;
    uint32_t n_layers;

    /* The rest is only there from TW_EXTENT_LAYERS on. For scopes; see tw_context_layer_scope() */
    uint32_t n_layer_names;
    char layer_names[TW_CONTEXT_NAMES_SIZE];         /* one after the other, each with its NUL */
    uint8_t layer_activation[TW_CONTEXT_LAYERS_MAX]; /* enum tw_activation */
    uint8_t layer_role[TW_CONTEXT_LAYERS_MAX];       /* enum tw_layer_role */
};

/* Bytes of a context that is there as far as `extent`. */
size_t tw_context_size(enum tw_extent extent);

/* Starts one of TW_EXTENT_STEPS: nothing beyond its size is touched. */
void tw_context_start(struct tw_context *context);

/* Its room now reaches as far as `extent`, what is new of it zeroed. `header` is the newest that
 * the context has observed, or NULL when there was none. */
void tw_context_grow(struct tw_context *context, enum tw_extent extent,
                     const struct tw_header *header);

/* True when what `extent` stands for is there, of the context and of the detectors' states. */
static inline bool tw_context_reaches(const struct tw_context *context, enum tw_extent extent)
{
    return context->extent >= extent;
}

/* Updates the context with a record, before the detectors see the same record. The context must
 * reach as far as tw_extent_of(record). */
void tw_context_observe(struct tw_context *context, const struct tw_context_config *config,
                        const struct tw_record *record);

/* Writes the scope of layer `index` of a layers record whose header_hash is given: "layer:NAME", or
 * "layer:#3" when the name is not known (no header yet, another header, no room). */
void tw_context_layer_scope(const struct tw_context *context, uint64_t header_hash, uint32_t index,
                            char *ret, size_t size);

/* The layers' activations and roles are known for this layers record: its header has come. (A
 * layers record is what brought the room for them.) */
bool tw_context_knows_layers(const struct tw_context *context, const struct tw_layers *layers);

/* "adversarial", "reinforcement", "contrastive", ...: for reasons. */
const char *tw_objective_name(enum tw_objective objective);

/* False where the loss of the declared objective has no meaning as a level: adversarial,
 * reinforcement and contrastive training. What judges by the loss is not applicable there. */
bool tw_context_loss_should_fall(const struct tw_context *context);

/* How much of the declared budget (max_steps, else max_epochs) is used, 0 to 1; NaN when none was
 * declared. */
double tw_context_progress(const struct tw_context *context);

/* The level, as a share of the trivial loss, from which on nothing much was learned: `line` for a
 * cross-entropy (0..1). With a squared loss it stands half way between that and 1, as targets hold
 * noise of their own: 1 less the level is R^2 there, and .26 of it is a large effect (J. Cohen,
 * "Statistical Power Analysis", 1988, 9.2.1: f^2 = .35). */
double tw_context_unlearned(const struct tw_context *context, double line);

/* True while only critical findings may open. */
bool tw_context_in_warmup(const struct tw_context *context, const struct tw_context_config *config);
/* The first step after warm-up: max(warmup_min_steps, declared, fraction of max_steps). */
uint64_t tw_context_warmup_end(const struct tw_context *context,
                               const struct tw_context_config *config);
/* True for some steps after a resume or a jump up of the learning rate. */
bool tw_context_is_muted(const struct tw_context *context, const struct tw_context_config *config);

#endif
