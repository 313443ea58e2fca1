/* Copies of rows, parameters and events, each in one block with its texts. */
#include "sources/logs/rows_queue.h"

#include "sources/logs/names.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { QUEUED_ROW, QUEUED_PARAMETER, QUEUED_EVENT, QUEUED_BROKEN };

struct tw_queued_row {
    struct tw_queued_row *next;
    enum kind kind;
    struct tw_row row; /* its `run` is that of all kinds */
    const char *name, *value;
    enum tw_log_event event;
    double step, place;     /* place: of a row, by its cells where it tells no step itself */
    struct tw_cell cells[]; /* and the texts behind them */
};

static struct tw_queued_row *put(struct tw_rows_queue *queue, enum kind kind, size_t n_cells,
                                 size_t text_size, char **ret_texts)
{
    struct tw_queued_row *item =
        calloc(1, sizeof *item + n_cells * sizeof(struct tw_cell) + text_size);
    if (!item)
        return NULL;
    item->kind = kind;
    item->row.step = item->row.epoch = item->step = item->place = NAN;
    item->row.time_ms = -1;
    *ret_texts = (char *)(item->cells + n_cells);
    if (queue->last)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    return item;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *copy(char **texts, const char *text)
{
    size_t size = size_of(text);
    if (!text)
        return NULL;
    char *to = memcpy(*texts, text, size);
    *texts += size;
    return to;
}

/* Of two files of one run, the rows of one must not all come before those of the other. */
static double place_of(const struct tw_row *row)
{
    double epoch = row->epoch;
    struct tw_name_meaning meaning;
    if (!isnan(row->step))
        return row->step;
    for (size_t i = 0; i < row->n_cells && row->time_ms < 0; i++) {
        tw_log_name_meaning(row->cells[i].name, row->part, NULL, &meaning);
        if (meaning.meaning == TW_MEANS_STEP)
            return row->cells[i].value;
        if (meaning.meaning == TW_MEANS_EPOCH)
            epoch = row->cells[i].value;
    }
    return epoch;
}

static int put_row(void *closure, const struct tw_row *row)
{
    struct tw_rows_queue *queue = closure;
    size_t size = size_of(row->run);
    char *texts;
    for (size_t i = 0; i < row->n_cells; i++)
        size += size_of(row->cells[i].name);
    struct tw_queued_row *item = put(queue, QUEUED_ROW, row->n_cells, size, &texts);
    if (!item)
        return -ENOMEM;
    item->row = *row;
    item->place = place_of(row);
    item->row.cells = item->cells;
    item->row.run = copy(&texts, row->run);
    if (row->part == TW_PART_BY_NAME)
        item->row.part = queue->part;
    for (size_t i = 0; i < row->n_cells; i++) {
        item->cells[i] = row->cells[i];
        item->cells[i].name = copy(&texts, row->cells[i].name);
    }
    return 0;
}

static int put_parameter(void *closure, const char *run, const char *name, const char *value)
{
    char *texts;
    struct tw_queued_row *item =
        put(closure, QUEUED_PARAMETER, 0, size_of(run) + size_of(name) + size_of(value), &texts);
    if (!item)
        return -ENOMEM;
    item->row.run = copy(&texts, run);
    item->name = copy(&texts, name);
    item->value = copy(&texts, value);
    return 0;
}

static int put_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    char *texts;
    struct tw_queued_row *item = put(closure, QUEUED_EVENT, 0, size_of(run), &texts);
    if (!item)
        return -ENOMEM;
    item->row.run = copy(&texts, run);
    item->event = event;
    item->step = step;
    return 0;
}

static int put_broken(void *closure, const char *reason)
{
    char *texts;
    struct tw_queued_row *item = put(closure, QUEUED_BROKEN, 0, size_of(reason), &texts);
    if (!item)
        return -ENOMEM;
    item->value = copy(&texts, reason);
    return 0;
}

struct tw_log_sink tw_rows_queue_sink(struct tw_rows_queue *queue)
{
    return (struct tw_log_sink){queue, put_row, put_parameter, put_event, put_broken};
}

bool tw_rows_queue_is_empty(const struct tw_rows_queue *queue)
{
    return !queue->first;
}

void tw_rows_queue_place(const struct tw_rows_queue *queue, int64_t *ret_time_ms, double *ret_step)
{
    *ret_time_ms = queue->first->row.time_ms;
    *ret_step = queue->first->place;
}

static struct tw_queued_row *take_first(struct tw_rows_queue *queue)
{
    struct tw_queued_row *item = queue->first;
    queue->first = item->next;
    if (!queue->first)
        queue->last = NULL;
    return item;
}

int tw_rows_queue_give(struct tw_rows_queue *queue, const struct tw_log_sink *sink)
{
    struct tw_queued_row *item = take_first(queue);
    int result = 0;
    switch (item->kind) {
    case QUEUED_ROW:
        result = sink->row(sink->closure, &item->row);
        break;
    case QUEUED_PARAMETER:
        result = sink->parameter(sink->closure, item->row.run, item->name, item->value);
        break;
    case QUEUED_EVENT:
        result = sink->event(sink->closure, item->row.run, item->event, item->step);
        break;
    case QUEUED_BROKEN:
        result = sink->broken(sink->closure, item->value);
        break;
    }
    free(item);
    return result;
}

void tw_rows_queue_clear(struct tw_rows_queue *queue)
{
    while (queue->first)
        free(take_first(queue));
}
