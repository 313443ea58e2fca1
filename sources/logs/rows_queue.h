/* What a format told, kept until it is its turn among several files. */
#ifndef TW_LOG_ROWS_QUEUE_H
#define TW_LOG_ROWS_QUEUE_H

#include "sources/logs/format.h"

struct tw_rows_queue {
    struct tw_queued_row *first, *last;
    enum tw_row_part part; /* of rows that do not tell theirs */
};

/* A sink that puts all into the queue. */
struct tw_log_sink tw_rows_queue_sink(struct tw_rows_queue *queue);

bool tw_rows_queue_is_empty(const struct tw_rows_queue *queue);
/* Where the first thing stands: its time and step; negative and NaN: it does not say, and comes at
 * once. */
void tw_rows_queue_place(const struct tw_rows_queue *queue, int64_t *ret_time_ms, double *ret_step);
/* Gives the first thing to a sink and removes it. */
int tw_rows_queue_give(struct tw_rows_queue *queue, const struct tw_log_sink *sink);
void tw_rows_queue_clear(struct tw_rows_queue *queue);

#endif
