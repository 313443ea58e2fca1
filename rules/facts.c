/* The table of facts: one row a member of struct tw_facts, read by the sandbox, the loader's checks
 * and docs/rules.md alike. */
#include "rules/facts.h"

#include <math.h>
#include <string.h>

#define NUMBER(member, text)                                                                       \
    {                                                                                              \
#member, TW_FACT_NUMBER, offsetof(struct tw_facts, member), sizeof(double), text           \
    }
#define TEXT(member, text)                                                                         \
    {                                                                                              \
#member, TW_FACT_TEXT, offsetof(struct tw_facts, member),                                  \
            sizeof((struct tw_facts *)0)->member, text                                             \
    }

const struct tw_fact tw_fact_table[] = {
    TEXT(optimizer, "declared optimizer, as the run wrote it (adamw, SGD, ...)"),
    TEXT(schedule, "declared learning-rate schedule (cosine, constant, ...)"),
    TEXT(precision, "declared precision of the arithmetic (fp32, fp16, bf16, ...)"),
    TEXT(objective, "declared objective (supervised, ctc, adversarial, ...)"),
    NUMBER(declared_learning_rate, "declared learning rate"),
    NUMBER(warmup_steps, "declared warm-up of the learning rate, in steps"),
    NUMBER(batch_size, "declared batch size, in samples a step"),
    NUMBER(micro_batches, "declared micro-batches a step (gradient accumulation)"),
    NUMBER(weight_decay, "declared weight decay"),
    NUMBER(momentum, "declared momentum"),
    NUMBER(beta1, "declared decay rate of Adam's first moment"),
    NUMBER(beta2, "declared decay rate of Adam's second moment"),
    NUMBER(epsilon, "declared epsilon of Adam's denominator"),
    NUMBER(max_grad_norm,
           "declared limit of the gradient norm; 0 where a run says that it has none"),
    NUMBER(dropout, "declared dropout, as a fraction"),
    NUMBER(max_steps, "declared length of the run, in steps"),
    NUMBER(max_epochs, "declared length of the run, in epochs"),
    NUMBER(world_size, "declared number of ranks"),
    NUMBER(min_loss_scale, "declared floor of the dynamic loss scale"),
    NUMBER(loss_scale_window, "declared clean steps before the loss scale doubles"),
    NUMBER(early_stopping_patience, "declared patience of early stopping, in evaluations"),
    NUMBER(label_smoothing, "declared label smoothing, as a fraction"),
    NUMBER(mixup, "declared alpha of mixup"),
    NUMBER(train_samples, "declared number of samples to train on, where it can be chosen"),
    NUMBER(dataset_samples, "training samples that the data set has"),
    NUMBER(classes, "classes of the data set"),
    TEXT(activation, "declared activation of the hidden layers (relu, tanh, ...)"),
    TEXT(initializer, "declared way of drawing the weights (he, xavier, ...)"),
    NUMBER(init_gain, "declared factor on the spread of the first weights"),
    NUMBER(init_std, "declared spread of the first weights, where it is one number"),
    NUMBER(init_bias, "declared first value of the biases"),
    NUMBER(feature_scale, "declared factor on the input features"),
    NUMBER(batch_norm, "declared batch normalisation: 1, or 0 without"),
    NUMBER(step, "newest step"),
    NUMBER(learning_rate,
           "declared learning rate (the peak of a schedule), else the newest that was sent"),
    NUMBER(peak_learning_rate, "highest learning rate that was sent"),
    NUMBER(steps_seen, "steps from the first to the newest"),
    NUMBER(seconds_per_step, "mean duration of a step, in seconds"),
    NUMBER(loss, "newest finite training loss"),
    NUMBER(best_loss, "lowest median of 64 training losses (fewer at the start)"),
    NUMBER(best_loss_step, "step of best_loss"),
    NUMBER(initial_loss, "first finite training loss"),
    NUMBER(eval_loss, "newest evaluation loss"),
    NUMBER(best_eval_loss, "lowest evaluation loss"),
    NUMBER(best_eval_step, "step of best_eval_loss"),
    NUMBER(evals, "evaluation losses so far"),
    NUMBER(steps_per_eval, "mean steps between two of them"),
    NUMBER(grad_norm_median,
           "median of the healthy gradient norms before clipping, newest 1,000 steps"),
    NUMBER(grad_norm_p90, "90th percentile of the same"),
    NUMBER(clipped_fraction, "share of the same that are over max_grad_norm"),
    NUMBER(loss_scale, "newest loss scale; unknown without dynamic loss scaling"),
    NUMBER(initial_loss_scale, "first loss scale that was sent"),
    NUMBER(skip_rate, "optimizer steps skipped, as a share of steps_seen"),
    NUMBER(checkpoint_step,
           "newest checkpoint at or before the onset with a loss of at most 1.02 x best_loss"),
    NUMBER(onset_in_warmup, "1 when the onset was within 3 x the warm-up, else 0"),
    NUMBER(rollbacks, "times the run resumed from an earlier step while a finding was open"),
};

const size_t tw_n_facts = sizeof tw_fact_table / sizeof *tw_fact_table;

void tw_facts_init(struct tw_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    for (size_t i = 0; i < tw_n_facts; i++) {
        if (tw_fact_table[i].type == TW_FACT_NUMBER)
            *(double *)(void *)((char *)facts + tw_fact_table[i].offset) = NAN;
    }
}
