/* Bytes to lines of text. "\n", "\r\n" and a lone "\r" (progress bars) end a line; empty ones are
 * left out; what steers a terminal is removed: escape sequences, and backspaces with what they
 * rub out. A byte order mark is passed over, UTF-16 becomes UTF-8. */
#ifndef TW_LOG_LINES_H
#define TW_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is cut there, and counted. */
#define TW_LOG_LINE_MAX (1u << 20)

struct tw_log_lines;

struct tw_log_lines *tw_log_lines_new(void);        /* NULL when out of memory */
void tw_log_lines_free(struct tw_log_lines *lines); /* NULL is allowed */
/* Forgets what it holds: other bytes come, from their start. */
void tw_log_lines_restart(struct tw_log_lines *lines);

/* Where the next bytes go: at least 1 of room once next() has returned false. What has been given
 * is dead. */
void *tw_log_lines_room(struct tw_log_lines *lines, size_t *ret_size);
/* So many bytes were put there. */
void tw_log_lines_add(struct tw_log_lines *lines, size_t n);

/* The next line, without its end and not NUL-terminated; valid until room() is called. False: there
 * is no whole one. */
bool tw_log_lines_next(struct tw_log_lines *lines, const char **ret, size_t *ret_size);
/* What stands behind the last end of line, where no more will come. False: nothing. */
bool tw_log_lines_last(struct tw_log_lines *lines, const char **ret, size_t *ret_size);

/* Removes what steers a terminal from a line, in place; returns its new length. */
size_t tw_log_lines_clean(char *line, size_t size);

/* Bytes that were put there and are in no line that was given. */
size_t tw_log_lines_left(const struct tw_log_lines *lines);
/* How many lines were cut so far. */
uint64_t tw_log_lines_cut(const struct tw_log_lines *lines);

#endif
