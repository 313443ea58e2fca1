/* Lines of key=value pairs, as logfmt writes them: `step=10 loss=0.52 lr=1e-3`. Pairs whose value
 * is no number are passed over, and so are lines without a number. A count in brackets before the
 * first pair is the step, as JAX's clu writes it: `... logging_writer.py:48] [50] loss=0.52`. */
#include "sources/logs/format.h"

#include "sources/logs/number.h"
#include "sources/logs/row_names.h"

#include <math.h>
#include <string.h>

#define CELLS_MAX 64
#define NAME_SIZE 64
/* Less than the format of all text, which may find them beside the pairs ("Epoch[0] Batch [20]").
 */
#define SURE_WITHOUT_STEPS 54

struct pairs {
    double step; /* NaN: not told */
    size_t n;
    char names[CELLS_MAX][NAME_SIZE];
    struct tw_cell cells[CELLS_MAX];
};

static void take_pair(struct pairs *pairs, const char *word, size_t size)
{
    const char *equals = memchr(word, '=', size);
    size_t name_size = equals ? (size_t)(equals - word) : 0;
    if (!name_size || name_size >= NAME_SIZE || pairs->n == CELLS_MAX)
        return;
    struct tw_cell *cell = &pairs->cells[pairs->n];
    if (tw_log_number(equals + 1, size - name_size - 1, &cell->value) != 1)
        return;
    memcpy(pairs->names[pairs->n], word, name_size);
    pairs->names[pairs->n][name_size] = '\0';
    cell->name = pairs->names[pairs->n];
    cell->meaning = TW_MEANS_BY_NAME;
    pairs->n++;
}

static void take_step(struct pairs *pairs, const char *word, size_t size)
{
    double step;
    bool is_bracket = !pairs->n && size > 2 && size < 18 && *word == '[' && word[size - 1] == ']' &&
                      strspn(word + 1, "0123456789") == size - 2;
    if (is_bracket && tw_log_number(word + 1, size - 2, &step) == 1)
        pairs->step = step;
}

static void take_pairs(struct pairs *pairs, const char *line, size_t size)
{
    pairs->n = 0;
    pairs->step = NAN;
    while (size) {
        size_t length = 0;
        while (length < size && line[length] != ' ' && line[length] != '\t' && line[length] != ',')
            length++;
        take_step(pairs, line, length);
        take_pair(pairs, line, length);
        length += length < size;
        line += length;
        size -= length;
    }
}

static int read_line(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                     struct tw_error *error)
{
    struct pairs pairs;
    (void)state, (void)error;
    take_pairs(&pairs, line, size);
    if (!pairs.n)
        return 0;
    struct tw_row row = {.step = pairs.step, .epoch = NAN, .time_ms = -1, .cells = pairs.cells};
    row.n_cells = pairs.n;
    return sink->row(sink->closure, &row);
}

/* Nearly all lines have two pairs at least, and some name a training's numbers: logs of servers and
 * much below /proc are lines of pairs, too. */
static int probe(const struct tw_log_sample *sample)
{
    struct tw_row_names names = {.map = sample->map};
    const char *at = sample->bytes, *end = sample->bytes + sample->size;
    size_t lines = 0, good = 0;
    while (at < end && lines < 32) {
        struct pairs pairs;
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline && !sample->is_whole)
            break;
        size_t size = (size_t)((newline ? newline : end) - at);
        take_pairs(&pairs, at, size);
        for (size_t i = 0; i < pairs.n; i++)
            tw_row_names_add(&names, pairs.names[i], TW_PART_BY_NAME);
        names.has_axis |= !isnan(pairs.step);
        lines += size > 0;
        good += pairs.n >= 2;
        at += size + 1;
    }
    if (good < 2 || good * 10 < lines * 8)
        return 0;
    if (tw_row_names_sure(&names) == TW_SURE_LEAST)
        return TW_SURE_LEAST;
    return names.has_axis ? TW_SURE_MOST : SURE_WITHOUT_STEPS;
}

const struct tw_log_format tw_log_format_key_values = {
    .name = "key_values",
    .description = "lines of key=value pairs (logfmt)",
    .kind = TW_LOG_LINES,
    .probe = probe,
    .line = read_line,
};
