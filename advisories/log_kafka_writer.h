/* The writing end of the Kafka log. */
#ifndef TW_LOG_KAFKA_WRITER_H
#define TW_LOG_KAFKA_WRITER_H

#include "advisories/log_kind.h"

/* The writing half of struct tw_log_kind; advisories/log.h tells what each does. One thread. */
int tw_kafka_writer_open(void **ret, const struct tw_log_location *location,
                         struct tw_error *error);
int tw_kafka_writer_append(void *writer, enum tw_log_stream stream, const char *id, const char *run,
                           const char *document, struct tw_error *error);
int tw_kafka_writer_flush(void *writer, double timeout_seconds, struct tw_error *error);
int tw_kafka_writer_durable(void *writer, uint64_t *ret, struct tw_error *error);
void tw_kafka_writer_close(void *writer);

#endif
