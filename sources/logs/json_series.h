/* Series of numbers in a JSON document, one value a row: {"loss": [...], "val_loss": [...]}, or
 * each as an object of indices. */
#ifndef TW_LOG_JSON_SERIES_H
#define TW_LOG_JSON_SERIES_H

#include "sources/logs/json_row.h"

#define TW_JSON_SERIES_NAME 256u

struct tw_json_one_series {
    char name[TW_JSON_SERIES_NAME];
    const json_t *values; /* of the document: an array, or an object of indices */
    size_t n;
};

/* Zeros are none. It holds no references: the document has to stay until the rows are given. */
struct tw_json_series {
    struct tw_json_one_series *at;
    size_t n;
};

bool tw_json_is_series(const json_t *value);
/* 0 or -ENOMEM; what is beyond 1,024 series is left out. */
int tw_json_series_add(struct tw_json_series *all, const char *name, const json_t *values);
/* Gives the rows of all series; of shorter ones each value stands at the end of its stretch.
 * Returns 0, -ENOMEM, or what the sink returned. */
int tw_json_series_give(const struct tw_json_series *all, struct tw_json_row *row,
                        const struct tw_log_sink *sink);
void tw_json_series_release(struct tw_json_series *all);

#endif
