/* Topics through librdkafka's admin calls. */
#include "agent/kafka_admin.h"

#include "telemetry/kafka_properties.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000

struct tw_kafka_admin {
    rd_kafka_t *client;
    char brokers[256];
    char last_error[256]; /* what librdkafka said last: "Connection refused" and the like */
};

static void keep_error(rd_kafka_t *client, int code, const char *reason, void *closure)
{
    struct tw_kafka_admin *admin = closure;
    (void)client, (void)code;
    snprintf(admin->last_error, sizeof admin->last_error, "%s", reason);
}

int tw_kafka_admin_open(struct tw_kafka_admin **ret, const char *brokers,
                        const struct tw_texts *properties, struct tw_error *error)
{
    static const struct tw_kafka_setting none = {NULL, NULL};
    const struct tw_kafka_settings settings = {brokers, &none, properties, &none};
    char reason[256];
    struct tw_kafka_admin *admin = calloc(1, sizeof *admin);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!admin) {
        rd_kafka_conf_destroy(conf);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    snprintf(admin->brokers, sizeof admin->brokers, "%s", brokers);
    rd_kafka_conf_set_opaque(conf, admin);
    rd_kafka_conf_set_error_cb(conf, keep_error);
    rd_kafka_conf_set_log_cb(conf, tw_kafka_silent);
    int result = tw_kafka_configure(conf, &settings, error);
    if (!result && !(admin->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason)))
        result = tw_error_set(error, -EINVAL, "kafka: %s", reason);
    if (result) {
        rd_kafka_conf_destroy(conf);
        free(admin);
        return result;
    }
    *ret = admin;
    return 0;
}

void tw_kafka_admin_close(struct tw_kafka_admin *admin)
{
    if (!admin)
        return;
    rd_kafka_destroy(admin->client);
    free(admin);
}

static int unreachable(struct tw_kafka_admin *admin, rd_kafka_resp_err_t err,
                       struct tw_error *error)
{
    rd_kafka_poll(admin->client, 0); /* lets keep_error() be called */
    return tw_error_at(error, -EHOSTUNREACH, admin->brokers, 0, 0,
                       "no Kafka broker answers (%s); is it running, and is `brokers` right?",
                       admin->last_error[0] ? admin->last_error : rd_kafka_err2str(err));
}

int32_t tw_kafka_admin_partitions(struct tw_kafka_admin *admin, const char *topic,
                                  struct tw_error *error)
{
    /* All topics: asking for one by name may create it. */
    const struct rd_kafka_metadata *metadata;
    int32_t found = 0;
    rd_kafka_resp_err_t err = rd_kafka_metadata(admin->client, 1, NULL, &metadata, TIMEOUT_MS);
    if (err)
        return unreachable(admin, err, error);
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (!strcmp(metadata->topics[i].topic, topic))
            found = metadata->topics[i].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    return found;
}

static int result_of(rd_kafka_event_t *event, const char *topic, struct tw_error *error)
{
    size_t n = 0;
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    const rd_kafka_topic_result_t **topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
    if (n == 0)
        return tw_error_at(error, -ETIMEDOUT, topic, 0, 0, "cannot be created: %s",
                           event ? rd_kafka_event_error_string(event) : "no answer");
    rd_kafka_resp_err_t err = rd_kafka_topic_result_error(topics[0]);
    if (err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return -EEXIST;
    if (err)
        return tw_error_at(error, -EIO, topic, 0, 0, "cannot be created: %s",
                           rd_kafka_topic_result_error_string(topics[0]));
    return 0;
}

int tw_kafka_admin_create(struct tw_kafka_admin *admin, const struct tw_kafka_topic *topic,
                          struct tw_error *error)
{
    char reason[256];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic->name, topic->partitions,
                                                        topic->replication, reason, sizeof reason);
    if (!wanted)
        return tw_error_at(error, -EINVAL, topic->name, 0, 0, "cannot be created: %s", reason);
    if (topic->is_compacted) {
        rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", "compact");
        /* Only closed segments are compacted, and a restart reads all that is not. */
        rd_kafka_NewTopic_set_config(wanted, "segment.bytes", "67108864");
        rd_kafka_NewTopic_set_config(wanted, "max.message.bytes", "8388608");
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(admin->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_operation_timeout(options, TIMEOUT_MS, reason, sizeof reason);
    rd_kafka_CreateTopics(admin->client, &wanted, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * TIMEOUT_MS);
    int result = result_of(event, topic->name, error);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return result;
}
