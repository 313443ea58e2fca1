/* Tells what comes again from what is new, where a file is read from its start once more: it was
 * written anew with what it held before (and then more), or with something else. Hashes of the
 * first rows and of the newest ones are kept; what lies between is taken to be as it was. */
#ifndef TW_LOG_REPEATS_H
#define TW_LOG_REPEATS_H

#include "sources/logs/format.h"

#define TW_REPEATS_FIRST 64
#define TW_REPEATS_NEWEST 1024

struct tw_log_repeats {
    uint64_t told; /* rows so far */
    uint64_t at;   /* of these, so many came again */
    bool comes_again;
    unsigned events;            /* behind the newest row: bits of enum tw_log_event */
    uint64_t broken, broken_at; /* likewise; of these, so many came again */
    uint64_t kept_from; /* of rows before this one `newest` holds others, which were told later */
    uint64_t first[TW_REPEATS_FIRST], newest[TW_REPEATS_NEWEST];
};

enum tw_log_row_news { TW_ROW_NEW, TW_ROW_REPEATED, TW_ROW_CHANGED };

/* The file is read from its start again. */
void tw_log_repeats_restart(struct tw_log_repeats *repeats);
/* CHANGED: it is new, and stands where another one was; so do all that follow. */
enum tw_log_row_news tw_log_repeats_see(struct tw_log_repeats *repeats, const struct tw_row *row);
/* Whether it was told before. */
bool tw_log_repeats_see_event(struct tw_log_repeats *repeats, enum tw_log_event event);
bool tw_log_repeats_see_broken(struct tw_log_repeats *repeats);

#endif
