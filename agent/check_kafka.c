/* Brokers, login, topics, consumer group. */
#include "agent/check_kafka.h"

#include "agent/topics.h"
#include "agent/topics_compare.h"

#include <errno.h>
#include <stdio.h>

#define PLACES_MAX 32

static void ignore(void *closure, const char *name, const char *value)
{
    (void)closure, (void)name, (void)value;
}

/* A topic that the metadata does not list: missing, or hidden from this login. */
static int check_missing(struct tw_kafka_admin *admin, const struct tw_wanted_topic *wanted,
                         const char *item, tw_check_tell *tell)
{
    struct tw_error error = {0};
    int result = tw_kafka_admin_settings(admin, wanted->topic.name, ignore, NULL, &error);
    if (wanted->need == TW_TOPIC_NEEDED || result != -ENOENT)
        return tell(item, result ? result : -ENOENT, &error);
    printf("note  %s: %s is missing: dead letters go to a file in state_dir; 'trainward setup "
           "kafka' creates it\n",
           item, wanted->topic.name);
    return 0;
}

/* `*ret`: how many partitions it has. */
static int check_topic(struct tw_kafka_admin *admin, const struct tw_topics *topics,
                       const struct tw_wanted_topic *wanted, int32_t *ret, tw_check_tell *tell)
{
    struct tw_error error = {0};
    *ret = tw_kafka_admin_partitions(admin, wanted->topic.name, &error);
    if (*ret < 0)
        return tell(topics->item, *ret, &error);
    if (*ret == 0)
        return check_missing(admin, wanted, topics->item, tell);
    int result = tw_topic_compare(admin, &wanted->topic, topics->brokers, NULL, NULL, &error);
    return result ? tell(topics->item, result, &error) : 0;
}

static int check_topics(struct tw_kafka_admin *admin, const struct tw_topics *topics,
                        tw_check_tell *tell)
{
    struct tw_error error = {0};
    int32_t counts[TW_TOPICS_MAX] = {0};
    int failed = 0;
    for (size_t i = 0; i < topics->n && counts[0] >= 0; i++) {
        if (topics->topics[i].need != TW_TOPIC_FOR_LATER)
            failed += check_topic(admin, topics, &topics->topics[i], &counts[i], tell);
    }
    if (!topics->group || counts[0] < 0)
        return failed;
    int result =
        tw_topics_agree(topics, counts[TW_TOPICS_TELEMETRY], counts[TW_TOPICS_STATE], &error);
    if (!result)
        result = tw_kafka_admin_group(admin, topics->group, &error);
    return failed + (result ? tell(topics->item, result, &error) : 0);
}

static int check_place(const struct tw_topics *topics, tw_check_tell *tell)
{
    struct tw_error error = {0};
    struct tw_kafka_admin *admin;
    int result = tw_kafka_admin_open(&admin, topics->brokers, topics->properties, &error);
    if (result)
        return tell(topics->item, result, &error);
    int failed = check_topics(admin, topics, tell);
    tw_kafka_admin_close(admin);
    return failed ? failed : tell(topics->item, 0, &error);
}

int tw_check_kafka(const struct tw_config *config, tw_check_tell *tell)
{
    struct tw_topics places[PLACES_MAX];
    size_t n = tw_topics_of(places, PLACES_MAX, config);
    int failed = 0;
    for (size_t i = 0; i < n; i++)
        failed += check_place(&places[i], tell);
    return failed;
}
