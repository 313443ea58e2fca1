/* The progress of a training on a terminal: one line, rewritten in place at most ten times a
 * second; on anything else one plain line an epoch. It knows of the run only what the records tell.
 */
#ifndef TW_PROGRESS_H
#define TW_PROGRESS_H

#include "telemetry/record.h"

enum tw_progress_mood { TW_PROGRESS_GOOD, TW_PROGRESS_UNSURE, TW_PROGRESS_BAD };

struct tw_progress_options {
    int fd;         /* where it is written */
    bool in_place;  /* a line rewritten in place; else plain lines */
    bool is_silent; /* neither; only tw_progress_print() writes */
    bool has_color, has_unicode;
};

/* `fd` with what the environment says: in place on a terminal that is not TERM=dumb, colour unless
 * NO_COLOR is set (https://no-color.org), and Unicode in a UTF-8 locale (after
 * setlocale(LC_CTYPE, "")). */
struct tw_progress_options tw_progress_options_for(int fd);

struct tw_progress;

/* NULL when out of memory. */
struct tw_progress *tw_progress_new(const struct tw_progress_options *options);
void tw_progress_record(struct tw_progress *progress, const struct tw_record *record);
/* What the advisor says, for the line's end. */
void tw_progress_set_advisor(struct tw_progress *progress, enum tw_progress_mood mood,
                             const char *text);
/* Writes text and a newline above the line. */
void tw_progress_print(struct tw_progress *progress, const char *text);
/* Takes the line away, until the next record. */
void tw_progress_clear(struct tw_progress *progress);
/* Clears. NULL is allowed. */
void tw_progress_free(struct tw_progress *progress);

/* Composes the line for `columns` columns, without colour and final spaces, into `ret` (for tests).
 * Returns its columns. */
size_t tw_progress_line(const struct tw_progress *progress, size_t columns, char *ret, size_t size);

#endif
