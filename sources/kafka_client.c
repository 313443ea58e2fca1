/* Configures librdkafka and asks for the topic; see kafka_client.h. */
#include "sources/kafka_client.h"

#include "sources/kafka_statistics.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_new.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSION_MS "10000"
#define SESSION_SECONDS 10.0
/* While something is wrong, a look takes so long at most, and so long passes between two. */
#define LOOK_SECONDS .1
#define PAUSE_SECONDS 1.0

static const struct tw_kafka_setting defaults[] = {
    {"auto.offset.reset", "earliest"},
    {"queued.max.messages.kbytes", "16384"},
    /* How long the partitions of an agent that died wait for another: the default is 45 s. */
    {"session.timeout.ms", SESSION_MS},
    {"max.poll.interval.ms", "900000"}, /* restoring a million runs takes minutes */
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
    *news = (struct tw_kafka_news){0};
    pthread_mutex_init(&news->lock, NULL);
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

void tw_kafka_news_keep(struct tw_kafka_news *news, rd_kafka_resp_err_t code, const char *reason)
{
    if (news->has_worked && tw_kafka_verdict_of(code, reason) == TW_KAFKA_HANGS_UP)
        reason = "the connection broke"; /* it is not the protocol that is wrong */
    pthread_mutex_lock(&news->lock);
    tw_kafka_keep_reason(news->text, sizeof news->text, code, reason);
    pthread_mutex_unlock(&news->lock);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        news->is_down = true;
    else if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
             code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
             code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        news->is_missing = true;
    enum tw_kafka_verdict verdict = tw_kafka_verdict_of(code, reason);
    if (verdict > news->verdict && !news->is_missing)
        news->verdict = verdict;
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client;
    tw_kafka_news_keep(opaque, code, reason);
}

static void forget_trouble(struct tw_kafka_news *news)
{
    news->is_down = news->is_missing = news->is_told = false;
    news->verdict = TW_KAFKA_AWAY;
    tw_kafka_news_set(news, "");
}

/* A topic without partitions is one that is still being made. */
static rd_kafka_resp_err_t look_up(rd_kafka_t *client, const char *topic, double seconds,
                                   int32_t *ret)
{
    int32_t partitions;
    rd_kafka_resp_err_t err = tw_kafka_ask_partitions(
        client, topic, seconds > 0 ? (int)(seconds * 1000) + 1 : 1, &partitions);
    if (err)
        return err;
    if (partitions == 0)
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *ret = partitions;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* What keeps us from reading, by what a look had as its answer. */
static int say_trouble(struct tw_kafka_news *news, rd_kafka_resp_err_t err,
                       const struct tw_kafka_config *config, struct tw_error *error)
{
    char said[400];
    tw_kafka_news_text(news, said, sizeof said);
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return tw_error_at(error, -ENOENT, config->topic, 0, 0,
                           "there is no such topic at %s, or this login may not see it; create it: "
                           "trainward setup kafka --config FILE",
                           config->brokers);
    if (news->verdict == TW_KAFKA_REFUSES)
        return tw_error_at(error, -EACCES, config->brokers, 0, 0, "%s", said);
    return tw_error_at(error, -EHOSTUNREACH, config->brokers, 0, 0,
                       "Kafka does not answer; is it running, and are its brokers right? (%s)",
                       said[0] ? said : rd_kafka_err2str(err));
}

/* librdkafka does not say when a broker or a topic is back: so it is asked. One that is there
 * answers within milliseconds, and one that rejects us says why. */
int tw_kafka_news_look(struct tw_kafka_news *news, rd_kafka_t *client,
                       const struct tw_kafka_config *config, struct tw_error *error)
{
    int32_t partitions;
    if (!news->is_down && !news->is_missing)
        return 0;
    if (tw_now_seconds() >= news->next_look) {
        news->answer = look_up(client, config->topic, LOOK_SECONDS, &partitions);
        news->next_look = tw_now_seconds() + PAUSE_SECONDS;
        news->is_told = news->answer;
        if (!news->answer)
            forget_trouble(news);
    }
    return news->is_told ? say_trouble(news, news->answer, config, error) : 0;
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

static struct tw_kafka_settings settings_of(const struct tw_kafka_config *config)
{
    return (struct tw_kafka_settings){config->brokers, defaults, &config->properties, fixed, false};
}

static int set_own(rd_kafka_conf_t *conf, const struct tw_kafka_config *config,
                   struct tw_error *error)
{
    int result = check_topic(config->topic, error);
    if (!result)
        result = set(conf, "group.id", config->group, "group", error);
    if (!result)
        result = set(conf, "group.instance.id", config->instance, "instance", error);
    return result;
}

static int configure(rd_kafka_conf_t *conf, const struct tw_kafka_config *config,
                     struct tw_error *error)
{
    const struct tw_kafka_settings settings = settings_of(config);
    int result = set_own(conf, config, error);
    return result ? result : tw_kafka_configure(conf, &settings, error);
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

int tw_kafka_consumer_new(rd_kafka_t **ret, const struct tw_kafka_config *config,
                          void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t,
                                            rd_kafka_topic_partition_list_t *, void *),
                          struct tw_kafka_news *news, struct tw_error *error)
{
    const struct tw_kafka_settings settings = settings_of(config);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int result = set_own(conf, config, error);
    if (result) {
        rd_kafka_conf_destroy(conf);
        return result;
    }
    rd_kafka_conf_set_opaque(conf, news);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, take_statistics);
    if (rebalance)
        rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    return tw_kafka_new(ret, RD_KAFKA_CONSUMER, conf, &settings, error);
}

/* ---- the topic ---- */

/* Looks again and again for `seconds`, but not where the brokers refuse us: those would again. */
int tw_kafka_count_partitions(rd_kafka_t *client, const struct tw_kafka_config *config,
                              double seconds, struct tw_kafka_news *news, int32_t *ret,
                              struct tw_error *error)
{
    double deadline = tw_now_seconds() + seconds, left = seconds;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    do {
        rd_kafka_resp_err_t now = look_up(client, config->topic, left < 1 ? left : 1, ret);
        if (now != RD_KAFKA_RESP_ERR__TIMED_OUT) /* the last look has the least time */
            err = now;
        news->has_worked |= !err;
        if (!err)
            return 0;
        rd_kafka_poll(client, 0); /* on_error() */
        left = deadline - tw_now_seconds();
        struct timespec pause = {0, 100000000};
        if (left > 0)
            nanosleep(&pause, NULL);
        if (news->verdict == TW_KAFKA_HANGS_UP && seconds - left >= TW_KAFKA_HANG_UP_SECONDS)
            news->verdict = TW_KAFKA_REFUSES;
    } while (left > 0 && news->verdict != TW_KAFKA_REFUSES);
    return say_trouble(news, err, config, error);
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
        tw_kafka_destroy(client, 0);
    }
    tw_kafka_news_done(&news);
    return result;
}
