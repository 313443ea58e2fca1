/* The emitter's Kafka producer, over librdkafka. */
#include "telemetry/emitter_kafka.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_properties.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TOPIC "trainward.telemetry"
/* What waits for an unreachable broker takes at most this much of the training's memory. */
#define QUEUE_KBYTES "65536"
/* How long one look into librdkafka waits while its queue is full. */
#define FULL_QUEUE_POLL_MS 10

struct tw_emitter_kafka {
    rd_kafka_t *producer;
    char *topic, *key;
    struct tw_emitter_kafka_hooks hooks;
    char broker_error[300]; /* the newest */
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct tw_emitter_kafka *kafka = opaque;
    uint32_t tag = (uint32_t)(uintptr_t)message->_private;
    char reason[500];
    bool was_purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                      message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    const char *what = was_purged ? "not acknowledged in time" : rd_kafka_err2str(message->err);
    const char *remedy = tw_kafka_remedy(message->err, NULL);
    (void)producer;
    if (!message->err) {
        kafka->hooks.done(kafka->hooks.closure, tag, NULL);
        return;
    }
    if (!remedy && kafka->broker_error[0])
        remedy = kafka->broker_error;
    snprintf(reason, sizeof reason, "%s%s%s", what, remedy ? "; " : "", remedy ? remedy : "");
    kafka->hooks.done(kafka->hooks.closure, tag, reason);
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *opaque)
{
    struct tw_emitter_kafka *kafka = opaque;
    (void)producer;
    tw_kafka_keep_reason(kafka->broker_error, sizeof kafka->broker_error, code, reason);
}

static int configure(rd_kafka_conf_t *conf, const struct tw_emitter_options *options,
                     struct tw_error *error)
{
    char largest[24];
    const char *const *given = options->kafka_properties;
    struct tw_texts properties = {.at = (char **)(uintptr_t)given}; /* is only read */
    while (given && given[properties.n])
        properties.n++;
    snprintf(largest, sizeof largest, "%zu", options->batch_bytes + 2 * TW_RECORD_BYTES_MAX);
    const struct tw_kafka_setting defaults[] = {
        {"enable.idempotence", "true"},
        {"linger.ms", "0"}, /* the writer thread has lingered already */
        {"queue.buffering.max.kbytes", QUEUE_KBYTES},
        /* What waits for a broker is bounded by memory, not by time: ten minutes cost nothing. */
        {"message.timeout.ms", "0"},
        {"topic.metadata.propagation.max.ms", "5000"}, /* how long a topic may be new */
        {"message.max.bytes", largest},
        {NULL, NULL},
    };
    const struct tw_kafka_settings settings = {options->kafka_brokers, defaults, &properties, NULL};
    struct tw_error why = {0};
    int result = tw_kafka_configure(conf, &settings, &why);
    return result ? tw_error_set(error, result, "kafka %s", why.text) : 0;
}

static int start(struct tw_emitter_kafka *kafka, const struct tw_emitter_options *options,
                 struct tw_error *error)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, tw_kafka_silent); /* somebody's training */
    rd_kafka_conf_set_opaque(conf, kafka);
    int result = configure(conf, options, error);
    if (!result) {
        kafka->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
        if (kafka->producer)
            return 0;
        result = tw_error_set(error, -EINVAL, "kafka: %s", reason);
    }
    rd_kafka_conf_destroy(conf);
    return result;
}

static void release(struct tw_emitter_kafka *kafka)
{
    free(kafka->topic);
    free(kafka->key);
    free(kafka);
}

int tw_emitter_kafka_open(struct tw_emitter_kafka **ret, const struct tw_emitter_options *options,
                          const char *key, const struct tw_emitter_kafka_hooks *hooks,
                          struct tw_error *error)
{
    struct tw_emitter_kafka *kafka = calloc(1, sizeof *kafka);
    if (!kafka)
        return tw_error_set(error, -ENOMEM, "out of memory");
    kafka->hooks = *hooks;
    kafka->topic = strdup(options->kafka_topic ? options->kafka_topic : DEFAULT_TOPIC);
    kafka->key = strdup(key);
    int result = kafka->topic && kafka->key ? start(kafka, options, error)
                                            : tw_error_set(error, -ENOMEM, "out of memory");
    if (result)
        release(kafka);
    else
        *ret = kafka;
    return result;
}

static rd_kafka_resp_err_t produce(struct tw_emitter_kafka *kafka, const void *data, size_t size,
                                   uint32_t tag)
{
    /* librdkafka only reads the value when it is asked to copy it. */
    void *value = (void *)(uintptr_t)data;
    return rd_kafka_producev(kafka->producer, RD_KAFKA_V_TOPIC(kafka->topic),
                             RD_KAFKA_V_KEY(kafka->key, strlen(kafka->key)),
                             RD_KAFKA_V_VALUE(value, size),
                             RD_KAFKA_V_OPAQUE((void *)(uintptr_t)tag),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

int tw_emitter_kafka_send(struct tw_emitter_kafka *kafka, const void *data, size_t size,
                          uint32_t tag, double patience_seconds, struct tw_error *error)
{
    double deadline = tw_now_seconds() + patience_seconds;
    char reason[256] = "";
    rd_kafka_resp_err_t result;
    while ((result = produce(kafka, data, size, tag)) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           tw_now_seconds() < deadline)
        rd_kafka_poll(kafka->producer, FULL_QUEUE_POLL_MS);
    if (!result)
        return 0;
    if (result == RD_KAFKA_RESP_ERR__FATAL)
        rd_kafka_fatal_error(kafka->producer, reason, sizeof reason);
    return tw_error_set(error, -EIO, "kafka: %s%s%s", rd_kafka_err2str(result),
                        reason[0]                ? ": "
                        : kafka->broker_error[0] ? "; "
                                                 : "",
                        reason[0] ? reason : kafka->broker_error);
}

void tw_emitter_kafka_poll(struct tw_emitter_kafka *kafka)
{
    rd_kafka_poll(kafka->producer, 0);
}

void tw_emitter_kafka_close(struct tw_emitter_kafka *kafka, double seconds)
{
    if (!kafka)
        return;
    rd_kafka_flush(kafka->producer, (int)(1000 * (seconds > 0 ? seconds : 0)));
    if (rd_kafka_outq_len(kafka->producer) > 0) {
        rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(kafka->producer, 1000); /* serves the reports of what was purged */
    }
    rd_kafka_destroy(kafka->producer);
    release(kafka);
}
