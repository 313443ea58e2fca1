/* The watch: records in, advisories out. It holds the run table, feeds each run's detectors, keeps
 * the episodes and asks the rules for amounts. No I/O and no clock: the same records give the same
 * documents, byte for byte, wherever they come from. One thread. */
#ifndef TW_WATCH_H
#define TW_WATCH_H

#include "run.h"

#include "rules/rules.h"

struct tw_watch;

struct tw_watch_options {
    const struct tw_settings *settings; /* valid until close */
    struct tw_rules *rules;             /* likewise */
    /* Told each advisory document: its event.id, its run and one line of JSON. A failure stops the
     * record's processing and is returned by tw_watch_record(). May be NULL. */
    int (*document)(void *closure, const char *id, const char *run, const char *document,
                    struct tw_error *error);
    /* Told each change of an episode before it becomes a document. May be NULL. */
    void (*episode)(void *closure, const struct tw_episode_advisory *advisory);
    void *closure;
};

struct tw_watch_counts {
    uint64_t runs, records, repeats, rule_failures;
    char rule_failure[200]; /* the newest */
};

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

struct tw_run *tw_watch_find(const struct tw_watch *watch, const char *run);
/* The run of the newest tw_watch_record(), also when the record was passed over. */
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

void tw_watch_counts(const struct tw_watch *watch, struct tw_watch_counts *ret);

/* The advisory of a run's episode as it stands now, for printing. Borrows from the run. */
struct tw_episode_advisory tw_watch_advisory(const struct tw_run *run,
                                             const struct tw_episode *episode);

#endif
