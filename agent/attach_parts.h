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

/* attach_changes.c: whether this was not told of the log yet; it is told now. */
bool tw_attach_is_news(struct tw_followed *log, const struct tw_episode_advisory *advisory);
/* The log is the one that was followed before under another name, and will tell the same again. */
void tw_attach_take_over(struct tw_followed *log, struct tw_followed *before);
void tw_attach_release_changes(struct tw_followed *log);

/* attach_known.c: takes note of what lies at the log's path. */
void tw_attach_remember(struct tw_followed *log);
void tw_attach_forget(struct tw_followed *log);
bool tw_attach_is_missing(const struct tw_followed *log);
/* Leaves the log that this one is under another name, which lies at its path no more, and takes
 * over what was told of it. */
void tw_attach_leave_renamed(struct tw_followed *log);

#endif
