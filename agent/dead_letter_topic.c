/* An idempotent producer; what it could not deliver is written to the file. */
#include "agent/dead_letter_topic.h"

#include "agent/dead_letters.h"
#include "agent/heartbeat.h"
#include "agent/logging.h"
#include "agent/topics.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_new.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 10000
#define FULL_QUEUE_SECONDS 60.0
/* With room for headers below the 8 MiB that the topic is made with. */
#define LETTER_BYTES "8300000"

struct tw_dead_letter_topic {
    rd_kafka_t *producer;
    char name[256], trouble[256];
    const char *dir;
    bool uses_file;          /* the topic does not take any more */
    bool is_unsynced;        /* the file */
    struct tw_error no_file; /* a letter is in neither */
};

/* ---- the file ---- */

static void say_once(struct tw_dead_letter_topic *topic, const char *why)
{
    if (!topic->uses_file)
        tw_logging(TW_LOG_WARNING, "%s: %s; dead letters go to %s/telemetry.jsonl", topic->name,
                   why, topic->dir);
    topic->uses_file = true;
}

static int write_file(struct tw_dead_letter_topic *topic, const struct tw_dead_letter *letter,
                      struct tw_error *error)
{
    char place[400];
    topic->is_unsynced = true;
    snprintf(place, sizeof place, "%s partition %" PRId32 " offset %" PRId64, letter->topic,
             letter->partition, letter->offset);
    return tw_dead_letter(topic->dir, place, letter->reason, letter->data, letter->n_data, error);
}

/* A header's text, which has a final NUL by librdkafka's promise. */
static const char *header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t size;
    return headers && !rd_kafka_header_get_last(headers, name, &value, &size) ? value : "";
}

/* Called from rd_kafka_poll() and rd_kafka_flush(), so in the caller's thread. */
static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct tw_dead_letter_topic *topic = opaque;
    rd_kafka_headers_t *headers = NULL;
    bool was_purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                      message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    (void)producer;
    if (!message->err || was_purged)
        return;
    rd_kafka_message_headers(message, &headers);
    const struct tw_dead_letter letter = {
        .topic = header(headers, "topic"),
        .partition = (int32_t)strtol(header(headers, "partition"), NULL, 10),
        .offset = strtoll(header(headers, "offset"), NULL, 10),
        .reason = header(headers, "reason"),
        .data = message->payload,
        .n_data = message->len,
    };
    if (message->err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        say_once(topic, rd_kafka_err2str(message->err));
    write_file(topic, &letter, &topic->no_file);
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *opaque)
{
    struct tw_dead_letter_topic *topic = opaque;
    (void)producer;
    tw_kafka_keep_reason(topic->trouble, sizeof topic->trouble, code, reason);
}

/* ---- opening ---- */

static int new_producer(struct tw_dead_letter_topic *topic, const char *brokers,
                        const struct tw_texts *properties, struct tw_error *error)
{
    static const struct tw_kafka_setting defaults[] = {
        {"linger.ms", "5"},
        {"compression.codec", "lz4"},
        {"queue.buffering.max.kbytes", "65536"},
        {"topic.metadata.propagation.max.ms", "5000"},
        {NULL, NULL}};
    /* An outage must not turn into failed messages: they wait, and the flush says that they do. */
    static const struct tw_kafka_setting fixed[] = {TW_KAFKA_SAFE_PRODUCER,
                                                    {"message.timeout.ms", "0"},
                                                    {"message.max.bytes", LETTER_BYTES},
                                                    {NULL, NULL}};
    const struct tw_kafka_settings settings = {brokers, defaults, properties, fixed, true};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, topic);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return tw_kafka_new(&topic->producer, RD_KAFKA_PRODUCER, conf, &settings, error);
}

/* Brokers that do not answer are no reason to believe that it is missing. */
static bool is_missing(const struct tw_dead_letter_topic *topic)
{
    int32_t partitions;
    return !tw_kafka_ask_partitions(topic->producer, topic->name, LOOK_MS, &partitions) &&
           !partitions;
}

int tw_dead_letter_topic_open(struct tw_dead_letter_topic **ret, const char *brokers,
                              const struct tw_texts *properties, const char *prefix,
                              const char *dir, struct tw_error *error)
{
    struct tw_dead_letter_topic *topic = calloc(1, sizeof *topic);
    if (!topic)
        return tw_error_set(error, -ENOMEM, "out of memory");
    topic->dir = dir;
    tw_topic_name(topic->name, sizeof topic->name, prefix, "dead-letters");
    int result = new_producer(topic, brokers, properties, error);
    if (result) {
        free(topic);
        return result;
    }
    if (is_missing(topic))
        say_once(topic, "the topic is missing ('trainward setup kafka' creates it)");
    *ret = topic;
    return 0;
}

/* ---- letters ---- */

static rd_kafka_headers_t *headers_of(const struct tw_dead_letter *letter)
{
    char partition[16], offset[24], time[24];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(5);
    snprintf(partition, sizeof partition, "%" PRId32, letter->partition);
    snprintf(offset, sizeof offset, "%" PRId64, letter->offset);
    snprintf(time, sizeof time, "%" PRId64, letter->time_ms);
    rd_kafka_header_add(headers, "reason", -1, letter->reason, -1);
    rd_kafka_header_add(headers, "topic", -1, letter->topic, -1);
    rd_kafka_header_add(headers, "partition", -1, partition, -1);
    rd_kafka_header_add(headers, "offset", -1, offset, -1);
    if (letter->time_ms >= 0)
        rd_kafka_header_add(headers, "time", -1, time, -1);
    return headers;
}

static rd_kafka_resp_err_t produce(struct tw_dead_letter_topic *topic,
                                   const struct tw_dead_letter *letter)
{
    /* librdkafka only reads what it is asked to copy. */
    rd_kafka_headers_t *headers = headers_of(letter);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        topic->producer, RD_KAFKA_V_TOPIC(topic->name), RD_KAFKA_V_KEY(letter->key, letter->n_key),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)letter->data, letter->n_data),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (err)
        rd_kafka_headers_destroy(headers); /* else they are the message's */
    return err;
}

int tw_dead_letter_topic_put(struct tw_dead_letter_topic *topic,
                             const struct tw_dead_letter *letter, struct tw_error *error)
{
    double deadline = tw_now_seconds() + FULL_QUEUE_SECONDS;
    rd_kafka_resp_err_t err = 0;
    tw_heartbeat(FULL_QUEUE_SECONDS + TW_HEARTBEAT_LOOP_SECONDS);
    rd_kafka_poll(topic->producer, 0);
    while (!topic->uses_file && (err = produce(topic, letter)) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           tw_now_seconds() < deadline)
        rd_kafka_poll(topic->producer, 100);
    if (topic->uses_file || err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return write_file(topic, letter, error);
    if (err)
        return tw_error_at(error, -EIO, topic->name, 0, 0, "cannot write a dead letter: %s",
                           rd_kafka_err2str(err));
    return 0;
}

int tw_dead_letter_topic_flush(struct tw_dead_letter_topic *topic, double timeout_seconds,
                               struct tw_error *error)
{
    char fatal[256];
    rd_kafka_resp_err_t err = rd_kafka_flush(topic->producer, (int)(timeout_seconds * 1000));
    if (topic->no_file.code)
        return tw_error_at(error, topic->no_file.code, topic->no_file.place, 0, 0, "%s",
                           topic->no_file.text);
    if (rd_kafka_fatal_error(topic->producer, fatal, sizeof fatal))
        return tw_error_at(error, -EIO, topic->name, 0, 0, "the Kafka producer failed for good: %s",
                           fatal);
    if (err)
        return tw_error_at(error, -ETIMEDOUT, topic->name, 0, 0,
                           "%d dead letters wait for the brokers' acknowledgement: %s",
                           rd_kafka_outq_len(topic->producer),
                           topic->trouble[0] ? topic->trouble : rd_kafka_err2str(err));
    topic->trouble[0] = '\0';
    int result = topic->is_unsynced ? tw_dead_letters_sync(topic->dir, error) : 0;
    topic->is_unsynced &= result != 0;
    return result;
}

void tw_dead_letter_topic_close(struct tw_dead_letter_topic *topic)
{
    if (!topic)
        return;
    rd_kafka_purge(topic->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(topic->producer, 100); /* serves the reports of what was purged */
    tw_kafka_destroy(topic->producer, 0);
    free(topic);
}
