/* Advisories on a terminal: `train`, `analyze` and `attach` print with the same renderer as the
 * sink. */
#ifndef TW_TERMINAL_H
#define TW_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tw_kibana_config;

struct tw_terminal_style {
    bool is_coloured;
    unsigned width;                        /* columns; 0: 80 */
    const struct tw_kibana_config *kibana; /* where the run's view is; NULL: nowhere */
    bool has_links; /* the terminal knows hyperlinks; else the view has a line, once an episode */
};

/* One advisory document as a block of lines, each ending in newline, wrapped. Control characters of
 * the document never reach the terminal. New string for free(), NULL when it is not a document or
 * memory is out. */
char *tw_terminal_render(const char *document, const struct tw_terminal_style *style);

/* Prints text that comes from outside (a run's name, a path) with '?' for each control character:
 * an escape sequence in it must not reach the terminal. */
void tw_terminal_print_clean(FILE *stream, const char *text, size_t size);

/* Whether text on this stream should be coloured: a terminal, and NO_COLOR not set
 * (https://no-color.org). */
bool tw_terminal_has_colour(int fd);
/* Whether it is a terminal that is known to take hyperlinks (OSC 8). What stands between, such as
 * tmux, is not known to pass them on. */
bool tw_terminal_has_links(int fd);
/* Columns of the terminal on this stream, 80 where there is none. */
unsigned tw_terminal_width(int fd);

#endif
