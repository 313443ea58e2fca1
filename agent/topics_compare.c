/* Settings side by side. */
#include "agent/topics_compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct comparison {
    const struct tw_kafka_topic *topic;
    tw_topic_difference *difference;
    void *closure;
    char policy[64]; /* that is wrong */
    const char *wanted_policy;
};

static void compare_setting(void *closure, const char *name, const char *value)
{
    struct comparison *comparison = closure;
    const struct tw_kafka_topic *topic = comparison->topic;
    const struct tw_kafka_setting *wanted = topic->settings;
    char text[512];
    while (wanted->name && strcmp(wanted->name, name))
        wanted++;
    if (!wanted->name || !value || !strcmp(wanted->value, value))
        return;
    if (!strcmp(name, "cleanup.policy")) {
        snprintf(comparison->policy, sizeof comparison->policy, "%s", value);
        comparison->wanted_policy = wanted->value;
        return;
    }
    snprintf(text, sizeof text, "%s: %s is %s; setup would have made it %s", topic->name, name,
             value, wanted->value);
    if (comparison->difference)
        comparison->difference(comparison->closure, text);
}

int tw_topic_compare(struct tw_kafka_admin *admin, const struct tw_kafka_topic *topic,
                     const char *brokers, tw_topic_difference *difference, void *closure,
                     struct tw_error *error)
{
    struct tw_error why = {0};
    struct comparison comparison = {topic, difference, closure, "", NULL};
    int result = tw_kafka_admin_settings(admin, topic->name, compare_setting, &comparison, &why);
    if (result == -EACCES)
        return 0;
    if (result)
        return tw_error_at(error, result, why.place, 0, 0, "%s", why.text);
    if (!comparison.wanted_policy)
        return 0;
    return tw_error_at(error, -EINVAL, topic->name, 0, 0,
                       "its cleanup.policy is %s and has to be %s: kafka-configs.sh "
                       "--bootstrap-server %s --alter --topic %s --add-config cleanup.policy=%s",
                       comparison.policy, comparison.wanted_policy, brokers, topic->name,
                       comparison.wanted_policy);
}

int tw_topics_agree(const struct tw_topics *topics, int32_t telemetry, int32_t state,
                    struct tw_error *error)
{
    const char *state_name = topics->topics[TW_TOPICS_STATE].topic.name;
    const char *telemetry_name = topics->topics[TW_TOPICS_TELEMETRY].topic.name;
    if (telemetry == 0 || state == 0 || telemetry == state)
        return 0;
    return tw_error_at(error, -EINVAL, state_name, 0, 0,
                       "has %d partitions but %s has %d; both need the same number: stop the "
                       "agents, delete %s and run 'trainward setup kafka': it is made again from "
                       "the telemetry",
                       (int)state, telemetry_name, (int)telemetry, state_name);
}
