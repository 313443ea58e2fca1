/* What agent/ranks*.c share: the state of a run's ranks. */
#ifndef TW_RANKS_STATE_H
#define TW_RANKS_STATE_H

#include "ranks.h"
#include "ranks_queue.h"

/* A rank goes back alone, without the lead: after so many further steps of the lead that is clear.
 */
#define TW_RANKS_ALONE_STEPS 64

/* One rank. */
struct tw_rank {
    uint32_t number;
    uint32_t generation;                     /* counts how often it went back to an earlier step */
    uint64_t step;                           /* its newest step record's; in `generation` */
    int64_t time_ms;                         /* of its newest record */
    uint64_t attempt, last_seq, old_attempt; /* attempts by their hash */
    uint64_t lead_step;              /* where the lead was when this rank went back before it */
    uint32_t interval, old_interval; /* steps between its newest step records */
    uint8_t has_step, has_seq, has_old_seq;
    uint8_t has_ended, has_completed; /* its process did */
    uint8_t is_over;                  /* the run did; it has not begun anew since */
    uint8_t is_away;                  /* silent: not waited for */
    uint8_t is_told;                  /* and that is said */
    uint8_t has_interval;             /* it has told of two steps */
    uint8_t is_gone;                  /* a later header declares a smaller world */
    uint8_t reserved[6];
};

#define TW_RANKS_INTERVALS 31

/* Raised whenever the layout or the meaning of what is saved changes. */
#define TW_RANKS_VERSION 3

/* The flat part. */
struct tw_ranks_core {
    uint32_t version;
    uint32_t n_ranks, n_header, n_queue;
    uint64_t world_size; /* 0: not declared */
    uint64_t counted;

    struct tw_rank_place judged;          /* the newest that was given out */
    struct tw_rank_place flush_to;        /* up to here nobody is waited for */
    uint64_t extra_step[TW_KIND_END + 1]; /* of the newest layers, eval, event given out */
    uint8_t has_judged, has_flush, flushes_all;
    uint8_t has_extra[TW_KIND_END + 1];
    uint8_t has_header; /* rank 0's, or another's in its place, was given out */

    uint8_t has_first, is_settled; /* settled: it is clear who takes part */
    uint64_t first_step;
    int64_t first_time_ms;
    uint64_t foremost;         /* the largest step in the lead's generation */
    uint64_t generation_first; /* the lead's first step in it */

    uint8_t is_over; /* the end was given out, and the lead has not begun anew */
    uint8_t has_ends, lead_has_ended, failed;
    enum tw_end_status status; /* the lead's */
    uint8_t has_end_ms;
    int64_t end_ms;    /* of the lead's end record, else of the latest */
    int64_t newest_ms; /* of all records */

    int64_t judged_ms; /* of the newest judged step */
    uint64_t judged_step, n_intervals;
    uint8_t has_judged_step;
    double seconds[TW_RANKS_INTERVALS]; /* a step, by the times of those judged */
    struct tw_ranks_taken taken;
};

struct tw_ranks {
    struct tw_ranks_core core;
    struct tw_rank *rank; /* owned; by number, so that the first is the lead */
    struct tw_ranks_queue queue;
    unsigned char *header; /* owned; of the least rank but 0 that sent one */
};

/* ---- ranks_roster.c ---- */

/* The rank of that number, new if need be. NULL: there are too many, or out of memory. */
struct tw_rank *tw_ranks_find_or_add(struct tw_ranks *ranks, uint32_t number);
struct tw_rank *tw_ranks_lead(const struct tw_ranks *ranks); /* NULL: none yet */
/* True when the sequence number of a rank's record has come before; else it is noted. */
bool tw_rank_has_come(struct tw_rank *rank, const struct tw_record *record);
/* Its figures are combined in full. */
bool tw_ranks_is_sampled(const struct tw_ranks *ranks, uint32_t number);
/* Steps between two of its records as they usually are: one gap does not make it longer. */
uint32_t tw_rank_interval(const struct tw_rank *rank);
bool tw_rank_is_waited_for(const struct tw_rank *rank);
/* Its step in the lead's generation. */
uint64_t tw_rank_step(const struct tw_ranks *ranks, const struct tw_rank *rank);

/* ---- ranks.c ---- */

/* A record of that place is judged. */
void tw_ranks_note_judged(struct tw_ranks *ranks, const struct tw_rank_place *place,
                          const struct tw_record *record, const struct tw_ranks_taken *taken);

/* ---- ranks_lag.c ---- */

/* Finds ranks that are silent, so that they are not waited for. */
void tw_ranks_find_away(struct tw_ranks *ranks, const struct tw_rank_lag_config *config);
/* Learns how long steps take from a step that is judged. */
void tw_ranks_note_step(struct tw_ranks *ranks, uint64_t step, int64_t time_ms);

#endif
