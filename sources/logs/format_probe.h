/* Which format a log has. */
#ifndef TW_LOG_FORMAT_PROBE_H
#define TW_LOG_FORMAT_PROBE_H

#include "sources/logs/format.h"

/* The surest format of a file or directory, and how sure (0: NULL). Reads its beginning, and of a
 * text of which that tells nothing its end. `map`: names that the user knows (names.h); may be
 * NULL. */
const struct tw_log_format *tw_log_format_probe(const char *path, const struct tw_texts *map,
                                                int *ret_sure);

/* How sure one format is of a file by its first lines, where no other is asked. */
int tw_log_format_sure(const struct tw_log_format *format, const char *path);

/* Why nothing is known of a file, where that is not for what it holds (it is empty, or cannot be
 * read): a negative error. 0: it was looked at, and is no log. */
int tw_log_format_fault(const char *path, struct tw_error *error);

#endif
