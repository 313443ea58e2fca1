/* The writing end of the file log. */
#ifndef TW_LOG_FILE_WRITER_H
#define TW_LOG_FILE_WRITER_H

#include "advisories/log_kind.h"

int tw_file_writer_open(void **ret, const struct tw_log_location *location, struct tw_error *error);
int tw_file_writer_append(void *writer, enum tw_log_stream stream, const char *id, const char *run,
                          const char *document, struct tw_error *error);
int tw_file_writer_flush(void *writer, double timeout_seconds, struct tw_error *error);
void tw_file_writer_close(void *writer);

#endif
