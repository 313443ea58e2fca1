/* A librdkafka client for the advisory log. */
#include "advisories/log_kafka_client.h"

#include "telemetry/kafka_new.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <stdio.h>

void tw_kafka_trouble_init(struct tw_kafka_trouble *trouble)
{
    pthread_mutex_init(&trouble->lock, NULL);
    trouble->text[0] = '\0';
}

void tw_kafka_trouble_done(struct tw_kafka_trouble *trouble)
{
    pthread_mutex_destroy(&trouble->lock);
}

void tw_kafka_trouble_clear(struct tw_kafka_trouble *trouble)
{
    pthread_mutex_lock(&trouble->lock);
    trouble->text[0] = '\0';
    pthread_mutex_unlock(&trouble->lock);
}

const char *tw_kafka_trouble_text(struct tw_kafka_trouble *trouble, char *buffer, size_t size,
                                  const char *fallback)
{
    pthread_mutex_lock(&trouble->lock);
    snprintf(buffer, size, "%s", trouble->text[0] ? trouble->text : fallback);
    pthread_mutex_unlock(&trouble->lock);
    return buffer;
}

static void keep_trouble(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct tw_kafka_trouble *trouble = opaque;
    (void)client;
    pthread_mutex_lock(&trouble->lock);
    tw_kafka_keep_reason(trouble->text, sizeof trouble->text, code, reason);
    pthread_mutex_unlock(&trouble->lock);
}

void tw_kafka_name(char *buffer, size_t size, const struct tw_log_location *location,
                   const char *middle, const char *name)
{
    snprintf(buffer, size, "%s.%s%s%s", location->prefix ? location->prefix : "trainward", middle,
             name ? "." : "", name ? name : "");
}

int tw_kafka_client_open(rd_kafka_t **ret, rd_kafka_type_t type,
                         const struct tw_log_location *location,
                         const struct tw_kafka_setting *defaults,
                         const struct tw_kafka_setting *fixed,
                         void (*prepare)(rd_kafka_conf_t *conf), struct tw_kafka_trouble *trouble,
                         struct tw_error *error)
{
    const struct tw_kafka_settings settings = {location->brokers, defaults, location->properties,
                                               fixed, false};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, trouble);
    rd_kafka_conf_set_error_cb(conf, keep_trouble);
    if (prepare)
        prepare(conf);
    return tw_kafka_new(ret, type, conf, &settings, error);
}
