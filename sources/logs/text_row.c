/* Rows of text logs: filled cell by cell, given or held. */
#include "sources/logs/text_log.h"

#include "sources/logs/date_time.h"
#include "sources/logs/number.h"

#include "telemetry/text.h"

#include <math.h>
#include <string.h>

void tw_text_row_start(struct tw_text_row *row)
{
    row->part = TW_PART_BY_NAME;
    row->step = row->epoch = (double)NAN;
    row->time_ms = -1;
    row->n_cells = row->names_size = 0;
}

void tw_text_row_start_here(struct tw_text_log *log, struct tw_text_row *row)
{
    tw_text_row_start(row);
    row->step = log->step;
    row->epoch = log->epoch;
}

void tw_text_row_add(struct tw_text_row *row, const char *name, size_t size, double value,
                     enum tw_meaning meaning)
{
    if (!size || row->n_cells == TW_TEXT_CELLS || size >= TW_TEXT_NAMES - row->names_size)
        return;
    char *to = row->names + row->names_size;
    memcpy(to, name, size);
    to[size] = '\0';
    if (!tw_text_is_utf8(to, size))
        tw_text_make_utf8(to, size);
    row->cells[row->n_cells].name = row->names_size;
    row->cells[row->n_cells].value = value;
    row->cells[row->n_cells++].meaning = meaning;
    row->names_size += (unsigned)size + 1;
}

static int give(const struct tw_text_row *row, const struct tw_log_sink *sink)
{
    struct tw_cell cells[TW_TEXT_CELLS];
    for (unsigned i = 0; i < row->n_cells; i++) {
        cells[i] = (struct tw_cell){row->names + row->cells[i].name, row->cells[i].value,
                                    row->cells[i].meaning};
    }
    const struct tw_row given = {NULL,         row->part, row->step,   row->epoch,
                                 row->time_ms, cells,     row->n_cells};
    return row->n_cells ? sink->row(sink->closure, &given) : 0;
}

int tw_text_give_held(struct tw_text_log *log, const struct tw_log_sink *sink)
{
    if (!log->is_held)
        return 0;
    log->is_held = log->dict_waits = false;
    return give(&log->held, sink);
}

int tw_text_give(struct tw_text_log *log, const struct tw_log_sink *sink)
{
    int result = tw_text_give_held(log, sink);
    log->end = -1;
    return result ? result : give(&log->row, sink);
}

void tw_text_hold(struct tw_text_log *log)
{
    log->held = log->row;
    log->is_held = true;
    log->end = -1;
}

bool tw_text_take(const char **at, const char *end, double *ret, const char *behind)
{
    while (*at < end && **at == ' ')
        (*at)++;
    size_t length = tw_log_number_at(*at, (size_t)(end - *at), ret);
    *at += length;
    if (!length || !tw_text_begins(*at, (size_t)(end - *at), behind))
        return false;
    *at += strlen(behind);
    return true;
}

/* ---- dates ---- */

/* What stands behind it: a separator, the bracket around it. */
static const char *behind_time(const char *at, const char *end)
{
    while (at < end && memchr("0123456789.,+-:Z]", *at, 17))
        at++;
    return at;
}

int64_t tw_text_time(const char *line, size_t size, const char **ret_behind)
{
    size_t last = size < 60 ? size : 60;
    for (size_t i = 0; i + 19 <= last; i++) {
        const char *at = line + i;
        bool is_date = (at[4] == '-' || at[4] == '/') && at[7] == at[4] &&
                       (at[10] == ' ' || at[10] == 'T') && at[13] == ':' && at[16] == ':';
        if (!is_date)
            continue;
        int64_t time_ms;
        size_t length = tw_log_date_time_at(at, size - i, &time_ms);
        if (length && ret_behind && i <= 1)
            *ret_behind = behind_time(at + length, line + size);
        return length ? time_ms : -1;
    }
    return -1;
}
