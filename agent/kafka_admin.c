/* Topics through librdkafka's admin calls. */
#include "agent/kafka_admin.h"

#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_new.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define LOOK_MS 500

struct tw_kafka_admin {
    rd_kafka_t *client;
    char brokers[256];
    enum tw_kafka_verdict verdict;
    char last_error[400]; /* what librdkafka said: "Connection refused" and the like */
};

static void keep_error(rd_kafka_t *client, int code, const char *reason, void *closure)
{
    struct tw_kafka_admin *admin = closure;
    (void)client;
    enum tw_kafka_verdict verdict = tw_kafka_verdict_of(code, reason);
    if (verdict > admin->verdict)
        admin->verdict = verdict;
    tw_kafka_keep_reason(admin->last_error, sizeof admin->last_error, code, reason);
}

int tw_kafka_admin_open(struct tw_kafka_admin **ret, const char *brokers,
                        const struct tw_texts *properties, struct tw_error *error)
{
    static const struct tw_kafka_setting none = {NULL, NULL};
    const struct tw_kafka_settings settings = {brokers, &none, properties, &none, false};
    struct tw_kafka_admin *admin = calloc(1, sizeof *admin);
    if (!admin)
        return tw_error_set(error, -ENOMEM, "out of memory");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(admin->brokers, sizeof admin->brokers, "%s", brokers);
    rd_kafka_conf_set_opaque(conf, admin);
    rd_kafka_conf_set_error_cb(conf, keep_error);
    int result = tw_kafka_new(&admin->client, RD_KAFKA_PRODUCER, conf, &settings, error);
    if (result) {
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
    tw_kafka_destroy(admin->client, 0);
    free(admin);
}

static int unreachable(struct tw_kafka_admin *admin, rd_kafka_resp_err_t err,
                       struct tw_error *error)
{
    rd_kafka_poll(admin->client, 0); /* lets keep_error() be called */
    if (admin->verdict != TW_KAFKA_AWAY)
        return tw_error_at(error, -EACCES, admin->brokers, 0, 0, "%s", admin->last_error);
    return tw_error_at(error, -EHOSTUNREACH, admin->brokers, 0, 0,
                       "no Kafka broker answers (%s); is it running, and is `brokers` right?",
                       admin->last_error[0] ? admin->last_error : rd_kafka_err2str(err));
}

/* All topics: asking for one by name may create it. A login that is refused is told at once: the
 * client itself would go on trying. */
static int look(struct tw_kafka_admin *admin, const struct rd_kafka_metadata **ret,
                struct tw_error *error)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TRANSPORT;
    for (int waited = 0; waited < TIMEOUT_MS; waited += LOOK_MS) {
        err = rd_kafka_metadata(admin->client, 1, NULL, ret, LOOK_MS);
        if (!err)
            return 0;
        rd_kafka_poll(admin->client, 0);
        if (admin->verdict == TW_KAFKA_REFUSES ||
            (admin->verdict == TW_KAFKA_HANGS_UP && waited >= 1000 * TW_KAFKA_HANG_UP_SECONDS))
            break;
    }
    return unreachable(admin, err, error);
}

int32_t tw_kafka_admin_partitions(struct tw_kafka_admin *admin, const char *topic,
                                  struct tw_error *error)
{
    const struct rd_kafka_metadata *metadata;
    int result = look(admin, &metadata, error);
    if (result)
        return result;
    int32_t found = tw_kafka_partitions_in(metadata, topic);
    rd_kafka_metadata_destroy(metadata);
    return found;
}

int tw_kafka_admin_brokers(struct tw_kafka_admin *admin, struct tw_error *error)
{
    const struct rd_kafka_metadata *metadata;
    int result = look(admin, &metadata, error);
    if (result)
        return result;
    result = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return result;
}

/* ---- requests that answer with an event ---- */

struct request {
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
};

static void begin(struct request *request, struct tw_kafka_admin *admin, rd_kafka_admin_op_t what)
{
    char reason[256];
    request->queue = rd_kafka_queue_new(admin->client);
    request->options = rd_kafka_AdminOptions_new(admin->client, what);
    rd_kafka_AdminOptions_set_request_timeout(request->options, TIMEOUT_MS, reason, sizeof reason);
}

static void end(struct request *request)
{
    if (request->event)
        rd_kafka_event_destroy(request->event);
    rd_kafka_AdminOptions_destroy(request->options);
    rd_kafka_queue_destroy(request->queue);
}

/* An answer as a whole, or the part of it that is about one topic or group. */
static int refused(const char *place, const char *doing, rd_kafka_resp_err_t err,
                   const char *reason, struct tw_error *error)
{
    const char *remedy = tw_kafka_remedy(err, reason);
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return tw_error_at(error, -ENOENT, place, 0, 0,
                           "the topic is missing; 'trainward setup kafka' creates it");
    return tw_error_at(error, remedy ? -EACCES : -EIO, place, 0, 0, "%s: %s%s%s", doing, reason,
                       remedy ? "; " : "", remedy ? remedy : "");
}

/* There is no answer, or one that is an error as a whole. */
static int unanswered(const char *place, const char *doing, rd_kafka_event_t *event,
                      struct tw_error *error)
{
    return refused(place, doing, event ? rd_kafka_event_error(event) : 0,
                   event ? rd_kafka_event_error_string(event) : "no answer", error);
}

static void visit_all(const rd_kafka_ConfigResource_t *resource, tw_kafka_admin_visit *visit,
                      void *closure)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++)
        visit(closure, rd_kafka_ConfigEntry_name(entries[i]),
              rd_kafka_ConfigEntry_value(entries[i]));
}

int tw_kafka_admin_settings(struct tw_kafka_admin *admin, const char *topic,
                            tw_kafka_admin_visit *visit, void *closure, struct tw_error *error)
{
    struct request request = {0};
    size_t n = 0;
    rd_kafka_ConfigResource_t *asked = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    begin(&request, admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(admin->client, &asked, 1, request.options, request.queue);
    request.event = rd_kafka_queue_poll(request.queue, 2 * TIMEOUT_MS);
    const rd_kafka_DescribeConfigs_result_t *answer =
        request.event ? rd_kafka_event_DescribeConfigs_result(request.event) : NULL;
    const rd_kafka_ConfigResource_t **told =
        answer ? rd_kafka_DescribeConfigs_result_resources(answer, &n) : NULL;
    rd_kafka_resp_err_t err = n ? rd_kafka_ConfigResource_error(told[0]) : 0;
    int result = 0;
    if (!n)
        result = unanswered(topic, "its settings cannot be read", request.event, error);
    else if (err)
        result = refused(topic, "its settings cannot be read", err,
                         rd_kafka_ConfigResource_error_string(told[0]), error);
    else
        visit_all(told[0], visit, closure);
    rd_kafka_ConfigResource_destroy(asked);
    end(&request);
    return result;
}

int tw_kafka_admin_group(struct tw_kafka_admin *admin, const char *group, struct tw_error *error)
{
    struct request request = {0};
    size_t n = 0;
    begin(&request, admin, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_DescribeConsumerGroups(admin->client, &group, 1, request.options, request.queue);
    request.event = rd_kafka_queue_poll(request.queue, 2 * TIMEOUT_MS);
    const rd_kafka_DescribeConsumerGroups_result_t *answer =
        request.event ? rd_kafka_event_DescribeConsumerGroups_result(request.event) : NULL;
    const rd_kafka_ConsumerGroupDescription_t **told =
        answer ? rd_kafka_DescribeConsumerGroups_result_groups(answer, &n) : NULL;
    const rd_kafka_error_t *err = n ? rd_kafka_ConsumerGroupDescription_error(told[0]) : NULL;
    int result = 0;
    if (err)
        result = refused(group, "the consumer group cannot be used", rd_kafka_error_code(err),
                         rd_kafka_error_string(err), error);
    else if (!n)
        result = unanswered(group, "the consumer group cannot be looked at", request.event, error);
    end(&request);
    return result;
}

/* ---- creating ---- */

static int result_of(rd_kafka_event_t *event, const char *topic, struct tw_error *error)
{
    size_t n = 0;
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    const rd_kafka_topic_result_t **topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
    if (n == 0)
        return unanswered(topic, "cannot be created", event, error);
    rd_kafka_resp_err_t err = rd_kafka_topic_result_error(topics[0]);
    if (err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return -EEXIST;
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return tw_error_at(error, -EACCES, topic, 0, 0,
                           "cannot be created: the login may not; give it the ACL Create");
    if (err)
        return refused(topic, "cannot be created", err,
                       rd_kafka_topic_result_error_string(topics[0]), error);
    return 0;
}

int tw_kafka_admin_create(struct tw_kafka_admin *admin, const struct tw_kafka_topic *topic,
                          struct tw_error *error)
{
    char reason[256];
    struct request request = {0};
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic->name, topic->partitions,
                                                        topic->replication, reason, sizeof reason);
    if (!wanted)
        return tw_error_at(error, -EINVAL, topic->name, 0, 0, "cannot be created: %s", reason);
    for (const struct tw_kafka_setting *setting = topic->settings; setting->name; setting++)
        rd_kafka_NewTopic_set_config(wanted, setting->name, setting->value);
    if (topic->replication >= 3) /* one may be down, and what is acknowledged is on two */
        rd_kafka_NewTopic_set_config(wanted, "min.insync.replicas", "2");
    begin(&request, admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_operation_timeout(request.options, TIMEOUT_MS, reason, sizeof reason);
    rd_kafka_CreateTopics(admin->client, &wanted, 1, request.options, request.queue);
    request.event = rd_kafka_queue_poll(request.queue, 2 * TIMEOUT_MS);
    int result = result_of(request.event, topic->name, error);
    end(&request);
    rd_kafka_NewTopic_destroy(wanted);
    return result;
}
