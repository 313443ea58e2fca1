/* The run: header, steps, validations, checkpoints, end. */
#include "trainer/trainer.h"

#include "trainer/checkpoint.h"
#include "trainer/checkpoint_list.h"
#include "trainer/recorder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct run {
    const struct tw_trainer_config *config;
    const struct tw_trainer_hooks *hooks;
    struct tw_training training;
    struct tw_checkpoints checkpoints;
    struct tw_record record;
    uint64_t header_hash;
    double loss_sum; /* of the steps since the last validation */
    uint64_t loss_steps;
    uint64_t evals_since_best;
    struct tw_trainer_result result;
    struct tw_error *error;
};

static void tell(struct run *run)
{
    run->hooks->record(run->hooks->closure, &run->record);
    tw_record_clear(&run->record);
}

static int out_of_memory(struct run *run)
{
    tw_record_clear(&run->record);
    return tw_error_set(run->error, -ENOMEM, "out of memory");
}

static int tell_header(struct run *run)
{
    if (tw_recorder_header(&run->record, &run->training, run->config))
        return out_of_memory(run);
    run->header_hash = tw_header_hash(run->record.header);
    tell(run);
    return 0;
}

static bool is_for_layers(const struct run *run, uint64_t step)
{
    uint64_t every = run->config->layers_every;
    return every && (step % every == 0 || step == 1);
}

static int tell_layers(struct run *run)
{
    if (!is_for_layers(run, run->training.step))
        return 0;
    if (tw_recorder_layers(&run->record, &run->training, run->header_hash))
        return out_of_memory(run);
    tell(run);
    return 0;
}

static int take_step(struct run *run)
{
    run->training.measure =
        is_for_layers(run, run->training.step + 1) ? TW_MEASURE_LAYERS : TW_MEASURE_STEP;
    struct tw_step_figures figures = tw_training_step(&run->training);
    run->loss_sum += figures.loss;
    run->loss_steps++;
    run->result.seconds += figures.seconds;
    tw_recorder_step(&run->record, &run->training, &figures);
    tell(run);
    return tell_layers(run);
}

/* What was trained so far is worth more than one checkpoint: without it, it goes on. */
static void save_checkpoint(struct run *run, double eval_loss)
{
    /* Parameters with NaN are nothing to go back to, and would push out those that are. */
    if (!run->checkpoints.dir || !tw_training_is_finite(&run->training))
        return;
    if (tw_checkpoints_save(&run->checkpoints, &run->training, eval_loss, &run->result.why_lost)) {
        run->result.checkpoints_lost++;
        return;
    }
    tw_recorder_event(&run->record, &run->training, "checkpoint");
    tell(run);
}

static void note_best(struct run *run, double eval_loss)
{
    if (isfinite(eval_loss) && !(eval_loss >= run->result.best_eval_loss)) {
        run->result.best_eval_loss = eval_loss;
        run->result.best_step = run->training.step;
        run->evals_since_best = 0;
    } else {
        run->evals_since_best++;
    }
}

static void validate(struct run *run)
{
    struct tw_validation validation = tw_training_validate(&run->training);
    tw_recorder_eval(&run->record, &run->training, &validation,
                     run->loss_sum / (double)run->loss_steps);
    tell(run);
    run->loss_sum = 0;
    run->loss_steps = 0;
    run->result.eval_loss = validation.loss;
    run->result.eval_accuracy = validation.accuracy;
    run->result.eval_r2 = validation.r2;
    run->result.best_eval_accuracy = fmax(run->result.best_eval_accuracy, validation.accuracy);
    note_best(run, validation.loss);
    save_checkpoint(run, validation.loss);
}

static bool is_time_to_validate(const struct run *run)
{
    uint64_t every = run->config->eval_every;
    return every ? run->training.step % every == 0 : tw_training_epoch_is_over(&run->training);
}

static bool stops_early(struct run *run)
{
    uint64_t patience = run->config->early_stopping_patience;
    if (!patience || run->evals_since_best < patience)
        return false;
    run->result.has_stopped_early = true;
    tw_recorder_event(&run->record, &run->training, "early_stop");
    tell(run);
    return true;
}

static enum tw_trainer_order ask(const struct run *run)
{
    return run->hooks->order ? run->hooks->order(run->hooks->closure) : TW_TRAINER_GO_ON;
}

static int train(struct run *run, enum tw_end_status *ret_status)
{
    struct tw_training *training = &run->training;
    while (training->step < training->total_steps && !stops_early(run)) {
        int result = take_step(run);
        if (result)
            return result;
        if (is_time_to_validate(run))
            validate(run);
        enum tw_trainer_order order = ask(run);
        if (order != TW_TRAINER_GO_ON) {
            *ret_status = order == TW_TRAINER_FAIL ? TW_END_FAILED : TW_END_INTERRUPTED;
            return 0;
        }
    }
    *ret_status = TW_END_COMPLETED;
    return 0;
}

static int run_training(struct run *run)
{
    enum tw_end_status status = TW_END_FAILED;
    uint64_t samples_before = run->training.samples;
    int result = tell_header(run);
    if (!result && run->training.resumed_from) {
        tw_recorder_event(&run->record, &run->training, "resume");
        tell(run);
    }
    if (!result)
        result = train(run, &status);
    tw_recorder_end(&run->record, &run->training, status);
    tell(run);
    run->result.status = status;
    run->result.steps = run->training.step;
    run->result.samples = run->training.samples - samples_before;
    return result;
}

/* What early stopping knew when the checkpoint was written. */
static void restore_best(struct run *run)
{
    const struct tw_checkpoints *checkpoints = &run->checkpoints;
    const struct tw_training *training = &run->training;
    uint64_t every = run->config->eval_every;
    if (!checkpoints->has_best)
        return;
    run->result.best_eval_loss = checkpoints->best_loss;
    run->result.best_step = checkpoints->best_step;
    run->evals_since_best =
        (training->step - checkpoints->best_step) / (every ? every : training->steps_per_epoch);
}

static int read_checkpoint(struct run *run)
{
    struct tw_training *training = &run->training;
    char *path;
    int result =
        tw_checkpoint_find(&path, run->config->run_dir, run->config->resume_from, run->error);
    if (!result)
        result = tw_checkpoint_read(path, training, run->error);
    if (!result && training->step >= training->total_steps)
        result = tw_error_at(run->error, -EINVAL, path, 0, 0,
                             "the run is over: the checkpoint is of step %llu, and there are %llu",
                             (unsigned long long)training->step,
                             (unsigned long long)training->total_steps);
    free(path);
    return result;
}

static int resume(struct run *run)
{
    int result = read_checkpoint(run);
    if (result)
        return result;
    if (run->config->reset_optimizer)
        tw_training_reset_optimizer(&run->training);
    if (run->checkpoints.dir)
        result = tw_checkpoints_continue(&run->checkpoints, run->training.step, run->error);
    restore_best(run);
    run->result.resumed_from = run->training.resumed_from;
    return result;
}

int tw_trainer_run(const struct tw_trainer_config *config, const struct tw_trainer_hooks *hooks,
                   struct tw_trainer_result *ret, struct tw_error *error)
{
    struct run run = {.config = config, .hooks = hooks, .error = error};
    run.result.eval_loss = run.result.eval_accuracy = run.result.best_eval_accuracy = NAN;
    run.result.best_eval_loss = run.result.eval_r2 = NAN;
    tw_record_init(&run.record);
    int result = tw_training_init(&run.training, config, error);
    if (!result && config->run_dir && config->keep_checkpoints)
        result = tw_checkpoints_open(&run.checkpoints, config->run_dir, config->keep_checkpoints,
                                     config->seed, error);
    if (!result && (config->resume || config->resume_from))
        result = resume(&run);
    if (!result)
        result = run_training(&run);
    if (!result && ret)
        *ret = run.result;
    tw_checkpoints_close(&run.checkpoints);
    tw_training_release(&run.training);
    tw_record_clear(&run.record);
    return result;
}
