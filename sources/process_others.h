/* Processes outside a job that have to do with its files, as far as we may look into them. Our own
 * process is never one of them. */
#ifndef TW_PROCESS_OTHERS_H
#define TW_PROCESS_OTHERS_H

#include "sources/process.h"

/* Appends those that read from a pipe. */
void tw_process_pipe_readers(struct tw_processes *ret, const char *proc,
                             const struct tw_processes *family, uint64_t inode);

/* Appends those above the family that have the other side of a terminal ("/dev/pts/3"): script,
 * unbuffer, screen. Of two containers both may have a terminal of that number, so that no others
 * are asked. */
void tw_process_terminal_readers(struct tw_processes *ret, const char *proc,
                                 const struct tw_processes *family, const char *terminal);

/* True where one has a file open for writing that is `path` or lies below it. */
bool tw_process_is_written_by_others(const char *proc, const struct tw_processes *family,
                                     const char *path);

#endif
