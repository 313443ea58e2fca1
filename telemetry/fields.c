/* Every name of the wire contract, once. */
#include "telemetry/fields.h"

#include <string.h>

#define NAME(name) name, sizeof name - 1
#define KIND(kind) (1u << TW_KIND_##kind)
#define ANY 0x3Fu

#define IN(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define IN_RECORD(member) TW_OWNER_RECORD, IN(struct tw_record, member)
#define IN_HEADER(member) KIND(HEADER), TW_OWNER_HEADER, IN(struct tw_header, member)
#define IN_LAYER(member) ANY, TW_OWNER_RECORD, IN(struct tw_layer_info, member)
#define SIGNAL(name, type, which)                                                                  \
    [FIRST_SIGNAL + TW_SIGNAL_##                                                                   \
        which] = {NAME(name), TW_FIELD_##type, ANY, TW_OWNER_RECORD, .signal = TW_SIGNAL_##which}

enum { FIRST_SIGNAL = 8, AFTER_SIGNALS = FIRST_SIGNAL + TW_SIGNALS };

static const struct tw_field dataset_fields[] = {
    {NAME("name"), TW_FIELD_TEXT, IN_HEADER(dataset_name)},
    {NAME("samples"), TW_FIELD_COUNT, IN_HEADER(dataset_samples)},
    {NAME("eval_samples"), TW_FIELD_COUNT, IN_HEADER(dataset_eval_samples)},
    {NAME("classes"), TW_FIELD_COUNT, IN_HEADER(dataset_classes)},
};
static const struct tw_fields dataset = {dataset_fields,
                                         sizeof dataset_fields / sizeof *dataset_fields};

static const struct tw_field resumed_from_fields[] = {
    {NAME("attempt"), TW_FIELD_IDENTITY, IN_HEADER(resumed_from_attempt)},
    {NAME("step"), TW_FIELD_COUNT, IN_HEADER(resumed_from_step)},
};
static const struct tw_fields resumed_from = {resumed_from_fields, sizeof resumed_from_fields /
                                                                       sizeof *resumed_from_fields};

static const struct tw_field layer_info_fields[] = {
    {NAME("name"), TW_FIELD_TEXT, IN_LAYER(name)},
    {NAME("kind"), TW_FIELD_TEXT, IN_LAYER(kind)},
    {NAME("activation"), TW_FIELD_TEXT, IN_LAYER(activation)},
    {NAME("units"), TW_FIELD_COUNT, IN_LAYER(units)},
    {NAME("fan_in"), TW_FIELD_COUNT, IN_LAYER(fan_in)},
    {NAME("parameters"), TW_FIELD_COUNT, IN_LAYER(parameters)},
};
const struct tw_fields tw_layer_info_fields = {layer_info_fields, sizeof layer_info_fields /
                                                                      sizeof *layer_info_fields};

static const struct tw_field record_fields[] = {
    {NAME("v"), TW_FIELD_VERSION, ANY},
    {NAME("run"), TW_FIELD_IDENTITY, ANY, IN_RECORD(run)},
    {NAME("attempt"), TW_FIELD_IDENTITY, ANY, IN_RECORD(attempt), TW_HAS_ATTEMPT},
    {NAME("seq"), TW_FIELD_COUNT, ANY, IN_RECORD(seq), TW_HAS_SEQ},
    {NAME("rank"), TW_FIELD_COUNT32, ANY, IN_RECORD(rank), TW_HAS_RANK},
    {NAME("kind"), TW_FIELD_KIND, ANY, IN_RECORD(kind)},
    {NAME("time"), TW_FIELD_TIME, ANY, IN_RECORD(time_ms), TW_HAS_TIME},
    {NAME("step"), TW_FIELD_COUNT, ANY, IN_RECORD(step), TW_HAS_STEP},

    SIGNAL("epoch", SIGNAL, EPOCH),
    SIGNAL("loss", SIGNAL, LOSS),
    SIGNAL("loss_averaged_over", SIGNAL, LOSS_AVERAGED_OVER),
    SIGNAL("learning_rate", SIGNAL, LEARNING_RATE),
    SIGNAL("grad_norm", SIGNAL, GRAD_NORM),
    SIGNAL("update_norm", SIGNAL, UPDATE_NORM),
    SIGNAL("weight_norm", SIGNAL, WEIGHT_NORM),
    SIGNAL("loss_scale", SIGNAL, LOSS_SCALE),
    SIGNAL("overflow", FLAG, OVERFLOW),
    SIGNAL("skipped_steps", SIGNAL, SKIPPED_STEPS),
    SIGNAL("samples", SIGNAL, SAMPLES),
    SIGNAL("step_seconds", SIGNAL, STEP_SECONDS),
    SIGNAL("dropped_records", SIGNAL, DROPPED_RECORDS),
    SIGNAL("eval_loss", SIGNAL, EVAL_LOSS),
    SIGNAL("eval_samples", SIGNAL, EVAL_SAMPLES),
    SIGNAL("train_loss", SIGNAL, TRAIN_LOSS),

    [AFTER_SIGNALS] = {NAME("grad_norm_kind"), TW_FIELD_GRAD_NORM_KIND, ANY,
                       IN_RECORD(grad_norm_kind)},
    {NAME("event"), TW_FIELD_TEXT, KIND(EVENT), IN_RECORD(event)},
    {NAME("status"), TW_FIELD_STATUS, KIND(END), IN_RECORD(status)},

    {NAME("name"), TW_FIELD_TEXT, IN_HEADER(name)},
    {NAME("project"), TW_FIELD_TEXT, IN_HEADER(project)},
    {NAME("group"), TW_FIELD_TEXT, IN_HEADER(group)},
    {NAME("user"), TW_FIELD_TEXT, IN_HEADER(user)},
    {NAME("host"), TW_FIELD_TEXT, IN_HEADER(host)},
    {NAME("pid"), TW_FIELD_COUNT, IN_HEADER(pid)},
    {NAME("framework"), TW_FIELD_TEXT, IN_HEADER(framework)},
    {NAME("world_size"), TW_FIELD_COUNT, IN_HEADER(world_size)},
    {NAME("objective"), TW_FIELD_TEXT, IN_HEADER(objective)},
    {NAME("hyperparameters"), TW_FIELD_HYPERPARAMETERS, KIND(HEADER), TW_OWNER_HEADER},
    {NAME("dataset"), TW_FIELD_OBJECT, KIND(HEADER), TW_OWNER_HEADER, .members = &dataset},
    {NAME("resumed_from"), TW_FIELD_OBJECT, KIND(HEADER), TW_OWNER_HEADER,
     .members = &resumed_from},

    {NAME("header_hash"), TW_FIELD_HASH, KIND(LAYERS), TW_OWNER_LAYERS,
     IN(struct tw_layers, header_hash)},
    {NAME("layers"), TW_FIELD_LAYERS, KIND(HEADER) | KIND(LAYERS)},
};
const struct tw_fields tw_record_fields = {record_fields,
                                           sizeof record_fields / sizeof *record_fields};
_Static_assert(sizeof record_fields / sizeof *record_fields <= 64,
               "the reader marks the fields that it has seen in 64 bits");

const char *const tw_kind_words[TW_KINDS] = {"header", "step", "layers", "eval", "event", "end"};
const char *const tw_end_status_words[TW_END_STATUSES] = {"completed", "failed", "interrupted"};
const char *const tw_grad_norm_kind_words[TW_GRAD_NORM_KINDS] = {"unknown", "pre_clip",
                                                                 "post_clip"};
const char *const tw_layer_column_words[TW_LAYER_COLUMNS] = {
    "grad_norm",       "weight_norm",        "update_norm",
    "activation_mean", "activation_std",     "activation_abs_max",
    "zero_fraction",   "saturated_fraction", "saturated_units_fraction",
    "dead_fraction",   "nonfinite",
};

const char *tw_kind_name(enum tw_kind kind)
{
    return tw_kind_words[kind];
}

const char *tw_signal_name(enum tw_signal signal)
{
    return record_fields[FIRST_SIGNAL + signal].name;
}

const char *tw_layer_column_name(enum tw_layer_column column)
{
    return tw_layer_column_words[column];
}

const char *tw_grad_norm_kind_name(enum tw_grad_norm_kind kind)
{
    return tw_grad_norm_kind_words[kind];
}

const char *tw_end_status_name(enum tw_end_status status)
{
    return tw_end_status_words[status];
}

/* No word is empty, and mostly the first byte tells. */
static bool is_word(const char *word, const char *text, size_t length)
{
    return length && *word == *text && strlen(word) == length && !memcmp(word, text, length);
}

int tw_word_find(const char *const *words, size_t n, const char *text, size_t length)
{
    for (size_t i = 0; i < n; i++) {
        if (is_word(words[i], text, length))
            return (int)i;
    }
    return -1;
}

const struct tw_field *tw_fields_search(const struct tw_fields *fields,
                                        const struct tw_field *start, const char *name,
                                        size_t length)
{
    const struct tw_field *field = start, *end = fields->at + fields->n;
    for (size_t left = fields->n; left; left--) {
        if (field == end)
            field = fields->at;
        if (tw_field_is_called(field, name, length))
            return field;
        field++;
    }
    return NULL;
}

bool tw_kind_needs_step(enum tw_kind kind)
{
    return kind != TW_KIND_HEADER && kind != TW_KIND_END;
}
