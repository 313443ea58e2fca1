/* The emitter's Kafka output: one producer, fed and polled by the writer thread alone. */
#ifndef TW_EMITTER_KAFKA_H
#define TW_EMITTER_KAFKA_H

#include "telemetry/emitter.h"

struct tw_emitter_kafka;

/* Told once for each message that tw_emitter_kafka_send() took, by one of the functions below.
 * `reason` is NULL when the message was delivered. */
struct tw_emitter_kafka_hooks {
    void (*done)(void *closure, uint32_t tag, const char *reason);
    void *closure;
};

/* Messages have `key`. Errors: -EINVAL for a property that librdkafka does not take. */
int tw_emitter_kafka_open(struct tw_emitter_kafka **ret, const struct tw_emitter_options *options,
                          const char *key, const struct tw_emitter_kafka_hooks *hooks,
                          struct tw_error *error);

/* Queues a copy of the bytes. While the queue is full it waits up to `patience_seconds`; once in
 * vain, it does not wait again before something has been delivered. Bytes that find no room are the
 * ones that are given up: what waits already is older, and has the header. */
int tw_emitter_kafka_send(struct tw_emitter_kafka *kafka, const void *data, size_t size,
                          uint32_t tag, double patience_seconds, struct tw_error *error);

/* Serves what librdkafka has to tell, without waiting. */
void tw_emitter_kafka_poll(struct tw_emitter_kafka *kafka);

/* Waits up to `seconds` for the queue to empty, but no more than one for brokers that have never
 * taken anything and are known to be away; gives up what is left and frees. NULL is allowed. */
void tw_emitter_kafka_close(struct tw_emitter_kafka *kafka, double seconds);

#endif
