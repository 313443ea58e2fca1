#include "sources/logs/table_names.h"

#include "sources/logs/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A longer text is a sentence, or damage. */
#define NAME_MAX_BYTES 500u
/* Names that are compared with all others. */
#define KNOWN_MAX 64u
#define TWINS_MAX 256u

struct slice {
    const char *text;
    size_t size;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static void trim(struct slice *slice)
{
    while (slice->size && is_blank(*slice->text))
        slice->text++, slice->size--;
    while (slice->size && is_blank(slice->text[slice->size - 1]))
        slice->size--;
}

/* ---- a line as texts ---- */

/* The next cell of `rest`, with its quotes; what is left is behind the separator. */
static bool next_cell(struct slice *rest, char separator, struct slice *ret)
{
    bool is_quoted = false;
    size_t n = 0;
    if (!rest->text)
        return false;
    for (; n < rest->size; n++) {
        bool is_here = separator == ' ' ? is_blank(rest->text[n]) : rest->text[n] == separator;
        if (is_here && !is_quoted)
            break;
        is_quoted ^= rest->text[n] == '"';
    }
    *ret = (struct slice){rest->text, n};
    *rest = n < rest->size ? (struct slice){rest->text + n + 1, rest->size - n - 1}
                           : (struct slice){NULL, 0};
    if (separator == ' ' && rest->text) {
        trim(rest);
        if (!rest->size)
            rest->text = NULL;
    }
    trim(ret);
    if (ret->size >= 2 && *ret->text == '"' && ret->text[ret->size - 1] == '"') {
        ret->text++, ret->size -= 2;
        trim(ret);
    }
    return true;
}

/* The mark that stands most often between names; blanks where there is no other. */
static char find_separator(struct slice line)
{
    static const char marks[] = "\t;,|";
    size_t counts[sizeof marks] = {0}, best = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < line.size; i++) {
        const char *mark = line.text[i] ? strchr(marks, line.text[i]) : NULL;
        is_quoted ^= line.text[i] == '"';
        if (mark && !is_quoted)
            counts[mark - marks]++;
    }
    for (size_t i = 1; i < sizeof marks - 1; i++)
        best = counts[i] > counts[best] ? i : best;
    if (counts[best])
        return marks[best];
    for (size_t i = 0; i < line.size; i++) {
        if (is_blank(line.text[i]))
            return ' ';
    }
    return ','; /* one column */
}

/* How many cells a line has, those behind its last name or number among them. */
static size_t count_cells(struct slice line, char separator)
{
    struct slice cell;
    size_t n = 0;
    if (separator == ' ')
        trim(&line);
    while (next_cell(&line, separator, &cell))
        n++;
    return n;
}

/* How many names the line has; 0 where it cannot be names: numbers, gaps, sentences. */
static size_t count_names(struct slice line, char separator)
{
    struct slice cell;
    size_t n = 0;
    double number;
    while (next_cell(&line, separator, &cell)) {
        bool is_last = !line.text;
        if (!cell.size && n && !is_last)
            return 0;
        if (cell.size &&
            (tw_log_number(cell.text, cell.size, &number) >= 0 || cell.size > NAME_MAX_BYTES))
            return 0;
        n += cell.size || !n;
    }
    return n;
}

/* Names may stand behind a '#'. A tab before them is a name that is empty, or a blank. */
static struct slice names_of(const char *text, size_t size, char *ret_separator)
{
    struct slice line = {text, size};
    while (line.size && *line.text == ' ')
        line.text++, line.size--;
    while (line.size && *line.text == '#')
        line.text++, line.size--;
    while (line.size && *line.text == ' ')
        line.text++, line.size--;
    *ret_separator = find_separator(line);
    if (*ret_separator == ' ')
        trim(&line);
    return line;
}

/* ---- columns ---- */

static bool is_part_name(const char *name)
{
    static const char *const names[] = {"phase",  "split",     "mode",    "type", "stage",
                                        "subset", "partition", "dataset", "set",  "part"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcasecmp(name, names[i]))
            return true;
    }
    return false;
}

/* Control characters, a NUL among them, would end or hide what follows. */
static char *put_name(char *to, const char *prefix, struct slice name)
{
    to = stpcpy(to, prefix);
    for (size_t i = 0; i < name.size; i++)
        *to++ = (unsigned char)name.text[i] < ' ' ? '?' : name.text[i];
    *to++ = '\0';
    return to;
}

/* Of two columns of a name, the first counts. */
static bool is_known_name(const struct tw_table *table, size_t n)
{
    for (size_t i = 0; i < n && n < TWINS_MAX; i++) {
        if (!strcmp(table->columns[i].name, table->columns[n].name))
            return true;
    }
    return false;
}

static void fill_columns(struct tw_table *table, const struct tw_table_rules *rules,
                         struct slice line)
{
    struct slice cell;
    char *at = table->names;
    for (size_t i = 0; i < table->n_columns && next_cell(&line, table->separator, &cell); i++) {
        struct tw_column *column = &table->columns[i];
        column->name = at;
        at = put_name(at, "", cell);
        column->test_name = at;
        at = put_name(at, "test/", cell);
        if (!cell.size)
            column->use = TW_COLUMN_NOTHING;
        else if (is_part_name(column->name))
            column->use = TW_COLUMN_PART;
        if (cell.size && rules->column)
            rules->column(column);
        if (is_known_name(table, i))
            column->use = TW_COLUMN_NOTHING;
    }
}

static bool allocate(struct tw_table *table, size_t n, size_t bytes)
{
    table->n_columns = n;
    table->columns = calloc(n, sizeof *table->columns);
    table->cells = calloc(n, sizeof *table->cells);
    table->cell_columns = calloc(n, sizeof *table->cell_columns);
    table->names = malloc(2 * bytes + n * sizeof "test/" + n);
    return table->columns && table->cells && table->cell_columns && table->names;
}

static void release_names(struct tw_table *table)
{
    free(table->columns);
    free(table->cells);
    free(table->cell_columns);
    free(table->names);
    table->columns = NULL;
    table->cells = NULL;
    table->cell_columns = NULL;
    table->names = NULL;
    table->n_columns = 0;
    table->separator = '\0';
}

static void forget_candidates(struct tw_table *table)
{
    for (size_t i = 0; i < table->n_candidates; i++)
        free(table->candidates[i].text);
    table->n_candidates = 0;
}

void tw_table_release(struct tw_table *table)
{
    release_names(table);
    forget_candidates(table);
    *table = (struct tw_table){0};
}

static int out_of_memory(struct tw_error *error)
{
    return tw_error_set(error, -ENOMEM, "out of memory");
}

/* The line has so many names. */
static int take(struct tw_table *table, const struct tw_table_rules *rules, struct slice line,
                char separator, size_t n, struct tw_error *error)
{
    release_names(table);
    if (!allocate(table, n < TW_TABLE_COLUMNS_MAX ? n : TW_TABLE_COLUMNS_MAX, line.size + 1)) {
        release_names(table);
        return out_of_memory(error);
    }
    table->separator = separator;
    table->is_cut = n > TW_TABLE_COLUMNS_MAX;
    fill_columns(table, rules, line);
    return 1;
}

const struct tw_column *tw_table_find(const struct tw_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!strcmp(table->columns[i].name, name))
            return &table->columns[i];
    }
    return NULL;
}

/* ---- names that come later ---- */

static bool is_same_name(const struct tw_column *column, const struct slice *cell)
{
    return strlen(column->name) == cell->size && !memcmp(column->name, cell->text, cell->size);
}

static bool is_same_line(const struct tw_table *table, struct slice line, char separator)
{
    struct slice cell;
    size_t i = 0;
    for (; next_cell(&line, separator, &cell); i++) {
        if (i >= table->n_columns ? cell.size > 0 : !is_same_name(&table->columns[i], &cell))
            return false;
    }
    return i >= table->n_columns;
}

/* Whether at least half of the first names are known. */
static bool are_known(const struct tw_table *table, struct slice line, char separator)
{
    struct slice cell;
    size_t n = 0, known = 0, of = table->n_columns < KNOWN_MAX ? table->n_columns : KNOWN_MAX;
    for (; n < KNOWN_MAX && next_cell(&line, separator, &cell); n++) {
        size_t j = 0;
        while (j < of && !is_same_name(&table->columns[j], &cell))
            j++;
        known += j < of && cell.size;
    }
    return known && 2 * known >= n;
}

int tw_table_take_names(struct tw_table *table, const struct tw_table_rules *rules,
                        const char *text, size_t size, struct tw_error *error)
{
    char separator;
    struct slice line = names_of(text, size, &separator);
    size_t n = count_names(line, separator);
    if (!n)
        return 0;
    if (is_same_line(table, line, separator))
        return 1;
    if (n == 1 || !are_known(table, line, separator))
        return 0;
    return take(table, rules, line, separator, n, error);
}

/* ---- names before the first row ---- */

static int keep_candidate(struct tw_table *table, struct slice line, char separator, size_t n,
                          struct tw_error *error)
{
    if (table->n_candidates == TW_TABLE_CANDIDATES_MAX) {
        free(table->candidates[0].text);
        table->n_candidates--;
        memmove(table->candidates, table->candidates + 1,
                table->n_candidates * sizeof *table->candidates);
    }
    struct tw_table_candidate *candidate = &table->candidates[table->n_candidates];
    *candidate = (struct tw_table_candidate){malloc(line.size), line.size, n,
                                             count_cells(line, separator), separator};
    if (!candidate->text)
        return out_of_memory(error);
    memcpy(candidate->text, line.text, line.size);
    table->n_candidates++;
    return 1;
}

int tw_table_note_names(struct tw_table *table, const char *text, size_t size,
                        struct tw_error *error)
{
    char separator;
    struct slice line = names_of(text, size, &separator);
    size_t n = count_names(line, separator);
    return n ? keep_candidate(table, line, separator, n, error) : size && *text == '#';
}

/* Which candidate names the row's cells: as many names as cells; of several the first, but of those
 * apart by blanks the last, since sentences come before. Else the last that the row is shorter
 * than, or the first that it is longer than. -1: none. */
static int find_candidate(const struct tw_table *table, struct slice row)
{
    int equal = -1, longer = -1, shorter = -1;
    for (int i = 0; i < (int)table->n_candidates; i++) {
        const struct tw_table_candidate *names = &table->candidates[i];
        size_t cells = count_cells(row, names->separator);
        bool is_apart = names->separator != ' ' && names->n_names > 1 && cells > 1;
        if (cells == names->n_cells && (equal < 0 || names->separator == ' '))
            equal = i;
        if (is_apart && names->n_cells > cells)
            longer = i;
        if (is_apart && names->n_cells < cells && shorter < 0)
            shorter = i;
    }
    return equal >= 0 ? equal : longer >= 0 ? longer : shorter;
}

int tw_table_settle_names(struct tw_table *table, const struct tw_table_rules *rules,
                          const char *row, size_t size, struct tw_error *error)
{
    int at = row ? find_candidate(table, (struct slice){row, size}) : (int)table->n_candidates - 1;
    if (at < 0)
        return 0;
    const struct tw_table_candidate *names = &table->candidates[at];
    struct slice line = {names->text, names->size};
    int result = take(table, rules, line, names->separator, names->n_names, error);
    forget_candidates(table);
    return result;
}
