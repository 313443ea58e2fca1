/* The interpreter that makes a record of a wire form's tokens. What it does not know it reads over;
 * what it knows must have the right type. */
#include "telemetry/reader.h"

#include "telemetry/fields.h"
#include "telemetry/reader_values.h"
#include "telemetry/text.h"

#include <errno.h>
#include <string.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        int tried = (call);                                                                        \
        if (tried <= 0)                                                                            \
            return tried;                                                                          \
    } while (0)

/* Signals that only an evaluation sends, and that tell one without a `kind`. */
#define EVAL_SIGNALS (1u << TW_SIGNAL_EVAL_LOSS | 1u << TW_SIGNAL_EVAL_SAMPLES)

struct reading {
    struct tw_record *record;
    struct tw_reader *reader;
    struct tw_error *error;
    uint64_t seen; /* bit i: field i of the table came */
    uint64_t header_hash;
    bool has_status, has_header_part, has_column;
};

int tw_reader_skip(struct tw_reader *reader, const struct tw_token *token, struct tw_error *error)
{
    for (unsigned depth = 0;;) {
        if (token->type == TW_TOKEN_MAP || token->type == TW_TOKEN_LIST)
            depth++;
        else if (token->type == TW_TOKEN_MAP_END || token->type == TW_TOKEN_LIST_END)
            depth--;
        if (!depth && token->type != TW_TOKEN_KEY)
            return 1;
        TRY(tw_reader_next(reader, &token, error));
    }
}

static inline int next(struct reading *reading, const struct tw_token **token)
{
    return tw_reader_next(reading->reader, token, reading->error);
}

static int skip(struct reading *reading, const struct tw_token *token)
{
    return tw_reader_skip(reading->reader, token, reading->error);
}

/* The record's header, made when the first of its fields comes. NULL when out of memory. */
static struct tw_header *need_header(struct reading *reading)
{
    struct tw_record *record = reading->record;
    return record->header ? record->header : tw_record_add_header(record);
}

static int out_of_memory(struct reading *reading)
{
    return tw_error_set(reading->error, -ENOMEM, "out of memory");
}

/* A text, an identity or a count, wherever it lives. */
static int read_plain(struct reading *reading, const struct tw_field *field, void *owner,
                      const struct tw_token *token)
{
    char *at = (char *)owner + field->offset;
    if (token->type == TW_TOKEN_NULL)
        return 1;
    switch (field->type) {
    case TW_FIELD_COUNT:
        return tw_value_count(token, field->name, INT64_MAX, (uint64_t *)(void *)at,
                              reading->error);
    case TW_FIELD_IDENTITY:
        return tw_value_identity(token, field->name, at, field->size, reading->error);
    default:
        return tw_value_text(token, field->name, at, field->size, reading->error);
    }
}

/* The members of a map that one table describes. */
static int read_members(struct reading *reading, const struct tw_fields *fields, void *owner)
{
    const struct tw_field *hint = fields->at, *field;
    const struct tw_token *token;
    for (;;) {
        TRY(next(reading, &token));
        if (token->type == TW_TOKEN_MAP_END)
            return 1;
        field = tw_fields_find(fields, hint, token->text, token->length);
        TRY(next(reading, &token));
        if (!field) {
            TRY(skip(reading, token));
            continue;
        }
        hint = tw_fields_behind(fields, field);
        TRY(read_plain(reading, field, owner, token));
    }
}

static int read_object(struct reading *reading, const struct tw_field *field,
                       const struct tw_token *token)
{
    if (token->type != TW_TOKEN_MAP)
        return tw_value_mismatch(token, field->name, "an object", reading->error);
    struct tw_header *header = need_header(reading);
    return header ? read_members(reading, field->members, header) : out_of_memory(reading);
}

static int read_hyperparameter(struct reading *reading, struct tw_header *header, const char *name,
                               const struct tw_token *token)
{
    char text[sizeof header->hyperparameters->text];
    double number;
    int result = 0;
    if (tw_value_is_number(token, &number))
        result = tw_header_set_number(header, name, number);
    else if (token->type == TW_TOKEN_BOOLEAN)
        result = tw_header_set_number(header, name, token->boolean);
    else if (token->type == TW_TOKEN_TEXT && !memchr(token->text, '\0', token->length)) {
        tw_text_copy(text, sizeof text, token->text, token->length);
        result = tw_header_set_text(header, name, text);
    } else {
        return skip(reading, token);
    }
    return result == -ENOMEM ? out_of_memory(reading) : 1;
}

static int read_hyperparameters(struct reading *reading, const struct tw_token *first)
{
    char name[sizeof((struct tw_hyperparameter *)0)->name];
    const struct tw_token *token;
    if (first->type != TW_TOKEN_MAP)
        return tw_value_mismatch(first, "hyperparameters", "an object", reading->error);
    struct tw_header *header = need_header(reading);
    if (!header)
        return out_of_memory(reading);
    reading->has_header_part = true;
    for (;;) {
        TRY(next(reading, &token));
        if (token->type == TW_TOKEN_MAP_END)
            return 1;
        bool is_name = token->length && !memchr(token->text, '\0', token->length);
        if (is_name)
            tw_text_copy(name, sizeof name, token->text, token->length);
        TRY(next(reading, &token));
        if (is_name)
            TRY(read_hyperparameter(reading, header, name, token));
        else
            TRY(skip(reading, token));
    }
}

static int read_layer_list(struct reading *reading)
{
    struct tw_header *header = need_header(reading);
    const struct tw_token *token;
    if (!header)
        return out_of_memory(reading);
    reading->has_header_part = true;
    for (;;) {
        TRY(next(reading, &token));
        if (token->type == TW_TOKEN_LIST_END)
            return 1;
        if (token->type != TW_TOKEN_MAP)
            return tw_value_mismatch(token, "layers", "a list of objects", reading->error);
        if (header->n_layers == TW_LAYERS_MAX)
            return tw_error_set(reading->error, -EBADMSG, "layers: more than %d", TW_LAYERS_MAX);
        struct tw_layer_info *layer = tw_header_add_layer(header, "");
        if (!layer)
            return out_of_memory(reading);
        TRY(read_members(reading, &tw_layer_info_fields, layer));
    }
}

static int read_column(struct reading *reading, int column, const struct tw_token *token)
{
    struct tw_record *record = reading->record;
    const char *name = tw_layer_column_words[column];
    float values[TW_LAYERS_MAX];
    uint32_t n = 0;
    if (token->type == TW_TOKEN_NULL)
        return 1;
    TRY(tw_value_floats(reading->reader, token, name, values, &n, reading->error));
    if (!reading->has_column && !tw_record_add_layers(record, n))
        return out_of_memory(reading);
    reading->has_column = true;
    if (n != record->layers->n)
        return tw_error_set(reading->error, -EBADMSG, "layers: %s has %u entries, others have %u",
                            name, n, record->layers->n);
    memcpy(tw_layers_add_column(record->layers, (enum tw_layer_column)column), values,
           n * sizeof *values);
    return 1;
}

static int read_columns(struct reading *reading)
{
    const struct tw_token *token;
    if (!tw_record_add_layers(reading->record, 0))
        return out_of_memory(reading);
    for (;;) {
        TRY(next(reading, &token));
        if (token->type == TW_TOKEN_MAP_END)
            return 1;
        int column =
            tw_word_find(tw_layer_column_words, TW_LAYER_COLUMNS, token->text, token->length);
        TRY(next(reading, &token));
        if (column >= 0)
            TRY(read_column(reading, column, token));
        else
            TRY(skip(reading, token));
    }
}

static int read_layers(struct reading *reading, const struct tw_token *token)
{
    if (token->type == TW_TOKEN_MAP)
        return read_columns(reading);
    if (token->type == TW_TOKEN_LIST)
        return read_layer_list(reading);
    return tw_value_mismatch(token, "layers", "a list or an object", reading->error);
}

static int read_signal(struct reading *reading, const struct tw_field *field,
                       const struct tw_token *token)
{
    double number;
    if (field->type == TW_FIELD_FLAG && token->type == TW_TOKEN_BOOLEAN)
        number = token->boolean;
    else if (!tw_value_is_number(token, &number))
        return tw_value_mismatch(token, field->name, "a number", reading->error);
    if (field->type == TW_FIELD_FLAG)
        number = number != 0;
    tw_record_set(reading->record, field->signal, number);
    return 1;
}

static int read_word(struct reading *reading, const struct tw_field *field,
                     const struct tw_token *token)
{
    struct tw_record *record = reading->record;
    uint32_t index;
    switch (field->type) {
    case TW_FIELD_KIND:
        TRY(tw_value_word(token, field->name, tw_kind_words, TW_KINDS, &index, reading->error));
        record->kind = (enum tw_kind)index;
        record->has |= TW_HAS_KIND;
        return 1;
    case TW_FIELD_STATUS:
        TRY(tw_value_word(token, field->name, tw_end_status_words, TW_END_STATUSES, &index,
                          reading->error));
        record->status = (enum tw_end_status)index;
        reading->has_status = true;
        return 1;
    default:
        if (token->type != TW_TOKEN_TEXT)
            return tw_value_mismatch(token, field->name, "a text", reading->error);
        /* A way of measuring that we do not know is an unknown one. */
        int word =
            tw_word_find(tw_grad_norm_kind_words, TW_GRAD_NORM_KINDS, token->text, token->length);
        record->grad_norm_kind = word < 0 ? TW_GRAD_NORM_UNKNOWN : (enum tw_grad_norm_kind)word;
        return 1;
    }
}

static int read_rank(struct reading *reading, const struct tw_token *token)
{
    uint64_t rank;
    TRY(tw_value_count(token, "rank", UINT32_MAX, &rank, reading->error));
    reading->record->rank = (uint32_t)rank;
    reading->record->has |= TW_HAS_RANK;
    return 1;
}

static int read_identified(struct reading *reading, const struct tw_field *field,
                           const struct tw_token *token)
{
    struct tw_record *record = reading->record;
    void *owner = record;
    if (field->owner == TW_OWNER_HEADER) {
        owner = need_header(reading);
        if (!owner)
            return out_of_memory(reading);
    }
    TRY(read_plain(reading, field, owner, token));
    if (field->has != TW_HAS_ATTEMPT || record->attempt[0])
        record->has |= field->has;
    return 1;
}

static int read_value(struct reading *reading, const struct tw_field *field,
                      const struct tw_token *token)
{
    switch (field->type) {
    case TW_FIELD_VERSION:
        return tw_value_version(token, reading->error);
    case TW_FIELD_SIGNAL:
    case TW_FIELD_FLAG:
        return read_signal(reading, field, token);
    case TW_FIELD_KIND:
    case TW_FIELD_STATUS:
    case TW_FIELD_GRAD_NORM_KIND:
        return read_word(reading, field, token);
    case TW_FIELD_COUNT32:
        return read_rank(reading, token);
    case TW_FIELD_TIME:
        reading->record->has |= field->has;
        return tw_value_time(token, field->name, &reading->record->time_ms, reading->error);
    case TW_FIELD_HASH:
        return tw_value_hash(token, field->name, &reading->header_hash, reading->error);
    case TW_FIELD_HYPERPARAMETERS:
        return read_hyperparameters(reading, token);
    case TW_FIELD_LAYERS:
        return read_layers(reading, token);
    case TW_FIELD_OBJECT:
        return read_object(reading, field, token);
    case TW_FIELD_IDENTITY:
    case TW_FIELD_TEXT:
    case TW_FIELD_COUNT:
        break;
    }
    return read_identified(reading, field, token);
}

static int read_field(struct reading *reading, const struct tw_field *field)
{
    uint64_t bit = UINT64_C(1) << (field - tw_record_fields.at);
    const struct tw_token *token;
    if (reading->seen & bit)
        return tw_error_set(reading->error, -EBADMSG, "%s: sent twice", field->name);
    reading->seen |= bit;
    TRY(next(reading, &token));
    return token->type == TW_TOKEN_NULL ? 1 : read_value(reading, field, token);
}

/* A field that the table does not have: a metric, or unknown. */
static int read_other(struct reading *reading, const struct tw_token *key)
{
    const size_t prefix = sizeof TW_METRIC_PREFIX - 1;
    char name[sizeof((struct tw_metric *)0)->name] = "";
    const struct tw_token *token;
    double number;
    if (key->length > prefix && !memcmp(key->text, TW_METRIC_PREFIX, prefix) &&
        !memchr(key->text, '\0', key->length))
        tw_text_copy(name, sizeof name, key->text + prefix, key->length - prefix);
    TRY(next(reading, &token));
    if (!name[0] || !tw_value_is_number(token, &number))
        return skip(reading, token);
    tw_record_add_metric(reading->record, name, number);
    return 1;
}

static int read_fields(struct reading *reading)
{
    const struct tw_fields *fields = &tw_record_fields;
    const struct tw_field *hint = fields->at, *field;
    const struct tw_token *token;
    TRY(next(reading, &token));
    if (token->type != TW_TOKEN_MAP)
        return tw_error_set(reading->error, -EBADMSG, "not a record: neither a map nor an object");
    for (;;) {
        TRY(next(reading, &token));
        if (token->type == TW_TOKEN_MAP_END)
            return 1;
        field = tw_fields_find(fields, hint, token->text, token->length);
        if (!field) {
            TRY(read_other(reading, token));
            continue;
        }
        hint = tw_fields_behind(fields, field);
        TRY(read_field(reading, field));
    }
}

static enum tw_kind infer_kind(const struct reading *reading)
{
    const struct tw_record *record = reading->record;
    if (reading->has_header_part)
        return TW_KIND_HEADER;
    if (record->layers)
        return TW_KIND_LAYERS;
    if (record->event[0])
        return TW_KIND_EVENT;
    if (reading->has_status)
        return TW_KIND_END;
    if ((record->n_metrics || record->signals & EVAL_SIGNALS) &&
        !tw_record_has(record, TW_SIGNAL_LOSS))
        return TW_KIND_EVAL;
    return TW_KIND_STEP;
}

static void drop_parts(struct tw_record *record, bool is_header, bool is_layers)
{
    struct tw_record dropped = {.header = is_header ? NULL : record->header,
                                .layers = is_layers ? NULL : record->layers};
    record->header = is_header ? record->header : NULL;
    record->layers = is_layers ? record->layers : NULL;
    tw_record_clear(&dropped);
}

/* Drops what came with a kind that does not send it, and makes what its readers rely on. */
static int settle_parts(struct reading *reading)
{
    struct tw_record *record = reading->record;
    bool is_header = record->kind == TW_KIND_HEADER, is_layers = record->kind == TW_KIND_LAYERS;
    if (is_header && record->layers)
        return tw_error_set(reading->error, -EBADMSG, "layers: a header's is a list");
    if (is_layers && record->header && record->header->n_layers)
        return tw_error_set(reading->error, -EBADMSG, "layers: not an object of columns");
    if ((record->header && !is_header) || (record->layers && !is_layers))
        drop_parts(record, is_header, is_layers);
    if (is_header && !need_header(reading))
        return out_of_memory(reading);
    if (is_layers && !record->layers && !tw_record_add_layers(record, 0))
        return out_of_memory(reading);
    if (is_layers)
        record->layers->header_hash = reading->header_hash;
    if (record->kind != TW_KIND_EVENT)
        memset(record->event, 0, sizeof record->event);
    if (record->kind != TW_KIND_END)
        record->status = TW_END_COMPLETED;
    return 1;
}

int tw_record_read(struct tw_record *ret, struct tw_reader *reader, struct tw_error *error)
{
    struct reading reading = {.record = ret, .reader = reader, .error = error};
    TRY(read_fields(&reading));
    if (!ret->run[0])
        return tw_error_set(error, -EBADMSG, "run: missing");
    if (!(ret->has & TW_HAS_KIND))
        ret->kind = infer_kind(&reading);
    if (tw_kind_needs_step(ret->kind) && !(ret->has & TW_HAS_STEP))
        return tw_error_set(error, -EBADMSG, "step: missing");
    return settle_parts(&reading);
}
