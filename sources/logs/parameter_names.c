/* Raw names of hyper-parameters to those that the header has. */
#include "sources/logs/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Of several raw names for one, the one further left counts. */
static const struct {
    const char *name;
    const char *raw; /* in lower case, '-' as '_' */
} parameters[] = {
    {"learning_rate", "learning_rate lr peak_lr max_lr base_lr lr0 init_lr initial_lr "
                      "base_learning_rate initial_learning_rate step_size"},
    {"batch_size", "global_batch_size total_batch_size train_batch_size batch_size batchsize "
                   "per_device_train_batch_size per_gpu_train_batch_size train_bs bs batch "
                   "train_micro_batch_size_per_gpu micro_batch_size ims_per_batch"},
    {"micro_batches", "gradient_accumulation_steps accumulate_grad_batches grad_accum_steps "
                      "accum_steps gradient_accumulation update_freq accum_grad "
                      "grad_accumulation_factor grad_acc_steps"},
    {"optimizer", "optimizer optim optimizer_name optimizer_type opt opt_name"},
    {"schedule", "lr_scheduler_type lr_scheduler lr_schedule schedule scheduler lr_decay_style "
                 "scheduler_type learning_rate_schedule"},
    {"warmup_steps", "warmup_steps num_warmup_steps n_warmup_steps warmup_iters lr_warmup_iters "
                     "warmup_updates lr_warmup_steps"},
    {"warmup_ratio", "warmup_ratio warmup_fraction lr_warmup_fraction"},
    {"weight_decay", "weight_decay wd weight_decay_rate l2"},
    {"momentum", "momentum sgd_momentum"},
    {"beta1", "beta1 adam_beta1 beta_1"},
    {"beta2", "beta2 adam_beta2 beta_2"},
    {"epsilon", "epsilon eps adam_epsilon adam_eps"},
    {"max_grad_norm", "max_grad_norm gradient_clip_val clip_grad_norm grad_clip clip_grad "
                      "gradient_clipping grad_clip_norm clip_norm max_norm clip clipnorm"},
    {"dropout", "dropout dropout_rate drop_rate hidden_dropout hidden_dropout_prob"},
    {"precision", "precision mixed_precision torch_dtype dtype"},
    {"fp16", "fp16"},
    {"bf16", "bf16"},
    {"max_steps",
     "max_steps max_iters train_iters total_steps num_train_steps max_train_steps "
     "num_training_steps training_steps train_steps total_iters max_updates max_update "
     "max_iter"},
    {"max_epochs", "max_epochs num_train_epochs epochs num_epochs n_epochs total_epochs max_epoch "
                   "nepochs nb_epochs number_of_epochs"},
    {"min_loss_scale", "min_loss_scale"},
    {"loss_scale_window", "loss_scale_window"},
    {"activation", "activation hidden_act act_fn activation_function activation_fn"},
    {"initializer", "initializer"},
    {"init_std", "init_std initializer_range init_method_std"},
};

static void normalise(const char *raw, char *buffer, size_t size)
{
    const char *slash = strrchr(raw, '/');
    snprintf(buffer, size, "%s", slash ? slash + 1 : raw);
    const char *dot = strrchr(buffer, '.');
    if (dot && dot[1])
        memmove(buffer, dot + 1, strlen(dot + 1) + 1);
    for (char *c = buffer; *c; c++)
        *c = *c == '-' || *c == ' ' ? '_' : (char)tolower((unsigned char)*c);
}

static const char *find(const char *name, unsigned *ret_rank)
{
    size_t length = strlen(name);
    for (size_t i = 0; length && i < sizeof parameters / sizeof *parameters; i++) {
        unsigned rank = 0;
        for (const char *at = parameters[i].raw; *at; rank++) {
            size_t n = strcspn(at, " ");
            if (n == length && !memcmp(at, name, n)) {
                *ret_rank = rank;
                return parameters[i].name;
            }
            at += n + (at[n] == ' ');
        }
    }
    return NULL;
}

/* "opt_learning_rate": what MLflow's autologging calls the optimizer's. */
const char *tw_log_parameter_name(const char *raw, unsigned *ret_rank)
{
    char name[96];
    normalise(raw, name, sizeof name);
    const char *found = find(name, ret_rank);
    return found || strncmp(name, "opt_", 4) ? found : find(name + 4, ret_rank);
}
