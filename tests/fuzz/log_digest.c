#include "tests/fuzz/log_digest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_bytes(struct log_digest *digest, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        digest->hash = (digest->hash ^ at[i]) * 1099511628211u; /* FNV-1a */
}

/* With its end, so that "ab", "c" is not "a", "bc". */
static void add_text(struct log_digest *digest, const char *text)
{
    add_bytes(digest, text ? text : "\1", text ? strlen(text) + 1 : 2);
}

static void add_number(struct log_digest *digest, double value)
{
    value = isnan(value) ? NAN : value; /* of whatever sign */
    add_bytes(digest, &value, sizeof value);
}

static void begin(struct log_digest *digest, char kind, const char *run)
{
    digest->n++;
    add_bytes(digest, &kind, 1);
    add_text(digest, run);
}

static int take_row(void *closure, const struct tw_row *row)
{
    struct log_digest *digest = closure;
    begin(digest, 'r', row->run);
    add_bytes(digest, &row->part, sizeof row->part);
    add_bytes(digest, &row->time_ms, sizeof row->time_ms);
    add_number(digest, row->step);
    add_number(digest, row->epoch);
    for (size_t i = 0; i < row->n_cells; i++) {
        add_text(digest, row->cells[i].name);
        add_number(digest, row->cells[i].value);
        add_bytes(digest, &row->cells[i].meaning, sizeof row->cells[i].meaning);
    }
    return digest->next ? digest->next->row(digest->next->closure, row) : 0;
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    struct log_digest *digest = closure;
    begin(digest, 'p', run);
    add_text(digest, name);
    add_text(digest, value);
    return digest->next ? digest->next->parameter(digest->next->closure, run, name, value) : 0;
}

static int take_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    struct log_digest *digest = closure;
    begin(digest, 'e', run);
    add_bytes(digest, &event, sizeof event);
    add_number(digest, step);
    return digest->next ? digest->next->event(digest->next->closure, run, event, step) : 0;
}

static int take_broken(void *closure, const char *reason)
{
    struct log_digest *digest = closure;
    begin(digest, 'b', NULL);
    add_text(digest, reason);
    return digest->next ? digest->next->broken(digest->next->closure, reason) : 0;
}

struct tw_log_sink log_digest_sink(struct log_digest *digest)
{
    return (struct tw_log_sink){digest, take_row, take_parameter, take_event, take_broken};
}

bool log_digest_is_same(const struct log_digest *a, const struct log_digest *b)
{
    if (a->n == b->n && a->hash == b->hash)
        return true;
    fprintf(stderr, "read in two ways, it told %zu and %zu things, or other ones\n", a->n, b->n);
    return false;
}
