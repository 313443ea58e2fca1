/* librdkafka's properties, applied in one way by every client of ours: what we would have, then
 * what the user says, then what our promises rest on. Errors name a property and never show its
 * value, which may be a password. */
#ifndef TW_KAFKA_PROPERTIES_H
#define TW_KAFKA_PROPERTIES_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>

struct tw_kafka_setting {
    const char *name, *value;
};

/* What a producer needs whose messages are neither lost nor out of order. One request at a time: a
 * broker that knows nothing of a producer takes messages of any sequence number. Where it refuses
 * the first message (it does not lead the partition yet) and takes the second, which was on its way
 * already, the first one's repeat counts for it as out of order, and librdkafka takes that for a
 * message which the broker has: reported as delivered, it is nowhere. */
#define TW_KAFKA_SAFE_PRODUCER                                                                     \
    {"enable.idempotence", "true"},                                                                \
    {                                                                                              \
        "max.in.flight.requests.per.connection", "1"                                               \
    }

struct tw_kafka_settings {
    const char *brokers;                     /* host:port, separated by commas */
    const struct tw_kafka_setting *defaults; /* the user may say otherwise; ended by {NULL, NULL} */
    const struct tw_texts *properties;       /* the user's, "name=value"; may be NULL */
    const struct tw_kafka_setting *fixed; /* the user may not; ended by {NULL, NULL}, may be NULL:
                                           * an emitter, which promises less */
    /* `properties` are those of another client, which may set what is fixed here: passed over. */
    bool are_anothers;
};

/* Applies them to `conf`, behind the defaults that all clients share. -EINVAL: a property that
 * librdkafka does not have (with the nearest that it has), whose value it refuses, or that is ours
 * to set. */
int tw_kafka_configure(rd_kafka_conf_t *conf, const struct tw_kafka_settings *settings,
                       struct tw_error *error);

/* For rd_kafka_conf_set_log_cb(): librdkafka prints nothing on the program's standard error. */
void tw_kafka_silent(const rd_kafka_t *client, int level, const char *facility, const char *text);

#endif
