/* rd_kafka_new() and rd_kafka_metadata(), as every client of ours calls them. */
#include "telemetry/kafka_new.h"

#include <errno.h>
#include <string.h>

int tw_kafka_new(rd_kafka_t **ret, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                 const struct tw_kafka_settings *settings, struct tw_error *error)
{
    char reason[256];
    int result = tw_kafka_configure(conf, settings, error);
    rd_kafka_conf_set_log_cb(conf, tw_kafka_silent);
    if (!result && !(*ret = rd_kafka_new(type, conf, reason, sizeof reason)))
        result =
            tw_error_at(error, -EINVAL, settings->brokers, 0, 0, "cannot use Kafka: %s", reason);
    if (result)
        rd_kafka_conf_destroy(conf);
    return result;
}

int32_t tw_kafka_partitions_in(const struct rd_kafka_metadata *metadata, const char *topic)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (!strcmp(metadata->topics[i].topic, topic))
            return metadata->topics[i].partition_cnt;
    }
    return 0;
}

rd_kafka_resp_err_t tw_kafka_ask_partitions(rd_kafka_t *client, const char *topic, int timeout_ms,
                                            int32_t *ret)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(client, 1, NULL, &metadata, timeout_ms);
    if (err)
        return err;
    *ret = tw_kafka_partitions_in(metadata, topic);
    rd_kafka_metadata_destroy(metadata);
    return err;
}
