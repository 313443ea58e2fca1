/* Silences in the topic PREFIX.notifications, for commands. */
#include "config.h"

#include "sinks/notify/notifications_topic.h"

#include "advisories/json_text.h"
#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 15000

static const struct tw_kafka_setting no_settings[] = {{NULL, NULL}};

/* ---- writing ---- */

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client, (void)opaque;
    *(rd_kafka_resp_err_t *)message->_private = message->err;
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

static rd_kafka_resp_err_t produce(rd_kafka_t *client, const char *topic, const char *id,
                                   const json_t *silence)
{
    char key[128];
    char *text = silence ? tw_json_text(silence) : NULL;
    rd_kafka_resp_err_t answer = RD_KAFKA_RESP_ERR__TIMED_OUT;
    snprintf(key, sizeof key, TW_SILENCE_KEY "%s", id);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(TW_NOTIFICATIONS_PARTITION),
        RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE(text, text ? strlen(text) : 0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&answer), RD_KAFKA_V_END);
    free(text);
    if (code)
        return code;
    rd_kafka_flush(client, ANSWER_MS);
    rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(client, 0); /* `answer` must not be written to later */
    return answer;
}

/* It is only about a list that people read: what fails here is left for the next time. */
static void drop_old(rd_kafka_t *client, const char *topic, const struct tw_log_location *location)
{
    const char *id;
    json_t *silence;
    struct tw_silences silences = {0};
    struct tw_error error = {0};
    if (!tw_silence_topic_list(location, &silences, &error)) {
        json_object_foreach(silences.all, id, silence)
        {
            if (tw_silence_is_over(silence, tw_wall_ms() - TW_SILENCE_KEEP_MS))
                produce(client, topic, id, NULL);
        }
    }
    tw_silences_release(&silences);
}

int tw_silence_topic_set(const struct tw_log_location *location, const char *id, json_t *silence,
                         struct tw_error *error)
{
    struct tw_kafka_trouble trouble;
    rd_kafka_t *client;
    char topic[256], why[400];
    static const struct tw_kafka_setting fixed[] = {TW_KAFKA_SAFE_PRODUCER, {NULL, NULL}};
    tw_kafka_name(topic, sizeof topic, location, TW_NOTIFICATIONS, NULL);
    tw_kafka_trouble_init(&trouble);
    int result = tw_kafka_client_open(&client, RD_KAFKA_PRODUCER, location, no_settings, fixed,
                                      prepare, &trouble, error);
    if (!result) {
        rd_kafka_resp_err_t code = produce(client, topic, id, silence);
        if (code)
            result = tw_error_at(
                error, -EIO, topic, 0, 0, "the silence was not taken: %s",
                tw_kafka_trouble_text(&trouble, why, sizeof why, rd_kafka_err2str(code)));
        else
            drop_old(client, topic, location);
        tw_kafka_destroy(client, 0);
    }
    tw_kafka_trouble_done(&trouble);
    return result;
}

/* ---- reading ---- */

static void take(struct tw_silences *silences, const rd_kafka_message_t *message)
{
    char key[128];
    if (!message->key || message->key_len >= sizeof key)
        return;
    memcpy(key, message->key, message->key_len);
    key[message->key_len] = '\0';
    if (strncmp(key, TW_SILENCE_KEY, strlen(TW_SILENCE_KEY)))
        return;
    json_t *value = message->len ? json_loadb(message->payload, message->len, 0, NULL) : NULL;
    tw_silences_set(silences, key + strlen(TW_SILENCE_KEY), value);
    json_decref(value);
}

/* From the start to the end of the partition. */
static int read_all(rd_kafka_t *client, const char *topic, struct tw_silences *silences,
                    struct tw_kafka_trouble *trouble, struct tw_error *error)
{
    char why[400], text[400];
    double deadline = tw_now_seconds() + ANSWER_MS / 1000.0;
    snprintf(why, sizeof why, "no answer");
    while (tw_now_seconds() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
        if (!message)
            continue;
        bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!message->err)
            take(silences, message);
        else if (!is_end)
            snprintf(why, sizeof why, "%s", rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        if (is_end)
            return 0;
    }
    return tw_error_at(error, -EIO, topic, 0, 0, "cannot read the silences: %s",
                       tw_kafka_trouble_text(trouble, text, sizeof text, why));
}

int tw_silence_topic_list(const struct tw_log_location *location, struct tw_silences *ret,
                          struct tw_error *error)
{
    struct tw_kafka_trouble trouble;
    rd_kafka_t *client;
    char topic[256];
    static const struct tw_kafka_setting fixed[] = {{"group.id", "trainward-silences"},
                                                    {"enable.auto.commit", "false"},
                                                    {"enable.partition.eof", "true"},
                                                    {"isolation.level", "read_committed"},
                                                    {NULL, NULL}};
    tw_kafka_name(topic, sizeof topic, location, TW_NOTIFICATIONS, NULL);
    tw_kafka_trouble_init(&trouble);
    int result = tw_kafka_client_open(&client, RD_KAFKA_CONSUMER, location, no_settings, fixed,
                                      NULL, &trouble, error);
    if (!result) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, topic, TW_NOTIFICATIONS_PARTITION)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_poll_set_consumer(client);
        rd_kafka_assign(client, list);
        result = read_all(client, topic, ret, &trouble, error);
        rd_kafka_topic_partition_list_destroy(list);
        tw_kafka_destroy(client, 0);
    }
    tw_kafka_trouble_done(&trouble);
    return result;
}
