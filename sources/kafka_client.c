/* Configures librdkafka and asks for the topic; see kafka_client.h. */
#include "sources/kafka_client.h"

#include "sources/kafka_statistics.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSION_MS "10000"
#define SESSION_SECONDS 10.0

static const struct tw_kafka_setting defaults[] = {
    {"auto.offset.reset", "earliest"},
    {"allow.auto.create.topics", "false"},
    {"queued.max.messages.kbytes", "16384"},
    /* How long the partitions of an agent that died wait for another: the default is 45 s. */
    {"session.timeout.ms", SESSION_MS},
    {NULL, NULL},
};

/* What at-least-once and the restoring of state stand on. */
static const struct tw_kafka_setting fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"enable.partition.eof", "false"},
    /* By them a consumer knows that it hears all there is. */
    {"statistics.interval.ms", "2000"},
    {NULL, NULL},
};

/* ---- news ---- */

void tw_kafka_news_init(struct tw_kafka_news *news)
{
    pthread_mutex_init(&news->lock, NULL);
    news->text[0] = '\0';
    news->listening = 0;
}

void tw_kafka_news_done(struct tw_kafka_news *news)
{
    pthread_mutex_destroy(&news->lock);
}

void tw_kafka_news_set(struct tw_kafka_news *news, const char *text)
{
    pthread_mutex_lock(&news->lock);
    snprintf(news->text, sizeof news->text, "%s", text);
    pthread_mutex_unlock(&news->lock);
}

const char *tw_kafka_news_text(struct tw_kafka_news *news, char *buffer, size_t size)
{
    pthread_mutex_lock(&news->lock);
    snprintf(buffer, size, "%s", news->text);
    pthread_mutex_unlock(&news->lock);
    return buffer;
}

/* Instead of librdkafka's own habit, writing to standard error. */
static void keep_line(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)facility;
    if (level <= 4) /* syslog's warning */
        tw_kafka_news_set(rd_kafka_opaque(client), text);
}

static int take_statistics(rd_kafka_t *client, char *json, size_t size, void *opaque)
{
    struct tw_kafka_news *news = opaque;
    (void)client;
    if (tw_kafka_statistics_are_listening(json, size, TW_KAFKA_LISTENING_SECONDS))
        news->listening = tw_now_seconds();
    return 0; /* librdkafka frees it */
}

/* ---- configuration ---- */

/* What has a key of its own. */
static int set(rd_kafka_conf_t *conf, const char *name, const char *value, const char *key,
               struct tw_error *error)
{
    char why[256];
    if (!value || rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    return tw_error_set(error, -EINVAL, "%s: librdkafka refuses it: %s", key, why);
}

/* librdkafka takes a topic that begins with '^' for a pattern. */
static int check_topic(const char *topic, struct tw_error *error)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-";
    size_t length = strlen(topic);
    if (length && length <= 249 && strspn(topic, letters) == length)
        return 0;
    return tw_error_set(error, -EINVAL,
                        "topic: '%.64s' is no topic name (letters, digits, '.', '_', '-')", topic);
}

static int configure(rd_kafka_conf_t *conf, const struct tw_kafka_config *config,
                     struct tw_error *error)
{
    const struct tw_kafka_settings settings = {config->brokers, defaults, &config->properties,
                                               fixed};
    int result = check_topic(config->topic, error);
    if (!result)
        result = tw_kafka_configure(conf, &settings, error);
    if (!result)
        result = set(conf, "group.id", config->group, "group", error);
    if (!result)
        result = set(conf, "group.instance.id", config->instance, "instance", error);
    return result;
}

int tw_kafka_config_check(const struct tw_kafka_config *config, struct tw_error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int result = configure(conf, config, error);
    rd_kafka_conf_destroy(conf);
    return result;
}

double tw_kafka_session_seconds(const struct tw_kafka_config *config)
{
    char text[32];
    size_t size = sizeof text;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool is_known = !configure(conf, config, NULL) &&
                    !rd_kafka_conf_get(conf, "session.timeout.ms", text, &size);
    rd_kafka_conf_destroy(conf);
    return is_known ? strtod(text, NULL) / 1000 : SESSION_SECONDS;
}

/* What a queue still held when it is served by rd_kafka_queue_poll_callback(), as on closing:
 * librdkafka 2.0.2 aborts on a message there that no callback takes. Messages that are polled for
 * are not shown here. */
static void pass_over(rd_kafka_message_t *message, void *opaque)
{
    (void)message, (void)opaque;
}

int tw_kafka_consumer_new(rd_kafka_t **ret, const struct tw_kafka_config *config,
                          void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t,
                                            rd_kafka_topic_partition_list_t *, void *),
                          struct tw_kafka_news *news, struct tw_error *error)
{
    char why[256] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int result = configure(conf, config, error);
    if (result) {
        rd_kafka_conf_destroy(conf);
        return result;
    }
    rd_kafka_conf_set_opaque(conf, news);
    rd_kafka_conf_set_log_cb(conf, keep_line);
    rd_kafka_conf_set_consume_cb(conf, pass_over);
    rd_kafka_conf_set_stats_cb(conf, take_statistics);
    if (rebalance)
        rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return tw_error_at(error, -EINVAL, config->brokers, 0, 0, "cannot use Kafka: %s", why);
    }
    *ret = client;
    return 0;
}

/* ---- the topic ---- */

/* All topics are listed: asking for one by name may create it. */
static rd_kafka_resp_err_t look_up(rd_kafka_t *client, const char *topic, double seconds,
                                   int32_t *ret)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err =
        rd_kafka_metadata(client, 1, NULL, &metadata, seconds > 0 ? (int)(seconds * 1000) + 1 : 1);
    if (err)
        return err;
    err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (!strcmp(metadata->topics[i].topic, topic) && metadata->topics[i].partition_cnt > 0) {
            *ret = metadata->topics[i].partition_cnt;
            err = RD_KAFKA_RESP_ERR_NO_ERROR;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return err;
}

int tw_kafka_count_partitions(rd_kafka_t *client, const struct tw_kafka_config *config,
                              double seconds, struct tw_kafka_news *news, int32_t *ret,
                              struct tw_error *error)
{
    char said[256];
    double deadline = tw_now_seconds() + seconds, left = seconds;
    rd_kafka_resp_err_t err;
    do {
        err = look_up(client, config->topic, left, ret);
        if (!err)
            return 0;
        left = deadline - tw_now_seconds();
        struct timespec pause = {0, 100000000};
        if (left > 0)
            nanosleep(&pause, NULL);
    } while (left > 0);
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return tw_error_at(error, -ENOENT, config->topic, 0, 0,
                           "there is no such topic at %s; create it: trainward setup kafka "
                           "--config FILE",
                           config->brokers);
    tw_kafka_news_text(news, said, sizeof said);
    return tw_error_at(error, -EIO, config->brokers, 0, 0,
                       "Kafka does not answer; is it running, and are its brokers right? (%s)",
                       said[0] ? said : rd_kafka_err2str(err));
}

int tw_kafka_partition_count(const struct tw_kafka_config *config, int32_t *ret,
                             struct tw_error *error)
{
    struct tw_kafka_news news;
    rd_kafka_t *client;
    tw_kafka_news_init(&news);
    int result = tw_kafka_consumer_new(&client, config, NULL, &news, error);
    if (!result) {
        result =
            tw_kafka_count_partitions(client, config, TW_KAFKA_TOPIC_SECONDS, &news, ret, error);
        rd_kafka_destroy(client);
    }
    tw_kafka_news_done(&news);
    return result;
}
