/* Facts about a run that rules compute with: Lua sees them as `facts.<name>`. A number that is not
 * known is NaN and a text that is not known is empty: both are nil in Lua. */
#ifndef TW_FACTS_H
#define TW_FACTS_H

#include <stddef.h>
#include <stdint.h>

struct tw_facts {
    /* declared in the header (or read from the foreign log) */
    char optimizer[64], schedule[64], precision[64], objective[32];
    double declared_learning_rate, warmup_steps, batch_size, micro_batches, weight_decay, momentum,
        beta1, beta2, epsilon, max_grad_norm, dropout, max_steps, max_epochs, world_size;
    double min_loss_scale, loss_scale_window;
    double early_stopping_patience, label_smoothing, mixup;
    double train_samples;            /* that are trained on */
    double dataset_samples, classes; /* of the data set */
    char activation[64], initializer[64];
    double init_gain, init_std, init_bias, feature_scale, batch_norm;

    /* measured */
    double step;          /* newest step */
    double learning_rate; /* what a person sets: the declared one, else the newest sent */
    double peak_learning_rate;
    double steps_seen, seconds_per_step;
    double loss;                      /* newest finite one */
    double best_loss, best_loss_step; /* lowest median of 64 (or fewer) */
    double initial_loss;              /* first finite one */
    double eval_loss, best_eval_loss, best_eval_step;
    double evals, steps_per_eval;
    double grad_norm_median, grad_norm_p90; /* of unflagged pre-clip norms, newest 1,000 steps */
    double clipped_fraction;                /* of those, beyond max_grad_norm */
    double loss_scale, initial_loss_scale, skip_rate;
    double checkpoint_step; /* newest checkpoint at or before the onset with loss <= 1.02 best */
    double onset_in_warmup; /* 1 when the onset was within 3 x the warm-up */
    double rollbacks; /* times the run resumed from an earlier step while a finding was open */
};

enum tw_fact_type { TW_FACT_NUMBER, TW_FACT_TEXT };

struct tw_fact {
    const char *name;
    enum tw_fact_type type;
    size_t offset, size;
    const char *help; /* one line with the unit */
};

extern const struct tw_fact tw_fact_table[]; /* every member of struct tw_facts, by name */
extern const size_t tw_n_facts;

/* All numbers NaN, all texts empty. */
void tw_facts_init(struct tw_facts *facts);

#endif
