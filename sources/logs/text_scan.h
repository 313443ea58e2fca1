/* The state of one pass over a line, which a remembered layout starts where the pass would end;
 * private to text_scan.c, text_number.c, text_place.c, text_bars.c and text_layout.c. */
#ifndef TW_LOG_TEXT_SCAN_H
#define TW_LOG_TEXT_SCAN_H

#include "sources/logs/text_log.h"

#include <math.h>

#define TW_TEXT_WORDS 5

struct tw_text_place {
    double epoch, at, of;   /* NaN: not told */
    enum tw_text_kind kind; /* of `at`: STEP or BATCH */
    bool is_first;          /* the line begins with it */
    bool is_prefix;         /* "0: ": a step, unless one is named (else srun's rank) */
    bool is_samples;        /* at and of count samples */
    bool is_bar;            /* they are those of a progress bar */
};

struct tw_text_scan {
    struct tw_text_log *log;
    const char *line, *at, *end, *begin; /* `begin`: behind a date */
    const char *words[TW_TEXT_WORDS];    /* where each begins: of the name that is open */
    unsigned n_words;
    const char *words_end;
    bool is_told;    /* ':' or '=' stands behind the name */
    bool in_bracket; /* the number stands directly behind '[' */
    bool behind_bar; /* ... behind '|' */
    bool epoch_is_named;
    bool is_epoch_mean;       /* what is told of the training is of a whole epoch */
    bool was_epoch;           /* the last number was an epoch */
    double loose, loose_of;   /* "200/ 2983": what it counts may stand behind it */
    bool loose_is_sure;       /* it is a place, whatever stands behind it */
    struct tw_text_name head; /* of the words that the last ':' stood behind */
    const char *head_begin;
    const char *kept; /* "loss at step 200: 0.9": the name before the place */
    size_t kept_size;
    struct tw_text_place place;
    enum tw_row_part part; /* what the line is about here */
    enum tw_row_part parts[TW_TEXT_CELLS];
    bool has_signal;
    bool is_eval_progress;         /* "Test: [10/196]" */
    enum tw_text_kind number_kind; /* what tw_text_number_kind() told */
    struct tw_text_layout *layout; /* that is made of the line; NULL: none is */
};

enum tw_text_number { TW_TEXT_NO_NUMBER, TW_TEXT_PASSED_OVER, TW_TEXT_NUMBER };

/* Reads what stands at scan->at and moves behind it. NUMBER: the value and what it is of ("12/50",
 * else NaN); PASSED_OVER: a time, a version or the like. */
enum tw_text_number tw_text_scan_number(struct tw_text_scan *scan, double *ret, double *ret_of);
/* Of the words before the number that is read, by a layout or by the pass. */
enum tw_text_kind tw_text_number_kind(struct tw_text_scan *scan);
/* A running mean in brackets behind the value; moves behind it. */
bool tw_text_scan_mean(struct tw_text_scan *scan, double *ret);
/* The line has been read: moves the log's place and gives its row. As a rule returns. */
int tw_text_scan_finish(struct tw_text_scan *scan, const struct tw_log_sink *sink);

/* ---- text_place.c ---- */

/* The line, which has no reading, tells where those that follow are. */
bool tw_text_is_about_place(const struct tw_text_scan *scan);
/* What a line is about by words that are no names; `line` is behind a date. */
enum tw_row_part tw_text_part_of_line(struct tw_text_log *log, const char *line, const char *end);
/* A line of ESPnet's: takes its place, and moves to its readings. */
bool tw_text_take_espnet(struct tw_text_scan *scan);
/* The run is there now. */
void tw_text_go_to(struct tw_text_log *log, const struct tw_text_place *place);
/* "end of epoch 1": behind its last step, where it is known how many it has. */
double tw_text_epoch_end(const struct tw_text_log *log);
static inline bool tw_text_is_place(enum tw_text_kind kind)
{
    return kind == TW_TEXT_EPOCH || kind == TW_TEXT_STEP || kind == TW_TEXT_BATCH;
}

/* ---- text_bars.c ---- */

enum tw_text_bar { TW_TEXT_BAR_OF_TRAINING, TW_TEXT_BAR_OF_EVALUATION, TW_TEXT_BAR_OF_EPOCHS };
/* What a bar that names neither training nor evaluation is about, by its total. */
enum tw_text_bar tw_text_see_bar(struct tw_text_log *log, const struct tw_text_place *place);
/* The training's bar, with log->row read of it, is there now. False: epochs are told, by which
 * steps are counted as in any line. */
bool tw_text_go_to_bar(struct tw_text_log *log, const struct tw_text_place *place);

/* ---- text ---- */

/* `value` where it is a count, else NaN. */
static inline double tw_text_whole(double value)
{
    return value >= 0 && value <= 1e15 && value == (double)(int64_t)value ? value : (double)NAN;
}

static inline bool tw_text_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline void tw_text_forget_words(struct tw_text_scan *scan)
{
    scan->n_words = 0;
    scan->is_told = false;
}

static inline const char *tw_text_skip_spaces(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at;
}

/* What words are made of: 1 begins one, 2 goes on with one. */
unsigned char tw_text_word_byte(char byte);

#endif
