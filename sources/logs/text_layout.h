/* Lines of a log that differ in their numbers only. What a pass over a line (text_scan.c) does
 * depends on the text between the numbers, and on little of the numbers themselves. So of a line
 * that gave a row, that text is kept beside what became of each number; a later line with the same
 * text has its numbers converted, and the pass is left out. Where a number might have sent the
 * pass another way, it is gone. */
#ifndef TW_LOG_TEXT_LAYOUT_H
#define TW_LOG_TEXT_LAYOUT_H

#include "sources/logs/text_scan.h"

/* A line with more has no layout. */
#define TW_LAYOUT_BYTES 512
#define TW_LAYOUT_NUMBERS 32
#define TW_LAYOUTS 4 /* of each log: training, validation, ... */

struct tw_text_layout_number {
    uint16_t text_size; /* of what stands before it, behind the number before that */
    uint8_t found;      /* enum tw_text_number */
    uint8_t use;        /* text_layout.c */
    bool has_total;
    uint8_t cell;
    uint8_t kind; /* enum tw_text_kind of the words before it */
};

struct tw_text_layout {
    bool is_whole;   /* it can be used */
    bool is_spoilt;  /* what became of a number depends on its value */
    bool has_date;   /* the line begins with one */
    bool may_date;   /* there may be one elsewhere */
    bool may_end;    /* tw_text_log.may_end */
    bool has_signal; /* the rest is of the pass, at its end */
    enum tw_text_kind place_kind;
    enum tw_row_part part;
    enum tw_row_part parts[TW_TEXT_CELLS];
    unsigned n_numbers;
    struct tw_text_layout_number numbers[TW_LAYOUT_NUMBERS];
    size_t text_size, tail_size; /* of all; of what stands behind the last number */
    char text[TW_LAYOUT_BYTES + 8];
    struct tw_text_row row; /* with the values of the line that it was made of */
    const char *behind;     /* while it is made: of the number before */
};

struct tw_text_layouts {
    struct tw_text_layout all[TW_LAYOUTS];
    unsigned newest; /* the one that fitted last */
    unsigned made;   /* where the next is made */
};

/* Reads a line by a layout: as a rule does; 0: none fits, nothing has been done. */
int tw_text_layout_line(struct tw_text_log *log, const char *line, size_t size,
                        const struct tw_log_sink *sink);

/* A line that no layout fits is scanned, and one is made of it if that can be. */
int tw_text_scan_and_learn(struct tw_text_log *log, const char *line, size_t size,
                           const struct tw_log_sink *sink);

/* ---- for the pass; scan->layout may be NULL ---- */

/* Where one is made; NULL when out of memory. It is used once it is kept. */
struct tw_text_layout *tw_text_layout_new(struct tw_text_log *log);
void tw_text_layout_keep(struct tw_text_log *log);

/* What follows cannot be told from the text alone. */
static inline void tw_text_layout_spoil(struct tw_text_scan *scan)
{
    if (scan->layout)
        scan->layout->is_spoilt = true;
}
/* The pass begins at scan->at; it has come to its end. */
void tw_text_layout_begin(struct tw_text_scan *scan);
void tw_text_layout_end(struct tw_text_scan *scan);
/* A number stands from `from` to `behind`; the place was `before`, and the row had `n_before` cells
 * before it was taken. */
void tw_text_layout_note(struct tw_text_scan *scan, const char *from, const char *behind,
                         enum tw_text_number found, bool has_total,
                         const struct tw_text_place *before, unsigned n_before);

#endif
