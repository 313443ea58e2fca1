/* The files of one stream of the file log, oldest first: "charts.00000001.jsonl" and so on, which
 * are complete, and the one that is written to, "charts.jsonl". A reader's cursor names its file by
 * device and inode, which a renaming keeps. */
#ifndef TW_LOG_SEGMENTS_H
#define TW_LOG_SEGMENTS_H

#include "advisories/log.h"

#include <sys/stat.h>

struct tw_log_segment {
    char *path;
    unsigned number; /* 0: the one that is written to */
    struct stat status;
};

struct tw_log_segments {
    size_t n, n_complete; /* the complete ones come first */
    struct tw_log_segment *at;
};

/* Where a reader is: behind `offset` bytes of that file. Zeroed: nowhere yet. */
struct tw_log_cursor {
    uint64_t device, inode;
    int64_t offset;
};

int tw_log_segments_list(struct tw_log_segments *ret, const char *dir, enum tw_log_stream stream,
                         struct tw_error *error);
void tw_log_segments_release(struct tw_log_segments *segments);
/* The file that a cursor names, by its index; `n` when it is not there, or shorter than the
 * cursor: then it was replaced. */
size_t tw_log_segments_find(const struct tw_log_segments *segments,
                            const struct tw_log_cursor *cursor);

/* The path of the complete file of that number, for free(); NULL when out of memory. */
char *tw_log_segment_path(const char *dir, enum tw_log_stream stream, unsigned number);
/* Removes the complete files that all these readers have done with; the newest stays, since its ids
 * are remembered. Without readers nothing goes: whoever reads it then, it is not known. */
int tw_log_segments_trim(const char *dir, enum tw_log_stream stream, const struct tw_texts *readers,
                         struct tw_error *error);

/* Writes what is saved of a cursor, a line; returns its length, as snprintf() does. */
int tw_log_cursor_line(const struct tw_log_cursor *cursor, char *ret, size_t size);
/* Reads a saved cursor; a file that is not there leaves `*ret` zeroed. */
int tw_log_cursor_load(struct tw_log_cursor *ret, const char *path, struct tw_error *error);

#endif
