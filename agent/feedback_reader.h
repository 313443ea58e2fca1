/* Reads the advisory log for what people said of episodes, beside the sinks and without a cursor:
 * each life from the log's start, so that nothing about it has to be durable. One thread. */
#ifndef TW_FEEDBACK_READER_H
#define TW_FEEDBACK_READER_H

#include "advisories/log.h"

struct tw_feedback_reader;

/* A false alarm: the run, and its episode. */
typedef void tw_feedback_visit(void *closure, const char *run, const char *episode);

int tw_feedback_reader_open(struct tw_feedback_reader **ret, const struct tw_log_location *location,
                            struct tw_error *error);
/* Reads on, for some milliseconds at most. Returns 1 while there is more at once, else 0, or
 * negative: try again later. */
int tw_feedback_reader_work(struct tw_feedback_reader *reader, tw_feedback_visit *visit,
                            void *closure, struct tw_error *error);
void tw_feedback_reader_close(struct tw_feedback_reader *reader); /* NULL is allowed */

#endif
