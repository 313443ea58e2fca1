/* trainer_state.json of transformers' Trainer (trainer_callback.py, TrainerState): log_history has
 * an entry for each log() of training, of evaluations, and one at the end. A training entry's loss
 * is the mean of the steps since the one before; up to version 4.5x it is rounded to 4 digits. The
 * file is not replaced but written over, so that it may be seen half-written. */
#include "sources/logs/json_leaves.h"
#include "sources/logs/json_objects.h"
#include "sources/logs/json_row.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct huggingface_state {
    struct tw_json_row row;
    double last_loss_step;
    bool has_ended; /* the newest entry is the one at the end */
    double end_step;
    const struct tw_log_sink *sink;
};

/* ---- entries ---- */

static double number_of(const json_t *entry, const char *key)
{
    double value;
    const json_t *leaf = json_object_get(entry, key);
    return leaf && tw_json_leaf_number(leaf, &value) ? value : NAN;
}

static enum tw_meaning meaning_of(const char *name, bool is_end)
{
    if (!strcmp(name, "loss"))
        return TW_MEANS_LOSS;
    if (!strcmp(name, "grad_norm")) /* before clipping: what clip_grad_norm_() returns */
        return TW_MEANS_GRAD_NORM;
    if (!strcmp(name, "learning_rate"))
        return TW_MEANS_LEARNING_RATE;
    if (!strcmp(name, "eval_loss"))
        return TW_MEANS_EVAL_LOSS;
    /* the mean over the whole training */
    return is_end && !strcmp(name, "train_loss") ? TW_MEANS_NOTHING : TW_MEANS_BY_NAME;
}

static int add_number(struct huggingface_state *state, const char *name, double value, bool is_end)
{
    if (!strcmp(name, "step"))
        state->row.row.step = value;
    else if (!strcmp(name, "epoch"))
        state->row.row.epoch = value;
    else
        return tw_json_row_add(&state->row, name, value, meaning_of(name, is_end));
    return 0;
}

/* Over how many steps the entry's loss is a mean. */
static int add_averaged_over(struct huggingface_state *state)
{
    double step = state->row.row.step, gap = step - state->last_loss_step;
    if (isnan(step))
        return 0;
    state->last_loss_step = step;
    return tw_json_row_add(&state->row, "loss_averaged_over", gap >= 1 ? gap : 1,
                           TW_MEANS_LOSS_AVERAGED_OVER);
}

static int take_entry(struct huggingface_state *state, const json_t *entry)
{
    bool is_end = json_object_get(entry, "train_runtime") != NULL;
    const char *key;
    json_t *value;
    double number;
    int result = 0;
    tw_json_row_start(&state->row, state->sink);
    json_object_foreach((json_t *)(uintptr_t)entry, key, value)
    {
        if (!result && tw_json_leaf_number(value, &number))
            result = add_number(state, key, number, is_end);
    }
    bool has_loss = json_object_get(entry, "loss") != NULL;
    if (!result && has_loss)
        result = add_averaged_over(state);
    if (is_end || has_loss)
        state->has_ended = is_end;
    if (is_end)
        state->end_step = number_of(entry, "step");
    return result ? result : tw_json_row_give(&state->row);
}

/* ---- what is told of the run ---- */

/* What is not set is -1, 0 or the largest integer. */
static bool is_told(const char *path, const json_t *leaf)
{
    static const char *const names[] = {"train_batch_size", "num_train_epochs", "max_steps",
                                        "logging_steps",    "eval_steps",       "save_steps"};
    double value;
    if (!strncmp(path, "trial_params/", 13))
        return !json_is_null(leaf);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(path, names[i]))
            return tw_json_leaf_number(leaf, &value) && value > 0 && value < 0x1p53;
    }
    return false;
}

static int take_fact(void *closure, const char *path, const json_t *leaf)
{
    const struct tw_log_sink *sink = closure;
    if (!is_told(path, leaf))
        return 0;
    char *text = tw_json_leaf_text(leaf);
    if (!text)
        return -ENOMEM;
    int result = sink->parameter(sink->closure, NULL, path, text);
    free(text);
    return result;
}

/* What holds of every such document, whole or not. */
static int tell_trainer(const struct tw_log_sink *sink)
{
    int result = sink->parameter(sink->closure, NULL, "framework", "transformers");
    return result ? result : sink->parameter(sink->closure, NULL, "grad_norm_kind", "pre_clip");
}

/* ---- the document ---- */

static int take_element(void *closure, const json_t *element)
{
    struct huggingface_state *state = closure;
    if (!json_is_object(element))
        return state->sink->broken(state->sink->closure, "an entry that is no object");
    return take_entry(state, element);
}

/* The document without its entries: as one tree, these take ten times the memory of their text. */
static int parse_rest(const char *bytes, size_t size, const char *history, json_t **ret)
{
    const char *end = bytes + size;
    const char *behind = history ? tw_json_behind_brackets(history, end) : NULL;
    if (!history)
        return tw_json_parse(bytes, size, ret);
    if (!behind)
        return -EBADMSG;
    size_t before = (size_t)(history + 1 - bytes), after = (size_t)(end - behind) + 1;
    char *rest = malloc(before + after);
    if (!rest)
        return -ENOMEM;
    memcpy(rest, bytes, before);
    memcpy(rest + before, behind - 1, after);
    int result = tw_json_parse(rest, before + after, ret);
    free(rest);
    return result;
}

static int take_history(struct huggingface_state *state, const char *history, const char *end)
{
    int result = 0;
    if (history)
        tw_json_each_element(history, (size_t)(end - history), take_element, state, &result);
    return result;
}

/* Of one that is half-written or damaged, the whole entries are told; they come again when all of
 * it is there. */
static int take_document(struct huggingface_state *state, const char *bytes, size_t size)
{
    const char *history = tw_json_find_array(bytes, size, "log_history");
    json_t *rest;
    int whole = parse_rest(bytes, size, history, &rest), result = whole;
    if (!whole) {
        result = tw_json_leaves_of(rest, "", take_fact, (void *)(uintptr_t)state->sink);
        json_decref(rest);
    }
    if (!result || result == -EBADMSG)
        result = take_history(state, history, bytes + size);
    return result ? result : whole;
}

static int read_document(void *closure, const char *bytes, size_t size,
                         const struct tw_log_sink *sink, struct tw_error *error)
{
    struct huggingface_state *state = closure;
    state->sink = sink;
    state->last_loss_step = 0;
    state->has_ended = false;
    int result = tell_trainer(sink);
    if (!result)
        result = take_document(state, bytes, size);
    if (result == -EBADMSG)
        return tw_error_set(
            error, -EAGAIN,
            "the document is half-written, or damaged; its whole entries were read");
    if (result)
        return tw_error_set(error, result, "out of memory");
    return state->has_ended ? sink->event(sink->closure, NULL, TW_LOG_COMPLETED, state->end_step)
                            : 0;
}

static void done(void *state)
{
    tw_json_row_release(&((struct huggingface_state *)state)->row);
}

static int probe(const struct tw_log_sample *sample)
{
    const char *history = memmem(sample->bytes, sample->size, "\"log_history\"", 13);
    if (!history || !tw_json_find_array(sample->bytes, sample->size, "log_history"))
        return 0;
    return memmem(sample->bytes, (size_t)(history - sample->bytes), "\"global_step\"", 13) ? 95
                                                                                           : 70;
}

const struct tw_log_format tw_log_format_huggingface_state = {
    .name = "huggingface_state",
    .description = "transformers' Trainer (trainer_state.json)",
    .kind = TW_LOG_DOCUMENT,
    .state_size = sizeof(struct huggingface_state),
    .probe = probe,
    .document = read_document,
    .done = done,
};
