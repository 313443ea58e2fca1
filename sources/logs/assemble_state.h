/* What the files of the assembler share; private to them. */
#ifndef TW_LOG_ASSEMBLE_STATE_H
#define TW_LOG_ASSEMBLE_STATE_H

#include "sources/logs/assemble.h"
#include "sources/logs/names.h"

#include <uthash.h>

/* Different names in one run; a log that makes up names (one a sample) must not fill the memory. */
#define NAMES_MAX 4096
#define NAME_SIZE_MAX 256
#define RUNS_MAX 100000

/* What a name does for the run's records. */
enum tw_role {
    TW_ROLE_NONE,
    TW_ROLE_SIGNAL, /* its value is `signal` */
    TW_ROLE_ADD,    /* it is added to `signal` */
    TW_ROLE_MOST,   /* `signal` is the largest of these: learning rates of several groups */
    TW_ROLE_METRIC,
    TW_ROLE_STEP,
    TW_ROLE_EPOCH,
    TW_ROLE_TIME,
    TW_ROLE_NAN_COUNT
};

struct tw_seen_name {
    char *raw;
    enum tw_row_part part;
    enum tw_meaning told; /* by the format */
    struct tw_name_meaning meaning;
    enum tw_role role;
    enum tw_signal signal;
    bool is_both;     /* SIGNAL loss that is train_loss, too */
    double last_step; /* where it stood last; -INFINITY: nowhere */
    uint32_t index;
    uint32_t follower; /* the name that came behind it the last time: a guess */
    UT_hash_handle hh;
};

/* Its values are of this signal, or are added to it. */
static inline bool tw_seen_name_is_of(const struct tw_seen_name *name, enum tw_signal signal)
{
    return (name->role == TW_ROLE_SIGNAL || name->role == TW_ROLE_ADD) && name->signal == signal;
}

/* Its values are perplexities, of which the logarithm is the signal. */
static inline bool tw_seen_name_is_exponential(const struct tw_seen_name *name)
{
    return name->meaning.is_perplexity && name->role == TW_ROLE_SIGNAL;
}

struct tw_held_cell {
    uint32_t name;
    bool is_given; /* of a row that was told early: with an evaluation */
    double value;
};

/* A row that waits, or several that became one. */
struct tw_held_row {
    struct tw_held_row *next;
    double step, epoch; /* step: as told; then as counted */
    int64_t time_ms;
    uint32_t n, capacity;
    bool has_evaluation; /* of a row that was told early: one that is to be given */
    struct tw_held_cell *cells;
};

enum tw_axis { TW_AXIS_OPEN, TW_AXIS_STEP, TW_AXIS_EPOCH, TW_AXIS_ROW };

/* Fewer rows tell little. */
#define TW_FIRST_FEW 8
#define WINDOW 16
/* So many rows in a row that stand before what came are no disorder but a resume. */
#define BRANCH_MAX 4

struct tw_assembled_run {
    char *key; /* the row's `run`, "" for the only one */
    char id[TW_RUN_ID_MAX + 1];
    struct tw_seen_name **names;
    struct tw_seen_name *by_key;
    uint32_t n_names, names_capacity, guess;
    uint32_t roles; /* bit r: a name has the role r, or had it */
    bool has_chosen;

    enum tw_axis axis;
    struct tw_held_row *first, *last; /* until the axis is known, in the order of the log */
    uint32_t n_first, n_first_cells;
    uint32_t waits;
    bool epochs_are_steps; /* TW_AXIS_STEP: as its names count epochs, and no batches are told */
    double offset;         /* of steps that are counted anew each epoch */
    double newest;         /* step; -INFINITY: none */
    double given;          /* likewise: all up to here has left the window */
    double epoch;          /* newest that was told */
    double rows;           /* of training, for TW_AXIS_ROW */
    struct tw_held_row *window[WINDOW + 1];
    uint32_t n_window;
    struct tw_held_row *told[WINDOW]; /* of the window, but given early; in order of step */
    uint32_t n_told;
    double newest_told; /* step of the training; -INFINITY: none */
    uint32_t lateness;  /* how many steps a row that was out of order came behind, at most */
    struct tw_held_row *branch[BRANCH_MAX];
    uint32_t n_branch;

    uint32_t attempt; /* from 1 */
    bool has_ended;

    /* For the records. */
    double last_loss_step, last_loss;
    double last_eval_step; /* -INFINITY: none */
    double loss_epoch;
    uint32_t losses_in_epoch, losses_without_epoch;

    /* Header. */
    struct tw_header header;
    bool header_is_due;
    unsigned hints;
    uint8_t parameter_rank[TW_HYPERPARAMETERS_MAX];
    enum tw_grad_norm_kind grad_norm_kind;
    UT_hash_handle hh;
};

enum tw_made { TW_MADE_ROW, TW_MADE_EVENT, TW_MADE_END };

/* Which records a row gives. */
#define TW_GIVES_STEP 1u
#define TW_GIVES_EVAL 2u

/* What waits to be given, in order. */
struct tw_made_item {
    struct tw_made_item *next;
    struct tw_assembled_run *run;
    enum tw_made kind;
    uint32_t attempt;
    struct tw_held_row *row;
    unsigned parts;    /* of a row: TW_GIVES_... */
    const char *event; /* a literal */
    enum tw_end_status status;
    double step; /* NaN: none; of a row: that of its step record, NaN: its own */
};

struct tw_assemble {
    char run[TW_RUN_ID_MAX + 1], framework[64];
    const struct tw_texts *map;
    struct tw_assembled_run *runs, *newest;
    struct tw_made_item *made, **made_end;
    bool has_given_step; /* the step record of the first item */
    /* What was used and will be again: a log's rows are alike. */
    struct tw_held_row *spare_rows;
    struct tw_made_item *spare_items;
    struct tw_record record;
    uint32_t written_attempt; /* as text: */
    char attempt[16];
    uint64_t rows;
    char text[1024];
};

/* assemble.c: what is ready to be given. The row is taken, also on failure. `told_as`: the step of
 * its step record where that is not its own; NaN: it is. */
int tw_assemble_make_row(struct tw_assemble *assemble, struct tw_assembled_run *run,
                         struct tw_held_row *row, unsigned parts, double told_as);
int tw_assemble_make_event(struct tw_assemble *assemble, struct tw_assembled_run *run,
                           const char *event, double step);

/* assemble_held.c */
/* An empty one with room for `n` cells; NULL: out of memory. */
struct tw_held_row *tw_held_row_new(struct tw_assemble *assemble, uint32_t n);
/* An empty one of the same step, epoch and time, with room for the same cells. */
struct tw_held_row *tw_held_row_new_like(struct tw_assemble *assemble,
                                         const struct tw_held_row *row);
void tw_held_row_free(struct tw_assemble *assemble, struct tw_held_row *row); /* NULL is allowed */
void tw_held_rows_free_spare(struct tw_assemble *assemble);
/* NULL: the row has no such cell. */
struct tw_held_cell *tw_held_row_find(const struct tw_held_row *row, uint32_t name);
/* The newer value counts, but no NaN is hidden. 0 or -ENOMEM. */
int tw_held_row_merge(struct tw_held_row *to, const struct tw_held_row *from);

/* assemble_axis.c */
/* Chooses the axis by the first rows, whose names have their roles. */
void tw_assemble_choose_axis(struct tw_assembled_run *run);
/* Sets row->step to the step that it counts as. */
void tw_assemble_count_step(struct tw_assembled_run *run, struct tw_held_row *row);

/* assemble_rows.c */
/* Index of the new name or of the known one; UINT32_MAX: there is no room for it. */
uint32_t tw_seen_name_find(struct tw_assemble *assemble, struct tw_assembled_run *run,
                           const struct tw_cell *cell, enum tw_row_part part);
/* Takes the row, also on failure. */
int tw_assemble_put(struct tw_assemble *assemble, struct tw_assembled_run *run,
                    struct tw_held_row *row);
enum tw_flush {
    TW_FLUSH_QUIET, /* nothing more came for now */
    TW_FLUSH_EVENT, /* something is to be told behind all rows that came */
    TW_FLUSH_FINAL  /* nothing that comes belongs to what came */
};

int tw_assemble_flush_run(struct tw_assemble *assemble, struct tw_assembled_run *run,
                          enum tw_flush flush);
/* What follows is another attempt, whose first step is `step` (NaN: not known). */
int tw_assemble_resume(struct tw_assemble *assemble, struct tw_assembled_run *run, double step);

/* assemble_told.c */
/* The row is given early. 0 or -ENOMEM. */
int tw_told_add(struct tw_assemble *assemble, struct tw_assembled_run *run,
                const struct tw_held_row *row);
/* True where one of the row's names told of its step. */
bool tw_told_has(const struct tw_assembled_run *run, const struct tw_held_row *row);
void tw_told_drop_oldest(struct tw_assemble *assemble, struct tw_assembled_run *run);
void tw_told_clear(struct tw_assemble *assemble, struct tw_assembled_run *run);
/* How many steps behind `step` there are in the window, those told early among them. */
uint32_t tw_told_steps_after(const struct tw_assembled_run *run, double step);
/* The evaluation of a step that was told early, as far as it was not given; NULL: there is none. 0
 * or -ENOMEM. */
int tw_told_take_evaluation(struct tw_assemble *assemble, const struct tw_assembled_run *run,
                            struct tw_held_row *told, struct tw_held_row **ret);
/* True where all that told of the evaluation before has told of this one. */
bool tw_told_is_whole(const struct tw_assembled_run *run, const struct tw_held_row *told);

/* assemble_choose.c: sets the roles of all names. */
void tw_assemble_choose(struct tw_assembled_run *run);
/* Of a name that came later. */
void tw_assemble_choose_late(struct tw_assembled_run *run, struct tw_seen_name *name);

/* assemble_records.c */
/* False: the row makes no step record, or no eval record, whatever it says. */
bool tw_assemble_may_be_step(const struct tw_assembled_run *run, const struct tw_held_row *row);
bool tw_assemble_may_be_eval(const struct tw_assembled_run *run, const struct tw_held_row *row);
/* Fills the record from the item's row. False: there is none of this kind. */
bool tw_assemble_step_record(struct tw_assembled_run *run, const struct tw_made_item *item,
                             struct tw_record *ret);
bool tw_assemble_eval_record(struct tw_assembled_run *run, const struct tw_made_item *item,
                             struct tw_record *ret);

/* assemble_header.c */
int tw_assemble_take_parameter(struct tw_assembled_run *run, const char *name, const char *value);
int tw_assemble_header_record(struct tw_assemble *assemble, struct tw_assembled_run *run,
                              struct tw_record *ret);
void tw_assemble_note_name(struct tw_assembled_run *run, const char *name);

#endif
