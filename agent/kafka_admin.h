/* Topics: looking, comparing and creating, for `setup` and `check`. */
#ifndef TW_KAFKA_ADMIN_H
#define TW_KAFKA_ADMIN_H

#include "telemetry/error.h"
#include "telemetry/kafka_properties.h"
#include "telemetry/option.h"

#include <stdint.h>

struct tw_kafka_admin;

/* Makes a client; connects to nothing yet. `properties`: further librdkafka properties, or NULL. */
int tw_kafka_admin_open(struct tw_kafka_admin **ret, const char *brokers,
                        const struct tw_texts *properties, struct tw_error *error);
void tw_kafka_admin_close(struct tw_kafka_admin *admin); /* NULL is allowed */

/* How many partitions a topic has, 0 when there is no such topic; negative: no broker answered
 * within 10 s, and the error says what was tried. Creates nothing. */
int32_t tw_kafka_admin_partitions(struct tw_kafka_admin *admin, const char *topic,
                                  struct tw_error *error);
/* How many brokers the cluster has; negative as above. */
int tw_kafka_admin_brokers(struct tw_kafka_admin *admin, struct tw_error *error);

/* Told a setting of a topic; `value` may be NULL. */
typedef void tw_kafka_admin_visit(void *closure, const char *name, const char *value);
/* Visits the settings of a topic. -ENOENT: there is no such topic; -EACCES: the login may not look;
 * either with the remedy. */
int tw_kafka_admin_settings(struct tw_kafka_admin *admin, const char *topic,
                            tw_kafka_admin_visit *visit, void *closure, struct tw_error *error);

/* Whether the login may use a consumer group: 0, or -EACCES with the remedy. */
int tw_kafka_admin_group(struct tw_kafka_admin *admin, const char *group, struct tw_error *error);

struct tw_kafka_topic {
    char name[256];
    int32_t partitions;
    int16_t replication;
    const struct tw_kafka_setting *settings; /* ended by {NULL, NULL} */
};

/* Creates a topic. 0, -EEXIST when it is there already, or negative. */
int tw_kafka_admin_create(struct tw_kafka_admin *admin, const struct tw_kafka_topic *topic,
                          struct tw_error *error);

#endif
