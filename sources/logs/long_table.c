/* Exports that have a row for each reading, with the name of what was read in a column: Comet's
 * metrics, MLflow's histories, tables of pandas and R. Readings come by metric or by step; here
 * they are put in order of runs and steps, as the training told them. */
#include "sources/logs/json_objects.h"
#include "sources/logs/names.h"
#include "sources/logs/number.h"
#include "sources/logs/row_names.h"
#include "sources/logs/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define NAME_BYTES 256u
#define CELLS_MAX 64u
#define PROBE_ROWS 256u

enum role { ROLE_NAME, ROLE_VALUE, ROLE_STEP, ROLE_EPOCH, ROLE_RUN, ROLES };

/* What columns are called, in small letters and without what is no letter. */
static const char *const role_words[ROLES] = {
    [ROLE_NAME] = "metricname metric tag key name variable", [ROLE_VALUE] = "metricvalue value",
    [ROLE_STEP] = "step globalstep iteration iter",          [ROLE_EPOCH] = "epoch",
    [ROLE_RUN] = "run runid runuuid runname experimentkey",
};

struct slice {
    const char *text; /* NULL: absent */
    size_t size;
};

/* A name that many readings share. */
struct text {
    char key[NAME_BYTES];
    UT_hash_handle hh;
};

struct reading {
    const char *run, *name; /* shared; "": there is none */
    double value, step, epoch;
    size_t place; /* in the log */
};

struct long_table {
    struct reading *readings;
    size_t n, capacity, most; /* most: 0 is no limit */
    struct text *texts;
};

/* ---- readings ---- */

static enum role role_of(const char *name, size_t size)
{
    char word[32];
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < sizeof word; i++) {
        char small = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
        if (small >= 'a' && small <= 'z')
            word[n++] = small;
    }
    word[n] = '\0';
    for (int role = 0; n && role < ROLES; role++) {
        if (tw_words_is_one_of(word, role_words[role]))
            return (enum role)role;
    }
    return ROLES;
}

/* NULL when out of memory. A longer name is cut: its beginning tells what it is. */
static const char *share(struct long_table *table, struct slice name)
{
    char key[NAME_BYTES] = "";
    struct text *text;
    for (size_t i = 0; i < name.size && i + 1 < NAME_BYTES; i++)
        key[i] = (unsigned char)name.text[i] < ' ' ? '?' : name.text[i];
    HASH_FIND_STR(table->texts, key, text);
    if (text)
        return text->key;
    text = calloc(1, sizeof *text);
    if (!text)
        return NULL;
    strcpy(text->key, key);
    HASH_ADD_STR(table->texts, key, text);
    return text->key;
}

static double number_of(struct slice cell)
{
    double value;
    return cell.text && tw_log_number(cell.text, cell.size, &value) == 1 ? value : NAN;
}

/* A reading without a number or a place is none. */
static int add(struct long_table *table, const struct slice cells[ROLES])
{
    struct reading reading = {.place = table->n};
    struct slice value = cells[ROLE_VALUE];
    reading.step = number_of(cells[ROLE_STEP]);
    reading.epoch = number_of(cells[ROLE_EPOCH]);
    bool has_value = value.text && tw_log_number(value.text, value.size, &reading.value) == 1;
    bool has_place = isfinite(reading.step) || isfinite(reading.epoch);
    if (!has_value || !has_place || !cells[ROLE_NAME].size)
        return 0;
    reading.name = share(table, cells[ROLE_NAME]);
    reading.run = share(table, cells[ROLE_RUN]);
    if (!reading.name || !reading.run)
        return -ENOMEM;
    if (table->n == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 256;
        struct reading *grown = realloc(table->readings, capacity * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        table->readings = grown;
        table->capacity = capacity;
    }
    table->readings[table->n++] = reading;
    return table->n == table->most;
}

/* ---- texts ---- */

/* The next cell of a line, and what is left of it; false behind the last. */
static bool next_cell(struct slice *line, char separator, struct slice *ret)
{
    if (!line->text)
        return false;
    const char *end = line->text + line->size, *at = line->text;
    bool is_quoted = at < end && *at == '"';
    const char *from = at += is_quoted;
    while (at < end && *at != (is_quoted ? '"' : separator))
        at++;
    *ret = (struct slice){from, (size_t)(at - from)};
    while (at < end && *at != separator)
        at++;
    *line = at < end ? (struct slice){at + 1, (size_t)(end - at - 1)} : (struct slice){0};
    return true;
}

static bool next_line(struct slice *text, struct slice *ret)
{
    if (!text->size)
        return false;
    const char *end = memchr(text->text, '\n', text->size);
    size_t size = end ? (size_t)(end - text->text) : text->size;
    *ret = (struct slice){text->text, size - (size && text->text[size - 1] == '\r')};
    *text = (struct slice){text->text + size + (end != NULL), text->size - size - (end != NULL)};
    return true;
}

static char separator_of(struct slice line)
{
    for (const char *separator = ",;\t"; *separator; separator++) {
        if (line.size && memchr(line.text, *separator, line.size))
            return *separator;
    }
    return ',';
}

#define COLUMNS_MAX 32u

static bool has_role(const enum role *roles, size_t n, enum role role)
{
    for (size_t i = 0; i < n; i++) {
        if (roles[i] == role)
            return true;
    }
    return false;
}

static int read_table(struct long_table *table, struct slice text)
{
    enum role roles[COLUMNS_MAX];
    struct slice line, cell;
    size_t n = 0;
    int result = 0;
    if (!next_line(&text, &line))
        return 0;
    char separator = separator_of(line);
    while (n < COLUMNS_MAX && next_cell(&line, separator, &cell))
        roles[n++] = role_of(cell.text, cell.size);
    bool is_long = has_role(roles, n, ROLE_NAME) && has_role(roles, n, ROLE_VALUE) &&
                   (has_role(roles, n, ROLE_STEP) || has_role(roles, n, ROLE_EPOCH));
    while (is_long && !result && next_line(&text, &line)) {
        struct slice cells[ROLES] = {{0}};
        for (size_t i = 0; i < n && next_cell(&line, separator, &cell); i++) {
            if (roles[i] < ROLES && !cells[roles[i]].text)
                cells[roles[i]] = cell;
        }
        result = add(table, cells);
    }
    return result;
}

/* ---- JSON ---- */

static int take_object(void *closure, const json_t *object)
{
    struct slice cells[ROLES] = {{0}};
    char numbers[ROLES][32];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        enum role role = role_of(key, strlen(key));
        if (role == ROLES || cells[role].text)
            continue;
        if (json_is_string(value)) {
            cells[role] = (struct slice){json_string_value(value), json_string_length(value)};
        } else if (json_is_number(value)) {
            int size =
                snprintf(numbers[role], sizeof numbers[role], "%.17g", json_number_value(value));
            cells[role] = (struct slice){numbers[role], (size_t)size};
        }
    }
    return add(closure, cells);
}

static struct slice skip_blanks(struct slice text)
{
    while (text.size && memchr(" \t\r\n", *text.text, 4))
        text.text++, text.size--;
    return text;
}

static int read_text(struct long_table *table, const char *bytes, size_t size)
{
    struct slice text = skip_blanks((struct slice){bytes, size});
    if (text.size && *text.text == '[') {
        int result;
        tw_json_each_element(text.text, text.size, take_object, table, &result);
        return result == -EBADMSG ? 0 : result; /* half-written: what is whole was taken */
    }
    /* A blank that comes first may part a name that is empty. */
    return text.size && *text.text != '{' ? read_table(table, (struct slice){bytes, size}) : 0;
}

/* ---- rows ---- */

static int compare_numbers(double a, double b)
{
    return isnan(a) || isnan(b) ? 0 : (a > b) - (a < b);
}

/* What tells no step stands last. */
static int compare_steps(const struct reading *a, const struct reading *b)
{
    double x = isnan(a->step) ? a->epoch : a->step, y = isnan(b->step) ? b->epoch : b->step;
    return isnan(x) || isnan(y) ? (isnan(x) != 0) - (isnan(y) != 0) : compare_numbers(x, y);
}

static int by_place(const void *left, const void *right)
{
    const struct reading *a = left, *b = right;
    int order = strcmp(a->run, b->run);
    if (!order)
        order = compare_steps(a, b);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static bool is_one_row(const struct reading *a, const struct reading *b)
{
    return !strcmp(a->run, b->run) && isnan(a->step) == isnan(b->step) &&
           !compare_numbers(a->step, b->step) && !compare_numbers(a->epoch, b->epoch);
}

static int give_rows(struct long_table *table, const struct tw_log_sink *sink)
{
    int result = 0;
    for (size_t i = 0; i < table->n && !result;) {
        const struct reading *first = &table->readings[i];
        struct tw_cell cells[CELLS_MAX];
        struct tw_row row = {.run = first->run[0] ? first->run : NULL,
                             .step = first->step,
                             .epoch = first->epoch,
                             .time_ms = -1,
                             .cells = cells};
        for (; i < table->n && row.n_cells < CELLS_MAX && is_one_row(first, &table->readings[i]);
             i++)
            cells[row.n_cells++] = (struct tw_cell){table->readings[i].name,
                                                    table->readings[i].value, TW_MEANS_BY_NAME};
        result = sink->row(sink->closure, &row);
    }
    return result;
}

static int read_document(void *state, const char *bytes, size_t size,
                         const struct tw_log_sink *sink, struct tw_error *error)
{
    struct long_table *table = state;
    int result = read_text(table, bytes, size);
    if (result)
        return tw_error_set(error, result, "out of memory");
    if (table->n)
        qsort(table->readings, table->n, sizeof *table->readings, by_place);
    return give_rows(table, sink);
}

static void done(void *state)
{
    struct long_table *table = state;
    struct text *text, *next;
    HASH_ITER(hh, table->texts, text, next)
    {
        HASH_DEL(table->texts, text);
        free(text);
    }
    free(table->readings);
}

/* Names of losses among the cells are what no other table has. */
static int probe(const struct tw_log_sample *sample)
{
    struct long_table table = {.most = PROBE_ROWS};
    struct tw_row_names names = {.map = sample->map, .has_axis = true};
    read_text(&table, sample->bytes, sample->size);
    for (size_t i = 0; i < table.n; i++)
        tw_row_names_add(&names, table.readings[i].name, TW_PART_BY_NAME);
    done(&table);
    if (!names.has_loss)
        return 0;
    /* ClearML's lines of JSON are alike. */
    return *skip_blanks((struct slice){sample->bytes, sample->size}).text == '[' ? 58 : 70;
}

const struct tw_log_format tw_log_format_long_table = {
    .name = "long_table",
    .description = "a row for each reading, its name in a column (exports of Comet, MLflow)",
    .kind = TW_LOG_DOCUMENT,
    .state_size = sizeof(struct long_table),
    .probe = probe,
    .document = read_document,
    .done = done,
};
