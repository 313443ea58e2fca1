/* The advisory log of a cluster: the Kafka topic PREFIX.advisories, keyed by run. */
#include "advisories/log_kafka_reader.h"
#include "advisories/log_kafka_writer.h"

const struct tw_log_kind tw_log_kafka_kind = {
    .open = tw_kafka_writer_open,
    .append = tw_kafka_writer_append,
    .flush = tw_kafka_writer_flush,
    .durable = tw_kafka_writer_durable,
    .close = tw_kafka_writer_close,
    .reader_open = tw_kafka_reader_open,
    .read = tw_kafka_reader_read,
    .idle = tw_kafka_reader_idle,
    .commit = tw_kafka_reader_commit,
    .lag = tw_kafka_reader_lag,
    .reader_close = tw_kafka_reader_close,
};
