/* Silence: what the clock alone can tell of runs. A run that sends nothing for too long is told as
 * stalled, later taken for interrupted, and in the end its memory goes; so does that of runs that
 * ended. Where there is no room for more runs, that happens earlier.
 *
 * The clock counts *listening*, not time: it goes on only while the agent has read all that there
 * is and its source answers, and never by more than some seconds at once. So a backlog, a broker
 * that is away, an agent that was stopped or restarted, a machine that slept and clocks that jump
 * make no silence; all they do is that it is told later.
 *
 * A run of which no record came while it was new, because an old log or topic is read, is not told
 * as stalled: it ended some day without a word.
 *
 * What is decided by a clock cannot be decided again by a later agent, so it is done in two steps:
 * what is due is noted in the run and made durable, and then it is done. A crash between the two,
 * or behind them, has it done again by the next life, before any further record: the same
 * documents, since these depend on the newest record and on what was noted alone.
 *
 * Pure arithmetic over the moments that it is given. One for each watch, on the watch's thread. */
#ifndef TW_SILENCE_H
#define TW_SILENCE_H

#include "config.h"
#include "watch.h"

/* Each run is looked at once in so many seconds, and this late it may be told; up to so many runs
 * all of them at each tick. */
#define TW_SILENCE_ROUND_SECONDS 60.0
#define TW_SILENCE_AT_ONCE 200
/* Most that one tick counts: ticks come each second while all is well. */
#define TW_SILENCE_STRIDE_SECONDS 5.0
/* Most runs that one tick has told or retired, the longest silent first where room is short. */
#define TW_SILENCE_DUE_MAX 1000
/* For want of room: a run that was heard within this is left alone. */
#define TW_SILENCE_SPARED_SECONDS 60.0
/* Of more runs than this, a census is taken once a minute at most: it looks at each of them. */
#define TW_SILENCE_CENSUS_RUNS 50000

struct tw_projects;

struct tw_silence {
    double listened; /* seconds */
    double ticked;   /* the newest tick */
    bool has_ticked, was_listening;
    size_t swept;         /* of the present round */
    double swept_bytes;   /* of those */
    double mean_bytes;    /* of a run, in the round before */
    double counted_bytes; /* what this watch has in room->bytes */
    /* What the newest tick found, chained by next_due; all of them are dirty. */
    struct tw_run *due;  /* there is something to be told */
    struct tw_run *gone; /* retired already, without a word: they had ended, or never begun */
    size_t n_due, n_gone;
    /* About which the project has to be asked, chained likewise. */
    struct tw_run *asking;
    double next_census;
    struct tw_projects *projects; /* that the watch has joined; NULL: each run for itself */
};

/* What is due to a run that has been silent for so many seconds, a function of its arguments alone;
 * `*ret_seconds`: the silence that it is told with. */
enum tw_run_due tw_silence_judge(const struct tw_run *run, const struct tw_settings *settings,
                                 const struct tw_limits *limits, double silent,
                                 double *ret_seconds);

/* The next tick is due: a second has passed, or the clock went back. */
bool tw_silence_is_time(const struct tw_silence *silence, double now);

struct tw_silence_moment {
    double now; /* tw_now_seconds(); it stands while the machine sleeps, as trainings on it do */
    int64_t wall_ms;   /* the day's clock, which may be wrong: tells old records from new ones */
    bool is_listening; /* everything there was has been taken since the last tick, and the source is
                        * known to answer */
};

/* The clock goes on: call it about each second. Looks at a part of the runs and notes what is due:
 * where n_due > 0, make the runs durable, then call tw_silence_carry_out(). */
void tw_silence_tick(struct tw_silence *silence, struct tw_watch *watch,
                     const struct tw_config *config, struct tw_room *room,
                     const struct tw_silence_moment *moment);
/* What comes next is a backlog, until a tick says that it is listening again. */
void tw_silence_fall_behind(struct tw_silence *silence, struct tw_watch *watch, int64_t wall_ms);

/* Does what the last tick found due. */
int tw_silence_carry_out(struct tw_silence *silence, struct tw_watch *watch,
                         struct tw_error *error);

/* The watch goes: its bytes are no longer counted. */
void tw_silence_stop(struct tw_silence *silence, struct tw_room *room);

#endif
