/* What the source "kafka" knows of each partition: where it starts, and how far it is committed. */
#ifndef TW_KAFKA_PARTITIONS_H
#define TW_KAFKA_PARTITIONS_H

#include "sources/source.h"

#include <librdkafka/rdkafka.h>

/* More than any cluster recommends for one topic. */
#define TW_KAFKA_PARTITIONS_MAX 100000

struct tw_kafka_partition {
    int64_t start;                  /* offset, or RD_KAFKA_OFFSET_STORED */
    int64_t skip_offset;            /* in this message ... */
    uint32_t skip_records;          /* ... so many records were dealt with already */
    int64_t commit;                 /* offset that is committed or to be committed, -1: not known */
    bool is_dirty;                  /* not sent yet */
    bool is_ours;                   /* assigned to us */
    struct tw_kafka_reader *reader; /* its messages; owned, NULL before the first */
};

struct tw_kafka_partitions {
    int32_t n;
    struct tw_kafka_partition *at; /* by number */
};

/* The partition's entry, made when needed. NULL: out of memory or no partition number. */
struct tw_kafka_partition *tw_kafka_partition_at(struct tw_kafka_partitions *partitions,
                                                 int32_t number);
/* Forgets all but the reader. */
void tw_kafka_partition_reset(struct tw_kafka_partition *partition);
/* Offsets that are not committed yet, marked as sent; NULL when there are none. */
rd_kafka_topic_partition_list_t *tw_kafka_partitions_take_dirty(struct tw_kafka_partitions *table,
                                                                const char *topic);
void tw_kafka_partitions_release(struct tw_kafka_partitions *partitions);

#endif
