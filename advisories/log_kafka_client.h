/* What the two ends of the Kafka log share: settings and the errors of a client. */
#ifndef TW_LOG_KAFKA_CLIENT_H
#define TW_LOG_KAFKA_CLIENT_H

#include "advisories/log.h"
#include "telemetry/kafka_properties.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

/* The client's newest trouble, told by its callback: "4 of 4 brokers are down". */
struct tw_kafka_trouble {
    pthread_mutex_t lock;
    char text[400];
};

/* Any thread between init() and done(); cleared when something was acknowledged. */
void tw_kafka_trouble_init(struct tw_kafka_trouble *trouble);
void tw_kafka_trouble_done(struct tw_kafka_trouble *trouble);
void tw_kafka_trouble_clear(struct tw_kafka_trouble *trouble);
/* Copies it into `buffer`, or `fallback` when there is none. Returns `buffer`. */
const char *tw_kafka_trouble_text(struct tw_kafka_trouble *trouble, char *buffer, size_t size,
                                  const char *fallback);

/* "PREFIX.advisories", "PREFIX.sink.NAME". */
void tw_kafka_name(char *buffer, size_t size, const struct tw_log_location *location,
                   const char *middle, const char *name);

/* Makes a client: our `defaults`, then the user's properties, then `fixed`, which the log's
 * promises rest on; both end with {NULL, NULL}. `prepare` sets the
 * callbacks; their opaque is `trouble`, the first member of the caller's own struct. Errors never
 * show a property's value. */
int tw_kafka_client_open(rd_kafka_t **ret, rd_kafka_type_t type,
                         const struct tw_log_location *location,
                         const struct tw_kafka_setting *defaults,
                         const struct tw_kafka_setting *fixed,
                         void (*prepare)(rd_kafka_conf_t *conf), struct tw_kafka_trouble *trouble,
                         struct tw_error *error);

#endif
