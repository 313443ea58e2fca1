/* Tables of numbers with a column to predict. */
#include "trainer/datasets/table.h"

#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_BYTES 64
#define COLUMNS_MAX 1000000
/* Whole numbers of more kinds than that are amounts, not names of classes. */
#define NUMBERED_CLASSES_MAX 100

struct class_name {
    char text[CELL_BYTES];
    double number; /* NaN: a word */
    uint8_t label; /* where sorting puts it */
};

struct table {
    const struct tw_dataset_config *config;
    const char *place;
    struct tw_error *error;
    int result;
    unsigned line, row_line; /* being read; of the first cell of the row */
    char delimiter;

    char (*head)[CELL_BYTES]; /* the first row's cells: names, or numbers of the first sample */
    size_t n_columns, target; /* n_columns: 0 until the first row is over */
    bool has_names;
    size_t column; /* of the next cell */

    float *features, *values; /* [rows][n_columns - 1], [rows] */
    uint8_t *kinds;           /* [rows], index into classes */
    size_t rows, room;
    struct class_name *classes; /* in the order in which they came */
    size_t n_classes;
    bool has_words, has_fractions, has_too_many;
};

/* `cell` is shown in quotes before the text, where there is one. */
static int fail(struct table *table, int code, unsigned line, const char *cell, const char *text)
{
    const char *quote = cell ? "'" : "";
    if (!table->result)
        table->result = tw_error_at(table->error, code, table->place, line, 0, "%s%s%s%s%s", quote,
                                    cell ? cell : "", quote, cell ? " " : "", text);
    return table->result;
}

static int out_of_memory(struct table *table)
{
    return fail(table, -ENOMEM, 0, NULL, "out of memory");
}

/* A finite number and nothing else. strtod() also takes hexadecimal, "inf" and "nan": no table of
 * measurements means these. */
static bool is_number(const char *cell, double *ret)
{
    char *end;
    if (!*cell || strspn(cell, "0123456789+-.eE") != strlen(cell))
        return false;
    *ret = strtod(cell, &end);
    return !*end && isfinite((float)*ret);
}

/* ---- the first row ---- */

static int keep_head_cell(struct table *table, const char *cell)
{
    if ((table->column & (table->column + 1)) == 0) {
        void *grown = realloc(table->head, 2 * (table->column + 1) * sizeof *table->head);
        if (!grown)
            return out_of_memory(table);
        table->head = grown;
    }
    memcpy(table->head[table->column++], cell, CELL_BYTES);
    if (table->column > COLUMNS_MAX)
        return fail(table, -EBADMSG, table->row_line, NULL, "more than a million columns");
    return 0;
}

static int find_target(struct table *table)
{
    const char *wanted = table->config->target;
    table->target = table->n_columns - 1;
    if (!wanted)
        return 0;
    for (size_t i = 0; table->has_names && i < table->n_columns; i++) {
        if (!strcmp(table->head[i], wanted)) {
            table->target = i;
            return 0;
        }
    }
    char *end;
    unsigned long number = *wanted >= '0' && *wanted <= '9' ? strtoul(wanted, &end, 10) : 0;
    if (number < 1 || number > table->n_columns || *end)
        return fail(table, -EINVAL, 0, wanted, "is no column of the table");
    table->target = number - 1;
    return 0;
}

static int add_row(struct table *table);
static int add_cell(struct table *table, const char *cell);

static int end_first_row(struct table *table)
{
    double number;
    table->n_columns = table->column;
    table->has_names = true;
    for (size_t i = 0; i < table->n_columns; i++)
        table->has_names &= !is_number(table->head[i], &number);
    if (table->n_columns < 2)
        return fail(table, -EBADMSG, table->row_line, NULL,
                    "one column is too few: there is nothing to predict it from");
    int result = find_target(table);
    table->column = 0;
    if (result || table->has_names)
        return result;
    for (size_t i = 0; !result && i < table->n_columns; i++)
        result = add_cell(table, table->head[i]);
    return result ? result : add_row(table);
}

/* ---- the others ---- */

static int make_room(struct table *table)
{
    size_t room = 2 * table->room + 64;
    if (table->rows < table->room)
        return 0;
    float *features = reallocarray(table->features, room, (table->n_columns - 1) * sizeof(float));
    table->features = features ? features : table->features;
    float *values = reallocarray(table->values, room, sizeof *values);
    table->values = values ? values : table->values;
    uint8_t *kinds = reallocarray(table->kinds, room, sizeof *kinds);
    table->kinds = kinds ? kinds : table->kinds;
    if (!features || !values || !kinds)
        return out_of_memory(table);
    table->room = room;
    return 0;
}

/* The class of that name, a new one where there is room. "1", "01" and "1.0" are one. */
static void add_kind(struct table *table, const char *cell, double number)
{
    char text[CELL_BYTES];
    snprintf(text, sizeof text, isnan(number) ? "%s" : "%.0s%.9g", cell, number);
    size_t i = 0;
    while (i < table->n_classes && strcmp(table->classes[i].text, text))
        i++;
    table->has_too_many |= i == TW_CLASSES_MAX;
    if (table->has_too_many)
        return;
    if (i == table->n_classes) {
        table->classes[i].number = number;
        memcpy(table->classes[table->n_classes++].text, text, sizeof text);
    }
    table->kinds[table->rows] = (uint8_t)i;
}

static int add_target(struct table *table, const char *cell)
{
    double number = NAN;
    if (!*cell)
        return fail(table, -EBADMSG, table->row_line, NULL, "the cell to predict is empty");
    if (!is_number(cell, &number)) {
        number = NAN;
        table->has_words = true;
    } else if (number != rint(number)) {
        table->has_fractions = true;
    }
    if (table->has_words && table->config->task == TW_TASK_REGRESSION)
        return fail(table, -EBADMSG, table->row_line, cell, "is not a number");
    table->values[table->rows] = (float)number;
    add_kind(table, cell, number);
    return 0;
}

static int add_cell(struct table *table, const char *cell)
{
    double number = 0;
    size_t at = table->column++;
    if (at == 0 && make_room(table))
        return table->result;
    if (at >= table->n_columns)
        return fail(table, -EBADMSG, table->row_line, NULL,
                    "the row has more cells than the first");
    if (at == table->target)
        return add_target(table, cell);
    if (!is_number(cell, &number))
        return fail(table, -EBADMSG, table->row_line, *cell ? cell : NULL,
                    *cell ? "is not a finite number" : "a cell is empty");
    table->features[table->rows * (table->n_columns - 1) + at - (at > table->target)] =
        (float)number;
    return 0;
}

static int add_row(struct table *table)
{
    if (table->column != table->n_columns)
        return fail(table, -EBADMSG, table->row_line, NULL,
                    "the row has fewer cells than the first");
    table->column = 0;
    table->rows++;
    return 0;
}

/* ---- libcsv's calls ---- */

static void on_cell(void *bytes, size_t size, void *closure)
{
    struct table *table = closure;
    char cell[CELL_BYTES] = "";
    if (table->result)
        return;
    if (table->column == 0)
        table->row_line = table->line;
    if (size >= sizeof cell || (size && memchr(bytes, 0, size))) {
        fail(table, -EBADMSG, table->row_line, NULL,
             "a cell holds more than 63 bytes, or a zero byte");
        return;
    }
    if (size)
        memcpy(cell, bytes, size);
    if (table->n_columns)
        add_cell(table, cell);
    else
        keep_head_cell(table, cell);
}

static void on_row(int terminator, void *closure)
{
    struct table *table = closure;
    (void)terminator;
    if (table->result)
        return;
    if (table->n_columns)
        add_row(table);
    else
        end_first_row(table);
}

static char delimiter_of(const unsigned char *text, size_t size)
{
    const unsigned char *end = memchr(text, '\n', size);
    size_t length = end ? (size_t)(end - text) : size;
    return memchr(text, '\t', length) ? '\t' : memchr(text, ';', length) ? ';' : ',';
}

/* Line by line, because libcsv does not tell where it is. */
static int parse_lines(struct table *table, struct csv_parser *parser, const unsigned char *text,
                       size_t size)
{
    for (size_t at = 0; at < size && !table->result; table->line++) {
        const unsigned char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (text + at)) + 1 : size - at;
        if (csv_parse(parser, text + at, length, on_cell, on_row, table) != length)
            return fail(table, -EBADMSG, table->line, NULL, csv_strerror(csv_error(parser)));
        at += length;
    }
    if (!table->result && csv_fini(parser, on_cell, on_row, table))
        return fail(table, -EBADMSG, table->row_line, NULL, "a quoted cell does not end");
    return table->result;
}

static int parse(struct table *table, const unsigned char *text, size_t size)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf}; /* UTF-8's byte order mark */
    struct csv_parser parser;
    if (size >= sizeof mark && !memcmp(text, mark, sizeof mark)) {
        text += sizeof mark;
        size -= sizeof mark;
    }
    table->line = table->row_line = 1;
    table->classes = calloc(TW_CLASSES_MAX, sizeof *table->classes);
    if (!table->classes || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
        return out_of_memory(table);
    csv_set_delim(&parser, (unsigned char)delimiter_of(text, size));
    int result = parse_lines(table, &parser, text, size);
    csv_free(&parser);
    if (!result && !table->rows)
        result = fail(table, -EBADMSG, 0, NULL, "there are no rows");
    return result;
}

/* ---- what comes of it ---- */

static int compare_classes(const void *a, const void *b)
{
    const struct class_name *left = a, *right = b;
    if (!isnan(left->number) && !isnan(right->number))
        return (left->number > right->number) - (left->number < right->number);
    return strcmp(left->text, right->text);
}

/* labels[kind]: the class's place once they are sorted. */
static void sort_classes(struct table *table, uint8_t labels[TW_CLASSES_MAX])
{
    for (size_t i = 0; i < table->n_classes; i++) {
        table->classes[i].label = (uint8_t)i;
        /* Words among numbers: all are sorted as words, or the order would be none. */
        if (table->has_words)
            table->classes[i].number = NAN;
    }
    qsort(table->classes, table->n_classes, sizeof *table->classes, compare_classes);
    for (size_t i = 0; i < table->n_classes; i++)
        labels[table->classes[i].label] = (uint8_t)i;
}

static bool has_classes(const struct table *table)
{
    bool are_names = table->has_words || (!table->has_fractions && !table->has_too_many &&
                                          table->n_classes <= NUMBERED_CLASSES_MAX);
    return table->config->task == TW_TASK_AUTO ? are_names
                                               : table->config->task == TW_TASK_CLASSIFICATION;
}

static int check_classes(struct table *table)
{
    if (table->has_too_many)
        return fail(table, -EINVAL, 0, NULL, "the column to predict has more than 256 classes");
    if (table->n_classes < 2)
        return fail(table, -EINVAL, 0, table->classes[0].text, "is the class of every row");
    return 0;
}

static int make_data(struct table *table, struct tw_data *ret)
{
    uint8_t labels[TW_CLASSES_MAX];
    bool are_classes = has_classes(table);
    struct tw_data data = {.n_features = table->n_columns - 1,
                           .n_classes = are_classes ? table->n_classes : 0};
    int result = are_classes ? check_classes(table) : 0;
    if (!result)
        result = tw_data_allocate(&data, table->rows, table->error);
    if (result)
        return result;
    sort_classes(table, labels);
    memcpy(data.features, table->features, table->rows * data.n_features * sizeof(float));
    if (!are_classes)
        memcpy(data.values, table->values, table->rows * sizeof(float));
    for (size_t i = 0; are_classes && i < table->rows; i++)
        data.labels[i] = labels[table->kinds[i]];
    *ret = data;
    return 0;
}

int tw_table_read(struct tw_data *ret, const unsigned char *text, size_t size,
                  const struct tw_dataset_config *config, const char *place, struct tw_error *error)
{
    struct table table = {.config = config, .place = place, .error = error};
    int result = parse(&table, text, size);
    if (!result)
        result = make_data(&table, ret);
    free(table.head);
    free(table.features);
    free(table.values);
    free(table.kinds);
    free(table.classes);
    return result;
}

int tw_table_load(struct tw_data *ret, const unsigned char *text, size_t size, size_t n_validation,
                  const char *place, struct tw_error *error)
{
    const struct tw_dataset_config automatic = {0};
    struct tw_data data = {0};
    int result = tw_table_read(&data, text, size, &automatic, place, error);
    if (!result)
        result = tw_data_split(&data, n_validation, place, error);
    if (result)
        tw_data_release(&data);
    else
        *ret = data;
    return result;
}
