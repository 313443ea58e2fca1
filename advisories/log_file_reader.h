/* The reading end of the file log. */
#ifndef TW_LOG_FILE_READER_H
#define TW_LOG_FILE_READER_H

#include "advisories/log_kind.h"

int tw_file_reader_open(void **ret, const struct tw_log_location *location, const char *name,
                        struct tw_error *error);
long tw_file_reader_read(void *reader, struct tw_log_item *items, size_t max,
                         double timeout_seconds, struct tw_error *error);
int tw_file_reader_commit(void *reader, struct tw_error *error);
int64_t tw_file_reader_lag(void *reader);
void tw_file_reader_close(void *reader);

#endif
