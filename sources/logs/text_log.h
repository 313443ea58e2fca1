/* What the text formats share. A log of text often has lines of several programs in it (DeepSpeed's
 * between those of HuggingFace's trainer), so all of them are read in one way: each line goes to
 * the rule that knows it, and what no rule knows is looked over for names and numbers
 * (text_scan.c). A format by name is a rule, and a probe that tells whose log it is. */
#ifndef TW_LOG_TEXT_LOG_H
#define TW_LOG_TEXT_LOG_H

#include "sources/logs/format.h"

#include <string.h>

#define TW_TEXT_CELLS 64
#define TW_TEXT_NAMES 3000 /* bytes of names in a row: what is beyond is left out */
#define TW_TEXT_CACHE 256
#define TW_TEXT_COLUMNS 24
#define TW_TEXT_HEAD 400 /* bytes of a line of names */

/* A row that may be kept: what it holds lies in itself. */
struct tw_text_row {
    enum tw_row_part part;
    double step, epoch;
    int64_t time_ms;
    unsigned n_cells, names_size;
    struct {
        double value;
        enum tw_meaning meaning;
        unsigned name; /* where it begins in `names` */
    } cells[TW_TEXT_CELLS];
    char names[TW_TEXT_NAMES];
};

/* The head of a table on the screen (screen_table.c). */
struct tw_text_table {
    unsigned n; /* columns; 0: there is no head */
    struct {
        uint16_t name, size; /* in `names` */
        enum tw_meaning meaning;
    } columns[TW_TEXT_COLUMNS];
    char names[TW_TEXT_HEAD];
};

/* What a name is to somebody who looks for readings among words. */
enum tw_text_kind {
    TW_TEXT_UNKNOWN,
    TW_TEXT_SIGNAL,
    TW_TEXT_RATE,  /* the learning rate: no reading by itself */
    TW_TEXT_EPOCH, /* where the run is */
    TW_TEXT_STEP,
    TW_TEXT_BATCH,
    TW_TEXT_KIND_UNSEEN /* nobody has looked */
};

struct tw_text_name {
    uint64_t hash; /* of the words; 0: this place is free */
    enum tw_text_kind kind;
    enum tw_row_part part;
    unsigned skip; /* so many bytes at its start are no part of the name */
};

#define TW_TEXT_OTHER_BARS 4

/* Bars with readings in them (text_bars.c): of another total than the training's, */
struct tw_text_other_bar {
    double total, at;
    unsigned times; /* that it has begun since the training's last state */
    bool is_around; /* it counts the training's bars */
};

/* and all. NaN: none as yet. */
struct tw_text_bars {
    double total, at;                      /* of the training's bar */
    double offset;                         /* steps before it; NaN: epochs are told, or no bar */
    double epoch;                          /* that was known then */
    double left_at;                        /* where the bar before ended */
    double first_loss, last_loss, highest; /* of the training; the highest of half a bar */
    bool spans_epochs;                     /* epochs were told while it went on */
    unsigned n_others;
    struct tw_text_other_bar others[TW_TEXT_OTHER_BARS];
};

struct tw_text_log {
    const struct tw_texts *map; /* names that the user knows; may be NULL */
    unsigned last_rule;
    struct tw_text_row row, held;
    bool is_held; /* `held` waits for a newer state of the same progress bar */
    /* Where the run is by the lines so far; NaN: not told. */
    double step, epoch, first_epoch;
    double offset, last_batch,
        batches;                 /* of the epoch: steps before it, the last of it, how many */
    bool has_decimal_commas;     /* "0,4321" */
    bool has_groups;             /* "12,345.6" */
    bool evaluates;              /* lines are about an evaluation until one tells its end */
    double counted_epoch;        /* of the last step or batch that was counted */
    bool counts_anew, counts_on; /* "step" begins anew with each epoch; it does not */
    bool epochs_are_behind;      /* the first was told when its steps had been */
    double skipped;              /* DeepSpeed: so far */
    bool may_end;                /* a word stands in the line that lines about an end have */
    int end;                     /* an enum tw_log_event that stands if no row follows; -1 */
    double bar_total, bar_at;    /* of the trainer's tqdm bar */
    bool bar_is_late, dict_waits;
    struct {
        double first; /* the first round's metric */
        bool is_known, grows;
    } boosting;
    bool skips_round; /* the line that comes tells of a round that was told */
    struct {
        double epoch, at, total;
        bool is_new, is_done;
    } keras;
    struct tw_text_bars bars;
    struct tw_text_table table;
    unsigned group; /* of stable_baselines.c, that stands before names; 0: none */
    struct tw_text_name names[TW_TEXT_CACHE];
    struct tw_text_layouts *layouts; /* of lines before (text_layout.h); NULL: none as yet */
};

/* 1: the line is mine; 0: it is not; or a negative error. */
typedef int tw_text_rule(struct tw_text_log *log, const char *line, size_t size,
                         const struct tw_log_sink *sink);
tw_text_rule tw_megatron_line, tw_deepspeed_line, tw_llmc_line, tw_caffe_line, tw_keras_line,
    tw_dict_line, tw_nanogpt_line, tw_boosting_line, tw_darknet_line, tw_kaldi_line,
    tw_screen_table_line, tw_stable_baselines_line, tw_text_parameters_line, tw_text_scan_line,
    tw_text_end_line;

/* ---- rows ---- */

void tw_text_row_start(struct tw_text_row *row);
/* The row at the place that the log is at. */
void tw_text_row_start_here(struct tw_text_log *log, struct tw_text_row *row);
void tw_text_row_add(struct tw_text_row *row, const char *name, size_t size, double value,
                     enum tw_meaning meaning);
/* Gives log->row, behind one that was held. An empty one is none. */
int tw_text_give(struct tw_text_log *log, const struct tw_log_sink *sink);
/* The same, as the last thing that a rule does: 1 or a negative error. */
static inline int tw_text_give_line(struct tw_text_log *log, const struct tw_log_sink *sink)
{
    int result = tw_text_give(log, sink);
    return result ? result : 1;
}
/* Keeps log->row in place of one that is held. */
void tw_text_hold(struct tw_text_log *log);
int tw_text_give_held(struct tw_text_log *log, const struct tw_log_sink *sink);

/* ---- text ---- */

/* Inline, as the lengths of what is looked for are known then: rules ask it of each line. */
static inline bool tw_text_begins(const char *text, size_t size, const char *with)
{
    size_t length = strlen(with);
    return size >= length && !memcmp(text, with, length);
}
/* The place behind the first `what`, or NULL. */
static inline const char *tw_text_behind(const char *text, size_t size, const char *what)
{
    size_t length = strlen(what);
    const char *found = size < length ? NULL : memmem(text, size, what, length);
    return found ? found + length : NULL;
}
/* The number at *at, which `behind` must follow; moves behind both. */
bool tw_text_take(const char **at, const char *end, double *ret, const char *behind);
/* The first date and time within the line's beginning, taken as UTC; -1: there is none. Where
 * the line begins with it, *ret_behind is set (NULL is allowed). */
int64_t tw_text_time(const char *line, size_t size, const char **ret_behind);
/* How many lines of the sample the rule takes; up to 3. */
int tw_text_count(const struct tw_log_sample *sample, tw_text_rule *rule);
/* A word that one of the lines has by which logs tell of their end. */
bool tw_text_is_end_word(const char *word, size_t size);
void tw_text_name_of(struct tw_text_log *log, const char *words, size_t size, bool is_told,
                     struct tw_text_name *ret);

/* ---- the format's functions ---- */

int tw_text_start(void *state, const char *path, struct tw_error *error);
void tw_text_map(void *state, const struct tw_texts *map);
int tw_text_line(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                 struct tw_error *error);
int tw_text_finish(void *state, const struct tw_log_sink *sink, struct tw_error *error);
void tw_text_done(void *state);

#define TW_TEXT_FORMAT(format_name, about, its_probe)                                              \
    {                                                                                              \
        .name = format_name, .description = about, .kind = TW_LOG_LINES,                           \
        .state_size = sizeof(struct tw_text_log), .probe = its_probe, .start = tw_text_start,      \
                                                                                                   \
        .map = tw_text_map, .line = tw_text_line, .finish = tw_text_finish, .done = tw_text_done,  \
    }

#endif
