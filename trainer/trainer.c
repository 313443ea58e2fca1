/* The run: header, steps, validations, checkpoints, end. */
#include "trainer/trainer.h"

#include "trainer/checkpoint.h"
#include "trainer/recorder.h"

#include <errno.h>
#include <math.h>

struct run {
    const struct tw_trainer_config *config;
    const struct tw_trainer_hooks *hooks;
    struct tw_training training;
    struct tw_checkpoints checkpoints;
    struct tw_record record;
    uint64_t header_hash;
    double loss_sum; /* of this epoch's steps */
    uint64_t loss_steps;
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

static int save_checkpoint(struct run *run, double eval_loss)
{
    /* Parameters with NaN are nothing to go back to, and would push out those that are. */
    if (!run->checkpoints.dir || !tw_training_is_finite(&run->training))
        return 0;
    int result = tw_checkpoints_save(&run->checkpoints, &run->training, eval_loss, run->error);
    if (result)
        return result;
    tw_recorder_event(&run->record, &run->training, "checkpoint");
    tell(run);
    return 0;
}

static int end_epoch(struct run *run)
{
    struct tw_validation validation = tw_training_validate(&run->training);
    tw_recorder_eval(&run->record, &run->training, &validation,
                     run->loss_sum / (double)run->loss_steps);
    tell(run);
    run->loss_sum = 0;
    run->loss_steps = 0;
    run->result.eval_loss = validation.loss;
    run->result.eval_accuracy = validation.accuracy;
    run->result.best_eval_accuracy = fmax(run->result.best_eval_accuracy, validation.accuracy);
    return save_checkpoint(run, validation.loss);
}

static enum tw_trainer_order ask(const struct run *run)
{
    return run->hooks->order ? run->hooks->order(run->hooks->closure) : TW_TRAINER_GO_ON;
}

static int train(struct run *run, enum tw_end_status *ret_status)
{
    struct tw_training *training = &run->training;
    while (training->step < training->total_steps) {
        int result = take_step(run);
        if (!result && tw_training_epoch_is_over(training))
            result = end_epoch(run);
        if (result)
            return result;
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
    int result = tell_header(run);
    if (!result)
        result = train(run, &status);
    tw_recorder_end(&run->record, &run->training, status);
    tell(run);
    run->result.status = status;
    run->result.steps = run->training.step;
    run->result.samples = run->training.samples;
    return result;
}

int tw_trainer_run(const struct tw_trainer_config *config, const struct tw_trainer_hooks *hooks,
                   struct tw_trainer_result *ret, struct tw_error *error)
{
    struct run run = {.config = config, .hooks = hooks, .error = error};
    run.result.eval_loss = run.result.eval_accuracy = run.result.best_eval_accuracy = NAN;
    tw_record_init(&run.record);
    int result = tw_training_init(&run.training, config, error);
    if (!result && config->run_dir && config->keep_checkpoints)
        result = tw_checkpoints_open(&run.checkpoints, config->run_dir, config->keep_checkpoints,
                                     config->seed, error);
    if (!result)
        result = run_training(&run);
    if (!result && ret)
        *ret = run.result;
    tw_checkpoints_close(&run.checkpoints);
    tw_training_release(&run.training);
    tw_record_clear(&run.record);
    return result;
}
