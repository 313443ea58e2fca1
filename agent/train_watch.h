/* How trainward-train watches itself: records in, a state for the progress line and advisories for
 * people out. */
#ifndef TW_TRAIN_WATCH_H
#define TW_TRAIN_WATCH_H

#include "telemetry/record.h"

struct tw_train_watch;

/* The worst that is open now. */
enum tw_train_watch_level {
    TW_TRAIN_WATCH_OK,
    TW_TRAIN_WATCH_SUSPECT,
    TW_TRAIN_WATCH_WARNING,
    TW_TRAIN_WATCH_CRITICAL
};

struct tw_train_watch_options {
    const char *run_dir; /* takes advisories.jsonl; NULL: no file */
    /* Told each advisory, as lines of text for people without a final newline. */
    void (*advisory)(void *closure, enum tw_train_watch_level level, const char *text);
    void *closure;
};

/* How many advisory documents the run directory did not take, and why the first: then `error` is
 * set. */
uint64_t tw_train_watch_lost(const struct tw_train_watch *watch, struct tw_error *error);

int tw_train_watch_open(struct tw_train_watch **ret, const struct tw_train_watch_options *options,
                        struct tw_error *error);
/* Judges a record, after its run and attempt are filled in. */
int tw_train_watch_record(struct tw_train_watch *watch, const struct tw_record *record,
                          struct tw_error *error);
/* Writes a few words: "ok", "watching: loss rising", "CRITICAL divergence". */
enum tw_train_watch_level tw_train_watch_status(const struct tw_train_watch *watch, char *buffer,
                                                size_t size);
/* The command that follows, of the worst open finding's root cause, the first suggestion that this
 * program has an option for: `argv` with that option changed, ready for a shell; new string for
 * free(). NULL when there is none. A --run-dir is followed by another directory beside it. */
char *tw_train_watch_command(const struct tw_train_watch *watch, int argc, const char *const *argv);
void tw_train_watch_close(struct tw_train_watch *watch); /* NULL is allowed */

#endif
