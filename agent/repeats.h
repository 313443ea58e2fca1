/* Which records have come before: by the position that a source gives them, and by the sequence
 * numbers that each attempt counts. */
#ifndef TW_REPEATS_H
#define TW_REPEATS_H

#include "run.h"

/* At or before what was dealt with, of the same partition. */
bool tw_position_is_behind(const struct tw_position *position, const struct tw_position *done);

/* Notes the record. True when it, or what its header says, has come before. */
bool tw_run_is_repeat(struct tw_run *run, const struct tw_record *record);

/* Of an attempt's name, for telling those of one run apart. */
uint64_t tw_attempt_hash(const char *attempt);

/* A process that names no attempt and counts from its start again is told from a repeat by its
 * time: a repeat is never newer than what came before it, which was at `newest_ms`. */
bool tw_counts_anew(const struct tw_record *record, int64_t newest_ms);

#endif
