/* A table of a training: a line of names, and under it a line of cells for each row. Commas,
 * semicolons, tabs, bars or blanks stand between cells; which, and where the names are, the content
 * tells. The formats of tables differ in what their columns mean.
 *
 * Own code, not libcsv: that one takes an unbalanced quote for a cell that ends with the file, and
 * copies each byte through a switch. Here most cells are read by the parser of numbers alone. */
#ifndef TW_LOG_TABLE_H
#define TW_LOG_TABLE_H

#include "sources/logs/format.h"

/* More columns than that, and those behind are left out, which is told. */
#define TW_TABLE_COLUMNS_MAX 4096
/* So many lines of texts above the first row may be its names. */
#define TW_TABLE_CANDIDATES_MAX 8

enum tw_column_use {
    TW_COLUMN_CELL,
    TW_COLUMN_STEP,
    TW_COLUMN_EPOCH,
    TW_COLUMN_PART, /* texts: "train", "val": what the row is about */
    TW_COLUMN_NOTHING
};

struct tw_column {
    const char *name;      /* raw, without the blanks around it; "" where there is none */
    const char *test_name; /* "test/" and the name */
    enum tw_column_use use;
    enum tw_meaning meaning; /* of cells */
    bool has_numbers;        /* it has held one: a text among them is damage */
};

struct tw_table_candidate {
    char *text;
    size_t size, n_names, n_cells; /* empty ones at the end are no names */
    char separator;
};

struct tw_table {
    char separator; /* 0: no names so far; ' ': blanks */
    bool has_rows, is_test;
    bool is_cut; /* there are more columns than are read */
    struct tw_column *columns;
    size_t n_columns;
    char *names;
    struct tw_cell *cells; /* of the present row, in the order of columns */
    uint16_t *cell_columns;
    struct tw_row row;
    /* A quoted cell that goes on in the next line. */
    size_t open_column;
    unsigned open_lines; /* 0: there is none */
    struct tw_table_candidate candidates[TW_TABLE_CANDIDATES_MAX];
    size_t n_candidates;
};

/* What a format knows of its tables. */
struct tw_table_rules {
    const char *framework; /* the header's, or NULL */
    /* (optional) Sets `use` and `meaning` of a column that has a name; they are CELL and BY_NAME,
     * or PART by its name. */
    void (*column)(struct tw_column *column);
    /* (optional) The last word on a row before it is given. */
    void (*row)(void *state, struct tw_table *table);
};

/* One line. `state` is for rules->row. 0, or a negative error. */
int tw_table_line(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                  const char *line, size_t size, const struct tw_log_sink *sink,
                  struct tw_error *error);
/* A row that was held back: its quoted cell may have gone on. */
int tw_table_finish(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                    const struct tw_log_sink *sink);
void tw_table_release(struct tw_table *table);
void tw_table_done(void *state); /* of a format whose state begins with its table */

/* For rules->row: adds a cell to the present row, of a column that has none in it. */
void tw_table_add_cell(struct tw_table *table, size_t column, double value);
bool tw_table_has_cell(const struct tw_table *table, size_t column);
/* NULL where there is none. */
const struct tw_column *tw_table_find(const struct tw_table *table, const char *name);

/* What the beginning of a file looks like as a table. */
struct tw_table_view {
    struct tw_table table; /* its columns; none where it is no table */
    unsigned rows, broken;
};
/* Reads some lines of the sample; release with tw_table_release(&view->table). */
void tw_table_view(struct tw_table_view *ret, const struct tw_log_sample *sample,
                   void (*column)(struct tw_column *column));

#endif
