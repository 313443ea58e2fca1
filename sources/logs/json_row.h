/* A JSON object as a row of numbers: nested names are joined by '/', numbers may stand in quotes,
 * lists are passed over. What is nested in "config", "args" and the like are hyper-parameters. */
#ifndef TW_LOG_JSON_ROW_H
#define TW_LOG_JSON_ROW_H

#include "sources/logs/format.h"

#include <jansson.h>

struct tw_json_row {
    struct tw_row row; /* what was read; row.cells is valid until the next reading */
    struct tw_cell *cells;
    size_t cells_capacity;
    char *names; /* one behind the other, each with "test/" before it */
    size_t names_size, names_capacity;
    bool is_test;
    const struct tw_log_sink *sink; /* gets hyper-parameters */
};

/* Reads the text of one object. Returns 0, -EBADMSG for what is no JSON object, -ENOMEM, or what
 * the sink returned. */
int tw_json_row_read(struct tw_json_row *ret, const char *text, size_t size,
                     const struct tw_log_sink *sink);
/* The same of an object that is parsed already. */
int tw_json_row_take(struct tw_json_row *ret, const json_t *object, const struct tw_log_sink *sink);

/* For rows that are made by hand: an empty one, and one more number. */
void tw_json_row_start(struct tw_json_row *row, const struct tw_log_sink *sink);
int tw_json_row_add(struct tw_json_row *row, const char *name, double value,
                    enum tw_meaning meaning);
/* Gives it to its sink, if there is a number in it. */
int tw_json_row_give(struct tw_json_row *row);

void tw_json_row_release(struct tw_json_row *row);

#endif
