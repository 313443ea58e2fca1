/* `trainward attach --exec COMMAND`. */
#ifndef TW_ATTACH_EXEC_H
#define TW_ATTACH_EXEC_H

#include "agent/attach.h"

/* Runs the command (`argv` ends in NULL) and watches what it writes out and the logs that it makes,
 * to its end. Returns the exit status: the command's where that is not 0, else 1 where a problem
 * stands, else 0. What goes wrong with watching is told, and stops no command that has begun. */
int tw_attach_exec(struct tw_attach *attach, char *const *argv);

#endif
