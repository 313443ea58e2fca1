/* The emitter's Kafka producer, over librdkafka. */
#include "telemetry/emitter_kafka.h"

#include "telemetry/clock.h"
#include "telemetry/emitter_again.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_properties.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_TOPIC "trainward.telemetry"
/* What waits for an unreachable broker takes at most this much of the training's memory. */
#define QUEUE_KBYTES "65536"
/* And what waits for a producer in the place of one that ended itself, as much again. */
#define AGAIN_BYTES (65536u << 10)
/* How long one look into librdkafka waits while its queue is full. */
#define FULL_QUEUE_POLL_MS 10
/* How long closing waits for brokers that never took anything and cannot be reached. */
#define AWAY_SECONDS 1.0
/* Who asks for longer than the default wants brokers that never answered to be waited for, too. */
#define PATIENT_SECONDS 10.0

#define LOOK_FOR_TOPIC_MS 1000
/* How often a producer that ended itself may be replaced. */
#define REPLACE_EVERY_SECONDS 2.0
/* How long the next one waits for the answers to what the ended one had sent. */
#define ANSWERS_MS 1000
/* Between two looks whether it may be, while closing. */
#define REPLACE_LOOK_SECONDS .05

struct tw_emitter_kafka {
    rd_kafka_conf_t *conf; /* what each producer gets a copy of */
    rd_kafka_t *producer;
    double replace_after;
    struct tw_again again; /* what ended producers did not deliver; the hooks are not told yet */
    uint32_t serial;       /* of the next message */
    bool is_closing;
    char *topic, *key;
    struct tw_emitter_kafka_hooks hooks;
    /* Since the newest delivery: */
    char broker_error[400]; /* the newest */
    bool is_away;           /* librdkafka found all brokers down */
    bool is_full;           /* a message found no room and waited for it in vain */
    bool has_delivered;
    char described[600]; /* describe()'s room */
};

static bool is_about_topic(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

/* librdkafka's own words where it gave up waiting say nothing of what it waited for. */
static const char *describe(struct tw_emitter_kafka *kafka, rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
        code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return kafka->broker_error[0] ? kafka->broker_error : "the brokers did not answer in time";
    const char *remedy = tw_kafka_remedy(code, NULL);
    int used = 0;
    if (is_about_topic(code))
        used = snprintf(kafka->described, sizeof kafka->described, "topic '%s': ", kafka->topic);
    snprintf(kafka->described + used, sizeof kafka->described - (size_t)used, "%s%s%s",
             rd_kafka_err2str(code), remedy ? "; " : "", remedy ? remedy : "");
    return kafka->described;
}

/* What goes with a message through librdkafka. */
static void *pack(uint32_t serial, uint32_t tag)
{
    return (void *)(uintptr_t)((uint64_t)serial << 32 | tag);
}

static bool has_ended(rd_kafka_t *producer)
{
    return rd_kafka_fatal_error(producer, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A message that a producer which ended itself reports as failed will be sent by the next one.
 * Where the broker had it, that is a repeat, which readers know by its records' numbers. */
static bool keep(struct tw_emitter_kafka *kafka, rd_kafka_t *producer,
                 const rd_kafka_message_t *message)
{
    uint64_t packed = (uint64_t)(uintptr_t)message->_private;
    return !kafka->is_closing && has_ended(producer) &&
           tw_again_keep(&kafka->again, (uint32_t)(packed >> 32), (uint32_t)packed,
                         message->payload, message->len);
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct tw_emitter_kafka *kafka = opaque;
    uint32_t tag = (uint32_t)(uintptr_t)message->_private;
    if (message->err && keep(kafka, producer, message))
        return;
    if (!message->err) {
        kafka->broker_error[0] = '\0';
        kafka->is_away = kafka->is_full = false;
        kafka->has_delivered = true;
    }
    kafka->hooks.done(kafka->hooks.closure, tag,
                      message->err ? describe(kafka, message->err) : NULL);
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *opaque)
{
    struct tw_emitter_kafka *kafka = opaque;
    const char *detail = strstr(reason, " (after "); /* the state of librdkafka's connection */
    char kept[300];
    (void)producer;
    snprintf(kept, sizeof kept, "%.*s", detail ? (int)(detail - reason) : (int)strlen(reason),
             reason);
    kafka->is_away = kafka->is_away || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    tw_kafka_keep_reason(kafka->broker_error, sizeof kafka->broker_error, code, kept);
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
        TW_KAFKA_SAFE_PRODUCER,
        {"linger.ms", "0"}, /* the writer thread has lingered already */
        {"queue.buffering.max.kbytes", QUEUE_KBYTES},
        /* What waits for a broker is limited by its size alone, not by how long that is away. */
        {"message.timeout.ms", "0"},
        {"topic.metadata.propagation.max.ms", "5000"}, /* how long a topic may be new */
        {"message.max.bytes", largest},
        {NULL, NULL},
    };
    const struct tw_kafka_settings settings = {options->kafka_brokers, defaults, &properties, NULL,
                                               false};
    struct tw_error why = {0};
    int result = tw_kafka_configure(conf, &settings, &why);
    return result ? tw_error_set(error, result, "kafka %s", why.text) : 0;
}

static int start(struct tw_emitter_kafka *kafka, struct tw_error *error)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);
    kafka->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (kafka->producer)
        return 0;
    rd_kafka_conf_destroy(conf);
    return tw_error_set(error, -EINVAL, "kafka: %s", reason);
}

static void release(struct tw_emitter_kafka *kafka)
{
    if (kafka->conf)
        rd_kafka_conf_destroy(kafka->conf);
    free(kafka->topic);
    free(kafka->key);
    free(kafka);
}

static int set_up(struct tw_emitter_kafka *kafka, const struct tw_emitter_options *options,
                  const char *key, struct tw_error *error)
{
    kafka->topic = strdup(options->kafka_topic ? options->kafka_topic : DEFAULT_TOPIC);
    kafka->key = strdup(key);
    if (!kafka->topic || !kafka->key)
        return tw_error_set(error, -ENOMEM, "out of memory");
    kafka->conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(kafka->conf, on_delivery);
    rd_kafka_conf_set_error_cb(kafka->conf, on_error);
    rd_kafka_conf_set_log_cb(kafka->conf, tw_kafka_silent); /* somebody's training */
    rd_kafka_conf_set_opaque(kafka->conf, kafka);
    int result = configure(kafka->conf, options, error);
    return result ? result : start(kafka, error);
}

int tw_emitter_kafka_open(struct tw_emitter_kafka **ret, const struct tw_emitter_options *options,
                          const char *key, const struct tw_emitter_kafka_hooks *hooks,
                          struct tw_error *error)
{
    struct tw_emitter_kafka *kafka = calloc(1, sizeof *kafka);
    if (!kafka)
        return tw_error_set(error, -ENOMEM, "out of memory");
    kafka->hooks = *hooks;
    kafka->again.bytes_max = AGAIN_BYTES;
    int result = set_up(kafka, options, key, error);
    if (result)
        release(kafka);
    else
        *ret = kafka;
    return result;
}

static rd_kafka_resp_err_t produce(struct tw_emitter_kafka *kafka, const void *data, size_t size,
                                   uint32_t serial, uint32_t tag)
{
    /* librdkafka only reads the value when it is asked to copy it. */
    void *value = (void *)(uintptr_t)data;
    return rd_kafka_producev(kafka->producer, RD_KAFKA_V_TOPIC(kafka->topic),
                             RD_KAFKA_V_KEY(kafka->key, strlen(kafka->key)),
                             RD_KAFKA_V_VALUE(value, size), RD_KAFKA_V_OPAQUE(pack(serial, tag)),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

/* Gives up what is queued, with its reports, and the producer. */
static void give_up(rd_kafka_t *producer)
{
    if (rd_kafka_outq_len(producer) > 0) {
        rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(producer, 1000); /* serves the reports of what was purged */
    }
    tw_kafka_destroy(producer, 0); /* its threads, if they stay, call nothing of ours */
}

/* What the broker has in hand of an ended producer may be written at any moment, behind newer
 * records of the next one; so the answers come first. What they say was written is not sent again.
 */
static void wait_for_answers(rd_kafka_t *ended)
{
    rd_kafka_purge(ended, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_flush(ended, ANSWERS_MS);
}

/* An idempotent producer ends itself when the broker has lost what it had acknowledged (a crash, a
 * topic made anew). The training goes on, and so do its records: with a new producer. */
static void replace(struct tw_emitter_kafka *kafka)
{
    double time = tw_now_seconds();
    if (time < kafka->replace_after)
        return;
    kafka->replace_after = time + REPLACE_EVERY_SECONDS;
    rd_kafka_t *ended = kafka->producer;
    if (start(kafka, NULL)) {
        kafka->producer = ended;
        return;
    }
    wait_for_answers(ended);
    give_up(ended); /* which keeps what it had */
}

/* Nothing newer goes before what waits for a new producer. Returns whether nothing waits. */
static bool go_on(struct tw_emitter_kafka *kafka)
{
    if (has_ended(kafka->producer))
        replace(kafka);
    const struct tw_again_message *first;
    while ((first = kafka->again.first) && !has_ended(kafka->producer)) {
        if (produce(kafka, first->data, first->size, first->serial, first->tag))
            return false;
        free(tw_again_take(&kafka->again));
    }
    return !kafka->again.first && !has_ended(kafka->producer);
}

static int cannot_send(struct tw_emitter_kafka *kafka, rd_kafka_resp_err_t code,
                       struct tw_error *error)
{
    char reason[256];
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return tw_error_set(error, -EIO, "kafka: the queue is full: %s", describe(kafka, code));
    if (code == RD_KAFKA_RESP_ERR__FATAL &&
        rd_kafka_fatal_error(kafka->producer, reason, sizeof reason))
        return tw_error_set(error, -EIO, "kafka: %s", reason);
    return tw_error_set(error, -EIO, "kafka: %s", describe(kafka, code));
}

static int keep_newest(struct tw_emitter_kafka *kafka, const void *data, size_t size, uint32_t tag,
                       struct tw_error *error)
{
    if (tw_again_keep(&kafka->again, kafka->serial, tag, data, size)) {
        kafka->serial++;
        return 0;
    }
    return cannot_send(kafka,
                       has_ended(kafka->producer) ? RD_KAFKA_RESP_ERR__FATAL
                                                  : RD_KAFKA_RESP_ERR__QUEUE_FULL,
                       error);
}

int tw_emitter_kafka_send(struct tw_emitter_kafka *kafka, const void *data, size_t size,
                          uint32_t tag, double patience_seconds, struct tw_error *error)
{
    double deadline = tw_now_seconds() + (kafka->is_full ? 0 : patience_seconds);
    rd_kafka_resp_err_t result;
    if (!go_on(kafka))
        return keep_newest(kafka, data, size, tag, error);
    while ((result = produce(kafka, data, size, kafka->serial, tag)) ==
               RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           tw_now_seconds() < deadline)
        rd_kafka_poll(kafka->producer, FULL_QUEUE_POLL_MS);
    if (result == RD_KAFKA_RESP_ERR__FATAL)
        return keep_newest(kafka, data, size, tag, error);
    kafka->is_full = result == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    kafka->serial += !result;
    return result ? cannot_send(kafka, result, error) : 0;
}

void tw_emitter_kafka_poll(struct tw_emitter_kafka *kafka)
{
    rd_kafka_poll(kafka->producer, 0);
    go_on(kafka);
}

static void pause_for(double seconds)
{
    struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
    nanosleep(&pause, NULL);
}

/* Waits for the queue to empty. Brokers that were there before may come back in time. */
static void wait_for_deliveries(struct tw_emitter_kafka *kafka, double seconds)
{
    double deadline = tw_now_seconds() + seconds, left = seconds;
    bool is_patient = seconds > PATIENT_SECONDS;
    while (left > 0) {
        double wait = left < AWAY_SECONDS ? left : AWAY_SECONDS;
        bool has_waiting = !go_on(kafka);
        bool is_empty = !rd_kafka_flush(kafka->producer, (int)(1000 * wait));
        if (is_empty && !has_waiting && !kafka->again.first)
            return;
        if (kafka->is_away && !kafka->has_delivered && !is_patient)
            return;
        if (is_empty)
            pause_for(left < REPLACE_LOOK_SECONDS ? left : REPLACE_LOOK_SECONDS);
        left = deadline - tw_now_seconds();
    }
}

/* What no producer took any more. */
static void give_up_waiting(struct tw_emitter_kafka *kafka)
{
    struct tw_again_message *message;
    while ((message = tw_again_take(&kafka->again))) {
        kafka->hooks.done(kafka->hooks.closure, message->tag,
                          describe(kafka, RD_KAFKA_RESP_ERR__FATAL));
        free(message);
    }
}

/* What is not delivered although no broker complained may want a topic that does not exist:
 * librdkafka gives that half a minute before it says so. */
static void look_for_topic(struct tw_emitter_kafka *kafka)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka->producer, kafka->topic, NULL);
    if (!topic)
        return;
    if (!rd_kafka_metadata(kafka->producer, 0, topic, &metadata, LOOK_FOR_TOPIC_MS)) {
        if (metadata->topic_cnt == 1 && metadata->topics[0].err)
            snprintf(kafka->broker_error, sizeof kafka->broker_error, "%s",
                     describe(kafka, metadata->topics[0].err));
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
}

void tw_emitter_kafka_close(struct tw_emitter_kafka *kafka, double seconds)
{
    if (!kafka)
        return;
    wait_for_deliveries(kafka, seconds);
    if (rd_kafka_outq_len(kafka->producer) > 0 && !kafka->broker_error[0])
        look_for_topic(kafka);
    kafka->is_closing = true;
    give_up(kafka->producer);
    give_up_waiting(kafka);
    release(kafka);
}
