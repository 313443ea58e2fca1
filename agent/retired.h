/* Runs whose memory was given back, and what is kept of them: enough to pass over their records
 * when these come again, and to go on with the numbers of their documents when the run itself comes
 * back. It is saved in place of the run's snapshot, which it replaces by a twentieth of its size or
 * less.
 *
 * A run that comes back is judged anew, from its next record on: its history is gone, and what
 * could not be judged says so. */
#ifndef TW_RETIRED_H
#define TW_RETIRED_H

#include "run.h"

/* Native layout, like a snapshot. Read again only by the same layout: another one is dropped, and
 * then a run that comes back is taken for a new one. */
struct tw_retired_run {
    char magic[8];
    uint32_t size, checksum; /* of this struct; CRC-32 of what follows */
    char id[TW_RUN_ID_MAX + 1];
    char attempt[TW_ATTEMPT_MAX + 1];
    struct tw_position position; /* behind its newest record */
    uint8_t has_position;
    enum tw_end_status status;
    uint32_t transition;       /* of its next run document */
    uint32_t first_transition; /* tw_run_core.first_transition when it comes back */
    uint32_t n_attempts;
    struct tw_attempt_progress attempts[TW_RUN_ATTEMPTS];
    int64_t time_ms;       /* of its newest record */
    int64_t first_message; /* tw_run.first_message */
    int64_t retired_ms;    /* by the wall clock: for its own end, and nothing else */
};

/* All of `*ret` is set, so that it can be saved byte for byte. */
void tw_retired_from_run(struct tw_retired_run *ret, const struct tw_run *run, int64_t now_ms);
/* 0 with the run; -ENOMSG: these bytes are a snapshot or something else; -EBADMSG: damaged, or of
 * another layout. Any bytes are safe. */
int tw_retired_load(struct tw_retired_run *ret, const void *data, size_t size);

/* The run as it comes back: ended, without history. NULL: out of memory. */
struct tw_run *tw_retired_revive(const struct tw_retired_run *retired,
                                 const struct tw_settings *settings);

/* The table of them, in the order in which they came. */
struct tw_retired;
struct tw_retired *tw_retired_new(void);
void tw_retired_free(struct tw_retired *table); /* NULL is allowed */
size_t tw_retired_count(const struct tw_retired *table);
/* Takes a copy, replacing one of the same id. 0 or -ENOMEM. */
int tw_retired_put(struct tw_retired *table, const struct tw_retired_run *run);
const struct tw_retired_run *tw_retired_find(const struct tw_retired *table, const char *id);
void tw_retired_drop(struct tw_retired *table, const char *id);

/* One that need not be kept: beyond `most`, or retired more than `seconds` ago (or later than now,
 * by a clock that was set back that far). NULL when all are to stay. */
const struct tw_retired_run *tw_retired_outdated(const struct tw_retired *table, size_t most,
                                                 double seconds, int64_t now_ms);

#endif
