/* Stands between the records of several ranks of one run and what judges them: the records of one
 * step become one (ranks_combine.h), in order of step, once all ranks have told of it. A function
 * of the records alone, with bounded memory; flat but for owned blocks, so that a run can be saved
 * in the middle. One thread.
 *
 * A step is judged when all ranks that take part have told of it or of a later one, and at the
 * latest when one of them is TW_RANKS_WINDOW steps ahead. What comes later is counted, not used.
 * Who takes part: `world_size` ranks until it is clear that not all of them report (one rank is
 * that far ahead, or TW_RANKS_JOIN_MS have passed by the records' time, or they tell no time), then
 * those that do. A rank that ended, or that was found silent, is not waited for. */
#ifndef TW_RANKS_H
#define TW_RANKS_H

#include "detectors/stalled_run/ranks.h"
#include "telemetry/record.h"

#define TW_RANKS_WINDOW 64
#define TW_RANKS_JOIN_MS 5000
/* Of a larger world so many ranks, spread evenly, are combined in full; of the others only what is
 * not finite. */
#define TW_RANKS_SAMPLED 32
/* Ranks whose progress is followed; further ones are looked at for what is not finite. */
#define TW_RANKS_MAX 1024
/* Bytes of records that wait: with more, the oldest step is judged as it is. */
#define TW_RANKS_BYTES_MAX (192u << 10)
/* A header of another rank is kept up to this size, for when rank 0's never comes. */
#define TW_RANKS_HEADER_MAX (32u << 10)

struct tw_ranks;

/* NULL when out of memory. */
struct tw_ranks *tw_ranks_new(void);
void tw_ranks_free(struct tw_ranks *ranks); /* NULL is allowed */

/* Rank 0 has been judged alone so far: its newest step and the time of that. */
void tw_ranks_start_at(struct tw_ranks *ranks, uint64_t step, int64_t time_ms);

enum tw_ranks_use {
    TW_RANKS_WAITS,  /* kept: ask tw_ranks_next() */
    TW_RANKS_DIRECT, /* the only rank there is: judge this very record */
    TW_RANKS_COUNTED /* late or a repeat: not used */
};

/* Takes a record of any rank. `time_ms` is its time, or what stands for it. Returns enum
 * tw_ranks_use, or -ENOMEM. Repeats of rank 0 are the caller's to tell. */
int tw_ranks_take(struct tw_ranks *ranks, const struct tw_record *record, int64_t time_ms);

/* The next record to judge, of rank 0, into the initialised `*ret` (its `run` is not set): 1; 0
 * when there is none yet; or -ENOMEM. */
int tw_ranks_next(struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                  struct tw_record *ret);

/* Nothing more will come for now: what waits is judged as it is. */
void tw_ranks_flush(struct tw_ranks *ranks);

/* Of the record that tw_ranks_next() gave last: how many ranks told what is not finite, and the
 * first of them. */
uint32_t tw_ranks_nonfinite(const struct tw_ranks *ranks, uint32_t *ret_rank);

/* After a step record was judged: the ranks that are silent, and those that came back. */
void tw_ranks_judge(struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                    struct tw_report *report);
/* After the run has failed: the ranks that had not come back. */
void tw_ranks_failed(const struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                     struct tw_report *report);

/* Records that were not used: late ones and repeats. */
uint64_t tw_ranks_counted(const struct tw_ranks *ranks);
/* Bytes that it takes in memory. */
size_t tw_ranks_bytes(const struct tw_ranks *ranks);

/* Writes the state to `to`, which has room for the size that NULL answers. */
size_t tw_ranks_save(const struct tw_ranks *ranks, unsigned char *to);
/* 0, -ENOMEM, -ESTALE when another version wrote it, or -EBADMSG when this is no such state. */
int tw_ranks_load(struct tw_ranks **ret, const unsigned char *bytes, size_t size);

#endif
