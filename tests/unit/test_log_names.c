/* Raw names to signals: the names that real programs write, from their documentation. */
#include "sources/logs/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "loss", "loss part", "eval_loss test", "eval_accuracy", "train_loss", "" ... */
static const char *meaning_of(const char *name, enum tw_row_part part, const struct tw_texts *map)
{
    static char text[100];
    struct tw_name_meaning meaning;
    tw_log_name_meaning(name, part, map, &meaning);
    tw_log_signal_name(&meaning, text, sizeof text);
    if (meaning.meaning == TW_MEANS_PERPLEXITY)
        return "perplexity";
    if (meaning.is_perplexity)
        strcat(text, " perplexity");
    if (meaning.is_part && meaning.meaning != TW_MEANS_LOSS_PART)
        strcat(text, " part");
    return text;
}

static const struct {
    const char *name, *signal;
} by_name[] = {
    /* transformers: Trainer's log_history, and its TensorBoard tags */
    {"loss", "loss"},
    {"grad_norm", "grad_norm"},
    {"learning_rate", "learning_rate"},
    {"eval_loss", "eval_loss"},
    {"eval_accuracy", "eval_accuracy"},
    {"eval_f1", "eval_f1"},
    {"eval_runtime", ""},
    {"eval_samples_per_second", ""},
    {"eval_steps_per_second", ""},
    {"train_runtime", ""},
    {"total_flos", ""},
    {"train/loss", "loss"},
    {"train-logloss", "loss"},
    {"validation-mlogloss", "eval_loss"},
    {"training's binary_logloss", "loss"},
    {"valid's multi_logloss", "eval_loss"},
    {"xent", "loss"},
    {"cross-entropy", "loss"},                               /* Sockeye, MXNet */
    {"Eval metrics/eval/LanguageCrossEntropy", "eval_loss"}, /* Composer */
    {"entropy", ""},
    {"train ppl", "perplexity"},
    {"Train-perplexity", "perplexity"},
    {"code_perplexity", ""}, /* wav2vec2: of its codes */
    {"valid ppl", "eval_ppl perplexity"},
    {"eval/codebook_perplexity", "eval_codebook_perplexity"},
    {"cross_attention", ""},
    {"train/grad_norm", "grad_norm"},
    {"train/learning_rate", "learning_rate"},
    {"train/epoch", "epoch"},
    {"train/global_step", "step"},
    {"eval/loss", "eval_loss"},
    {"test/loss", "eval_loss"},
    /* Lightning */
    {"train_loss", "loss"},
    {"train_loss_step", "loss"},
    {"train_loss_epoch", "loss"},
    {"val_loss", "eval_loss"},
    {"val_acc", "eval_acc"},
    {"lr-Adam", "learning_rate"},
    {"lr-Adam-1", "learning_rate"},
    {"optim0_lr0", "learning_rate"},                 /* ESPnet */
    {"optim/learning_rate_group0", "learning_rate"}, /* OLMo, and: */
    {"optim/total_grad_norm", "grad_norm"},
    {"Current learning rate", "learning_rate"}, /* nnU-Net */
    {"L.r.", "learning_rate"},                  /* Marian, and: */
    {"gNorm", "grad_norm"},
    {"lr-Adam/pg1", "learning_rate"},
    {"lr-AdamW-momentum", ""},
    {"lr-AdamW-weight_decay", ""},
    {"grad_2.0_norm_total", "grad_norm"},
    {"grad_2.0_norm/encoder.weight", ""},
    /* Keras */
    {"val_accuracy", "eval_accuracy"},
    {"accuracy", ""},
    {"epoch_loss", "loss"},
    {"epoch_learning_rate", "learning_rate"},
    {"batch_loss", "loss"},
    {"evaluation_loss_vs_iterations", "eval_loss"},
    /* Ultralytics */
    {"train/box_loss", "loss_part"},
    {"train/dfl_loss", "loss_part"},
    {"val/box_loss", "eval_loss part"},
    {"validation/mean_average_precision", "eval_mean_average_precision"},
    {"eval_mean_token_accuracy", "eval_mean_token_accuracy"},
    {"val_dice_mean", "eval_dice_mean"},
    {"val/mIoU", "eval_miou"},
    {"validation/num_examples", ""},
    {"metrics/mAP50-95(B)", "eval_map50_95_b"},
    {"lr/pg0", "learning_rate"},
    /* Megatron-LM and DeepSpeed */
    {"lm loss", "loss"},
    {"lm loss validation", "eval_loss"},
    {"lm loss vs samples", ""},
    {"learning-rate", "learning_rate"},
    {"loss-scale", "loss_scale"},
    {"loss scale", "loss_scale"},
    {"grad-norm", "grad_norm"},
    {"grad norm", "grad_norm"},
    {"params norm", "weight_norm"},
    {"num zeros", ""},
    {"consumed samples", "samples"},
    {"number of skipped iterations", "skipped_steps"},
    {"elapsed time per iteration (ms)", ""},
    {"Train/Samples/train_loss", "loss"},
    {"Train/Samples/lr", "learning_rate"},
    {"Train/Samples/loss_scale", "loss_scale"},
    /* torchtitan, fairseq, others */
    {"loss_metrics/global_avg_loss", "loss"},
    {"gnorm", "grad_norm"},
    {"train_loss_scale", "loss_scale"},
    {"tps", ""},
    {"validation_loss", "eval_loss"},
    {"valid_loss", "eval_loss"},
    {"TrainLoss", "loss"},
    {"ValLoss", "eval_loss"},
    {"ValSpearman", "eval_spearman"},
    {"global_step", "step"},
    {"iteration", "step"},
    {"_step", "step"},
    {"epoch", "epoch"},
    {"z_loss", "loss_part"},
    {"load_balancing_loss", "loss_part"},
    {"total_loss", "loss"},
    /* LLaMA-Factory, Ray Tune, Stable-Baselines3, rsl_rl, big_vision */
    {"current_steps", "step"},
    {"training_iteration", "step"},
    {"time/total_timesteps", "step"},
    {"config/lr", ""},
    {"Loss/learning_rate", "learning_rate"},
    {"lr_loss", "loss_part"},
    {"l2_grads", "grad_norm"},
    {"l2_params", "weight_norm"},
    /* MaxText; StyleGAN's and EDM's statistics; XGBoost's and CatBoost's cross-validation */
    {"learning/loss", "loss"},
    {"learning/moe_lb_loss", "loss_part"},
    {"learning/current_learning_rate", "learning_rate"},
    {"learning/raw_grad_norm", "grad_norm"},
    {"learning/param_norm", "weight_norm"},
    {"learning_curve/loss", "loss_part"},
    {"Progress/tick/mean", "step"},
    {"Loss/loss/mean", "loss"},
    {"Loss/loss/std", ""},
    {"Loss/loss/num", ""},
    {"train-mlogloss-mean", "loss"},
    {"train-mlogloss-std", ""},
    /* several data sets: XGBoost, LightGBM, Lightning */
    {"validation_0/logloss", "eval_loss"},
    {"valid_1's binary_logloss", "eval_loss"},
    {"val_loss/dataloader_idx_1", "eval_loss"},
    {"val/loss_box/dataloader_idx_0", "eval_loss part"},
    {"tr_loss", "loss"},
    {"te_loss", "eval_loss"},
    {"hparam/loss", ""}, /* PyTorch's add_hparams() */
    {"", ""},
    {"/", ""},
    {"__", ""},
};

static void names_of_known_programs_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++) {
        const char *signal = meaning_of(by_name[i].name, TW_PART_BY_NAME, NULL);
        if (strcmp(signal, by_name[i].signal))
            print_error("%s: %s\n", by_name[i].name, signal);
        assert_string_equal(signal, by_name[i].signal);
    }
}

static void the_part_of_a_row_tells_what_its_plain_names_are(void **state)
{
    (void)state;
    assert_string_equal(meaning_of("loss", TW_PART_EVAL, NULL), "eval_loss");
    assert_string_equal(meaning_of("accuracy", TW_PART_EVAL, NULL), "eval_accuracy");
    assert_string_equal(meaning_of("epoch_loss", TW_PART_EVAL, NULL), "eval_loss");
    assert_string_equal(meaning_of("learning_rate", TW_PART_EVAL, NULL), "");
    assert_string_equal(meaning_of("train_loss", TW_PART_EVAL, NULL), "loss");
    assert_int_equal(tw_log_part_of_name("validation"), TW_PART_EVAL);
    assert_int_equal(tw_log_part_of_name("train"), TW_PART_TRAIN);
    assert_int_equal(tw_log_part_of_name("version_0"), TW_PART_BY_NAME);
    assert_int_equal(tw_log_part_of_name("te"), TW_PART_BY_NAME);
}

static void what_the_user_maps_goes_before_everything(void **state)
{
    char *entries[] = {(char *)(size_t) "train/foo=loss", (char *)(size_t) "loss=ignore",
                       (char *)(size_t) "a=b=eval_wer", (char *)(size_t) "aux/*=loss_part"};
    const struct tw_texts map = {4, entries};
    (void)state;
    assert_int_equal(tw_log_map_check(&map, NULL), 0);
    assert_string_equal(meaning_of("train/foo", TW_PART_BY_NAME, &map), "loss");
    assert_string_equal(meaning_of("loss", TW_PART_BY_NAME, &map), "");
    assert_string_equal(meaning_of("a=b", TW_PART_BY_NAME, &map), "eval_wer");
    assert_string_equal(meaning_of("aux/x/y", TW_PART_BY_NAME, &map), "loss_part");
    assert_string_equal(meaning_of("val_loss", TW_PART_BY_NAME, &map), "eval_loss");
}

static void a_map_that_cannot_be_used_is_told(void **state)
{
    static const char *const wrong[] = {"loss", "=loss", "a=los", "a=eval_", "a="};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *entry = (char *)(size_t)wrong[i];
        const struct tw_texts map = {1, &entry};
        struct tw_error error = {0};
        assert_true(tw_log_map_check(&map, &error) < 0);
        assert_non_null(strstr(error.text, "signal"));
    }
}

static enum tw_name_rank rank_of(const char *name)
{
    struct tw_name_meaning meaning;
    tw_log_name_meaning(name, TW_PART_BY_NAME, NULL, &meaning);
    return meaning.rank;
}

static void of_several_losses_the_total_is_surest_and_a_part_the_least(void **state)
{
    static const char *const order[] = {"total_loss", "loss", "train_loss", "loss_avg", "box_loss"};
    (void)state;
    for (size_t i = 0; i + 1 < sizeof order / sizeof *order; i++)
        assert_true(rank_of(order[i]) < rank_of(order[i + 1]));
    assert_true(rank_of("train_loss_step") < rank_of("train_loss_epoch"));
    assert_true(rank_of("val_loss") < rank_of("test_loss"));
    assert_true(rank_of("validation_1/logloss") < rank_of("validation_0/logloss"));
    assert_true(rank_of("learning/raw_grad_norm") < rank_of("learning/grad_norm"));
}

static const char *objective_of(const char *const *names)
{
    unsigned hints = 0;
    for (; *names; names++)
        hints |= tw_log_objective_hints(*names);
    return tw_log_objective(hints);
}

static void names_tell_the_objective(void **state)
{
    static const char *const
        gan[] = {"loss_G", "loss_D", NULL},
        *const gan2[] = {"g_loss", "d_loss", NULL}, *const dcgan[] = {"errD", "errG", NULL},
        *const ppo[] = {"rollout/ep_rew_mean", "train/loss", NULL},
        *const ac[] = {"train/policy_loss", "train/critic_loss", NULL},
        *const grpo[] = {"loss", "reward", "reward_std", "kl", NULL},
        *const rloo[] = {"objective/kl", "objective/rlhf_reward", NULL},
        *const rsl[] = {"Loss/value_function", "Loss/surrogate", NULL},
        *const dqn[] = {"losses/td_loss", "losses/q_values", NULL},
        *const lengths[] = {"losses/a_loss", "episode_lengths/step", NULL},
        *const dpo[] = {"rewards/chosen", "rewards/margins", "loss", NULL},
        *const reward_model[] = {"loss", "mean_reward", "max_reward", NULL},
        *const clip[] = {"contrastive_loss", NULL}, *const speech[] = {"train/ctc_loss", NULL},
        *const plain[] = {"loss", "grad_norm", "lr", "epoch_loss", NULL};
    (void)state;
    assert_string_equal(objective_of(gan), "adversarial");
    assert_string_equal(objective_of(gan2), "adversarial");
    assert_string_equal(objective_of(dcgan), "adversarial");
    assert_string_equal(objective_of(ppo), "reinforcement");
    assert_string_equal(objective_of(ac), "reinforcement");
    assert_string_equal(objective_of(grpo), "reinforcement");
    assert_string_equal(objective_of(rloo), "reinforcement");
    assert_string_equal(objective_of(rsl), "reinforcement");
    assert_string_equal(objective_of(dqn), "reinforcement");
    assert_string_equal(objective_of(lengths), "reinforcement");
    assert_string_equal(objective_of(dpo), "");
    assert_string_equal(objective_of(reward_model), "");
    assert_string_equal(objective_of(clip), "contrastive");
    assert_string_equal(objective_of(speech), "ctc");
    assert_string_equal(objective_of(plain), "");
}

static void metrics_have_a_direction(void **state)
{
    (void)state;
    assert_int_equal(tw_log_metric_direction("accuracy"), TW_DIRECTION_UP);
    assert_int_equal(tw_log_metric_direction("map50"), TW_DIRECTION_UP);
    assert_int_equal(tw_log_metric_direction("wer"), TW_DIRECTION_DOWN);
    assert_int_equal(tw_log_metric_direction("perplexity"), TW_DIRECTION_DOWN);
    assert_int_equal(tw_log_metric_direction("weather"), TW_DIRECTION_UNKNOWN);
}

static void hyper_parameters_have_one_name(void **state)
{
    static const struct {
        const char *raw, *name;
    } cases[] = {
        {"lr0", "learning_rate"},
        {"args/lr", "learning_rate"},
        {"optim.lr", "learning_rate"},
        {"per_device_train_batch_size", "batch_size"},
        {"gradient_clip_val", "max_grad_norm"},
        {"clip-grad", "max_grad_norm"},
        {"num_train_epochs", "max_epochs"},
        {"train_iters", "max_steps"},
        {"adam_beta2", "beta2"},
        {"optimizer", "optimizer"},
        {"accumulate_grad_batches", "micro_batches"},
        {"lr_decay_style", "schedule"},
        {"SOLVER/IMS_PER_BATCH", "batch_size"}, /* Detectron2, and: */
        {"SOLVER/MAX_ITER", "max_steps"},
        {"accum_grad", "micro_batches"},        /* ESPnet */
        {"number_of_epochs", "max_epochs"},     /* SpeechBrain */
        {"opt_learning_rate", "learning_rate"}, /* MLflow's autologging, and: */
        {"opt_name", "optimizer"},
        {"opt_amsgrad", NULL},
        {"data_dir", NULL},
        {"", NULL},
    };
    unsigned rank;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = tw_log_parameter_name(cases[i].raw, &rank);
        assert_true(!name == !cases[i].name);
        if (name)
            assert_string_equal(name, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_known_programs_are_known),
        cmocka_unit_test(the_part_of_a_row_tells_what_its_plain_names_are),
        cmocka_unit_test(what_the_user_maps_goes_before_everything),
        cmocka_unit_test(a_map_that_cannot_be_used_is_told),
        cmocka_unit_test(of_several_losses_the_total_is_surest_and_a_part_the_least),
        cmocka_unit_test(names_tell_the_objective),
        cmocka_unit_test(metrics_have_a_direction),
        cmocka_unit_test(hyper_parameters_have_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
