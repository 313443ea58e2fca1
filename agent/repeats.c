/* Positions, and sequence numbers by attempt. */
#include "agent/repeats.h"

#include <string.h>

bool tw_position_is_behind(const struct tw_position *position, const struct tw_position *done)
{
    if (position->partition != done->partition)
        return false;
    if (position->offset != done->offset)
        return position->offset < done->offset;
    return position->index <= done->index;
}

static const char *attempt_of(const struct tw_run_core *core, const struct tw_record *record)
{
    return record->has & TW_HAS_ATTEMPT ? record->attempt : core->attempt;
}

/* Eight bytes at a time; FNV's prime, and what is high comes down. */
uint64_t tw_attempt_hash(const char *attempt)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t length = strlen(attempt), at = 0; at < length; at += 8) {
        uint64_t word = 0;
        memcpy(&word, attempt + at, length - at < 8 ? length - at : 8);
        hash = (hash ^ word) * 1099511628211u;
        hash ^= hash >> 29;
    }
    return hash;
}

static struct tw_attempt_progress *find_attempt(struct tw_run_core *core, uint64_t attempt)
{
    for (uint32_t i = 0; i < core->n_attempts; i++) {
        if (core->attempts[i].attempt == attempt)
            return &core->attempts[i];
    }
    return NULL;
}

static struct tw_attempt_progress *add_attempt(struct tw_run_core *core, uint64_t attempt)
{
    struct tw_attempt_progress *newest = core->attempts;
    if (core->n_attempts < TW_RUN_ATTEMPTS)
        core->n_attempts++;
    memmove(newest + 1, newest, (core->n_attempts - 1) * sizeof *newest);
    *newest = (struct tw_attempt_progress){.attempt = attempt};
    return newest;
}

bool tw_counts_anew(const struct tw_record *record, int64_t newest_ms)
{
    return !(record->has & TW_HAS_ATTEMPT) && (record->has & TW_HAS_TIME) &&
           record->time_ms > newest_ms;
}

/* True when a record with this sequence number has come before: each attempt counts on its own, and
 * the last words of one may come again after its successor has begun. */
static bool has_come(struct tw_run_core *core, const struct tw_record *record, uint64_t attempt)
{
    const struct tw_attempt_progress *progress = find_attempt(core, attempt);
    return (record->has & TW_HAS_SEQ) && progress && record->seq <= progress->last_seq &&
           !tw_counts_anew(record, core->time_ms);
}

static void note_seq(struct tw_run_core *core, const struct tw_record *record, uint64_t attempt)
{
    if (!(record->has & TW_HAS_SEQ))
        return;
    struct tw_attempt_progress *progress = find_attempt(core, attempt);
    if (!progress)
        progress = add_attempt(core, attempt);
    else if (record->seq > progress->last_seq)
        core->missing += record->seq - progress->last_seq - 1;
    progress->last_seq = record->seq;
}

/* A header is sent again with its old number or a new one: what it says decides, unless it is an
 * earlier attempt's. */
static bool is_repeated_header(struct tw_run *run, const struct tw_record *record, uint64_t attempt)
{
    struct tw_run_core *core = &run->core;
    if (!has_come(core, record, attempt))
        note_seq(core, record, attempt);
    else if (strcmp(core->attempt, attempt_of(core, record)))
        return true;
    return !tw_run_take_header(run, record);
}

bool tw_run_is_repeat(struct tw_run *run, const struct tw_record *record)
{
    struct tw_run_core *core = &run->core;
    if (!(record->has & TW_HAS_SEQ) && record->kind != TW_KIND_HEADER)
        return false;
    uint64_t attempt = tw_attempt_hash(attempt_of(core, record));
    if (record->kind == TW_KIND_HEADER)
        return is_repeated_header(run, record, attempt);
    if (has_come(core, record, attempt))
        return true;
    note_seq(core, record, attempt);
    return false;
}
