/* Lines to rows, cell by cell. */
#include "sources/logs/table.h"

#include "sources/logs/date_time.h"
#include "sources/logs/number.h"
#include "sources/logs/table_names.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A quoted cell of several lines is an array that was printed; a longer one is a quote too many. */
#define OPEN_LINES_MAX 64u
#define VIEW_LINES 24u

struct pass {
    struct tw_table *table;
    const char *at, *end;
    size_t column; /* of the cell at `at` */
    size_t numbers, texts;
    bool is_open;       /* a quote was not closed */
    bool is_lost;       /* the row's place is damaged */
    const char *damage; /* why, or NULL */
};

/* ---- cells of a row ---- */

bool tw_table_has_cell(const struct tw_table *table, size_t column)
{
    for (size_t i = 0; i < table->row.n_cells; i++) {
        if (table->cell_columns[i] == column)
            return true;
    }
    return false;
}

void tw_table_add_cell(struct tw_table *table, size_t column, double value)
{
    struct tw_row *row = &table->row;
    if (row->n_cells == table->n_columns)
        return;
    const struct tw_column *of = &table->columns[column];
    table->cell_columns[row->n_cells] = (uint16_t)column;
    table->cells[row->n_cells++] = (struct tw_cell){of->name, value, of->meaning};
}

static void start_row(struct tw_table *table)
{
    table->row = (struct tw_row){.step = NAN, .epoch = NAN, .time_ms = -1, .cells = table->cells};
    table->is_test = false;
}

/* NULL where the cell has none. */
static struct tw_column *column_of(struct pass *pass)
{
    struct tw_table *table = pass->table;
    if (pass->column < table->n_columns)
        return &table->columns[pass->column];
    if (!table->is_cut)
        pass->damage = "a row has more cells than the table has names";
    return NULL;
}

static void put_number(struct pass *pass, double value)
{
    struct tw_table *table = pass->table;
    pass->numbers++;
    struct tw_column *column = column_of(pass);
    if (!column)
        return;
    column->has_numbers = true;
    if (column->use == TW_COLUMN_CELL)
        tw_table_add_cell(table, pass->column, value);
    else if (column->use == TW_COLUMN_STEP)
        table->row.step = value;
    else if (column->use == TW_COLUMN_EPOCH)
        table->row.epoch = value;
}

static bool begins(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);
    return size >= length && !strncasecmp(text, word, length);
}

static void put_part(struct tw_table *table, const char *text, size_t size)
{
    if (begins(text, size, "train"))
        table->row.part = TW_PART_TRAIN;
    else if (begins(text, size, "val") || begins(text, size, "eval") || begins(text, size, "dev"))
        table->row.part = TW_PART_EVAL;
    else if (begins(text, size, "test"))
        table->is_test = true;
}

static bool is_blank_word(const char *text, size_t size)
{
    return (size == 1 && strchr("-.?", *text)) || (size == 2 && !memcmp(text, "--", 2));
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && begins(text, size, word);
}

static void put_text(struct pass *pass, const char *text, size_t size)
{
    struct tw_table *table = pass->table;
    pass->texts++;
    if (is_blank_word(text, size))
        return;
    if (is_word(text, size, "true") || is_word(text, size, "false")) {
        put_number(pass, (*text | 0x20) == 't');
        return;
    }
    struct tw_column *column = column_of(pass);
    int64_t time_ms;
    if (!column)
        return;
    if (column->use == TW_COLUMN_PART) {
        put_part(table, text, size);
    } else if (tw_log_date_time(text, size, &time_ms)) {
        table->row.time_ms = time_ms;
    } else if (column->has_numbers && column->use != TW_COLUMN_NOTHING) {
        pass->damage = "a cell is no number in a column of numbers";
        pass->is_lost |= column->use != TW_COLUMN_CELL;
    }
}

/* Where cells are not parted by commas, one comma is the decimal one: "0,25", "1.234,5". */
static int read_decimal_comma(const char *text, size_t size, double *ret)
{
    char plain[64];
    size_t n = 0;
    const char *comma = memchr(text, ',', size), *dot = memchr(text, '.', size);
    size_t behind = comma ? size - (size_t)(comma + 1 - text) : 0;
    if (!comma || size >= sizeof plain || memchr(comma + 1, ',', behind) || (dot && dot > comma))
        return tw_log_number(text, size, ret);
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '.')
            plain[n++] = text[i] == ',' ? '.' : text[i];
    }
    return tw_log_number(plain, n, ret);
}

static void put_cell(struct pass *pass, const char *text, size_t size)
{
    double value;
    int is_number = pass->table->separator == ',' ? tw_log_number(text, size, &value)
                                                  : read_decimal_comma(text, size, &value);
    if (is_number == 1)
        put_number(pass, value);
    else if (is_number < 0)
        put_text(pass, text, size);
}

/* ---- cells of a line ---- */

static bool is_blank(const struct tw_table *table, char byte)
{
    return byte == ' ' || (byte == '\t' && table->separator != '\t');
}

static void skip_blanks(struct pass *pass)
{
    while (pass->at < pass->end && is_blank(pass->table, *pass->at))
        pass->at++;
}

static const char *end_of_cell(const struct pass *pass, const char *from)
{
    char separator = pass->table->separator;
    if (separator == ' ') {
        while (from < pass->end && !is_blank(pass->table, *from))
            from++;
        return from;
    }
    const char *found = memchr(from, separator, (size_t)(pass->end - from));
    return found ? found : pass->end;
}

/* A quoted cell, or its rest: two quotes are one that is meant. */
static void take_quoted(struct pass *pass, const char *from)
{
    const char *quote = from;
    while ((quote = memchr(quote, '"', (size_t)(pass->end - quote))) != NULL) {
        if (quote + 1 == pass->end || quote[1] != '"')
            break;
        quote += 2;
    }
    if (!quote) {
        pass->is_open = true;
        pass->at = pass->end;
        return;
    }
    if (!pass->table->open_lines)
        put_cell(pass, from, (size_t)(quote - from));
    pass->at = end_of_cell(pass, quote + 1);
}

static void take_plain(struct pass *pass)
{
    const char *end = end_of_cell(pass, pass->at), *from = pass->at;
    pass->at = end;
    while (end > from && (is_blank(pass->table, end[-1]) || end[-1] == '\0'))
        end--;
    put_cell(pass, from, (size_t)(end - from));
}

/* Nearly always, a cell is a number up to the separator. */
static void take_cell(struct pass *pass)
{
    double value;
    size_t length = tw_log_number_at(pass->at, (size_t)(pass->end - pass->at), &value);
    const char *behind = pass->at + length;
    if (length && (behind == pass->end || *behind == pass->table->separator)) {
        put_number(pass, value);
        pass->at = behind;
    } else if (*pass->at == '"') {
        take_quoted(pass, pass->at + 1);
    } else {
        take_plain(pass);
    }
}

/* From a separator, or the end, on: `column` is that of the cell before. */
static void take_more_cells(struct pass *pass)
{
    while (pass->at < pass->end && !pass->is_open) {
        if (pass->table->separator != ' ')
            pass->at++;
        pass->column++;
        skip_blanks(pass);
        if (pass->at < pass->end && *pass->at != pass->table->separator)
            take_cell(pass);
    }
}

static void take_cells(struct pass *pass)
{
    skip_blanks(pass);
    if (pass->at < pass->end && *pass->at != pass->table->separator)
        take_cell(pass);
    take_more_cells(pass);
}

/* ---- rows ---- */

static int give_row(struct pass *pass, const struct tw_table_rules *rules, void *state,
                    const struct tw_log_sink *sink)
{
    struct tw_table *table = pass->table;
    int result = pass->damage ? sink->broken(sink->closure, pass->damage) : 0;
    if (!result && !table->has_rows && table->is_cut)
        result = sink->broken(sink->closure, "more than 4096 columns; those behind are left out");
    if (!result && !table->has_rows && rules->framework)
        result = sink->parameter(sink->closure, NULL, "framework", rules->framework);
    table->has_rows = true;
    if (result || pass->is_lost)
        return result;
    if (rules->row)
        rules->row(state, table);
    for (size_t i = 0; table->is_test && i < table->row.n_cells; i++)
        table->cells[i].name = table->columns[table->cell_columns[i]].test_name;
    return table->row.n_cells ? sink->row(sink->closure, &table->row) : 0;
}

static int end_row(struct pass *pass, const struct tw_table_rules *rules, void *state,
                   const struct tw_log_sink *sink)
{
    struct tw_table *table = pass->table;
    if (pass->is_open) {
        table->open_column = pass->column;
        table->open_lines++;
        if (table->open_lines <= OPEN_LINES_MAX)
            return 0;
        pass->damage = "a quote that is not closed";
    }
    table->open_lines = 0;
    return give_row(pass, rules, state, sink);
}

/* No number in it: names, again or others, or nothing that could be used. */
static int take_text_line(struct pass *pass, const struct tw_table_rules *rules, const char *line,
                          size_t size, const struct tw_log_sink *sink, struct tw_error *error)
{
    int result = tw_table_take_names(pass->table, rules, line, size, error);
    if (result || !pass->texts)
        return result < 0 ? result : 0;
    return sink->broken(sink->closure, "a line of a table without a number");
}

static size_t count(const char *line, size_t size, char byte)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += line[i] == byte;
    return n;
}

/* A whole row where a quoted cell would have to go on: the quote was damage. */
static bool is_row_by_itself(const struct tw_table *table, const char *line, size_t size)
{
    return table->n_columns > 1 && !memchr(line, '"', size) &&
           count(line, size, table->separator) + 1 == table->n_columns;
}

static int go_on_in_quotes(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                           const char *line, size_t size, const struct tw_log_sink *sink)
{
    struct pass pass = {.table = table, .at = line, .end = line + size};
    pass.column = table->open_column;
    take_quoted(&pass, line);
    take_more_cells(&pass);
    return end_row(&pass, rules, state, sink);
}

static int give_up_quote(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                         const struct tw_log_sink *sink)
{
    struct pass pass = {.table = table, .damage = "a quote that is not closed"};
    pass.column = table->open_column;
    table->open_lines = 0;
    return give_row(&pass, rules, state, sink);
}

static int read_row(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                    const char *line, size_t size, const struct tw_log_sink *sink,
                    struct tw_error *error)
{
    struct pass pass = {.table = table, .at = line, .end = line + size};
    start_row(table);
    take_cells(&pass);
    if (!pass.numbers && !pass.is_open)
        return take_text_line(&pass, rules, line, size, sink, error);
    return end_row(&pass, rules, state, sink);
}

/* Up to the first row. */
static int read_head(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                     const char *line, size_t size, const struct tw_log_sink *sink,
                     struct tw_error *error)
{
    int result = tw_table_note_names(table, line, size, error);
    if (result)
        return result < 0 ? result : 0;
    result = tw_table_settle_names(table, rules, line, size, error);
    return result <= 0 ? result : read_row(table, rules, state, line, size, sink, error);
}

int tw_table_line(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                  const char *line, size_t size, const struct tw_log_sink *sink,
                  struct tw_error *error)
{
    while (size && (line[size - 1] == ' ' || line[size - 1] == '\r'))
        size--;
    if (table->open_lines && !is_row_by_itself(table, line, size))
        return go_on_in_quotes(table, rules, state, line, size, sink);
    int result = table->open_lines ? give_up_quote(table, rules, state, sink) : 0;
    if (result || !size)
        return result;
    if (!table->separator)
        return read_head(table, rules, state, line, size, sink, error);
    if (*line == '#') {
        result = tw_table_take_names(table, rules, line, size, error);
        return result < 0 ? result : 0;
    }
    return read_row(table, rules, state, line, size, sink, error);
}

int tw_table_finish(struct tw_table *table, const struct tw_table_rules *rules, void *state,
                    const struct tw_log_sink *sink)
{
    return table->open_lines ? give_up_quote(table, rules, state, sink) : 0;
}

void tw_table_done(void *state)
{
    tw_table_release(state);
}

/* ---- probes ---- */

static int see_row(void *closure, const struct tw_row *row)
{
    (void)row;
    ((struct tw_table_view *)closure)->rows++;
    return 0;
}

static int see_broken(void *closure, const char *reason)
{
    (void)reason;
    ((struct tw_table_view *)closure)->broken++;
    return 0;
}

void tw_table_view(struct tw_table_view *ret, const struct tw_log_sample *sample,
                   void (*column)(struct tw_column *column))
{
    const struct tw_table_rules rules = {.column = column};
    const struct tw_log_sink sink = {.closure = ret, .row = see_row, .broken = see_broken};
    const char *at = sample->bytes, *end = at + sample->size;
    *ret = (struct tw_table_view){0};
    if (sample->size >= 3 && !memcmp(at, "\xEF\xBB\xBF", 3))
        at += 3;
    for (unsigned lines = 0; at < end && lines < VIEW_LINES; lines++) {
        const char *from = at;
        while (at < end && *at != '\n' && *at != '\r')
            at++;
        /* Half a line of names is another table's. */
        if (at == end && (!sample->is_whole || !lines))
            break;
        if (tw_table_line(&ret->table, &rules, NULL, from, (size_t)(at - from), &sink, NULL))
            break;
        at += at < end;
    }
    if (!ret->rows)
        tw_table_settle_names(&ret->table, &rules, NULL, 0, NULL);
}
