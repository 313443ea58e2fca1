/* How sure it is that rows are a training's, by what their names mean. */
#ifndef TW_LOG_ROW_NAMES_H
#define TW_LOG_ROW_NAMES_H

#include "sources/logs/format.h"

#define TW_SURE_MOST 60  /* a loss, and steps or epochs */
#define TW_SURE_LEAST 10 /* numbers of anything */

struct tw_row_names {
    const struct tw_texts *map; /* the sample's */
    bool has_axis, has_loss, has_eval_loss, has_metric;
};

void tw_row_names_add(struct tw_row_names *names, const char *name, enum tw_row_part part);
void tw_row_names_see(struct tw_row_names *names, const struct tw_row *row);
int tw_row_names_sure(const struct tw_row_names *names);

#endif
