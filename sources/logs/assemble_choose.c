/* Which names of a run become which signals. */
#include "sources/logs/assemble_state.h"

#include "sources/logs/words.h"

#include <math.h>
#include <string.h>

/* Signals of which the best name is taken, and that are told by their meaning alone. */
static const struct {
    enum tw_meaning meaning;
    enum tw_signal signal;
} plain[] = {
    {TW_MEANS_LOSS_AVERAGED_OVER, TW_SIGNAL_LOSS_AVERAGED_OVER},
    {TW_MEANS_GRAD_NORM, TW_SIGNAL_GRAD_NORM},
    {TW_MEANS_LOSS_SCALE, TW_SIGNAL_LOSS_SCALE},
    {TW_MEANS_OVERFLOW, TW_SIGNAL_OVERFLOW},
    {TW_MEANS_SKIPPED_STEPS, TW_SIGNAL_SKIPPED_STEPS},
    {TW_MEANS_WEIGHT_NORM, TW_SIGNAL_WEIGHT_NORM},
    {TW_MEANS_UPDATE_NORM, TW_SIGNAL_UPDATE_NORM},
    {TW_MEANS_SAMPLES, TW_SIGNAL_SAMPLES},
    {TW_MEANS_STEP_SECONDS, TW_SIGNAL_STEP_SECONDS},
};

static const struct {
    enum tw_meaning meaning;
    enum tw_role role;
} roles[] = {
    {TW_MEANS_STEP, TW_ROLE_STEP},
    {TW_MEANS_EPOCH, TW_ROLE_EPOCH},
    {TW_MEANS_TIME, TW_ROLE_TIME},
    {TW_MEANS_NAN_COUNT, TW_ROLE_NAN_COUNT},
};

static bool is_of(const struct tw_seen_name *name, enum tw_meaning meaning, bool is_part)
{
    return name->meaning.meaning == meaning && name->meaning.is_part == is_part;
}

/* The surest name of a meaning, the first of equally sure ones. */
static struct tw_seen_name *best_of(const struct tw_assembled_run *run, enum tw_meaning meaning)
{
    struct tw_seen_name *best = NULL;
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_seen_name *name = run->names[i];
        if (is_of(name, meaning, false) && (!best || name->meaning.rank < best->meaning.rank))
            best = name;
    }
    return best;
}

/* The same name in rows of another part, that means the same there ("train_loss" in lines of the
 * training, and beside "val_loss"). */
static bool is_twin(const struct tw_seen_name *name, const struct tw_seen_name *other)
{
    return name != other && name->meaning.says_part && other->meaning.says_part &&
           name->meaning.meaning == other->meaning.meaning &&
           name->meaning.rank == other->meaning.rank && !strcmp(name->raw + 2, other->raw + 2);
}

static void take(struct tw_assembled_run *run, struct tw_seen_name *name, enum tw_role role,
                 enum tw_signal signal)
{
    for (uint32_t i = 0; name && i < run->n_names; i++) {
        if (run->names[i] != name && !is_twin(run->names[i], name))
            continue;
        run->names[i]->role = role;
        run->names[i]->signal = signal;
    }
}

static bool add_parts(struct tw_assembled_run *run, enum tw_meaning meaning, enum tw_signal signal)
{
    /* Two networks that play against each other have no common loss: the first one stands for it.
     */
    bool is_one = run->hints & (TW_HINT_GENERATOR | TW_HINT_DISCRIMINATOR | TW_HINT_REINFORCEMENT);
    bool has_any = false, is_test = true;
    for (uint32_t i = 0; i < run->n_names; i++)
        is_test &= !is_of(run->names[i], meaning, true) || run->names[i]->meaning.is_test;
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_seen_name *name = run->names[i];
        if (!is_of(name, meaning, true) || (is_one && has_any) || name->meaning.is_test != is_test)
            continue;
        take(run, name, TW_ROLE_ADD, signal);
        has_any = true;
    }
    return has_any;
}

static bool is_of_kind(const struct tw_seen_name *name)
{
    return name->meaning.rank == TW_RANK_KIND || name->meaning.rank == TW_RANK_AVERAGE_OF_KIND;
}

/* A loss over the epoch or the training set beside the loss of the step: of the same kind, as
 * "train_loss_ce" is a part of "train_loss". */
static struct tw_seen_name *second_loss(const struct tw_assembled_run *run,
                                        const struct tw_seen_name *loss)
{
    struct tw_seen_name *best = NULL;
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_seen_name *name = run->names[i];
        if (name->role != TW_ROLE_SIGNAL && is_of(name, TW_MEANS_LOSS, false) &&
            name->meaning.is_over_epoch && is_of_kind(name) == is_of_kind(loss) &&
            (!best || name->meaning.rank < best->meaning.rank))
            best = name;
    }
    return best;
}

/* ---- perplexities ---- */

/* Errors of what is rebuilt stand beside the perplexity of codes, which grows. */
static const char errors[] =
    "error err mse mae rmse rec recon reconstruction vq quantization commit "
    "commitment codebook psnr ssim";
/* So far over its first value on average, and never so far below it. */
#define RISES .25
#define FALLS .1

/* Beside a loss a perplexity tells nothing new, or something else. */
static bool tells_no_loss(const struct tw_assembled_run *run)
{
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_words words;
        enum tw_meaning meaning = run->names[i]->meaning.meaning;
        tw_words_split(run->names[i]->raw + 2, &words);
        if (meaning == TW_MEANS_LOSS || meaning == TW_MEANS_LOSS_PART ||
            meaning == TW_MEANS_TRAIN_LOSS || meaning == TW_MEANS_EVAL_LOSS ||
            tw_words_has_one_of(&words, errors))
            return false;
    }
    return true;
}

/* That of a test set where there is no other. */
static struct tw_seen_name *best_eval_perplexity(const struct tw_assembled_run *run)
{
    struct tw_seen_name *best = NULL;
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_seen_name *name = run->names[i];
        if (name->meaning.is_perplexity && is_of(name, TW_MEANS_EVAL_METRIC, false) &&
            (!best || name->meaning.rank < best->meaning.rank))
            best = name;
    }
    return best;
}

/* That of codes rises from the first on, as more of them are used; that of a language model falls
 * before it may rise. Errors of what is rebuilt are not read of every text. */
static bool is_of_codes(const struct tw_assembled_run *run, const struct tw_seen_name *name)
{
    double n = 0, sum = 0, first = 0, least = INFINITY;
    for (const struct tw_held_row *row = run->first; row; row = row->next) {
        const struct tw_held_cell *cell = tw_held_row_find(row, name->index);
        if (!cell)
            continue;
        first = n ? first : cell->value;
        least = fmin(least, cell->value);
        sum += cell->value;
        n++;
    }
    return n >= TW_FIRST_FEW && isfinite(sum) && sum > (1 + RISES) * first * n &&
           least > (1 - FALLS) * first;
}

static void choose_perplexities(struct tw_assembled_run *run)
{
    struct tw_seen_name *train = best_of(run, TW_MEANS_PERPLEXITY);
    if (!tells_no_loss(run) || (train && is_of_codes(run, train)))
        return;
    take(run, train, TW_ROLE_SIGNAL, TW_SIGNAL_LOSS);
    take(run, best_eval_perplexity(run), TW_ROLE_SIGNAL, TW_SIGNAL_EVAL_LOSS);
}

/* ---- losses ---- */

static void choose_losses(struct tw_assembled_run *run)
{
    struct tw_seen_name *loss = best_of(run, TW_MEANS_LOSS);
    struct tw_seen_name *train = best_of(run, TW_MEANS_TRAIN_LOSS);
    take(run, loss, TW_ROLE_SIGNAL, TW_SIGNAL_LOSS);
    if (!train && loss)
        train = second_loss(run, loss);
    take(run, train, TW_ROLE_SIGNAL, TW_SIGNAL_TRAIN_LOSS);
    if (!loss && train) {
        take(run, train, TW_ROLE_SIGNAL, TW_SIGNAL_LOSS);
        train->is_both = true;
    } else if (!loss) {
        add_parts(run, TW_MEANS_LOSS_PART, TW_SIGNAL_LOSS);
    }
}

static bool is_of_test(const struct tw_seen_name *name)
{
    return name->meaning.is_test;
}

static void choose_evaluations(struct tw_assembled_run *run)
{
    struct tw_seen_name *loss = best_of(run, TW_MEANS_EVAL_LOSS);
    bool has_parts =
        (!loss || is_of_test(loss)) && add_parts(run, TW_MEANS_EVAL_LOSS, TW_SIGNAL_EVAL_LOSS);
    if (!has_parts)
        take(run, loss, TW_ROLE_SIGNAL, TW_SIGNAL_EVAL_LOSS);
    bool has_validation = has_parts || (loss && !is_of_test(loss));
    for (uint32_t i = 0; i < run->n_names; i++)
        has_validation |=
            is_of(run->names[i], TW_MEANS_EVAL_METRIC, false) && !is_of_test(run->names[i]);
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_seen_name *name = run->names[i];
        if (is_of(name, TW_MEANS_EVAL_METRIC, false) && !(has_validation && is_of_test(name)))
            name->role = TW_ROLE_METRIC;
    }
}

void tw_assemble_choose(struct tw_assembled_run *run)
{
    for (uint32_t i = 0; i < run->n_names; i++) {
        struct tw_seen_name *name = run->names[i];
        name->role = name->meaning.meaning == TW_MEANS_LEARNING_RATE ? TW_ROLE_MOST : TW_ROLE_NONE;
        name->signal = TW_SIGNAL_LEARNING_RATE;
        name->is_both = false;
        for (size_t j = 0; j < sizeof roles / sizeof *roles; j++) {
            if (name->meaning.meaning == roles[j].meaning)
                name->role = roles[j].role;
        }
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        take(run, best_of(run, plain[i].meaning), TW_ROLE_SIGNAL, plain[i].signal);
    choose_losses(run);
    choose_evaluations(run);
    choose_perplexities(run);
    for (uint32_t i = 0; i < run->n_names; i++)
        run->roles |= 1u << run->names[i]->role;
    run->has_chosen = true;
}

/* The first name of the signal; NULL: it has none as yet. */
static const struct tw_seen_name *name_of(const struct tw_assembled_run *run, enum tw_signal signal)
{
    for (uint32_t i = 0; i < run->n_names; i++) {
        if (tw_seen_name_is_of(run->names[i], signal))
            return run->names[i];
    }
    return NULL;
}

static bool has_chosen_validation(const struct tw_assembled_run *run)
{
    for (uint32_t i = 0; i < run->n_names; i++) {
        const struct tw_seen_name *name = run->names[i];
        bool is_loss = tw_seen_name_is_of(name, TW_SIGNAL_EVAL_LOSS);
        if ((is_loss || name->role == TW_ROLE_METRIC) && !is_of_test(name))
            return true;
    }
    return false;
}

/* What has been chosen stays: only a signal that has no name as yet is given to a late one. */
void tw_assemble_choose_late(struct tw_assembled_run *run, struct tw_seen_name *name)
{
    enum tw_signal signal = TW_SIGNALS;
    enum tw_meaning meaning = name->meaning.meaning;
    name->role = TW_ROLE_NONE;
    for (uint32_t i = 0; i < run->n_names; i++) {
        const struct tw_seen_name *other = run->names[i];
        if (!is_twin(other, name) || other->role == TW_ROLE_NONE)
            continue;
        name->role = other->role;
        name->signal = other->signal;
        return;
    }
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (meaning == roles[i].meaning)
            name->role = roles[i].role;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (meaning == plain[i].meaning)
            signal = plain[i].signal;
    }
    if (meaning == TW_MEANS_LEARNING_RATE)
        take(run, name, TW_ROLE_MOST, TW_SIGNAL_LEARNING_RATE);
    if (meaning == TW_MEANS_EVAL_METRIC && !(is_of_test(name) && has_chosen_validation(run)))
        name->role = TW_ROLE_METRIC;
    /* Its perplexity counts where that of the training is the loss. */
    const struct tw_seen_name *loss = name_of(run, TW_SIGNAL_LOSS);
    bool is_exponential = loss && tw_seen_name_is_exponential(loss);
    if (meaning == TW_MEANS_EVAL_LOSS ||
        (meaning == TW_MEANS_EVAL_METRIC && name->meaning.is_perplexity && is_exponential))
        signal = TW_SIGNAL_EVAL_LOSS;
    if (meaning == TW_MEANS_LOSS || meaning == TW_MEANS_LOSS_PART)
        signal = TW_SIGNAL_LOSS;
    bool is_second = meaning == TW_MEANS_LOSS && name->meaning.is_over_epoch && loss &&
                     is_of_kind(name) == is_of_kind(loss);
    if (is_second || meaning == TW_MEANS_TRAIN_LOSS)
        signal = TW_SIGNAL_TRAIN_LOSS;
    if (signal != TW_SIGNALS && !name_of(run, signal))
        take(run, name, TW_ROLE_SIGNAL, signal);
    run->roles |= 1u << name->role;
}
