/* What librdkafka says when brokers cannot be used, in words that name what to mend. */
#ifndef TW_KAFKA_TROUBLE_H
#define TW_KAFKA_TROUBLE_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

/* The setting to look at for an error of a client, as half a sentence ("check sasl.username ..."),
 * or NULL when it is no matter of settings: the brokers are away. `reason`: librdkafka's own. */
const char *tw_kafka_remedy(rd_kafka_resp_err_t code, const char *reason);

/* Whether waiting helps: a broker that hangs up may be one that dies just now, and is one that
 * wants another protocol if it goes on doing so for TW_KAFKA_HANG_UP_SECONDS. */
enum tw_kafka_verdict { TW_KAFKA_AWAY, TW_KAFKA_HANGS_UP, TW_KAFKA_REFUSES };
#define TW_KAFKA_HANG_UP_SECONDS 3.0
enum tw_kafka_verdict tw_kafka_verdict_of(rd_kafka_resp_err_t code, const char *reason);

/* Keeps librdkafka's `reason` with its remedy behind it in `buffer`, unless the new one says less
 * than the one that stands there: "all brokers are down" follows whatever brought them down. */
void tw_kafka_keep_reason(char *buffer, size_t size, rd_kafka_resp_err_t code, const char *reason);

#endif
