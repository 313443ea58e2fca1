/* The names of a table's columns. */
#ifndef TW_LOG_TABLE_NAMES_H
#define TW_LOG_TABLE_NAMES_H

#include "sources/logs/table.h"

/* Before the first row: keeps `line` where it can be names, as one of the last such lines. Returns
 * 1 when it can, or is a comment; 0 when not; or -ENOMEM. */
int tw_table_note_names(struct tw_table *table, const char *line, size_t size,
                        struct tw_error *error);
/* Chooses the line that names the cells of the first `row`; NULL: there is none yet, the last one.
 * Returns 1, 0 where no line does, or -ENOMEM. */
int tw_table_settle_names(struct tw_table *table, const struct tw_table_rules *rules,
                          const char *row, size_t size, struct tw_error *error);

/* Later: the same names again, or others of which half are known; these are taken. Returns 1 when
 * they are names, 0 when not, or -ENOMEM. */
int tw_table_take_names(struct tw_table *table, const struct tw_table_rules *rules,
                        const char *line, size_t size, struct tw_error *error);

#endif
