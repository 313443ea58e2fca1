/* The names of a table's columns. */
#ifndef TW_LOG_TABLE_NAMES_H
#define TW_LOG_TABLE_NAMES_H

#include "sources/logs/table.h"

/* Takes `line` for the table's names where it can be that: at first any line of texts, of which the
 * last before a row counts; later the same names again, or others of which one is known. Returns 1
 * when they are names, 0 when not, or -ENOMEM. */
int tw_table_take_names(struct tw_table *table, const struct tw_table_rules *rules,
                        const char *line, size_t size, struct tw_error *error);

#endif
