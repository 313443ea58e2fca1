/* Logs that were rotated, packed and deleted, as logrotate does with "compress". */
#ifndef TW_LOG_PACKED_AWAY_H
#define TW_LOG_PACKED_AWAY_H

#include <stdbool.h>
#include <sys/stat.h>

/* Whether a packed copy of a deleted file, which had this name and status, lies where it was:
 * "train.log.1.gz", "train.log-20260131.zst". */
bool tw_log_is_packed_away(const char *path, const struct stat *status);

#endif
