/* Tables for a terminal: columns as wide as their widest cell. */
#ifndef TW_TEXT_TABLE_H
#define TW_TEXT_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TW_TEXT_COLUMNS_MAX 8
#define TW_TEXT_ROWS_MAX 600 /* the head is one */

struct tw_text_table;

/* NULL when out of memory. */
struct tw_text_table *tw_text_table_new(void);
void tw_text_table_free(struct tw_text_table *table); /* NULL is allowed */

/* Adds a row of `n` cells, which are copied, cut to some 150 bytes, and cleaned of what would steer
 * a terminal. The first row is the head: a '#' before its text, which is not printed, makes the
 * column one of numbers, aligned to the right. Rows beyond TW_TEXT_ROWS_MAX are left out. */
void tw_text_table_add(struct tw_text_table *table, const char *const *cells, size_t n);

/* Makes rows take `width` columns. Columns `spare[0]`, `spare[1]`, ... are left out, in this order,
 * until the first column has room for its cells or for 32; then what stands in it is cut in its
 * middle ("sweep/a...b/metrics.csv"), to 32 at least. Returns how many of the `n_spare` are out. */
size_t tw_text_table_fit(struct tw_text_table *table, unsigned width, const size_t *spare,
                         size_t n_spare);

/* The same by cutting the first `n` columns alike: whichever is the widest, to 12 at least. */
void tw_text_table_cut(struct tw_text_table *table, unsigned width, size_t n);

/* Writes it, columns two spaces apart; errors are the stream's. */
void tw_text_table_print(const struct tw_text_table *table, FILE *out);

#endif
