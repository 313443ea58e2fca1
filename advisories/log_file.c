/* The advisory log of one machine: an append-only file of JSON lines. */
#include "advisories/log_file.h"
#include "advisories/log_file_reader.h"
#include "advisories/log_file_writer.h"

#include <stdio.h>

const char *tw_log_file_name(enum tw_log_stream stream, char buffer[32])
{
    snprintf(buffer, 32, "%s.jsonl", tw_log_stream_name(stream));
    return buffer;
}

const struct tw_log_kind tw_log_file_kind = {
    .open = tw_file_writer_open,
    .append = tw_file_writer_append,
    .flush = tw_file_writer_flush,
    .close = tw_file_writer_close,
    .reader_open = tw_file_reader_open,
    .read = tw_file_reader_read,
    .commit = tw_file_reader_commit,
    .lag = tw_file_reader_lag,
    .reader_close = tw_file_reader_close,
};
