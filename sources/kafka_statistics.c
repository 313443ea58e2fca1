/* Reads librdkafka's statistics: brokers with their answers, partitions with their offsets. */
#include "sources/kafka_statistics.h"

#include <jansson.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* A leader that has nothing answers a fetch each half second; `rxidle` is -1 before the first
 * answer. */
static bool answers(const json_t *brokers, json_int_t leader, double seconds)
{
    const char *name;
    json_t *broker;
    json_object_foreach((json_t *)(size_t)brokers, name, broker)
    {
        json_int_t idle = json_integer_value(json_object_get(broker, "rxidle"));
        if (json_integer_value(json_object_get(broker, "nodeid")) == leader)
            return !strcmp(text_of(broker, "state"), "UP") && idle >= 0 &&
                   (double)idle < seconds * 1e6;
    }
    return false;
}

enum reading { NOT_OURS, READ_TO_ITS_END, NOT_READ };

static enum reading reading_of(const json_t *partition)
{
    const char *state = text_of(partition, "fetch_state");
    json_int_t next = json_integer_value(json_object_get(partition, "next_offset"));
    json_int_t end = json_integer_value(json_object_get(partition, "hi_offset"));
    if (!strcmp(state, "none") || !strncmp(state, "stop", 4))
        return NOT_OURS;
    return !strcmp(state, "active") && end >= 0 && next >= end ? READ_TO_ITS_END : NOT_READ;
}

/* Counts the partitions that are ours; -1 when one of them is behind or its leader away. */
static long count_listening(const json_t *partitions, const json_t *brokers, double seconds)
{
    const char *name;
    json_t *partition;
    long ours = 0;
    json_object_foreach((json_t *)(size_t)partitions, name, partition)
    {
        enum reading reading = reading_of(partition);
        json_int_t leader = json_integer_value(json_object_get(partition, "leader"));
        if (reading == NOT_OURS)
            continue;
        if (reading == NOT_READ || !answers(brokers, leader, seconds))
            return -1;
        ours++;
    }
    return ours;
}

bool tw_kafka_statistics_are_listening(const char *json, size_t size, double seconds)
{
    const char *name;
    json_t *topic, *root = json_loadb(json, size, 0, NULL);
    long ours = 0;
    json_object_foreach(json_object_get(root, "topics"), name, topic)
    {
        long more = count_listening(json_object_get(topic, "partitions"),
                                    json_object_get(root, "brokers"), seconds);
        ours = more < 0 || ours < 0 ? -1 : ours + more;
    }
    json_decref(root);
    return ours > 0;
}
