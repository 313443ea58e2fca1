/* Where telemetry of a Kafka source goes that is no telemetry: the topic PREFIX.dead-letters of the
 * same brokers. A letter's value is the bytes that could not be read (what stood before them in the
 * message was judged), its key the message's; its headers, all text, say `reason`, `topic`,
 * `partition`, `offset` and, where the message has one, its `time` in milliseconds since 1970.
 *
 * What the topic does not take (it is missing, the login may not write, the letter is larger than
 * 8 MB) goes to the file of dead_letters.h instead, and the log says so once. One thread. */
#ifndef TW_DEAD_LETTER_TOPIC_H
#define TW_DEAD_LETTER_TOPIC_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdint.h>

struct tw_dead_letter_topic;

struct tw_dead_letter {
    const char *topic; /* where it was */
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* negative: unknown */
    const char *reason;
    const void *key, *data; /* copied; may be NULL */
    size_t n_key, n_data;
};

/* `dir` takes the file; strings are borrowed. Asks the brokers for the topic, for up to ten
 * seconds. */
int tw_dead_letter_topic_open(struct tw_dead_letter_topic **ret, const char *brokers,
                              const struct tw_texts *properties, const char *prefix,
                              const char *dir, struct tw_error *error);

/* Waits while very many letters are under way, and fails when they do not get away. */
int tw_dead_letter_topic_put(struct tw_dead_letter_topic *topic,
                             const struct tw_dead_letter *letter, struct tw_error *error);

/* Returns once every letter is acknowledged by the brokers or in the file: only then may the
 * offsets behind them be committed. -ETIMEDOUT: they are still under way. */
int tw_dead_letter_topic_flush(struct tw_dead_letter_topic *topic, double timeout_seconds,
                               struct tw_error *error);

/* What was not flushed is dropped. NULL is allowed. */
void tw_dead_letter_topic_close(struct tw_dead_letter_topic *topic);

#endif
