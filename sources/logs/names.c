/* Names to meanings. A name is looked up in the user's map, then as a whole in a table, and then
 * its words are told apart: what it is about (train, validation), over what it is averaged (step,
 * epoch), and what is left, the quantity. */
#include "sources/logs/names.h"

#include "sources/logs/words.h"

#include "telemetry/record.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- tables ---- */

/* Whole names, as words joined by '_'. */
static const struct {
    const char *name;
    enum tw_meaning meaning;
} whole_names[] = {
    {"step", TW_MEANS_STEP},
    {"steps", TW_MEANS_STEP},
    {"global_step", TW_MEANS_STEP},
    {"trainer_global_step", TW_MEANS_STEP},
    {"train_global_step", TW_MEANS_STEP},
    {"train_step", TW_MEANS_STEP},
    {"training_step", TW_MEANS_STEP},
    {"iteration", TW_MEANS_STEP},
    {"iterations", TW_MEANS_STEP},
    {"iter", TW_MEANS_STEP},
    {"it", TW_MEANS_STEP},
    {"n_iter", TW_MEANS_STEP},
    {"niter", TW_MEANS_STEP},
    {"iter_num", TW_MEANS_STEP},
    {"num_updates", TW_MEANS_STEP},
    {"num_iters", TW_MEANS_STEP},
    {"update", TW_MEANS_STEP},
    {"updates", TW_MEANS_STEP},
    {"current_steps", TW_MEANS_STEP},         /* LLaMA-Factory */
    {"global_step_max_steps", TW_MEANS_STEP}, /* ms-swift: "5/500" */
    {"itr", TW_MEANS_STEP},
    {"training_iteration", TW_MEANS_STEP},   /* Ray Tune */
    {"time_total_timesteps", TW_MEANS_STEP}, /* Stable-Baselines3 */
    {"total_timesteps", TW_MEANS_STEP},
    {"progress_tick_mean", TW_MEANS_STEP}, /* StyleGAN's and EDM's stats.jsonl */
    {"timesteps_total", TW_MEANS_STEP},
    {"epoch", TW_MEANS_EPOCH},
    {"epochs", TW_MEANS_EPOCH},
    {"train_epoch", TW_MEANS_EPOCH},
    {"current_epoch", TW_MEANS_EPOCH},
    {"epoch_num", TW_MEANS_EPOCH},
    {"num_epochs", TW_MEANS_EPOCH},
    {"timestamp", TW_MEANS_TIME},
    {"wall_time", TW_MEANS_TIME},
    {"overflow", TW_MEANS_OVERFLOW},
    {"train_overflow", TW_MEANS_OVERFLOW},
    {"found_inf", TW_MEANS_OVERFLOW},
    {"skipped", TW_MEANS_SKIPPED_STEPS},
    {"skipped_steps", TW_MEANS_SKIPPED_STEPS},
    {"skipped_iterations", TW_MEANS_SKIPPED_STEPS},
    {"number_of_skipped_iterations", TW_MEANS_SKIPPED_STEPS},
    {"number_of_nan_iterations", TW_MEANS_NAN_COUNT},
    {"nan_iterations", TW_MEANS_NAN_COUNT},
    {"consumed_samples", TW_MEANS_SAMPLES},
    {"consumed_train_samples", TW_MEANS_SAMPLES},
    {"samples", TW_MEANS_SAMPLES},
    {"samples_seen", TW_MEANS_SAMPLES},
    {"loss_averaged_over", TW_MEANS_LOSS_AVERAGED_OVER},
    {"step_seconds", TW_MEANS_STEP_SECONDS},
    {"update_norm", TW_MEANS_UPDATE_NORM},
    {"train_update_norm", TW_MEANS_UPDATE_NORM},
    {"l2_grads", TW_MEANS_GRAD_NORM}, /* big_vision; likewise: */
    {"l2_params", TW_MEANS_WEIGHT_NORM},
    {"l2_updates", TW_MEANS_UPDATE_NORM},
    {"g_norm", TW_MEANS_GRAD_NORM}, /* Marian's "gNorm" and "L.r." */
    {"l_r", TW_MEANS_LEARNING_RATE},
    {"trl", TW_MEANS_LOSS},      /* llm.c's main.log */
    {"tel", TW_MEANS_EVAL_LOSS}, /* likewise */
    {"evaluation_loss_vs_iterations", TW_MEANS_EVAL_LOSS},
};

/* What a name is about. */
static const char train_words[] = "train training trn tr trainer";
static const char eval_words[] = "val valid validation eval evaluation dev heldout";
static const char test_words[] = "test tst te testing predict";
static const char test_folders[] = "test tst testing predict"; /* "te" is a language, too */
/* Over what it is averaged, and what says nothing. */
static const char epoch_words[] = "epoch epochs epochwise";
static const char average_words[] = "avg average mean running smooth smoothed ema moving";
static const char step_words[] = "step steps batch iter iteration minibatch";
static const char empty_words[] =
    "samples metrics metric scalars scalar logs log stats global losses info main ray tune";

/* Never a signal, whatever stands beside them. */
static const char no_signal_words[] =
    "time runtime seconds second secs sec ms duration eta elapsed speed throughput tps tflops "
    "flops flos mfu hfu memory mem gpu gpus cpu ram utilization tokens preemption runs fps "
    "wallclock hours minutes vram cuda zeros examples";

/* At the end of a name: how others spread, and how many they are. */
static const char spread_words[] = "std stdv stdev stddev stderr num";

static const char loss_words[] = "loss losses cost nll objective logloss mlogloss xent";
/* Beside a loss word these are the loss itself. */
static const char whole_loss_words[] = "loss losses cost nll objective lm language model ce xent "
                                       "mse cross entropy ctc logloss mlogloss";
static const char perplexity_words[] = "ppl perplexity";
static const char perplexity_beside[] = "ppl perplexity token word lm language model masked";
static const char total_words[] = "total sum all overall full combined";
static const char norm_words[] = "norm gnorm norms";
static const char norm_beside[] =
    "norm gnorm norms grad grads gradient gradients total global l2 2 "
    "0 all avg mean pre raw before clip clipping unclipped train optim optimizer";
static const char norm_unclipped[] = "pre raw before unclipped";
static const char rate_beside[] = "lr learning rate lrs";
static const char rate_before[] = "optim optimizer current train training";

static const struct {
    const char *name;
    enum tw_meaning meaning;
} plain_names[] = {
    {"loss", TW_MEANS_LOSS},
    {"learning_rate", TW_MEANS_LEARNING_RATE},
    {"grad_norm", TW_MEANS_GRAD_NORM},
    {"loss_scale", TW_MEANS_LOSS_SCALE},
    {"weight_norm", TW_MEANS_WEIGHT_NORM},
    {"update_norm", TW_MEANS_UPDATE_NORM},
    {"skipped_steps", TW_MEANS_SKIPPED_STEPS},
    {"overflow", TW_MEANS_OVERFLOW},
    {"samples", TW_MEANS_SAMPLES},
    {"step_seconds", TW_MEANS_STEP_SECONDS},
    {"train_loss", TW_MEANS_TRAIN_LOSS},
    {"eval_loss", TW_MEANS_EVAL_LOSS},
    {"loss_part", TW_MEANS_LOSS_PART},
    {"step", TW_MEANS_STEP},
    {"epoch", TW_MEANS_EPOCH},
    {"ignore", TW_MEANS_NOTHING},
};

/* ---- the user's map ---- */

static bool are_all_of(const struct tw_words *words, const char *list)
{
    for (size_t i = 0; i < words->n; i++) {
        if (!tw_words_is_one_of(words->at[i], list))
            return false;
    }
    return words->n > 0;
}

/* That of a language model, not that of codes or of probabilities. */
static bool says_perplexity(const struct tw_words *words)
{
    return tw_words_has_one_of(words, perplexity_words) && are_all_of(words, perplexity_beside);
}

static bool meaning_of_signal(const char *signal, struct tw_name_meaning *ret)
{
    *ret = (struct tw_name_meaning){.rank = TW_RANK_USER};
    for (size_t i = 0; i < COUNT(plain_names); i++) {
        if (strcmp(plain_names[i].name, signal))
            continue;
        ret->meaning = plain_names[i].meaning;
        ret->is_part = ret->meaning == TW_MEANS_LOSS_PART;
        return true;
    }
    if (strncmp(signal, "eval_", 5) || !signal[5] || strlen(signal + 5) >= sizeof ret->metric)
        return false;
    struct tw_words words;
    tw_words_split(signal + 5, &words);
    ret->meaning = TW_MEANS_EVAL_METRIC;
    ret->is_perplexity = says_perplexity(&words);
    strcpy(ret->metric, signal + 5);
    return true;
}

int tw_log_map_check(const struct tw_texts *map, struct tw_error *error)
{
    struct tw_name_meaning meaning;
    for (size_t i = 0; i < map->n; i++) {
        const char *equals = strrchr(map->at[i], '=');
        if (!equals || equals == map->at[i])
            return tw_error_set(error, -EINVAL, "'%.100s' is not written as raw name=signal",
                                map->at[i]);
        if (!meaning_of_signal(equals + 1, &meaning))
            return tw_error_set(error, -EINVAL,
                                "'%.60s' is no signal that '%.*s' could mean; these are loss, "
                                "loss_part, train_loss, eval_loss, eval_NAME, learning_rate, "
                                "grad_norm, loss_scale, weight_norm, update_norm, skipped_steps, "
                                "overflow, samples, step_seconds, step, epoch and ignore",
                                equals + 1, (int)(equals - map->at[i]), map->at[i]);
    }
    return 0;
}

bool tw_log_name_is_mapped(const char *name, const struct tw_texts *map,
                           struct tw_name_meaning *ret)
{
    char pattern[256];
    for (size_t i = 0; map && i < map->n; i++) {
        const char *equals = strrchr(map->at[i], '=');
        size_t length = equals ? (size_t)(equals - map->at[i]) : 0;
        if (!length || length >= sizeof pattern)
            continue;
        memcpy(pattern, map->at[i], length);
        pattern[length] = '\0';
        if (!strcmp(pattern, name) || (strchr(pattern, '*') && !fnmatch(pattern, name, 0)))
            return meaning_of_signal(equals + 1, ret);
    }
    return false;
}

/* ---- words ---- */

static bool find_whole(const struct tw_words *words, enum tw_meaning *ret)
{
    char name[128];
    tw_words_join(words, name, sizeof name);
    for (size_t i = 0; i < COUNT(whole_names); i++) {
        if (!strcmp(whole_names[i].name, name)) {
            *ret = whole_names[i].meaning;
            return true;
        }
    }
    return false;
}

/* The two words, one right behind the other. */
static bool has_pair(const struct tw_words *words, const char *first, const char *second)
{
    for (size_t i = 0; i + 1 < words->n; i++) {
        if (!strcmp(words->at[i], first) && !strcmp(words->at[i + 1], second))
            return true;
    }
    return false;
}

static bool is_grad_norm(const struct tw_words *words)
{
    bool has_grad = tw_words_has_one_of(words, "grad grads gradient gradients gnorm");
    return has_grad && tw_words_has_one_of(words, norm_words) && are_all_of(words, norm_beside);
}

/* "lr", "lr0" */
static bool is_lr(const char *word)
{
    return !strncmp(word, "lr", 2) && word[2 + strspn(word + 2, "0123456789")] == '\0';
}

static bool has_lr(const struct tw_words *words)
{
    for (size_t i = 0; i < words->n; i++) {
        if (is_lr(words->at[i]))
            return true;
    }
    return false;
}

/* "learning_rate_group0", "Current learning rate" */
static bool says_learning_rate(const struct tw_words *words)
{
    size_t at = 0;
    while (at < words->n && tw_words_is_one_of(words->at[at], rate_before))
        at++;
    return at + 1 < words->n && !strcmp(words->at[at], "learning") &&
           tw_words_is_one_of(words->at[at + 1], "rate rates");
}

/* "lr", "lr-Adam-1", "lr/pg0", "Loss/learning_rate", but not "lr-Adam-momentum", "lr_loss". */
static bool is_learning_rate(const struct tw_words *name)
{
    struct tw_words below = *name;
    const struct tw_words *words = &below;
    if (name->n > 1 && name->ends_path[0])
        tw_words_remove(&below, tw_words_is_one_of(name->at[0], "loss losses") ? name->at[0] : "");
    if (!words->n)
        return false;
    bool has_name = !strcmp(words->at[0], "lrs") || has_lr(words) || says_learning_rate(words) ||
                    are_all_of(words, rate_beside);
    return has_name && !tw_words_has_one_of(words, "momentum decay scale mult factor ratio loss");
}

static bool is_loss_scale(const struct tw_words *words)
{
    return tw_words_has_one_of(words, "scale scaler scaling") &&
           (tw_words_has_one_of(words, "loss amp grad scaler") || words->n == 1);
}

static bool is_weight_norm(const struct tw_words *words)
{
    return tw_words_has(words, "norm") && words->n <= 3 &&
           are_all_of(words, "norm params param parameter parameters weight weights total global");
}

/* Quantities of a training step that are no loss. */
static bool find_figure(const struct tw_words *words, enum tw_meaning *ret)
{
    if (is_grad_norm(words))
        *ret = TW_MEANS_GRAD_NORM;
    else if (is_loss_scale(words))
        *ret = TW_MEANS_LOSS_SCALE;
    else if (is_weight_norm(words))
        *ret = TW_MEANS_WEIGHT_NORM;
    else if (is_learning_rate(words))
        *ret = TW_MEANS_LEARNING_RATE;
    else
        return false;
    return true;
}

static void remove_at(struct tw_words *words, size_t at, size_t n)
{
    struct tw_words before = *words;
    for (size_t i = at + n; i < before.n; i++) {
        memcpy(words->at[i - n], before.at[i], sizeof before.at[i]);
        words->ends_path[i - n] = before.ends_path[i];
    }
    words->n = before.n - n;
}

static bool is_count(const char *word)
{
    return !word[strspn(word, "0123456789")];
}

/* Which of several data sets it is: "validation_0" (XGBoost), "valid_1" (LightGBM),
 * "val_loss/dataloader_idx_1" (Lightning). Their losses are no parts of one. True for XGBoost's
 * first: it stops by the last, and the first is often that of the training. */
static bool remove_set(struct tw_words *words)
{
    bool is_xgboosts_first = has_pair(words, "validation", "0");
    for (size_t i = 0; i + 1 < words->n; i++) {
        bool is_set = tw_words_is_one_of(words->at[i], eval_words) ||
                      tw_words_is_one_of(words->at[i], test_words);
        if (is_set && is_count(words->at[i + 1]))
            remove_at(words, i + 1, 1);
    }
    if (words->n > 3 && has_pair(words, "dataloader", "idx") && is_count(words->at[words->n - 1]))
        remove_at(words, words->n - 3, 3);
    return is_xgboosts_first;
}

/* What a name is about beside its quantity. */
struct aspects {
    bool is_train, is_eval, is_test, is_epoch, is_average, is_total, is_first_set;
};

static struct aspects take_aspects(struct tw_words *words)
{
    struct aspects aspects = {0};
    aspects.is_first_set = remove_set(words);
    aspects.is_train = tw_words_remove(words, train_words) > 0;
    aspects.is_eval = tw_words_remove(words, eval_words) > 0;
    aspects.is_test = tw_words_remove(words, test_words) > 0;
    aspects.is_epoch = tw_words_remove(words, epoch_words) > 0;
    aspects.is_average = tw_words_remove(words, average_words) > 0;
    if (words->n > 1)
        tw_words_remove(words, step_words);
    if (words->n > 1)
        tw_words_remove(words, empty_words);
    if (tw_words_has(words, "logloss"))
        tw_words_remove(words, "binary multi"); /* LightGBM's, the loss itself */
    if (words->n > 1)
        aspects.is_total = tw_words_remove(words, total_words) > 0;
    return aspects;
}

/* A metric is called by its whole name, but for what it is about: "mean_average_precision" is none
 * of precision. */
static void name_metric(const struct tw_words *whole, struct tw_name_meaning *ret)
{
    static const char *const about[] = {train_words, eval_words, test_words,
                                        epoch_words, step_words, empty_words};
    struct tw_words words = *whole;
    for (size_t i = 0; i < COUNT(about); i++) {
        struct tw_words before = words;
        tw_words_remove(&words, about[i]);
        words = words.n ? words : before;
    }
    ret->meaning = TW_MEANS_EVAL_METRIC;
    tw_words_join(&words, ret->metric, sizeof ret->metric);
}

static bool is_eval_part(const struct aspects *aspects, enum tw_row_part part)
{
    if (aspects->is_eval || aspects->is_test)
        return true;
    return part == TW_PART_EVAL && !aspects->is_train;
}

/* Cross entropy is a loss whatever stands beside it. */
static bool says_loss(const struct tw_words *words)
{
    return tw_words_has_one_of(words, loss_words) || has_pair(words, "cross", "entropy");
}

static void find_eval(const struct tw_words *whole, const struct tw_words *words,
                      const struct aspects *aspects, struct tw_name_meaning *ret)
{
    ret->is_test = aspects->is_test;
    ret->rank = aspects->is_test ? TW_RANK_TEST : TW_RANK_PLAIN;
    if (are_all_of(words, whole_loss_words) && says_loss(words)) {
        ret->meaning = TW_MEANS_EVAL_LOSS;
        if (!aspects->is_test && (aspects->is_first_set || !are_all_of(words, loss_words)))
            ret->rank = TW_RANK_KIND;
        else if (!aspects->is_test && aspects->is_total)
            ret->rank = TW_RANK_TOTAL;
    } else if (says_loss(words)) {
        ret->meaning = TW_MEANS_EVAL_LOSS;
        ret->is_part = true;
        ret->rank = TW_RANK_PART;
    } else if (words->n) {
        name_metric(whole, ret);
        ret->is_perplexity = says_perplexity(words);
    }
}

static void find_train(const struct tw_words *words, const struct aspects *aspects,
                       struct tw_name_meaning *ret)
{
    ret->is_perplexity = says_perplexity(words);
    if (ret->is_perplexity) {
        ret->meaning = TW_MEANS_PERPLEXITY;
        ret->rank = aspects->is_epoch || aspects->is_average ? TW_RANK_AVERAGE
                    : aspects->is_train                      ? TW_RANK_TRAIN
                                                             : TW_RANK_PLAIN;
    }
    if (!says_loss(words))
        return;
    ret->is_over_epoch = aspects->is_train || aspects->is_epoch;
    ret->meaning = TW_MEANS_LOSS;
    if (!are_all_of(words, whole_loss_words)) {
        ret->meaning = TW_MEANS_LOSS_PART;
        ret->rank = TW_RANK_PART;
        ret->is_part = true;
    } else if (aspects->is_epoch || aspects->is_average) {
        ret->rank = are_all_of(words, loss_words) ? TW_RANK_AVERAGE : TW_RANK_AVERAGE_OF_KIND;
    } else if (are_all_of(words, "cost costs")) {
        ret->rank = TW_RANK_AVERAGE_OF_KIND; /* or that of time (GluonCV) */
    } else if (!are_all_of(words, loss_words)) {
        ret->rank = TW_RANK_KIND;
    } else if (aspects->is_total) {
        ret->rank = TW_RANK_TOTAL;
    } else {
        ret->rank = aspects->is_train ? TW_RANK_TRAIN : TW_RANK_PLAIN;
    }
}

/* "train_loss_step" is the step's, whatever "train_loss" is. */
static bool is_of_step(const char *name)
{
    size_t length = strlen(name);
    return length > 5 &&
           (!strcmp(name + length - 5, "_step") || !strcmp(name + length - 5, "/step"));
}

/* Metrics that are told without saying on what: of validation, by habit. */
static bool is_metrics_folder(const struct tw_words *words)
{
    return words->n > 1 && !strcmp(words->at[0], "metrics") && words->ends_path[0];
}

/* "config/lr" beside the rate of the step: what was set, not what is. */
static bool is_setting(const struct tw_words *words)
{
    return words->n > 1 && words->ends_path[0] &&
           tw_words_is_one_of(words->at[0],
                              "config cfg args hparam hparams params hyperparameters");
}

/* "test-Logloss-std" of a cross-validation, "Loss/loss/num" */
static bool is_spread(const struct tw_words *words)
{
    return words->n > 1 && tw_words_is_one_of(words->at[words->n - 1], spread_words);
}

/* The norm before clipping goes before the other, where both are told. */
static enum tw_name_rank rank_of_figure(const struct tw_words *words, enum tw_meaning meaning,
                                        bool is_average)
{
    if (meaning == TW_MEANS_GRAD_NORM && tw_words_has_one_of(words, norm_unclipped))
        return TW_RANK_TOTAL;
    return is_average ? TW_RANK_AVERAGE : TW_RANK_PLAIN;
}

static void find_by_words(const char *name, enum tw_row_part part, struct tw_name_meaning *ret)
{
    struct tw_words words, whole;
    tw_words_split(name, &words);
    if (words.n > 1 && words.ends_path[0] && !strcmp(words.at[0], "learning"))
        remove_at(&words, 0, 1); /* MaxText's "learning/loss" */
    whole = words;
    ret->step_is_epoch = words.n > 1 && !strcmp(words.at[0], "epoch");
    bool is_metric = is_metrics_folder(&words);
    bool is_copy = words.n > 2 && !strcmp(words.at[words.n - 1], "samples") &&
                   !strcmp(words.at[words.n - 2], "vs"); /* Megatron's second axis */
    struct tw_words figure = words;
    tw_words_remove(&figure, train_words);
    tw_words_remove(&figure, epoch_words);
    if (!words.n || is_copy || is_setting(&words) || is_spread(&words) ||
        tw_words_has_one_of(&words, no_signal_words))
        return;
    struct aspects aspects = take_aspects(&words);
    bool is_eval = is_eval_part(&aspects, part);
    ret->says_part = aspects.is_train || aspects.is_eval || aspects.is_test;
    if (is_metric && !aspects.is_train) {
        name_metric(&whole, ret);
    } else if (figure.n && !is_eval && find_figure(&figure, &ret->meaning)) {
        ret->rank = rank_of_figure(&figure, ret->meaning, aspects.is_average);
    } else if (is_eval) {
        if (figure.n && find_figure(&figure, &ret->meaning))
            ret->meaning = TW_MEANS_NOTHING; /* no evaluation tells a learning rate */
        else
            find_eval(&whole, &words, &aspects, ret);
    } else if (words.n) {
        find_train(&words, &aspects, ret);
        if (ret->meaning == TW_MEANS_LOSS && is_of_step(name))
            ret->rank = TW_RANK_PLAIN;
    }
}

void tw_log_name_meaning(const char *name, enum tw_row_part part, const struct tw_texts *map,
                         struct tw_name_meaning *ret)
{
    struct tw_words words;
    if (tw_log_name_is_mapped(name, map, ret))
        return;
    *ret = (struct tw_name_meaning){.meaning = TW_MEANS_NOTHING, .rank = TW_RANK_PLAIN};
    tw_words_split(name, &words);
    if (find_whole(&words, &ret->meaning)) {
        /* Keras tells it beside epoch_loss, one moment before that. */
        if (tw_words_has(&words, "vs"))
            ret->rank = TW_RANK_AVERAGE;
        return;
    }
    find_by_words(name, part, ret);
}

enum tw_row_part tw_log_part_of_name(const char *name)
{
    struct tw_words words;
    tw_words_split(name, &words);
    if (words.n == 0 || words.n > 2)
        return TW_PART_BY_NAME;
    if (tw_words_is_one_of(words.at[0], eval_words) ||
        tw_words_is_one_of(words.at[0], test_folders))
        return TW_PART_EVAL;
    return tw_words_is_one_of(words.at[0], "train training trn") ? TW_PART_TRAIN : TW_PART_BY_NAME;
}

const char *tw_log_signal_name(const struct tw_name_meaning *meaning, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (meaning->meaning == TW_MEANS_EVAL_METRIC) {
        snprintf(buffer, size, "eval_%s", meaning->metric);
        return buffer;
    }
    for (size_t i = 0; i < COUNT(plain_names); i++) {
        if (plain_names[i].meaning == meaning->meaning && meaning->meaning != TW_MEANS_NOTHING)
            snprintf(buffer, size, "%s", plain_names[i].name);
    }
    return buffer;
}

/* ---- metrics and objectives ---- */

enum tw_direction tw_log_metric_direction(const char *metric)
{
    struct tw_words words;
    tw_words_split(metric, &words);
    if (tw_words_has_one_of(&words,
                            "loss error err wer cer ppl perplexity mse rmse mae mape fid nll "
                            "bpb bpc kl mrstft ter eer"))
        return TW_DIRECTION_DOWN;
    if (tw_words_has_one_of(
            &words, "acc accuracy f1 auc auroc auprc ap map map50 map50to95 precision recall "
                    "bleu rouge rouge1 rouge2 rougel meteor iou miou dice ssim psnr spearman "
                    "pearson r2 mcc kappa top1 top5 reward return ndcg mrr hits exact em"))
        return TW_DIRECTION_UP;
    return TW_DIRECTION_UNKNOWN;
}

/* Episodes, and what is learned of them: their rewards, their lengths. */
static bool is_of_episodes(const struct tw_words *words)
{
    return tw_words_has_one_of(words, "ep episode episodes episodic rollout") &&
           tw_words_has_one_of(words, "rew reward return returns len length lengths");
}

/* What only methods of policies and of values tell. */
static bool is_of_policies(const struct tw_words *words)
{
    bool is_loss = tw_words_has_one_of(words, "loss losses");
    return (is_loss && tw_words_has_one_of(words, "policy actor surrogate vf td")) ||
           has_pair(words, "value", "loss") || (is_loss && has_pair(words, "value", "function")) ||
           has_pair(words, "approx", "kl") || tw_words_has_one_of(words, "approxkl rlhf");
}

static bool is_reinforcement(const struct tw_words *words)
{
    /* "rewards/chosen" is told by preference training, whose loss is a supervised one, as is that
     * of a model of rewards, which tells "mean_reward". Spreads of rewards are those of groups of
     * answers (GRPO). */
    if (words->n && !strcmp(words->at[0], "rewards"))
        return false;
    return is_of_episodes(words) || is_of_policies(words) || has_pair(words, "reward", "std");
}

unsigned tw_log_objective_hints(const char *name)
{
    struct tw_words words;
    unsigned hints = 0;
    tw_words_split(name, &words);
    bool is_loss = tw_words_has_one_of(&words, loss_words) ||
                   tw_words_has_one_of(&words, "err errg errd dloss gloss");
    if (is_loss && tw_words_has_one_of(&words, "g gen generator errg gloss"))
        hints |= TW_HINT_GENERATOR;
    if (is_loss && tw_words_has_one_of(&words, "d disc dis discriminator critic errd dloss"))
        hints |= TW_HINT_DISCRIMINATOR;
    if (is_reinforcement(&words))
        hints |= TW_HINT_REINFORCEMENT;
    if (tw_words_has_one_of(&words, "contrastive infonce ntxent simclr byol"))
        hints |= TW_HINT_CONTRASTIVE;
    if (tw_words_has(&words, "ctc"))
        hints |= TW_HINT_CTC;
    return hints;
}

const char *tw_log_objective(unsigned hints)
{
    if (hints & TW_HINT_REINFORCEMENT)
        return "reinforcement"; /* actor and critic are no generator and discriminator */
    if ((hints & TW_HINT_GENERATOR) && (hints & TW_HINT_DISCRIMINATOR))
        return "adversarial";
    if (hints & TW_HINT_CONTRASTIVE)
        return "contrastive";
    return hints & TW_HINT_CTC ? "ctc" : "";
}
