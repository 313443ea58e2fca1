/* Feedback on its way into an advisory log that is a file, which one process alone writes: the
 * command leaves it in STATE_DIR/feedback, the agent appends it and removes it. */
#ifndef TW_FEEDBACK_FILES_H
#define TW_FEEDBACK_FILES_H

#include "advisories/log.h"

#include <stdint.h>

struct tw_feedback_counts {
    uint64_t false_alarms, useful;
};

/* Leaves a document for the agent, durable when it returns. */
int tw_feedback_leave(const char *state_dir, const char *id, const char *document,
                      struct tw_error *error);
/* Appends what was left to the log, makes it durable, and only then removes it: what a crash leaves
 * comes again under the same id. What is no feedback is removed and told (`tell`). */
int tw_feedback_take(const char *state_dir, struct tw_log *log, double flush_seconds,
                     struct tw_feedback_counts *counts,
                     void (*tell)(const char *path, const char *reason), struct tw_error *error);

#endif
