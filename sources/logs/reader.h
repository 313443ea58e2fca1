/* One log through its format: a file as lines, bytes or a document, or a store that the format
 * opens itself; followed, and read again from its start where it was written anew. */
#ifndef TW_LOG_READER_H
#define TW_LOG_READER_H

#include "sources/logs/format_probe.h"

struct tw_log_reader;

enum tw_log_progress {
    TW_LOG_READ_SOME, /* there may be more at once */
    TW_LOG_READ_ALL,  /* nothing more for now; where it is not followed, for good */
    TW_LOG_READ_GONE  /* it has not been there for two seconds */
};

/* `format` NULL: it is probed for once there is something to look at. `map` as above, valid until
 * free. NULL when out of memory. */
struct tw_log_reader *tw_log_reader_new(const char *path, const struct tw_log_format *format,
                                        bool follow, const struct tw_texts *map);
void tw_log_reader_free(struct tw_log_reader *reader); /* NULL is allowed */

/* Reads on, a portion at a time: what comes goes to the sink. Rows that were told before are left
 * out; where other rows stand in their place, TW_LOG_RUN_RESUMES comes first. */
int tw_log_reader_step(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                       struct tw_error *error);
/* A document goes on in another file, with what it told before (transformers writes the whole
 * history into each checkpoint). -ENOMEM, which changes nothing; streams are left as they are. */
int tw_log_reader_move(struct tw_log_reader *reader, const char *path);
/* Nobody writes it any more: what fails now fails at once (patience.h). */
void tw_log_reader_no_more(struct tw_log_reader *reader);
/* It ends here, as far as anybody knows: what was held back. */
int tw_log_reader_finish(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                         struct tw_error *error);

/* In bytes, what was read so far. */
int64_t tw_log_reader_place(const struct tw_log_reader *reader);
/* NULL while it is not known. */
const struct tw_log_format *tw_log_reader_format(const struct tw_log_reader *reader);

#endif
