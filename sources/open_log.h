/* Opening files that others write. */
#ifndef TW_OPEN_LOG_H
#define TW_OPEN_LOG_H

/* For reading, never waiting (a pipe's other end), and without a trace in the file's time of access
 * where that is allowed. A descriptor, or -1 with errno. */
int tw_open_log(const char *path);

#endif
