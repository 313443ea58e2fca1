/* The walk over a record that both wire forms are written by. */
#include "telemetry/writer.h"

#include "telemetry/fields.h"

#include <string.h>

static const void *owner_of(const struct tw_record *record, const struct tw_field *field)
{
    switch (field->owner) {
    case TW_OWNER_HEADER:
        return record->header;
    case TW_OWNER_LAYERS:
        return record->layers;
    case TW_OWNER_RECORD:
        break;
    }
    return record;
}

static uint64_t count_at(const void *at)
{
    uint64_t count;
    memcpy(&count, at, sizeof count);
    /* More than this no reader accepts; nothing that is counted gets there. */
    return count > INT64_MAX ? INT64_MAX : count;
}

/* A member of the header or of a layer is sent when it is neither empty nor 0. */
static bool has_value(const struct tw_field *field, const void *owner)
{
    const char *at = (const char *)owner + field->offset;
    return field->type == TW_FIELD_COUNT ? count_at(at) != 0 : *at != '\0';
}

static size_t count_members(const struct tw_fields *fields, const void *owner)
{
    size_t n = 0;
    for (size_t i = 0; i < fields->n; i++)
        n += has_value(&fields->at[i], owner);
    return n;
}

static bool is_sent(const struct tw_record *record, const struct tw_field *field)
{
    const void *owner;
    if (!(field->kinds >> record->kind & 1u))
        return false;
    switch (field->type) {
    case TW_FIELD_SIGNAL:
    case TW_FIELD_FLAG:
        return tw_record_has(record, field->signal);
    case TW_FIELD_GRAD_NORM_KIND:
        return record->grad_norm_kind != TW_GRAD_NORM_UNKNOWN;
    case TW_FIELD_HYPERPARAMETERS:
        return record->header && record->header->n_hyperparameters;
    case TW_FIELD_LAYERS:
        return record->kind == TW_KIND_LAYERS ? record->layers != NULL
                                              : record->header && record->header->n_layers;
    case TW_FIELD_OBJECT:
        return record->header && count_members(field->members, record->header);
    case TW_FIELD_HASH:
        return record->layers;
    case TW_FIELD_TEXT:
        owner = owner_of(record, field);
        return owner && has_value(field, owner);
    default:
        break;
    }
    if (field->owner == TW_OWNER_HEADER)
        return record->header && has_value(field, record->header);
    if (field->has == TW_HAS_STEP && tw_kind_needs_step(record->kind))
        return true;
    return !field->has || record->has & field->has;
}

static void put_text(struct tw_writer *writer, const char *text)
{
    writer->calls->text(writer, text, strlen(text));
}

static void put_field_key(struct tw_writer *writer, const struct tw_field *field)
{
    writer->calls->key(writer, field->name, field->name_length);
}

static void put_key(struct tw_writer *writer, const char *name)
{
    writer->calls->key(writer, name, strlen(name));
}

/* Fields of the types that live in the header and in a layer, too. */
static void put_plain(struct tw_writer *writer, const struct tw_field *field, const void *owner)
{
    const char *at = (const char *)owner + field->offset;
    put_field_key(writer, field);
    if (field->type == TW_FIELD_COUNT)
        writer->calls->integer(writer, (int64_t)count_at(at));
    else
        put_text(writer, at);
}

static void put_members(struct tw_writer *writer, const struct tw_fields *fields, const void *owner)
{
    writer->calls->map(writer, count_members(fields, owner));
    for (size_t i = 0; i < fields->n; i++) {
        if (has_value(&fields->at[i], owner))
            put_plain(writer, &fields->at[i], owner);
    }
    writer->calls->map_end(writer);
}

static void put_hyperparameters(struct tw_writer *writer, const struct tw_header *header)
{
    writer->calls->map(writer, header->n_hyperparameters);
    for (size_t i = 0; i < header->n_hyperparameters; i++) {
        const struct tw_hyperparameter *entry = &header->hyperparameters[i];
        put_key(writer, entry->name);
        if (entry->is_text)
            put_text(writer, entry->text);
        else
            writer->calls->number(writer, entry->number);
    }
    writer->calls->map_end(writer);
}

static void put_layer_list(struct tw_writer *writer, const struct tw_header *header)
{
    writer->calls->list(writer, header->n_layers);
    for (size_t i = 0; i < header->n_layers; i++)
        put_members(writer, &tw_layer_info_fields, &header->layers[i]);
    writer->calls->list_end(writer);
}

static void put_columns(struct tw_writer *writer, const struct tw_layers *layers)
{
    size_t n = 0;
    for (int i = 0; i < TW_LAYER_COLUMNS; i++)
        n += layers->column[i] != NULL;
    writer->calls->map(writer, n);
    for (int i = 0; i < TW_LAYER_COLUMNS; i++) {
        if (!layers->column[i])
            continue;
        put_key(writer, tw_layer_column_words[i]);
        writer->calls->floats(writer, layers->column[i], layers->n);
    }
    writer->calls->map_end(writer);
}

static void put_value(struct tw_writer *writer, const struct tw_field *field,
                      const struct tw_record *record)
{
    const struct tw_writer_calls *calls = writer->calls;
    switch (field->type) {
    case TW_FIELD_VERSION:
        calls->integer(writer, TW_RECORD_VERSION);
        break;
    case TW_FIELD_COUNT32:
        calls->integer(writer, record->rank);
        break;
    case TW_FIELD_TIME:
        calls->integer(writer, record->time_ms);
        break;
    case TW_FIELD_HASH:
        calls->hash(writer, record->layers->header_hash);
        break;
    case TW_FIELD_KIND:
        put_text(writer, tw_kind_words[record->kind]);
        break;
    case TW_FIELD_STATUS:
        put_text(writer, tw_end_status_words[record->status]);
        break;
    case TW_FIELD_GRAD_NORM_KIND:
        put_text(writer, tw_grad_norm_kind_words[record->grad_norm_kind]);
        break;
    case TW_FIELD_SIGNAL:
        calls->number(writer, record->signal[field->signal]);
        break;
    case TW_FIELD_FLAG:
        calls->boolean(writer, record->signal[field->signal] != 0);
        break;
    case TW_FIELD_HYPERPARAMETERS:
        put_hyperparameters(writer, record->header);
        break;
    case TW_FIELD_LAYERS:
        if (record->kind == TW_KIND_HEADER)
            put_layer_list(writer, record->header);
        else
            put_columns(writer, record->layers);
        break;
    case TW_FIELD_OBJECT:
        put_members(writer, field->members, record->header);
        break;
    case TW_FIELD_IDENTITY:
    case TW_FIELD_TEXT:
    case TW_FIELD_COUNT:
        break;
    }
}

static void put_metrics(struct tw_writer *writer, const struct tw_record *record)
{
    char key[sizeof TW_METRIC_PREFIX + sizeof record->metrics->name] = TW_METRIC_PREFIX;
    const size_t prefix = sizeof TW_METRIC_PREFIX - 1;
    for (uint32_t i = 0; i < record->n_metrics; i++) {
        size_t length = strlen(record->metrics[i].name);
        memcpy(key + prefix, record->metrics[i].name, length);
        writer->calls->key(writer, key, prefix + length);
        writer->calls->number(writer, record->metrics[i].value);
    }
}

void tw_record_write(const struct tw_record *record, struct tw_writer *writer)
{
    size_t n = 0;
    uint64_t sent = 0;
    for (size_t i = 0; i < tw_record_fields.n; i++) {
        bool is = is_sent(record, &tw_record_fields.at[i]);
        sent |= (uint64_t)is << i;
        n += is;
    }
    writer->calls->map(writer, n + record->n_metrics);
    for (; sent; sent &= sent - 1) {
        const struct tw_field *field = &tw_record_fields.at[__builtin_ctzll(sent)];
        if (field->type == TW_FIELD_IDENTITY || field->type == TW_FIELD_TEXT ||
            field->type == TW_FIELD_COUNT) {
            put_plain(writer, field, owner_of(record, field));
            continue;
        }
        put_field_key(writer, field);
        put_value(writer, field, record);
    }
    put_metrics(writer, record);
    writer->calls->map_end(writer);
}
