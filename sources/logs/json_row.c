#include "sources/logs/json_row.h"

#include "config.h"
#include "sources/logs/date_time.h"
#include "sources/logs/json_leaves.h"
#include "sources/logs/names.h"
#include "sources/logs/number.h"
#ifdef HAVE_SIMDJSON
#include "telemetry/json_simd.h"
#endif

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CELLS_MAX 4096u
#define PATH_MAX_BYTES 500u

static const char test_prefix[] = "test/";
#define PREFIX_SIZE (sizeof test_prefix - 1)

/* ---- cells ---- */

void tw_json_row_start(struct tw_json_row *row, const struct tw_log_sink *sink)
{
    row->row = (struct tw_row){.step = NAN, .epoch = NAN, .time_ms = -1};
    row->names_size = 0;
    row->is_test = false;
    row->sink = sink;
}

/* Until the row is whole, a cell's name is its place among the names. */
static int put_name(struct tw_json_row *row, const char *name, size_t *ret)
{
    size_t size = PREFIX_SIZE + strlen(name) + 1;
    if (row->names_size + size > row->names_capacity) {
        size_t capacity = 2 * (row->names_size + size);
        char *grown = realloc(row->names, capacity);
        if (!grown)
            return -ENOMEM;
        row->names = grown;
        row->names_capacity = capacity;
    }
    *ret = row->names_size;
    memcpy(row->names + *ret, test_prefix, PREFIX_SIZE);
    strcpy(row->names + *ret + PREFIX_SIZE, name);
    row->names_size += size;
    return 0;
}

int tw_json_row_add(struct tw_json_row *row, const char *name, double value,
                    enum tw_meaning meaning)
{
    size_t place, n = row->row.n_cells;
    if (n == CELLS_MAX || !*name)
        return 0;
    if (n == row->cells_capacity) {
        size_t capacity = n ? 2 * n : 32;
        struct tw_cell *grown = realloc(row->cells, capacity * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        row->cells = grown;
        row->cells_capacity = capacity;
    }
    int result = put_name(row, name, &place);
    if (result)
        return result;
    row->cells[n] = (struct tw_cell){NULL, value, meaning};
    row->row.n_cells++;
    return 0;
}

static void name_cells(struct tw_json_row *row)
{
    char *at = row->names;
    row->row.cells = row->cells;
    for (size_t i = 0; i < row->row.n_cells; i++) {
        row->cells[i].name = row->is_test ? at : at + PREFIX_SIZE;
        at += strlen(at) + 1;
    }
}

int tw_json_row_give(struct tw_json_row *row)
{
    name_cells(row);
    return row->row.n_cells ? row->sink->row(row->sink->closure, &row->row) : 0;
}

void tw_json_row_release(struct tw_json_row *row)
{
    free(row->cells);
    free(row->names);
    *row = (struct tw_json_row){0};
}

/* ---- leaves ---- */

static bool is_one_of(const char *text, size_t size, const char *const *words)
{
    for (; *words; words++) {
        if (strlen(*words) == size && !strncasecmp(text, *words, size))
            return true;
    }
    return false;
}

static bool is_of_parameters(const char *path)
{
    static const char *const groups[] = {
        "config", "cfg", "args", "hparams", "params", "hyperparameters", "hyper_params", NULL};
    const char *slash = strchr(path, '/');
    return slash && is_one_of(path, (size_t)(slash - path), groups);
}

static bool begins(const char *text, const char *word)
{
    return !strncasecmp(text, word, strlen(word));
}

static void take_part(struct tw_json_row *row, const char *path, const char *text)
{
    static const char *const names[] = {"mode", "split",   "phase",     "stage", "subset", "type",
                                        "set",  "dataset", "partition", "tag",   NULL};
    if (!is_one_of(path, strlen(path), names))
        return;
    if (begins(text, "train"))
        row->row.part = TW_PART_TRAIN;
    else if (begins(text, "val") || begins(text, "eval") || begins(text, "dev"))
        row->row.part = TW_PART_EVAL;
    else if (begins(text, "test"))
        row->is_test = true;
}

static int take_number(struct tw_json_row *row, const char *path, double value)
{
    char text[32];
    if (!is_of_parameters(path))
        return tw_json_row_add(row, path, value, TW_MEANS_BY_NAME);
    snprintf(text, sizeof text, "%.17g", value);
    return row->sink->parameter(row->sink->closure, NULL, path, text);
}

/* "5/500" under the name of steps or epochs: how many of how many. */
static bool is_count_of(const char *path, const char *text, double *ret)
{
    struct tw_name_meaning meaning;
    size_t n = strspn(text, "0123456789");
    size_t of = text[n] == '/' ? strspn(text + n + 1, "0123456789") : 0;
    if (!n || n > 15 || !of || text[n + 1 + of])
        return false;
    tw_log_name_meaning(path, TW_PART_BY_NAME, NULL, &meaning);
    *ret = strtod(text, NULL);
    return meaning.meaning == TW_MEANS_STEP || meaning.meaning == TW_MEANS_EPOCH;
}

static int take_text(struct tw_json_row *row, const char *path, const char *text, size_t size)
{
    double value;
    int64_t time_ms;
    if (is_of_parameters(path))
        return row->sink->parameter(row->sink->closure, NULL, path, text);
    if (tw_log_number(text, size, &value) == 1 || is_count_of(path, text, &value))
        return tw_json_row_add(row, path, value, TW_MEANS_BY_NAME);
    if (row->row.time_ms < 0 && tw_log_date_time(text, size, &time_ms))
        row->row.time_ms = time_ms;
    take_part(row, path, text);
    return 0;
}

static int take_leaf(void *closure, const char *path, const json_t *leaf)
{
    struct tw_json_row *row = closure;
    if (json_is_number(leaf) || json_is_boolean(leaf))
        return take_number(row, path,
                           json_is_number(leaf) ? json_number_value(leaf) : json_is_true(leaf));
    if (json_is_string(leaf))
        return take_text(row, path, json_string_value(leaf), json_string_length(leaf));
    return 0;
}

/* ---- tokens ---- */

#ifdef HAVE_SIMDJSON
struct walk {
    struct tw_json_row *row;
    const struct tw_token *at, *end;
    char path[PATH_MAX_BYTES];
    size_t lengths[TW_NESTING_MAX + 1]; /* of the path at each depth */
    unsigned depth;
    bool is_too_long; /* the present path */
};

static void enter_key(struct walk *walk, const struct tw_token *key)
{
    size_t length = walk->lengths[walk->depth];
    walk->is_too_long = length + 1 + key->length + 1 > sizeof walk->path;
    if (walk->is_too_long)
        return;
    if (length)
        walk->path[length++] = '/';
    memcpy(walk->path + length, key->text, key->length);
    walk->path[length + key->length] = '\0';
}

static const struct tw_token *behind(const struct tw_token *at)
{
    unsigned depth = 0;
    do {
        depth += at->type == TW_TOKEN_MAP || at->type == TW_TOKEN_LIST;
        depth -= at->type == TW_TOKEN_MAP_END || at->type == TW_TOKEN_LIST_END;
        at++;
    } while (depth);
    return at;
}

static int take_value(struct walk *walk)
{
    const struct tw_token *value = walk->at;
    bool is_map = value->type == TW_TOKEN_MAP;
    if (is_map && !walk->is_too_long && walk->depth < TW_NESTING_MAX) {
        walk->lengths[++walk->depth] = strlen(walk->path);
        walk->at++;
        return 0;
    }
    walk->at = behind(value);
    if (walk->is_too_long)
        return 0;
    if (value->type == TW_TOKEN_INTEGER || value->type == TW_TOKEN_NUMBER)
        return take_number(walk->row, walk->path, value->number);
    if (value->type == TW_TOKEN_BOOLEAN)
        return take_number(walk->row, walk->path, value->boolean);
    if (value->type == TW_TOKEN_TEXT && !memchr(value->text, '\0', value->length))
        return take_text(walk->row, walk->path, value->text, value->length);
    return 0;
}

/* Texts of tokens end in a NUL, which simdjson puts behind each. */
static int take_tokens(struct tw_json_row *row, const struct tw_token *tokens, size_t n)
{
    struct walk walk = {.row = row, .at = tokens + 1, .end = tokens + n - 1};
    int result = 0;
    while (walk.at < walk.end && !result) {
        if (walk.at->type == TW_TOKEN_MAP_END) {
            walk.depth--;
            walk.at++;
            continue;
        }
        enter_key(&walk, walk.at++);
        result = take_value(&walk);
    }
    return result;
}
#endif

/* ---- objects ---- */

static bool is_object(const char *text, size_t size)
{
    while (size && strchr(" \t\r\n", *text) && *text)
        text++, size--;
    return size && *text == '{';
}

int tw_json_row_read(struct tw_json_row *ret, const char *text, size_t size,
                     const struct tw_log_sink *sink)
{
    int result;
    tw_json_row_start(ret, sink);
    if (!is_object(text, size))
        return -EBADMSG;
#ifdef HAVE_SIMDJSON
    const struct tw_token *tokens;
    size_t n = tw_json_simd_tokens(text, size, &tokens);
    result = n ? take_tokens(ret, tokens, n) : tw_json_leaves(text, size, "", take_leaf, ret);
#else
    result = tw_json_leaves(text, size, "", take_leaf, ret);
#endif
    name_cells(ret);
    return result;
}

int tw_json_row_take(struct tw_json_row *ret, const json_t *object, const struct tw_log_sink *sink)
{
    tw_json_row_start(ret, sink);
    int result = tw_json_leaves_of(object, "", take_leaf, ret);
    name_cells(ret);
    return result;
}
