/* The table of partitions; see kafka_partitions.h. */
#include "sources/kafka_partitions.h"

#include "sources/kafka_reader.h"

#include <stdlib.h>

void tw_kafka_partition_reset(struct tw_kafka_partition *partition)
{
    *partition = (struct tw_kafka_partition){.start = RD_KAFKA_OFFSET_STORED,
                                             .skip_offset = -1,
                                             .commit = -1,
                                             .reader = partition->reader};
}

struct tw_kafka_partition *tw_kafka_partition_at(struct tw_kafka_partitions *partitions,
                                                 int32_t number)
{
    if (number < 0 || number >= TW_KAFKA_PARTITIONS_MAX)
        return NULL;
    if (number < partitions->n)
        return &partitions->at[number];
    struct tw_kafka_partition *grown =
        realloc(partitions->at, ((size_t)number + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    partitions->at = grown;
    while (partitions->n <= number) {
        grown[partitions->n].reader = NULL;
        tw_kafka_partition_reset(&grown[partitions->n++]);
    }
    return &grown[number];
}

static bool are_dirty(const struct tw_kafka_partitions *table)
{
    for (int32_t i = 0; i < table->n; i++) {
        if (table->at[i].is_dirty)
            return true;
    }
    return false;
}

rd_kafka_topic_partition_list_t *tw_kafka_partitions_take_dirty(struct tw_kafka_partitions *table,
                                                                const char *topic)
{
    if (!are_dirty(table))
        return NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(table->n);
    for (int32_t i = 0; i < table->n; i++) {
        if (!table->at[i].is_dirty)
            continue;
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = table->at[i].commit;
        table->at[i].is_dirty = false;
    }
    return list;
}

void tw_kafka_partitions_release(struct tw_kafka_partitions *partitions)
{
    for (int32_t i = 0; i < partitions->n; i++)
        tw_kafka_reader_free(partitions->at[i].reader);
    free(partitions->at);
    *partitions = (struct tw_kafka_partitions){0};
}
