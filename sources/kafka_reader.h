/* The messages of one partition that wait for their turn, and the records in them, one by one. */
#ifndef TW_KAFKA_READER_H
#define TW_KAFKA_READER_H

#include "sources/kafka.h"

#include <librdkafka/rdkafka.h>

/* Who is told of what is ahead; see tw_kafka_source_look_ahead(). */
struct tw_kafka_look_ahead {
    tw_kafka_ahead *ahead; /* NULL: nobody */
    tw_kafka_near *near;
    void *closure;
};

struct tw_kafka_reader;

struct tw_kafka_reader *tw_kafka_reader_new(void); /* NULL: out of memory */
/* With all that waits. NULL is allowed. */
void tw_kafka_reader_free(struct tw_kafka_reader *reader);

/* Takes a message over, which has no error. 0, or -ENOMEM: it stays the caller's. */
int tw_kafka_reader_add(struct tw_kafka_reader *reader, rd_kafka_message_t *message);
/* Messages that are not dealt with wholly, and their bytes. */
size_t tw_kafka_reader_waiting(const struct tw_kafka_reader *reader);
size_t tw_kafka_reader_bytes(const struct tw_kafka_reader *reader);

/* In the message at `offset` the first `records` were dealt with already: they are passed over. */
void tw_kafka_reader_skip(struct tw_kafka_reader *reader, int64_t offset, uint32_t records);

/* The next record (TW_NEXT_RECORD), what is none (TW_NEXT_BROKEN), or TW_NEXT_WAIT when no message
 * waits. Behind the last record of a message the position is the next message's. */
int tw_kafka_reader_next(struct tw_kafka_reader *reader,
                         const struct tw_kafka_look_ahead *look_ahead, struct tw_source_item *ret);

#endif
