/* The instrumented trainer: runs a training and tells everything about it as telemetry records. */
#ifndef TW_TRAINER_H
#define TW_TRAINER_H

#include "trainer/config.h"

#include "telemetry/record.h"

enum tw_trainer_order {
    TW_TRAINER_GO_ON,
    TW_TRAINER_INTERRUPT, /* stop after this step: the end's status is `interrupted` */
    TW_TRAINER_FAIL       /* likewise, `failed` */
};

/* Called from the thread that trains. */
struct tw_trainer_hooks {
    /* Told each record as it is produced: the header first, the end last. The record is the
     * trainer's and gone after the call; the hook may fill in who the run is. */
    void (*record)(void *closure, struct tw_record *record);
    /* (optional) Asked after each step. */
    enum tw_trainer_order (*order)(void *closure);
    void *closure;
};

struct tw_trainer_result {
    enum tw_end_status status;
    uint64_t steps;                  /* with those before a resume */
    uint64_t samples;                /* of this process alone, as the next */
    double seconds;                  /* of the steps alone */
    double eval_loss, eval_accuracy; /* of the last validation; NaN before the first */
    double eval_r2;                  /* likewise; NaN with classes, as accuracy is without */
    double best_eval_accuracy;
    double best_eval_loss; /* NaN before the first that is finite */
    uint64_t best_step;    /* when that was */
    uint64_t resumed_from; /* step of the checkpoint; 0: from the start */
    bool has_stopped_early;
    uint64_t checkpoints_lost; /* that could not be written */
    struct tw_error why_lost;  /* the first of them */
};

/* Trains until the last step, until it is told to stop, or until early stopping ends it (as
 * `completed`); NaN does not stop it. With run_dir, a checkpoint is written after each validation
 * while the parameters are finite. A resumed run goes on exactly as if it had never ended, with the
 * settings that it has now; dead units alone are counted anew. A checkpoint that cannot be written
 * (a disk that is full) is counted, and those before it stay. Negative: nothing was trained (bad
 * settings), or the run failed; `error` tells why. `ret` may be NULL. */
int tw_trainer_run(const struct tw_trainer_config *config, const struct tw_trainer_hooks *hooks,
                   struct tw_trainer_result *ret, struct tw_error *error);

#endif
