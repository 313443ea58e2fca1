/* A command that we run as a shell would: in our process group, with our input and environment.
 * Signals that are sent to us go on to it; those of the terminal's keys reach it by themselves.
 * One command a process. */
#ifndef TW_JOB_COMMAND_H
#define TW_JOB_COMMAND_H

#include "agent/job_output.h"

#include <sys/types.h>

/* Exit statuses of shells. */
#define TW_EXIT_NOT_RUN 126
#define TW_EXIT_NOT_FOUND 127

/* Starts `argv` (ends in NULL). Until it has ended, INT, TERM, HUP and QUIT do not end us. Errors:
 * it could not be run, -ENOENT where it was not found. */
int tw_job_command_start(pid_t *ret, char *const *argv, struct tw_job_output *output,
                         struct tw_error *error);

/* True once it has ended; `*ret_status` is then its exit status, or 128 + the number of the signal
 * that ended it. Passes changes of our terminal's size on meanwhile. Call it often. */
bool tw_job_command_has_ended(pid_t pid, struct tw_job_output *output, int *ret_status);

#endif
