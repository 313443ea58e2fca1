/* Topics: those that are missing are created, the others compared. */
#include "agent/setup_kafka.h"

#include "agent/topics.h"
#include "agent/topics_compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PLACES_MAX 32
#define REPLICAS 3

struct setup {
    struct tw_kafka_admin *admin;
    struct tw_topics topics;
    int partitions;
    int16_t replication;
};

/* Brokers learn of a new topic one after the other: an agent that starts at once shall see it. */
static int wait_for_topic(struct tw_kafka_admin *admin, const char *name, struct tw_error *error)
{
    const struct timespec pause = {0, 100000000};
    for (int tries = 0; tries < 100; tries++) {
        int32_t found = tw_kafka_admin_partitions(admin, name, error);
        if (found)
            return found < 0 ? found : 0;
        nanosleep(&pause, NULL);
    }
    return tw_error_at(error, -ETIMEDOUT, name, 0, 0, "was created but is not there yet");
}

static void print_difference(void *closure, const char *text)
{
    (void)closure;
    printf("%s\n", text);
}

static bool is_compacted(const struct tw_kafka_topic *topic)
{
    const struct tw_kafka_setting *setting = topic->settings;
    while (setting->name && strcmp(setting->name, "cleanup.policy"))
        setting++;
    return setting->name && !strcmp(setting->value, "compact");
}

static int create(struct setup *setup, struct tw_kafka_topic *topic, struct tw_error *error)
{
    int result = tw_kafka_admin_create(setup->admin, topic, error);
    if (result && result != -EEXIST) /* made by somebody else just now */
        return result;
    printf("%s: %s, %d partitions, %d replicas%s\n", topic->name, result ? "exists" : "created",
           (int)topic->partitions, (int)topic->replication,
           is_compacted(topic) ? ", compacted" : "");
    return wait_for_topic(setup->admin, topic->name, error);
}

static int set_up_topic(struct setup *setup, struct tw_kafka_topic *topic, struct tw_error *error)
{
    int32_t found = tw_kafka_admin_partitions(setup->admin, topic->name, error);
    if (found < 0)
        return found;
    if (found == 0)
        return create(setup, topic, error);
    printf("%s: exists, %d partitions\n", topic->name, (int)found);
    return tw_topic_compare(setup->admin, topic, setup->topics.brokers, print_difference, NULL,
                            error);
}

/* How many partitions and replicas each topic gets that is missing. */
static int plan(struct setup *setup, struct tw_error *error)
{
    struct tw_topics *topics = &setup->topics;
    int32_t counts[2] = {0, 0};
    int brokers = tw_kafka_admin_brokers(setup->admin, error);
    if (brokers < 0)
        return brokers;
    for (size_t i = 0; i < topics->n; i++) {
        struct tw_kafka_topic *topic = &topics->topics[i].topic;
        topic->partitions = strstr(topic->name, ".notifications") ? 1 : setup->partitions;
        topic->replication = setup->replication   ? setup->replication
                             : brokers < REPLICAS ? (int16_t)brokers
                                                  : REPLICAS;
    }
    for (int i = 0; topics->group && i < 2; i++) {
        counts[i] = tw_kafka_admin_partitions(setup->admin, topics->topics[i].topic.name, error);
        if (counts[i] < 0)
            return counts[i];
    }
    if (counts[0])
        topics->topics[TW_TOPICS_STATE].topic.partitions = counts[0];
    return tw_topics_agree(topics, counts[0], counts[1], error);
}

/* A topic that is wrong does not keep the others from being made; the first mistake is told. */
static bool is_to_go_on(int result)
{
    return !result || result == -EINVAL;
}

static int set_up(struct setup *setup, struct tw_error *error)
{
    const struct tw_topics *topics = &setup->topics;
    int result = tw_kafka_admin_open(&setup->admin, topics->brokers, topics->properties, error);
    if (result)
        return result;
    result = plan(setup, error);
    for (size_t i = 0; i < topics->n && is_to_go_on(result); i++) {
        int now = set_up_topic(setup, &setup->topics.topics[i].topic, error);
        result = result ? result : now;
    }
    tw_kafka_admin_close(setup->admin);
    return result;
}

int tw_setup_kafka(const struct tw_config *config, int partitions, int replication,
                   struct tw_error *error)
{
    struct tw_topics places[PLACES_MAX];
    size_t n = tw_topics_of(places, PLACES_MAX, config);
    int result = 0;
    if (!n)
        return tw_error_at(error, -EINVAL, config->path, 0, 0,
                           "names no Kafka; add 'sources: [{kafka: {brokers: \"HOST:9092\"}}]'");
    if (partitions < 1 || replication < 0 || replication > INT16_MAX)
        return tw_error_set(error, -EINVAL,
                            "--partitions must be at least 1, and --replication 0 or more");
    for (size_t i = 0; i < n && is_to_go_on(result); i++) {
        struct setup setup = {NULL, places[i], partitions, (int16_t)replication};
        int now = set_up(&setup, error);
        result = result ? result : now;
    }
    return result;
}
