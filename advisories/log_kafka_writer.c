/* The writing end of the Kafka log: an idempotent producer that answers for every message. */
#include "advisories/log_kafka_writer.h"

#include "advisories/acknowledged.h"
#include "advisories/log_kafka_client.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a full queue is waited for. */
#define QUEUE_SECONDS 10

struct writer {
    struct tw_kafka_trouble trouble; /* first: the client's opaque */
    rd_kafka_t *client;
    char topic[TW_LOG_STREAMS][256];
    rd_kafka_topic_t
        *known; /* its leaders are looked up now: the first advisory waits for nothing */
    struct tw_acknowledged messages;
    bool is_full;    /* a document found no room and waited for it in vain */
    uint64_t failed; /* delivery reports that were failures, since the last flush */
    rd_kafka_resp_err_t first_failure;
    char failed_topic[256]; /* whose it was */
};

/* Called from rd_kafka_poll() and rd_kafka_flush(), so in the caller's thread. */
static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct writer *writer = opaque;
    (void)client;
    if (!message->err)
        tw_acknowledged_note(&writer->messages, (uint64_t)(uintptr_t)message->_private);
    else if (!writer->failed++) {
        writer->first_failure = message->err;
        snprintf(writer->failed_topic, sizeof writer->failed_topic, "%s",
                 rd_kafka_topic_name(message->rkt));
    }
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

int tw_kafka_writer_open(void **ret, const struct tw_log_location *location, struct tw_error *error)
{
    /* An outage of a day must not turn into failed messages: they wait in the bounded queue, and
     * the flush says that they do. */
    /* An advisory is rare and waited for: it goes to the brokers at once. */
    static const struct tw_kafka_setting defaults[] = {
        {"linger.ms", "0"},
        {"queue.buffering.max.kbytes", "65536"},
        {"message.timeout.ms", "0"},
        {"topic.metadata.propagation.max.ms", "5000"}, /* how long a topic may be new */
        {NULL, NULL}};
    /* Implies acks=all. */
    static const struct tw_kafka_setting fixed[] = {TW_KAFKA_SAFE_PRODUCER, {NULL, NULL}};
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_kafka_trouble_init(&writer->trouble);
    for (size_t i = 0; i < TW_LOG_STREAMS; i++)
        tw_kafka_name(writer->topic[i], sizeof writer->topic[i], location,
                      tw_log_stream_name((enum tw_log_stream)i), NULL);
    int result = tw_kafka_client_open(&writer->client, RD_KAFKA_PRODUCER, location, defaults, fixed,
                                      prepare, &writer->trouble, error);
    if (result) {
        tw_kafka_trouble_done(&writer->trouble);
        free(writer);
        return result;
    }
    writer->known = rd_kafka_topic_new(writer->client, writer->topic[TW_LOG_ADVISORIES], NULL);
    *ret = writer;
    return 0;
}

static int fatal(struct writer *writer, struct tw_error *error)
{
    char why[256];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(writer->client, why, sizeof why);
    if (!code)
        return 0;
    return tw_error_at(error, -EIO, writer->topic[0], 0, 0,
                       "the Kafka producer failed for good: %s", why);
}

static rd_kafka_resp_err_t produce(struct writer *writer, const char *topic, const char *run,
                                   const char *document)
{
    return rd_kafka_producev(writer->client, RD_KAFKA_V_TOPIC(topic),
                             RD_KAFKA_V_KEY(run, strlen(run)),
                             RD_KAFKA_V_VALUE((char *)(uintptr_t)document, strlen(document)),
                             RD_KAFKA_V_OPAQUE((void *)(uintptr_t)(writer->messages.sent + 1)),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

int tw_kafka_writer_append(void *opaque, enum tw_log_stream stream, const char *id, const char *run,
                           const char *document, struct tw_error *error)
{
    struct writer *writer = opaque;
    const char *topic = writer->topic[stream];
    (void)id;
    rd_kafka_poll(writer->client, 0);
    if (tw_acknowledged_reserve(&writer->messages))
        return tw_error_set(error, -ENOMEM, "out of memory");
    rd_kafka_resp_err_t code = produce(writer, topic, run, document);
    /* Charts of a backlog come quicker than brokers take them. Several threads may want to write:
     * one of them waits, and the others fail at once, lest their waits add up. */
    for (int i = 0;
         code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !writer->is_full && i < QUEUE_SECONDS * 10; i++) {
        rd_kafka_poll(writer->client, 100);
        code = produce(writer, topic, run, document);
    }
    writer->is_full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (!code) {
        writer->messages.sent++;
        return 0;
    }
    int result = fatal(writer, error);
    if (result)
        return result;
    return tw_error_at(error, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? -ENOBUFS : -EIO, topic, 0, 0,
                       "cannot write a document: %s", rd_kafka_err2str(code));
}

static int failed_messages(struct writer *writer, struct tw_error *error)
{
    uint64_t failed = writer->failed;
    writer->failed = 0;
    int result = fatal(writer, error);
    if (result)
        return result;
    const char *remedy = tw_kafka_remedy(writer->first_failure, NULL);
    return tw_error_at(error, -EIO, writer->failed_topic, 0, 0,
                       "%llu documents were refused: %s%s%s", (unsigned long long)failed,
                       rd_kafka_err2str(writer->first_failure), remedy ? "; " : "",
                       remedy ? remedy : "");
}

int tw_kafka_writer_flush(void *opaque, double timeout_seconds, struct tw_error *error)
{
    struct writer *writer = opaque;
    char why[400];
    rd_kafka_resp_err_t code = rd_kafka_flush(writer->client, (int)(timeout_seconds * 1000));
    if (writer->failed)
        return failed_messages(writer, error);
    if (!code) {
        tw_kafka_trouble_clear(&writer->trouble);
        return 0;
    }
    int result = fatal(writer, error);
    if (result)
        return result;
    return tw_error_at(
        error, -ETIMEDOUT, writer->topic[0], 0, 0,
        "%d documents wait for the brokers' acknowledgement: %s", rd_kafka_outq_len(writer->client),
        tw_kafka_trouble_text(&writer->trouble, why, sizeof why, rd_kafka_err2str(code)));
}

int tw_kafka_writer_durable(void *opaque, uint64_t *ret, struct tw_error *error)
{
    struct writer *writer = opaque;
    rd_kafka_poll(writer->client, 0);
    *ret = writer->messages.safe;
    return writer->failed ? failed_messages(writer, error) : fatal(writer, error);
}

void tw_kafka_writer_close(void *opaque)
{
    struct writer *writer = opaque;
    if (!writer)
        return;
    /* What was not flushed was never promised. */
    rd_kafka_purge(writer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(writer->client, 0);
    if (writer->known)
        rd_kafka_topic_destroy(writer->known);
    tw_kafka_destroy(writer->client, 0);
    tw_acknowledged_release(&writer->messages);
    tw_kafka_trouble_done(&writer->trouble);
    free(writer);
}
