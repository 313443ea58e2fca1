/* The watch: records in, advisories out. It holds the run table, feeds each run's detectors, keeps
 * the episodes and asks the rules for amounts. No I/O and no clock: the same records give the same
 * documents, byte for byte, wherever they come from. A watch is one thread's at a time; several may
 * be at work at once (tw_watch_options.lock). */
#ifndef TW_WATCH_H
#define TW_WATCH_H

#include "dismissed.h"
#include "retired.h"
#include "run.h"
#include "tally.h"

#include "rules/rules.h"

#include <pthread.h>

struct tw_watch;

/* How many runs there are and may be, over all watches of an agent. */
struct tw_room {
    uint64_t runs, runs_max;
    double bytes, bytes_max; /* as far as it is known, agent/silence.h */
};

struct tw_watch_options {
    const struct tw_settings *settings; /* valid until close */
    struct tw_rules *rules;             /* likewise */
    /* Told each advisory document: its event.id, its run and one line of JSON. A failure stops the
     * record's processing and is returned by tw_watch_record(). May be NULL. */
    int (*document)(void *closure, const char *id, const char *run, const char *document,
                    struct tw_error *error);
    /* Told each document of the charts likewise. NULL: none is made, and drawing costs nothing. */
    int (*chart)(void *closure, const char *id, const char *run, const char *document,
                 struct tw_error *error);
    /* Told each change of an episode before it becomes a document. May be NULL. */
    void (*episode)(void *closure, const struct tw_episode_advisory *advisory);
    /* Told each record that is judged, of several ranks the one that is made of them, after the
     * run's context has observed it. Not under `lock`. May be NULL. */
    void (*observed)(void *closure, const struct tw_run *run, const struct tw_record *record);
    void *closure;
    struct tw_tally *tally; /* kept up to date; may be shared by several watches, may be NULL */
    struct tw_room *room;   /* shared with other watches; NULL: without limit */
    /* What is open and in here is not in the tally. May be NULL. */
    const struct tw_dismissed *dismissed;
    /* Held while what watches share is used: the rules, the functions above, tally and room.
     * NULL where all watches that share them are one thread's. */
    pthread_mutex_t *lock;
};

struct tw_watch_counts {
    uint64_t runs, records, repeats, documents, charts, rule_failures;
    uint64_t passed_over;   /* records that stand before what their run has dealt with */
    uint64_t refused;       /* records of runs for which there was no room */
    char rule_failure[200]; /* the newest */
};

/* An empty table. 0 or -ENOMEM. */
int tw_watch_open(struct tw_watch **ret, const struct tw_watch_options *options,
                  struct tw_error *error);
void tw_watch_close(struct tw_watch *watch); /* NULL is allowed */

/* Judges one record. A record that stands at or before the position that its run has dealt with
 * already, or repeats a sequence number, is passed over. `position` may be NULL. */
int tw_watch_record(struct tw_watch *watch, const struct tw_record *record,
                    const struct tw_position *position, struct tw_error *error);

/* The log of a run is over though no end record came: finishes it as `interrupted`. */
int tw_watch_end(struct tw_watch *watch, struct tw_run *run, struct tw_error *error);

/* For records without a time: the log's own time; each such record then counts as this plus its
 * step in milliseconds. */
void tw_watch_set_time_base(struct tw_watch *watch, int64_t time_ms);

/* The run of this id in the table, or NULL: unknown, or retired. */
struct tw_run *tw_watch_find(const struct tw_watch *watch, const char *run);
/* The run of the newest tw_watch_record(), also when the record was passed over; NULL when there is
 * no room for that run, or it was retired. */
struct tw_run *tw_watch_newest(const struct tw_watch *watch);
size_t tw_watch_size(const struct tw_watch *watch); /* runs in the table */

/* For a reader that has records in hand whose turn is still to come, and thousands of runs: some
 * records before a run's turn, tw_watch_expect() with the id that is likely, and some later
 * tw_watch_prefetch() with what that returned. The record decides, not what was expected. */
uint64_t tw_watch_expect(const struct tw_watch *watch, const void *id, size_t size);
void tw_watch_prefetch(const struct tw_watch *watch, uint64_t expected);

/* Walks the table in order of first sight: start with NULL, ends with NULL. */
struct tw_run *tw_watch_next(const struct tw_watch *watch, const struct tw_run *run);
/* Takes over a restored run, replacing one of the same id. On failure it stays the caller's. */
int tw_watch_adopt(struct tw_watch *watch, struct tw_run *run, struct tw_error *error);
/* The log was cut back or replaced: its positions say nothing of what comes now. */
void tw_watch_rewind(struct tw_watch *watch);
/* Drops a run from the table. */
void tw_watch_forget(struct tw_watch *watch, struct tw_run *run);

/* ---- silence: decided outside, by a clock; see agent/silence.h ---- */

/* The present moment, for tw_run.heard and core.is_live. All 0 to begin with. */
struct tw_watch_moment {
    double listened;   /* seconds, of any origin */
    bool is_caught_up; /* a record that comes now has just been sent */
    int64_t wall_ms;   /* since the epoch; 0: not known */
};
void tw_watch_set_moment(struct tw_watch *watch, const struct tw_watch_moment *moment);
double tw_watch_listened(const struct tw_watch *watch);
/* The next run of an endless round over the table; runs may come and go meanwhile. NULL: there is
 * none. */
struct tw_run *tw_watch_sweep(struct tw_watch *watch);
/* Gives the memory of a run back and keeps in its place what was saved of it. On failure (-ENOMEM)
 * it stays. */
int tw_watch_retire(struct tw_watch *watch, struct tw_run *run, const struct tw_retired_run *as);
/* The retired runs: those restored are put there. */
struct tw_retired *tw_watch_retired(const struct tw_watch *watch);
/* Does what is due for a run's silence. The documents are functions of its newest record and of
 * core.silent_ms: done again after a crash, they are the same. */
int tw_watch_carry_out(struct tw_watch *watch, struct tw_run *run, struct tw_error *error);

/* Somebody called this episode of a run a false alarm: it leaves the tally, for good. What the
 * run's records say goes on as before, since the same records give the same documents. False: it is
 * not in the table. */
bool tw_watch_dismiss(struct tw_watch *watch, const char *run, const char *episode);

/* Documents told since it was opened, those of charts too. */
uint64_t tw_watch_documents(const struct tw_watch *watch);
/* All counts since it was opened. */
void tw_watch_counts(const struct tw_watch *watch, struct tw_watch_counts *ret);

/* The advisory of a run's episode as it stands now, for printing. Borrows from the run. */
struct tw_episode_advisory tw_watch_advisory(const struct tw_run *run,
                                             const struct tw_episode *episode);

#endif
