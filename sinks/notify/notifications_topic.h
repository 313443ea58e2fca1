/* The topic PREFIX.notifications: notification logs by "SINK/...", silences by ".silence/ID". */
#ifndef TW_NOTIFICATIONS_TOPIC_H
#define TW_NOTIFICATIONS_TOPIC_H

#include "sinks/notify/silences.h"

#include "advisories/log_kafka_client.h"

#define TW_NOTIFICATIONS "notifications"
#define TW_NOTIFICATIONS_PARTITION 0
/* No sink's name has a dot. */
#define TW_SILENCE_KEY ".silence/"

/* Sets or (NULL) removes a silence; returns once the brokers have it. */
int tw_silence_topic_set(const struct tw_log_location *location, const char *id,
                         struct json_t *silence, struct tw_error *error);
/* All that are there now. */
int tw_silence_topic_list(const struct tw_log_location *location, struct tw_silences *ret,
                          struct tw_error *error);

#endif
