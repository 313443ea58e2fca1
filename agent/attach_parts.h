/* What the files of agent/attach*.c share; private to them. */
#ifndef TW_ATTACH_PARTS_H
#define TW_ATTACH_PARTS_H

#include "agent/attach.h"

const char *tw_attach_shown_name(const struct tw_followed *log);

/* attach_twins.c: leaves the log, or another, where both tell the same. Compares only where the log
 * has told losses since. */
void tw_attach_leave_twin(struct tw_followed *log);
/* Says why, `how` and the other's name, and ends it without a summary. */
void tw_attach_leave(struct tw_followed *log, const char *how, const struct tw_followed *other);

/* attach_known.c: takes note of what lies at the log's path. */
void tw_attach_remember(struct tw_followed *log);
void tw_attach_forget(struct tw_followed *log);
bool tw_attach_is_missing(const struct tw_followed *log);
/* Leaves the log that this one is under another name, which lies at its path no more. */
void tw_attach_leave_renamed(const struct tw_followed *log);

#endif
