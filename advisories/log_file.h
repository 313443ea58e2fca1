/* What the two ends of the file log share. */
#ifndef TW_LOG_FILE_H
#define TW_LOG_FILE_H

#include "advisories/log.h"

#include <sys/types.h>

/* "advisories.jsonl", "charts.jsonl". Returns `buffer`. */
const char *tw_log_file_name(enum tw_log_stream stream, char buffer[32]);
/* "DIR/NAME", or "DIR/NAME/LEAF" with a leaf; NULL when out of memory. */
char *tw_path_join(const char *dir, const char *name, const char *leaf);
/* Makes a directory private to the user, with the ones above it. */
int tw_make_directory(const char *path, struct tw_error *error);
/* Writes all of it, or returns a negative errno. */
int tw_write_all(int fd, const void *bytes, size_t size);
/* Ends a line that a crash or a full disk left without its newline. `fd` is open for reading, too,
 * and appends. 0 or a negative errno. */
int tw_end_torn_line(int fd);
/* Makes a new or renamed name in `dir` durable. */
int tw_sync_directory(const char *dir, struct tw_error *error);

#endif
