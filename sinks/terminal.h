/* Advisories on a terminal: `train`, `analyze` and `attach` print with the same renderer as the
 * sink. */
#ifndef TW_TERMINAL_H
#define TW_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One advisory document as a block of lines, each ending in newline, wrapped at `width` columns
 * (0: 80). Control characters of the document never reach the terminal. New string for free(), NULL
 * when it is not a document or memory is out. */
char *tw_terminal_render(const char *document, bool is_coloured, unsigned width);

/* Prints text that comes from outside (a run's name, a path) with '?' for each control character:
 * an escape sequence in it must not reach the terminal. */
void tw_terminal_print_clean(FILE *stream, const char *text, size_t size);

/* Whether text on this stream should be coloured: a terminal, and NO_COLOR not set
 * (https://no-color.org). */
bool tw_terminal_has_colour(int fd);
/* Columns of the terminal on this stream, 80 where there is none. */
unsigned tw_terminal_width(int fd);

#endif
