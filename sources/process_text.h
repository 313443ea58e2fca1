/* The texts of /proc/PID, for the files process*.c. */
#ifndef TW_PROCESS_TEXT_H
#define TW_PROCESS_TEXT_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The beginning of proc/PID/NAME, ended by a NUL; the number of bytes, or a negative errno. */
long tw_process_text(char *ret, size_t size, const char *proc, long pid, const char *name);

/* Whether a descriptor is open for writing. */
bool tw_process_file_is_written(const char *proc, long pid, int fd);

/* -ESRCH: there is no such process; -EACCES: /proc hides it (mounted with hidepid). */
int tw_process_missing(struct tw_error *error, const char *proc, long pid);

/* -EACCES: this process may not be looked into, and what to do. */
int tw_process_refused(struct tw_error *error, const char *proc, long pid);

/* An error number of /proc's about a process, in words. */
int tw_process_failed(struct tw_error *error, const char *proc, long pid, int number);

/* The number of the terminal (N of "/dev/pts/N") whose other side a file is; -1: of none. */
long tw_process_file_terminal(const char *proc, long pid, int fd);

#endif
