/* A queue of messages, and the place in the first. */
#include "sources/kafka_reader.h"

#include "telemetry/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many messages before its turn one is looked at: far enough for a fetch from memory or two,
 * near enough to be still in the caches. */
#define FAR 16
#define NEAR 8

struct waiting {
    rd_kafka_message_t *message;
    uint64_t told; /* by look-ahead */
};

struct tw_kafka_reader {
    struct waiting *queue; /* [first, n) wait */
    size_t room, first, n;
    size_t far, near; /* messages before these were looked at */
    size_t bytes;

    rd_kafka_message_t *message; /* the one whose records are being given out */
    size_t at;                   /* bytes of it that are dealt with */
    uint32_t index;              /* records of it that are dealt with */
    struct tw_record record;

    int64_t skip_offset;
    uint32_t skip_records;
};

struct tw_kafka_reader *tw_kafka_reader_new(void)
{
    struct tw_kafka_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    tw_record_init(&reader->record);
    reader->skip_offset = -1;
    return reader;
}

static void drop_message(struct tw_kafka_reader *reader)
{
    if (!reader->message)
        return;
    reader->bytes -= reader->message->len;
    rd_kafka_message_destroy(reader->message);
    reader->message = NULL;
}

void tw_kafka_reader_free(struct tw_kafka_reader *reader)
{
    if (!reader)
        return;
    drop_message(reader);
    while (reader->first < reader->n)
        rd_kafka_message_destroy(reader->queue[reader->first++].message);
    tw_record_clear(&reader->record);
    free(reader->queue);
    free(reader);
}

/* ---- the queue ---- */

static void move_to_front(struct tw_kafka_reader *reader)
{
    size_t first = reader->first;
    memmove(reader->queue, reader->queue + first, (reader->n - first) * sizeof *reader->queue);
    reader->n -= first;
    reader->far -= reader->far < first ? reader->far : first;
    reader->near -= reader->near < first ? reader->near : first;
    reader->first = 0;
}

static int make_room(struct tw_kafka_reader *reader)
{
    if (reader->n < reader->room)
        return 0;
    if (reader->first > reader->n / 2) {
        move_to_front(reader);
        return 0;
    }
    size_t room = reader->room ? 2 * reader->room : 256;
    struct waiting *grown = realloc(reader->queue, room * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    reader->queue = grown;
    reader->room = room;
    return 0;
}

int tw_kafka_reader_add(struct tw_kafka_reader *reader, rd_kafka_message_t *message)
{
    if (reader->first == reader->n)
        reader->first = reader->n = reader->far = reader->near = 0;
    if (make_room(reader))
        return -ENOMEM;
    reader->queue[reader->n++] = (struct waiting){.message = message};
    reader->bytes += message->len;
    return 0;
}

size_t tw_kafka_reader_waiting(const struct tw_kafka_reader *reader)
{
    return reader->n - reader->first + (reader->message != NULL);
}

size_t tw_kafka_reader_bytes(const struct tw_kafka_reader *reader)
{
    return reader->bytes;
}

void tw_kafka_reader_skip(struct tw_kafka_reader *reader, int64_t offset, uint32_t records)
{
    reader->skip_offset = offset;
    reader->skip_records = records;
}

/* What belongs to a message is on its way to the caches when its turn comes. */
static void look_ahead(struct tw_kafka_reader *reader, const struct tw_kafka_look_ahead *to)
{
    if (!to->ahead)
        return;
    for (; reader->far < reader->n && reader->far <= reader->first + FAR; reader->far++) {
        struct waiting *far = &reader->queue[reader->far];
        __builtin_prefetch(far->message->payload);
        far->told = to->ahead(to->closure, far->message->partition, far->message->key,
                              far->message->key_len);
    }
    for (; reader->near < reader->far && reader->near <= reader->first + NEAR; reader->near++) {
        const struct waiting *near = &reader->queue[reader->near];
        to->near(to->closure, near->message->partition, near->told);
    }
}

/* ---- records ---- */

/* What is broken is read once more, for the reason alone: room for one need not be cleared for each
 * record that is whole. */
static int give_broken(struct tw_kafka_reader *reader, struct tw_source_item *ret)
{
    const rd_kafka_message_t *message = reader->message;
    struct tw_error why = {0};
    tw_message_next(message->payload, message->len, &reader->at, &reader->record, &why);
    snprintf(ret->reason, sizeof ret->reason, "%.180s",
             why.text[0] ? why.text : "these bytes are no record");
    ret->bytes = (const char *)message->payload + reader->at;
    ret->n_bytes = message->len - reader->at;
    ret->key = message->key;
    ret->n_key = message->key_len;
    ret->time_ms = rd_kafka_message_timestamp(message, NULL);
    ret->position = (struct tw_position){message->partition, message->offset + 1, 0};
    reader->at = message->len;
    return TW_NEXT_BROKEN;
}

/* A record that tells no time has that of its message: the same at every delivery. */
static void take_time(struct tw_record *record, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    if (record->has & TW_HAS_TIME)
        return;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time_ms < 0)
        return;
    record->time_ms = time_ms;
    record->has |= TW_HAS_TIME;
}

static bool is_blank_from(const struct tw_kafka_reader *reader, size_t from)
{
    const char *payload = reader->message->payload;
    while (from < reader->message->len && payload[from] && strchr(" \t\r\n", payload[from]))
        from++;
    return from == reader->message->len;
}

static int next_of_message(struct tw_kafka_reader *reader, struct tw_source_item *ret)
{
    const rd_kafka_message_t *message = reader->message;
    while (message->payload && reader->at < message->len) {
        int result =
            tw_message_next(message->payload, message->len, &reader->at, &reader->record, NULL);
        if (result < 0)
            return give_broken(reader, ret);
        if (result == 0)
            break;
        reader->index++;
        if (message->offset == reader->skip_offset && reader->index <= reader->skip_records)
            continue;
        take_time(&reader->record, message);
        ret->record = &reader->record;
        ret->position = (struct tw_position){message->partition, message->offset, reader->index};
        if (is_blank_from(reader, reader->at))
            ret->position = (struct tw_position){message->partition, message->offset + 1, 0};
        return TW_NEXT_RECORD;
    }
    return TW_NEXT_WAIT;
}

int tw_kafka_reader_next(struct tw_kafka_reader *reader, const struct tw_kafka_look_ahead *to,
                         struct tw_source_item *ret)
{
    for (;;) {
        int next = reader->message ? next_of_message(reader, ret) : TW_NEXT_WAIT;
        if (next != TW_NEXT_WAIT)
            return next;
        drop_message(reader);
        if (reader->first == reader->n)
            return TW_NEXT_WAIT;
        look_ahead(reader, to);
        reader->message = reader->queue[reader->first++].message;
        reader->at = 0;
        reader->index = 0;
    }
}
