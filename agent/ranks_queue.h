/* Records of several ranks that wait to be judged together, in one block of bytes that can be saved
 * as it is. Those of one place become one record. */
#ifndef TW_RANKS_QUEUE_H
#define TW_RANKS_QUEUE_H

#include "telemetry/record.h"

/* Where a record stands among those of a run. What a rank tells of a step before it tells the step
 * itself comes before it, for all ranks alike. */
enum tw_rank_phase { TW_RANK_BEFORE, TW_RANK_STEP, TW_RANK_AFTER, TW_RANK_HEADER };

struct tw_rank_place {
    uint64_t step;
    uint32_t generation; /* counts how often the run went back to an earlier step */
    uint32_t which;      /* tells records of one kind and step apart */
    uint8_t phase, kind, reserved[6];
};

/* Negative, 0 or positive: by generation, step, phase, kind, which. */
int tw_rank_place_compare(const struct tw_rank_place *a, const struct tw_rank_place *b);

/* All zero is an empty queue. */
struct tw_ranks_queue {
    unsigned char *bytes; /* owned; items one behind the other */
    size_t n_bytes, capacity;
    struct tw_rank_place first; /* the least, while n_bytes > 0 */
};

/* Frees what waits; the queue is empty and can be used again. */
void tw_ranks_queue_release(struct tw_ranks_queue *queue);

/* Keeps a copy of the record; its attempt only `with_attempt`. 0 or -ENOMEM. */
int tw_ranks_queue_add(struct tw_ranks_queue *queue, const struct tw_rank_place *place,
                       const struct tw_record *record, int64_t time_ms, bool with_attempt);

/* How many records wait at a place; those of `rank` alone unless it is TW_RANK_ANY. With
 * `any_which`, at that place but for `which`. */
#define TW_RANK_ANY UINT32_MAX
size_t tw_ranks_queue_count(const struct tw_ranks_queue *queue, const struct tw_rank_place *place,
                            uint32_t rank, bool any_which);

/* What was combined. */
struct tw_ranks_taken {
    int64_t time_ms;         /* the latest */
    uint32_t n_nonfinite;    /* ranks that told something that is not finite */
    uint32_t nonfinite_rank; /* the first of them */
};

/* Takes the records of the first place out, combined into the initialised `*record`. 0 or -ENOMEM,
 * and then nothing is taken. */
int tw_ranks_queue_take(struct tw_ranks_queue *queue, struct tw_record *record,
                        struct tw_ranks_taken *ret);

/* Throws the records of the first place away; returns how many. */
size_t tw_ranks_queue_drop(struct tw_ranks_queue *queue);

/* Takes over saved bytes (a copy is made). 0, -ENOMEM, or -EBADMSG when they are no queue. */
int tw_ranks_queue_load(struct tw_ranks_queue *queue, const void *bytes, size_t size);

#endif
