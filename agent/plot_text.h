/* A small plot of a series in a terminal. Braille characters have 2 by 4 dots each; where the
 * locale is not UTF-8, one character is one dot. No packaged C library draws these: libcaca, the
 * nearest, has lines of whole characters only and brings a terminal driver along. */
#ifndef TW_PLOT_TEXT_H
#define TW_PLOT_TEXT_H

#include "run_summary.h"

#include <stdio.h>

struct tw_plot_options {
    unsigned width; /* columns of the terminal; at least 40 are used */
    bool is_utf8;
};

/* The loss, and the gradient norm where there is one, with a line below that points at the first
 * steps of findings. Nothing for a run without either. */
void tw_plot_run(FILE *out, const struct tw_run *run, const struct tw_run_charts *charts,
                 const struct tw_plot_options *options);

/* The signals that are plotted, for tw_charts.drawn: bit i for signal i. */
uint32_t tw_plot_signals(void);

/* Whether the user's locale is UTF-8 (LC_ALL, LC_CTYPE, LANG). */
bool tw_plot_locale_is_utf8(void);

#endif
