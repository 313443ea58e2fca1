/* The assembler: runs, and the queue of what is ready. */
#include "sources/logs/assemble_state.h"

#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- runs ---- */

/* Ids end in what tells runs apart, so a long one loses its beginning; a hash of all of it stands
 * in for that. */
static void make_id(const char *base, const char *key, char id[TW_RUN_ID_MAX + 1])
{
    char whole[4500];
    int length = snprintf(whole, sizeof whole, "%s%s%s", base, *key ? "/" : "", key);
    size_t size = length < (int)sizeof whole ? (size_t)length : sizeof whole - 1;
    tw_text_make_utf8(whole, size);
    if (size <= TW_RUN_ID_MAX) {
        memcpy(id, whole, size + 1);
        return;
    }
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)whole[i]) * 1099511628211u;
    const char *end = whole + size - (TW_RUN_ID_MAX - 17);
    while (((unsigned char)*end & 0xc0) == 0x80)
        end++;
    snprintf(id, TW_RUN_ID_MAX + 1, "%016llx-%s", (unsigned long long)hash, end);
}

static struct tw_assembled_run *add_run(struct tw_assemble *assemble, const char *key)
{
    struct tw_assembled_run *run = calloc(1, sizeof *run);
    if (!run || !(run->key = strdup(key))) {
        free(run);
        return NULL;
    }
    make_id(assemble->run, key, run->id);
    run->attempt = 1;
    run->newest = run->given = run->newest_told = -INFINITY;
    run->last_loss_step = run->last_eval_step = -INFINITY;
    run->epoch = run->loss_epoch = run->last_loss = NAN;
    run->guess = UINT32_MAX;
    run->header_is_due = true;
    HASH_ADD_KEYPTR(hh, assemble->runs, run->key, strlen(run->key), run);
    return run;
}

/* NULL when out of memory, or where there are too many. */
static struct tw_assembled_run *find_run(struct tw_assemble *assemble, const char *key)
{
    struct tw_assembled_run *run = assemble->newest;
    key = key ? key : "";
    if (run && *run->key == *key && (!*key || !strcmp(run->key, key)))
        return run;
    HASH_FIND_STR(assemble->runs, key, run);
    if (!run && HASH_COUNT(assemble->runs) < RUNS_MAX)
        run = add_run(assemble, key);
    if (run)
        assemble->newest = run;
    return run;
}

static void free_run(struct tw_assemble *assemble, struct tw_assembled_run *run)
{
    struct tw_seen_name *name, *next_name;
    HASH_ITER(hh, run->by_key, name, next_name)
    {
        HASH_DEL(run->by_key, name);
        free(name->raw);
        free(name);
    }
    for (struct tw_held_row *row = run->first, *next; row; row = next) {
        next = row->next;
        tw_held_row_free(assemble, row);
    }
    for (uint32_t i = 0; i < run->n_window; i++)
        tw_held_row_free(assemble, run->window[i]);
    for (uint32_t i = 0; i < run->n_branch; i++)
        tw_held_row_free(assemble, run->branch[i]);
    tw_told_clear(assemble, run);
    free(run->header.hyperparameters);
    free(run->names);
    free(run->key);
    free(run);
}

struct tw_assemble *tw_assemble_new(const struct tw_assemble_options *options)
{
    struct tw_assemble *assemble = calloc(1, sizeof *assemble);
    if (!assemble)
        return NULL;
    make_id(options->run, "", assemble->run);
    snprintf(assemble->framework, sizeof assemble->framework, "%s",
             options->framework ? options->framework : "");
    assemble->map = options->map;
    assemble->made_end = &assemble->made;
    tw_record_init(&assemble->record);
    return assemble;
}

/* ---- what is ready ---- */

static struct tw_made_item *make(struct tw_assemble *assemble, struct tw_assembled_run *run,
                                 enum tw_made kind)
{
    struct tw_made_item *item = assemble->spare_items;
    if (item)
        assemble->spare_items = item->next;
    else if (!(item = malloc(sizeof *item)))
        return NULL;
    *item = (struct tw_made_item){.run = run, .kind = kind, .attempt = run->attempt, .step = NAN};
    *assemble->made_end = item;
    assemble->made_end = &item->next;
    return item;
}

int tw_assemble_make_row(struct tw_assemble *assemble, struct tw_assembled_run *run,
                         struct tw_held_row *row, unsigned parts, double told_as)
{
    struct tw_made_item *item = make(assemble, run, TW_MADE_ROW);
    if (!item) {
        tw_held_row_free(assemble, row);
        return -ENOMEM;
    }
    if (parts & TW_GIVES_EVAL && tw_assemble_may_be_eval(run, row))
        run->last_eval_step = row->step;
    else
        parts &= ~TW_GIVES_EVAL;
    item->row = row;
    item->parts = parts;
    item->step = told_as;
    return 0;
}

int tw_assemble_make_event(struct tw_assemble *assemble, struct tw_assembled_run *run,
                           const char *event, double step)
{
    struct tw_made_item *item = make(assemble, run, TW_MADE_EVENT);
    if (!item)
        return -ENOMEM;
    item->event = event;
    item->step = step;
    return 0;
}

static void pop(struct tw_assemble *assemble)
{
    struct tw_made_item *item = assemble->made;
    assemble->made = item->next;
    if (!assemble->made)
        assemble->made_end = &assemble->made;
    assemble->has_given_step = false;
    tw_held_row_free(assemble, item->row);
    item->next = assemble->spare_items;
    assemble->spare_items = item;
}

static void free_spare_items(struct tw_assemble *assemble)
{
    for (struct tw_made_item *item = assemble->spare_items, *next; item; item = next) {
        next = item->next;
        free(item);
    }
}

void tw_assemble_free(struct tw_assemble *assemble)
{
    struct tw_assembled_run *run, *next;
    if (!assemble)
        return;
    while (assemble->made)
        pop(assemble);
    HASH_ITER(hh, assemble->runs, run, next)
    {
        HASH_DEL(assemble->runs, run);
        free_run(assemble, run);
    }
    free_spare_items(assemble);
    tw_held_rows_free_spare(assemble);
    tw_record_clear(&assemble->record);
    free(assemble);
}

/* ---- in ---- */

static struct tw_held_row *hold(struct tw_assemble *assemble, struct tw_assembled_run *run,
                                const struct tw_row *row)
{
    uint32_t n = (uint32_t)(row->n_cells < NAMES_MAX ? row->n_cells : NAMES_MAX);
    struct tw_held_row *held = tw_held_row_new(assemble, n);
    if (!held)
        return NULL;
    held->step = row->step;
    held->epoch = row->epoch;
    held->time_ms = row->time_ms;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t name = tw_seen_name_find(assemble, run, &row->cells[i], row->part);
        if (name != UINT32_MAX)
            held->cells[held->n++] =
                (struct tw_held_cell){.name = name, .value = row->cells[i].value};
    }
    return held;
}

int tw_assemble_row(struct tw_assemble *assemble, const struct tw_row *row)
{
    struct tw_assembled_run *run = find_run(assemble, row->run);
    if (!run)
        return HASH_COUNT(assemble->runs) < RUNS_MAX ? -ENOMEM : 0;
    struct tw_held_row *held = hold(assemble, run, row);
    assemble->rows++;
    run->has_ended = false;
    return held ? tw_assemble_put(assemble, run, held) : -ENOMEM;
}

int tw_assemble_parameter(struct tw_assemble *assemble, const char *run_key, const char *name,
                          const char *value)
{
    struct tw_assembled_run *run = find_run(assemble, run_key);
    if (!run)
        return HASH_COUNT(assemble->runs) < RUNS_MAX ? -ENOMEM : 0;
    return tw_assemble_take_parameter(run, name, value);
}

static int end_run(struct tw_assemble *assemble, struct tw_assembled_run *run,
                   enum tw_end_status status)
{
    int result = tw_assemble_flush_run(assemble, run, TW_FLUSH_FINAL);
    struct tw_made_item *item = result ? NULL : make(assemble, run, TW_MADE_END);
    if (!item)
        return result ? result : -ENOMEM;
    item->status = status;
    run->has_ended = true;
    return 0;
}

int tw_assemble_event(struct tw_assemble *assemble, const char *run_key, enum tw_log_event event,
                      double step)
{
    struct tw_assembled_run *run = find_run(assemble, run_key);
    int result;
    if (!run)
        return HASH_COUNT(assemble->runs) < RUNS_MAX ? -ENOMEM : 0;
    switch (event) {
    case TW_LOG_RUN_STARTS:
    case TW_LOG_RUN_RESUMES:
        run->has_ended = false;
        result = tw_assemble_flush_run(assemble, run, TW_FLUSH_FINAL);
        return result ? result : tw_assemble_resume(assemble, run, step);
    case TW_LOG_CHECKPOINT:
        result = tw_assemble_flush_run(assemble, run, TW_FLUSH_EVENT);
        return result ? result : tw_assemble_make_event(assemble, run, "checkpoint", step);
    case TW_LOG_COMPLETED:
        return end_run(assemble, run, TW_END_COMPLETED);
    case TW_LOG_FAILED:
        return end_run(assemble, run, TW_END_FAILED);
    case TW_LOG_INTERRUPTED:
        return end_run(assemble, run, TW_END_INTERRUPTED);
    }
    return 0;
}

int tw_assemble_flush(struct tw_assemble *assemble, bool is_final)
{
    struct tw_assembled_run *run, *next;
    enum tw_flush flush = is_final ? TW_FLUSH_FINAL : TW_FLUSH_QUIET;
    int result = 0;
    HASH_ITER(hh, assemble->runs, run, next)
    {
        if (!result)
            result = tw_assemble_flush_run(assemble, run, flush);
    }
    return result;
}

/* ---- out ---- */

static void begin(struct tw_assemble *assemble, const struct tw_made_item *item)
{
    struct tw_record *record = &assemble->record;
    tw_record_clear(record);
    strcpy(record->run, item->run->id);
    if (item->attempt != assemble->written_attempt)
        snprintf(assemble->attempt, sizeof assemble->attempt, "%u", item->attempt);
    assemble->written_attempt = item->attempt;
    strcpy(record->attempt, assemble->attempt);
    record->has = TW_HAS_ATTEMPT | TW_HAS_KIND;
}

static bool give_row(struct tw_assemble *assemble, const struct tw_made_item *item)
{
    bool is_given = false, is_first = !assemble->has_given_step;
    bool gives_eval = item->parts & TW_GIVES_EVAL;
    assemble->has_given_step = true;
    if (is_first && item->parts & TW_GIVES_STEP)
        is_given = tw_assemble_step_record(item->run, item, &assemble->record);
    if (is_given && gives_eval)
        return true; /* the evaluation's comes next */
    if (!is_given && gives_eval) {
        begin(assemble, item);
        is_given = tw_assemble_eval_record(item->run, item, &assemble->record);
    }
    pop(assemble);
    return is_given;
}

static void set_step(struct tw_record *record, double step)
{
    if (!(step >= 0 && step < 0x1p63))
        return;
    record->step = (uint64_t)step;
    record->has |= TW_HAS_STEP;
}

static bool give_other(struct tw_assemble *assemble, const struct tw_made_item *item)
{
    struct tw_record *record = &assemble->record;
    record->kind = item->kind == TW_MADE_END ? TW_KIND_END : TW_KIND_EVENT;
    record->status = item->status;
    if (item->event)
        snprintf(record->event, sizeof record->event, "%s", item->event);
    set_step(record, item->step);
    pop(assemble);
    return true;
}

struct tw_record *tw_assemble_next(struct tw_assemble *assemble)
{
    const struct tw_made_item *item;
    while ((item = assemble->made)) {
        begin(assemble, item);
        if (item->run->header_is_due &&
            !tw_assemble_header_record(assemble, item->run, &assemble->record))
            return &assemble->record;
        if (item->kind == TW_MADE_ROW ? give_row(assemble, item) : give_other(assemble, item))
            return &assemble->record;
    }
    return NULL;
}

/* ---- questions ---- */

bool tw_assemble_has_ended(const struct tw_assemble *assemble)
{
    const struct tw_assembled_run *run = assemble->runs;
    for (; run; run = run->hh.next) {
        if (!run->has_ended)
            return false;
    }
    return assemble->runs != NULL;
}

uint64_t tw_assemble_rows(const struct tw_assemble *assemble)
{
    return assemble->rows;
}

static const struct tw_assembled_run *run_of_id(const struct tw_assemble *assemble, const char *id)
{
    const struct tw_assembled_run *run = assemble->runs;
    while (run && strcmp(run->id, id))
        run = run->hh.next;
    return run;
}

static bool is_source_of(const struct tw_seen_name *name, enum tw_signal signal)
{
    if (signal == TW_SIGNAL_TRAIN_LOSS && name->is_both)
        return true;
    if (signal == TW_SIGNAL_EPOCH)
        return name->role == TW_ROLE_EPOCH;
    bool is_signal =
        name->role == TW_ROLE_SIGNAL || name->role == TW_ROLE_ADD || name->role == TW_ROLE_MOST;
    return is_signal && name->signal == signal;
}

/* A name of two parts of rows is told once. */
static bool was_told(const struct tw_assembled_run *run, uint32_t at, enum tw_signal signal)
{
    for (uint32_t i = 0; i < at; i++) {
        if (is_source_of(run->names[i], signal) &&
            !strcmp(run->names[i]->raw + 2, run->names[at]->raw + 2))
            return true;
    }
    return false;
}

const char *tw_assemble_raw_name(struct tw_assemble *assemble, const char *run_id,
                                 enum tw_signal signal)
{
    const struct tw_assembled_run *run = run_of_id(assemble, run_id);
    size_t used = 0;
    for (uint32_t i = 0; run && i < run->n_names; i++) {
        const struct tw_seen_name *name = run->names[i];
        if (!is_source_of(name, signal) || was_told(run, i, signal) ||
            used + strlen(name->raw) + 8 >= sizeof assemble->text)
            continue;
        const char *joint = !used ? "" : name->role == TW_ROLE_ADD ? " + " : ", ";
        bool is_exponential = tw_seen_name_is_exponential(name);
        used +=
            (size_t)snprintf(assemble->text + used, sizeof assemble->text - used, "%s%s%s%s", joint,
                             is_exponential ? "ln(" : "", name->raw + 2, is_exponential ? ")" : "");
    }
    tw_text_make_utf8(assemble->text, used);
    return used ? assemble->text : NULL;
}

const char *tw_assemble_axis(const struct tw_assemble *assemble, const char *run_id)
{
    static const char *const names[] = {NULL, "step", "epoch", "row"};
    const struct tw_assembled_run *run = run_of_id(assemble, run_id);
    return run ? names[run->axis] : NULL;
}
