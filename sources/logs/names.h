/* What the names in a log mean, where its format does not say so: by the user's map, by a table of
 * names, and by the words that a name is made of. docs/logs.md is the page for people. */
#ifndef TW_LOG_NAMES_H
#define TW_LOG_NAMES_H

#include "sources/logs/format.h"

#include "telemetry/option.h"

/* How well a name fits its meaning: of several candidates for one signal the lowest counts. */
enum tw_name_rank {
    TW_RANK_USER,   /* the user has said so */
    TW_RANK_FORMAT, /* the format has */
    TW_RANK_TOTAL,  /* "total_loss": over its parts */
    TW_RANK_PLAIN,  /* "loss", "val_loss" */
    TW_RANK_TRAIN,  /* "train_loss": of the step where nothing else is, else over an epoch or set */
    TW_RANK_KIND, /* "ctc_loss", "lm loss": one kind of loss, the only one where nothing is plainer
                   */
    TW_RANK_AVERAGE, /* "loss_avg", "train_loss_epoch" */
    TW_RANK_AVERAGE_OF_KIND,
    TW_RANK_TEST, /* "test_loss": the validation's is wanted before it */
    TW_RANK_PART  /* "box_loss": added up where there is nothing better */
};

struct tw_name_meaning {
    enum tw_meaning meaning; /* never BY_NAME: what nothing is known of is NOTHING */
    enum tw_name_rank rank;
    bool is_over_epoch; /* an average over an epoch, or over a data set: TRAIN_LOSS if not LOSS */
    bool is_part;       /* LOSS_PART, or the same of EVAL_LOSS */
    bool is_test;       /* of a test set */
    bool says_part;     /* its own words tell what it is about, in whatever row it stands */
    bool is_perplexity; /* PERPLEXITY, or the EVAL_METRIC */
    bool step_is_epoch; /* a row of such names only counts epochs (Keras's "epoch_loss") */
    char metric[48];    /* EVAL_METRIC: the name behind "eval_" */
};

/* What the user maps: "raw name=signal"; the names of signals are those of records, eval_<metric>,
 * "step", "epoch", "loss_part" and "ignore". In a raw name, `*` stands for any characters. */
int tw_log_map_check(const struct tw_texts *map, struct tw_error *error);
/* Whether the map has the name, and what it says. `map` may be NULL. */
bool tw_log_name_is_mapped(const char *name, const struct tw_texts *map,
                           struct tw_name_meaning *ret);

/* `part` is the row's. `map` may be NULL. */
void tw_log_name_meaning(const char *name, enum tw_row_part part, const struct tw_texts *map,
                         struct tw_name_meaning *ret);
/* "train", "validation", ...: what a run or folder of this name is about. */
enum tw_row_part tw_log_part_of_name(const char *name);
/* For reports: "loss", "eval_accuracy"; "" for what is no signal. */
const char *tw_log_signal_name(const struct tw_name_meaning *meaning, char *buffer, size_t size);

enum tw_direction { TW_DIRECTION_UNKNOWN, TW_DIRECTION_UP, TW_DIRECTION_DOWN };
/* Which way an evaluation metric gets better. */
enum tw_direction tw_log_metric_direction(const char *metric);

/* What a name tells of the objective: enough of one run's names together make it known. */
enum tw_objective_hint {
    TW_HINT_GENERATOR = 1 << 0,
    TW_HINT_DISCRIMINATOR = 1 << 1,
    TW_HINT_REINFORCEMENT = 1 << 2,
    TW_HINT_CONTRASTIVE = 1 << 3,
    TW_HINT_CTC = 1 << 4
};
unsigned tw_log_objective_hints(const char *name);
/* The header's word for what hints come to: "adversarial", ...; "" while nothing is known. */
const char *tw_log_objective(unsigned hints);

/* The header's name of a hyper-parameter by its raw one ("optim/lr" -> "learning_rate"), or NULL
 * where it has none. `*ret_rank`: of several raw names for one the lowest counts. */
const char *tw_log_parameter_name(const char *raw, unsigned *ret_rank);

#endif
