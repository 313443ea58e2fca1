/* Cells are kept until all widths are known. */
#include "agent/text_table.h"

#include "sinks/terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define CELL_MAX 160
#define FIRST_LEAST 32
#define CELL_LEAST 12

struct tw_text_table {
    size_t n_columns, n_rows;
    bool is_number[TW_TEXT_COLUMNS_MAX]; /* aligned to the right */
    bool is_out[TW_TEXT_COLUMNS_MAX];    /* not printed */
    char *cells[TW_TEXT_ROWS_MAX][TW_TEXT_COLUMNS_MAX];
};

struct tw_text_table *tw_text_table_new(void)
{
    return calloc(1, sizeof(struct tw_text_table));
}

static void add_cell(struct tw_text_table *table, size_t column, const char *text)
{
    char clean[CELL_MAX] = "";
    FILE *stream = fmemopen(clean, sizeof clean, "w");
    size_t length = strlen(text), most = sizeof clean - 4;
    while (length > most && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--; /* not inside a character */
    if (stream) {
        tw_terminal_print_clean(stream, text, length < most ? length : most);
        fputs(length < most ? "" : "...", stream);
        fclose(stream);
    }
    table->cells[table->n_rows][column] = strdup(clean);
}

void tw_text_table_add(struct tw_text_table *table, const char *const *cells, size_t n)
{
    if (table->n_rows == TW_TEXT_ROWS_MAX)
        return;
    for (size_t i = 0; i < n; i++) {
        bool is_head = table->n_rows == 0;
        if (is_head)
            table->is_number[i] = cells[i][0] == '#';
        add_cell(table, i, cells[i] + (is_head && cells[i][0] == '#'));
    }
    table->n_columns = n;
    table->n_rows++;
}

/* The character behind the one at `text`, and how many columns of a terminal that one takes; one
 * where the locale does not know it. */
static char *next_character(char *text, size_t *ret_columns)
{
    wchar_t wide;
    mbstate_t state = {0};
    size_t left = strlen(text), size = mbrtowc(&wide, text, left, &state);
    int columns = size <= left ? wcwidth(wide) : -1;
    *ret_columns = columns < 0 ? 1 : (size_t)columns;
    do {
        text++;
    } while (((unsigned char)*text & 0xc0) == 0x80);
    return text;
}

static size_t columns_of(char *text)
{
    size_t n = 0, columns;
    while (*text) {
        text = next_character(text, &columns);
        n += columns;
    }
    return n;
}

static void find_widths(const struct tw_text_table *table, size_t widths[TW_TEXT_COLUMNS_MAX])
{
    memset(widths, 0, TW_TEXT_COLUMNS_MAX * sizeof *widths);
    for (size_t row = 0; row < table->n_rows; row++) {
        for (size_t column = 0; column < table->n_columns; column++) {
            char *text = table->cells[row][column];
            size_t width = text ? columns_of(text) : 0;
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
}

/* Names of runs differ at their ends, mostly. */
static void cut_middle(char *text, size_t width)
{
    size_t left = columns_of(text), head = (width - 3) / 3, tail = width - 3 - head, columns;
    char *to = text, *end = text;
    if (left <= width)
        return;
    for (char *next = next_character(to, &columns); columns <= head;
         next = next_character(to, &columns)) {
        head -= columns;
        to = next;
    }
    while (left > tail) {
        end = next_character(end, &columns);
        left -= columns;
    }
    memcpy(to, "...", 3);
    memmove(to + 3, end, strlen(end) + 1);
}

static void cut_column(struct tw_text_table *table, size_t column, size_t width)
{
    for (size_t row = 0; row < table->n_rows; row++) {
        if (table->cells[row][column])
            cut_middle(table->cells[row][column], width);
    }
}

static size_t width_of_others(const struct tw_text_table *table,
                              const size_t widths[TW_TEXT_COLUMNS_MAX])
{
    size_t others = 0;
    for (size_t column = 1; column < table->n_columns; column++)
        others += table->is_out[column] ? 0 : 2 + widths[column];
    return others;
}

size_t tw_text_table_fit(struct tw_text_table *table, unsigned width, const size_t *spare,
                         size_t n_spare)
{
    size_t widths[TW_TEXT_COLUMNS_MAX], n_out = 0;
    find_widths(table, widths);
    size_t least = widths[0] < FIRST_LEAST ? widths[0] : FIRST_LEAST;
    while (n_out < n_spare && width_of_others(table, widths) + least > width)
        table->is_out[spare[n_out++]] = true;
    size_t others = width_of_others(table, widths);
    cut_column(table, 0, width > others + FIRST_LEAST ? width - others : FIRST_LEAST);
    return n_out;
}

void tw_text_table_cut(struct tw_text_table *table, unsigned width, size_t n)
{
    size_t widths[TW_TEXT_COLUMNS_MAX], widest;
    find_widths(table, widths);
    while (widths[0] + width_of_others(table, widths) > width) {
        widest = 0;
        for (size_t column = 1; column < n; column++)
            widest = widths[column] > widths[widest] ? column : widest;
        if (widths[widest] <= CELL_LEAST)
            break;
        widths[widest]--;
    }
    for (size_t column = 0; column < n; column++)
        cut_column(table, column, widths[column]);
}

static void print_cell(FILE *out, const struct tw_text_table *table, size_t row, size_t column,
                       size_t width)
{
    char none[] = "", *text = table->cells[row][column] ? table->cells[row][column] : none;
    int pad = (int)(width - columns_of(text));
    bool is_last = column + 1 == table->n_columns;
    if (table->is_number[column])
        fprintf(out, "%*s%s", pad, "", text);
    else
        fprintf(out, "%s%*s", text, is_last ? 0 : pad, "");
    fputs(is_last ? "\n" : "  ", out);
}

void tw_text_table_print(const struct tw_text_table *table, FILE *out)
{
    size_t widths[TW_TEXT_COLUMNS_MAX];
    find_widths(table, widths);
    for (size_t row = 0; row < table->n_rows; row++) {
        for (size_t column = 0; column < table->n_columns; column++) {
            if (!table->is_out[column])
                print_cell(out, table, row, column, widths[column]);
        }
    }
}

void tw_text_table_free(struct tw_text_table *table)
{
    for (size_t row = 0; table && row < table->n_rows; row++) {
        for (size_t column = 0; column < table->n_columns; column++)
            free(table->cells[row][column]);
    }
    free(table);
}
