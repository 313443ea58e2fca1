/* The one table of the wire's fields. Both wire forms are written and read by walking it, so that
 * CBOR and JSON cannot drift apart. */
#ifndef TW_FIELDS_H
#define TW_FIELDS_H

#include "telemetry/record.h"

#include <string.h>

enum tw_field_type {
    TW_FIELD_VERSION,
    TW_FIELD_IDENTITY, /* text that is refused rather than cut */
    TW_FIELD_TEXT,
    TW_FIELD_COUNT,   /* uint64_t up to INT64_MAX: JSON readers know no more */
    TW_FIELD_COUNT32, /* uint32_t */
    TW_FIELD_TIME,    /* int64_t */
    TW_FIELD_HASH,    /* uint64_t; in JSON 16 hexadecimal digits */
    TW_FIELD_KIND,
    TW_FIELD_STATUS,
    TW_FIELD_GRAD_NORM_KIND,
    TW_FIELD_SIGNAL,
    TW_FIELD_FLAG, /* a signal that is true or false */
    TW_FIELD_HYPERPARAMETERS,
    TW_FIELD_LAYERS, /* header: the list of layers; layers: their columns */
    TW_FIELD_OBJECT  /* members of the same struct under a name of their own */
};

enum tw_field_owner { TW_OWNER_RECORD, TW_OWNER_HEADER, TW_OWNER_LAYERS };

struct tw_fields;

struct tw_field {
    const char *name;
    size_t name_length;
    enum tw_field_type type;
    uint32_t kinds; /* bit k: sent with enum tw_kind k */
    enum tw_field_owner owner;
    size_t offset, size;             /* in the owner */
    uint32_t has;                    /* TW_HAS_* that tells whether it was sent; 0: see the value */
    enum tw_signal signal;           /* SIGNAL, FLAG */
    const struct tw_fields *members; /* OBJECT */
};

struct tw_fields {
    const struct tw_field *at;
    size_t n;
};

extern const struct tw_fields tw_record_fields;
extern const struct tw_fields tw_layer_info_fields; /* of struct tw_layer_info */

/* What evaluation metrics begin with. */
#define TW_METRIC_PREFIX "eval_"

static inline uint64_t tw_load64(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t tw_load32(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Two words that may overlap cover a name of 4 to 16 bytes, as nearly all are. A call of memcmp()
 * for each field of each record is what would cost. */
static inline bool tw_field_is_called(const struct tw_field *field, const char *name, size_t length)
{
    const char *known = field->name;
    if (field->name_length != length)
        return false;
    if (length >= 8 && length <= 16)
        return tw_load64(known) == tw_load64(name) &&
               tw_load64(known + length - 8) == tw_load64(name + length - 8);
    if (length >= 4 && length < 8)
        return tw_load32(known) == tw_load32(name) &&
               tw_load32(known + length - 4) == tw_load32(name + length - 4);
    for (size_t i = 0; i < length; i++) {
        if (known[i] != name[i])
            return false;
    }
    return true;
}

/* The field called so, or NULL; first looked for at `start`, in the table or just behind it. */
const struct tw_field *tw_fields_search(const struct tw_fields *fields,
                                        const struct tw_field *start, const char *name,
                                        size_t length);

/* The same. Fields mostly come in the table's order, some of them left out: `hint` is the one that
 * is expected. */
static inline const struct tw_field *tw_fields_find(const struct tw_fields *fields,
                                                    const struct tw_field *hint, const char *name,
                                                    size_t length)
{
    return tw_field_is_called(hint, name, length)
               ? hint
               : tw_fields_search(fields, hint + 1, name, length);
}

/* Where to look for the field that comes behind `field`. */
static inline const struct tw_field *tw_fields_behind(const struct tw_fields *fields,
                                                      const struct tw_field *field)
{
    return ++field < fields->at + fields->n ? field : fields->at;
}

/* True for the kinds whose records make no sense without a step. */
bool tw_kind_needs_step(enum tw_kind kind);

/* Index of a name in one of the lists below, or -1. */
int tw_word_find(const char *const *words, size_t n, const char *text, size_t length);
#define TW_KINDS 6
#define TW_END_STATUSES 3
#define TW_GRAD_NORM_KINDS 3
extern const char *const tw_kind_words[TW_KINDS];
extern const char *const tw_end_status_words[TW_END_STATUSES];
extern const char *const tw_grad_norm_kind_words[TW_GRAD_NORM_KINDS];
extern const char *const tw_layer_column_words[TW_LAYER_COLUMNS];

#endif
