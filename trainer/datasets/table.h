/* Tables of numbers with a column to predict, read from CSV (RFC 4180, by libcsv) or TSV. */
#ifndef TW_TABLE_H
#define TW_TABLE_H

#include "trainer/datasets/dataset.h"

/* Reads a table with one row a line and commas, semicolons or tabs between its cells (the first
 * line tells which; a tab wins over a semicolon, this over a comma). The first row holds names when
 * none of its cells is a number. Every other cell is a finite number but for the target, which may
 * be any text of up to 63 bytes.
 *
 * Classes (`ret->labels`) come of a target that is text, or of one that is whole numbers of up to
 * 100 kinds (as many as CIFAR-100 has); they are numbered in the order of the numbers, or of the
 * bytes. config->task overrules that. `ret` has all rows in the table's order, for training.
 *
 * Any bytes are safe. -EBADMSG with the line; -EINVAL for a target that the table does not have, or
 * for a task that it does not allow. `place` names the text in errors. */
int tw_table_read(struct tw_data *ret, const unsigned char *text, size_t size,
                  const struct tw_dataset_config *config, const char *place,
                  struct tw_error *error);

/* The same, of a text that is built in, and split: the last `n_validation` rows after the shuffle
 * validate. */
int tw_table_load(struct tw_data *ret, const unsigned char *text, size_t size, size_t n_validation,
                  const char *place, struct tw_error *error);

#endif
