/* The saturation detector from inside. Nobody else includes this. */
#ifndef TW_SATURATION_STATE_H
#define TW_SATURATION_STATE_H

#include "detectors/detector.h"
#include "detectors/saturation/config.h"
#include "detectors/saturation/outcome.h"
#include "detectors/saturation/tracks.h"

/* What may be wrong with a layer, in order of gravity. */
enum tw_saturation_kind {
    TW_SATURATION_START_INFO, /* many activations from the first record on */
    TW_SATURATION_START,      /* most of them */
    TW_SATURATION_DRIFT,      /* most units, at any time */
    TW_SATURATION_BLOCKED,    /* nearly all, and no gradient comes through */
    TW_SATURATION_KINDS
};

/* The layer that is worst off. No NaN: 0 is "not known". */
struct tw_saturation_verdict {
    uint8_t is_problem, kind;
    uint8_t is_from_start;
    uint8_t has_units; /* `value` is a share of units, else of activations */
    uint32_t index;
    uint32_t layers; /* that are saturated, this one counted */
    double value, threshold;
    double gradient, first_gradient, reference; /* norms: its own, the first layer's, others' */
    double init_factor; /* on the weights' spread, for 5 % saturated activations */
    uint64_t onset_step;
    int64_t onset_time_ms;
};

struct tw_saturation { /* from TW_EXTENT_LAYERS on */
    struct tw_outcome outcome;
    uint8_t is_open;
    uint8_t has_layers, has_watched; /* seen: layer records; layers of tanh or sigmoid units */
    uint64_t records;                /* that counted */
    struct tw_track_clock clock;
    struct tw_track calm;    /* every layer well below its line, since the finding opened */
    struct tw_track learned; /* the loss has come down all the same */
    uint64_t header_hash;
    char scope[TW_SCOPE_MAX + 1];
    struct tw_saturation_verdict newest; /* of the newest layer record */
    struct tw_saturation_verdict opened; /* as it was opened, or grew graver */
    struct tw_track track[TW_CONTEXT_LAYERS_MAX][TW_SATURATION_KINDS];
};

/* One layer at one record. NaN: not measured. */
struct tw_saturation_layer {
    bool is_watched;
    double activations, units, gradient;
};

struct tw_saturation_view {
    const struct tw_saturation_config *config;
    const struct tw_context *context;
    struct tw_report *report;
    uint32_t n; /* layers of the record */
    struct tw_saturation_layer layer[TW_CONTEXT_LAYERS_MAX];
    double level;              /* of the loss, see outcome.h; NaN when not known */
    double unlearned, learned; /* lines of it */
    double reference; /* gradient norm of layers that are not saturated; NaN when not known */
};

/* ---- layers.c ---- */

/* Reads the layers of a record that the header has told the activations of. */
void tw_saturation_read(struct tw_saturation_view *view, const struct tw_layers *layers);
/* True when the layer's gradient has vanished. */
bool tw_saturation_has_vanished(const struct tw_saturation_view *view, uint32_t index);
/* The factor on the spread of normal pre-activations that brings the saturated share of a tanh or
 * sigmoid layer from `share` (0..1) to 5 %. */
double tw_saturation_init_factor(double share);

/* ---- report.c ---- */

enum tw_severity tw_saturation_severity(enum tw_saturation_kind kind);
/* Tells of the open finding. */
void tw_saturation_say(const struct tw_saturation *saturation,
                       const struct tw_saturation_view *view, enum tw_state state);

#endif
