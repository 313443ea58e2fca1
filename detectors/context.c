/* Where a run is, what it declared, and when detectors should hold their tongue. */
#include "detectors/context.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELD(member) offsetof(struct tw_context_config, member)

/* What is sent beyond it is no learning rate, and would be the run's peak for ever. */
#define LEARNING_RATE_MAX 1e30

const struct tw_option tw_context_options[] = {
    {.name = "warmup_min_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(warmup_min_steps),
     .initial = 100,
     .min = 0,
     .max = 1e12,
     .help = "only critical findings before this step: norms and losses of healthy runs peak in "
             "the first hundred steps (AlgoPerf logs)"},
    {.name = "warmup_fraction",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(warmup_fraction),
     .initial = .02,
     .min = 0,
     .max = 1,
     .help = "or before this share of the declared max_steps (our judgement)"},
    {.name = "lr_jump_ratio",
     .type = TW_OPTION_NUMBER,
     .offset = FIELD(lr_jump_ratio),
     .initial = 1.5,
     .min = 1.01,
     .max = 1000,
     .help = "a larger change of the learning rate between two records starts a new segment (our "
             "judgement; step schedules use 2 to 10)"},
    {.name = "mute_after_lr_up",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(mute_after_lr_up),
     .initial = 100,
     .min = 0,
     .max = 1e12,
     .help = "steps without new findings on the loss after a jump up of the learning rate: warm "
             "restarts raise the loss by design (Loshchilov and Hutter, arXiv 1608.03983)"},
    {.name = "mute_after_resume",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(mute_after_resume),
     .initial = 200,
     .min = 0,
     .max = 1e12,
     .help = "the same after a resume: optimizer or data loader state may be lost (our judgement)"},
    {.name = "cooldown_steps",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(cooldown_steps),
     .initial = 100,
     .min = 0,
     .max = 1e12,
     .help =
         "steps between two findings of one detector and scope (rlwatch: 100), or a fifth of the "
         "steps until the first one's end if that is less, as in logs of epochs; the time that a "
         "withdrawn one stood (our judgement)"},
    {.name = "findings_max",
     .type = TW_OPTION_COUNT,
     .offset = FIELD(findings_max),
     .initial = 50,
     .min = 1,
     .max = 1e6,
     .help = "most findings of one run (rlwatch: 50)"},
};
const size_t tw_context_n_options = sizeof tw_context_options / sizeof *tw_context_options;

size_t tw_context_size(enum tw_extent extent)
{
    return extent >= TW_EXTENT_LAYERS ? sizeof(struct tw_context)
                                      : offsetof(struct tw_context, n_layer_names);
}

void tw_context_start(struct tw_context *context)
{
    memset(context, 0, tw_context_size(TW_EXTENT_STEPS));
    context->learning_rate = NAN;
    context->peak_learning_rate = NAN;
    context->loss_scale = NAN;
    context->initial_loss_scale = NAN;
    context->batch_size = context->micro_batches = NAN;
    context->declared_max_epochs = context->declared_learning_rate = NAN;
    context->declared_early_stopping_patience = NAN;
    context->declared_min_loss_scale = context->declared_loss_scale_window = NAN;
    context->dataset_classes = context->dataset_samples = NAN;
    context->trivial_loss = NAN;
    context->epoch = context->samples = NAN;
    tw_course_start(&context->course);
    context->loss_averaged_over = 1;
}

/* ---- what the header declares ---- */

static enum tw_objective objective_of(const char *text)
{
    static const struct {
        const char *name;
        enum tw_objective objective;
    } known[] = {
        {"", TW_OBJECTIVE_SUPERVISED},
        {"supervised", TW_OBJECTIVE_SUPERVISED},
        {"ctc", TW_OBJECTIVE_CTC},
        {"contrastive", TW_OBJECTIVE_CONTRASTIVE},
        {"adversarial", TW_OBJECTIVE_ADVERSARIAL},
        {"gan", TW_OBJECTIVE_ADVERSARIAL},
        {"reinforcement", TW_OBJECTIVE_REINFORCEMENT},
        {"rl", TW_OBJECTIVE_REINFORCEMENT},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(text, known[i].name))
            return known[i].objective;
    }
    return TW_OBJECTIVE_OTHER;
}

const char *tw_objective_name(enum tw_objective objective)
{
    static const char *const names[] = {
        [TW_OBJECTIVE_SUPERVISED] = "supervised",       [TW_OBJECTIVE_CTC] = "ctc",
        [TW_OBJECTIVE_CONTRASTIVE] = "contrastive",     [TW_OBJECTIVE_ADVERSARIAL] = "adversarial",
        [TW_OBJECTIVE_REINFORCEMENT] = "reinforcement", [TW_OBJECTIVE_OTHER] = "other",
    };
    return names[objective];
}

bool tw_context_loss_should_fall(const struct tw_context *context)
{
    return context->objective != TW_OBJECTIVE_ADVERSARIAL &&
           context->objective != TW_OBJECTIVE_REINFORCEMENT &&
           context->objective != TW_OBJECTIVE_CONTRASTIVE;
}

static const struct tw_hyperparameter *find_hyperparameter(const struct tw_header *header,
                                                           const char *name)
{
    for (size_t i = 0; i < header->n_hyperparameters; i++) {
        if (!strcmp(header->hyperparameters[i].name, name))
            return &header->hyperparameters[i];
    }
    return NULL;
}

static double declared_number(const struct tw_header *header, const char *name)
{
    const struct tw_hyperparameter *found = find_hyperparameter(header, name);
    return found && !found->is_text && isfinite(found->number) ? found->number : NAN;
}

static uint64_t declared_steps(const struct tw_header *header, const char *name)
{
    double number = declared_number(header, name);
    return number > 0 && number < 1e15 ? (uint64_t)number : 0;
}

static void take_precision(struct tw_context *context, const struct tw_header *header)
{
    static const char *const fp16_names[] = {"fp16", "float16",  "half",
                                             "16",   "16-mixed", "fp16-mixed"};
    const struct tw_hyperparameter *found = find_hyperparameter(header, "precision");
    if (!found)
        return;
    context->has_precision = 1;
    context->is_fp16 = !found->is_text && found->number == 16;
    for (size_t i = 0; found->is_text && i < sizeof fp16_names / sizeof *fp16_names; i++)
        context->is_fp16 |= !strcmp(found->text, fp16_names[i]);
}

static bool declares_schedule(const struct tw_header *header)
{
    static const char *const constant[] = {"", "none", "constant", "constant_with_warmup"};
    const struct tw_hyperparameter *found = find_hyperparameter(header, "schedule");
    for (size_t i = 0; found && i < sizeof constant / sizeof *constant; i++) {
        if (!found->is_text || !strcasecmp(found->text, constant[i]))
            return false;
    }
    return found;
}

static bool declares_squared_loss(const struct tw_header *header)
{
    const struct tw_hyperparameter *found = find_hyperparameter(header, "loss");
    static const char *const names[] = {"mse", "mse_loss", "mean_squared_error", "l2"};
    for (size_t i = 0; found && found->is_text && i < sizeof names / sizeof *names; i++) {
        if (!strcasecmp(found->text, names[i]))
            return true;
    }
    return false;
}

/* C. E. Shannon 1948: the least cross-entropy of a prediction that knows the frequencies alone is
 * their entropy, at most ln C; the least squared error of a constant is the variance. */
static double trivial_loss(const struct tw_header *header)
{
    double variance = declared_number(header, "target_variance");
    double entropy = declared_number(header, "label_entropy");
    if (declares_squared_loss(header) || !header->dataset_classes)
        return variance > 0 ? variance : NAN;
    if (entropy > 0)
        return entropy;
    return header->dataset_classes >= 2 ? log((double)header->dataset_classes) : NAN;
}

static double count_or_nan(uint64_t count)
{
    return count ? (double)count : NAN;
}

static void take_declared(struct tw_context *context, const struct tw_header *header)
{
    context->has_schedule = declares_schedule(header);
    context->has_squared_loss = declares_squared_loss(header) || !header->dataset_classes;
    context->declared_max_epochs = declared_number(header, "max_epochs");
    context->declared_learning_rate = declared_number(header, "learning_rate");
    context->declared_early_stopping_patience = declared_number(header, "early_stopping_patience");
    context->declared_min_loss_scale = declared_number(header, "min_loss_scale");
    context->declared_loss_scale_window = declared_number(header, "loss_scale_window");
    context->dataset_classes = count_or_nan(header->dataset_classes);
    context->dataset_samples = count_or_nan(header->dataset_samples);
    context->trivial_loss = trivial_loss(header);
}

/* ---- layers ---- */

static enum tw_activation activation_of(const char *text)
{
    static const struct {
        const char *name;
        enum tw_activation activation;
    } known[] = {
        {"", TW_ACTIVATION_UNKNOWN},
        {"none", TW_ACTIVATION_NONE},
        {"linear", TW_ACTIVATION_NONE},
        {"identity", TW_ACTIVATION_NONE},
        {"relu", TW_ACTIVATION_RELU},
        {"relu6", TW_ACTIVATION_RELU},
        {"squared_relu", TW_ACTIVATION_RELU},
        {"leaky_relu", TW_ACTIVATION_LEAKY},
        {"leakyrelu", TW_ACTIVATION_LEAKY},
        {"prelu", TW_ACTIVATION_LEAKY},
        {"elu", TW_ACTIVATION_LEAKY},
        {"selu", TW_ACTIVATION_LEAKY},
        {"gelu", TW_ACTIVATION_LEAKY},
        {"silu", TW_ACTIVATION_LEAKY},
        {"swish", TW_ACTIVATION_LEAKY},
        {"mish", TW_ACTIVATION_LEAKY},
        {"tanh", TW_ACTIVATION_TANH},
        {"sigmoid", TW_ACTIVATION_SIGMOID},
        {"logistic", TW_ACTIVATION_SIGMOID},
        {"softmax", TW_ACTIVATION_SOFTMAX},
        {"log_softmax", TW_ACTIVATION_SOFTMAX},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcasecmp(text, known[i].name))
            return known[i].activation;
    }
    return TW_ACTIVATION_OTHER;
}

static bool has_word(const struct tw_layer_info *layer, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasestr(layer->kind, words[i]) || strcasestr(layer->name, words[i]))
            return true;
    }
    return false;
}

static enum tw_layer_role role_of(const struct tw_header *header, size_t index)
{
    static const char *const outputs[] = {"output", "lm_head", "logits", "classifier"};
    static const char *const gates[] = {"lstm", "gru",     "glu",    "gate",   "attention",
                                        "attn", "softmax", "expert", "router", "squeeze"};
    const struct tw_layer_info *layer = &header->layers[index];
    if (index + 1 == header->n_layers || has_word(layer, outputs, sizeof outputs / sizeof *outputs))
        return TW_LAYER_OUTPUT;
    return has_word(layer, gates, sizeof gates / sizeof *gates) ? TW_LAYER_GATE : TW_LAYER_HIDDEN;
}

static void take_layer_kinds(struct tw_context *context, const struct tw_header *header)
{
    memset(context->layer_activation, 0, sizeof context->layer_activation);
    memset(context->layer_role, 0, sizeof context->layer_role);
    for (size_t i = 0; i < header->n_layers && i < TW_CONTEXT_LAYERS_MAX; i++) {
        context->layer_activation[i] = (uint8_t)activation_of(header->layers[i].activation);
        context->layer_role[i] = (uint8_t)role_of(header, i);
    }
}

static void take_layer_names(struct tw_context *context, const struct tw_header *header)
{
    size_t used = 0;
    context->n_layer_names = 0;
    memset(context->layer_names, 0, sizeof context->layer_names);
    for (size_t i = 0; i < header->n_layers; i++) {
        const char *name = header->layers[i].name;
        size_t length = strnlen(name, TW_CONTEXT_LAYER_NAME_MAX);
        if (used + length + 1 > sizeof context->layer_names)
            break;
        memcpy(context->layer_names + used, name, length);
        used += length + 1;
        context->n_layer_names++;
    }
}

static void take_layers(struct tw_context *context, const struct tw_header *header)
{
    take_layer_names(context, header);
    take_layer_kinds(context, header);
}

void tw_context_grow(struct tw_context *context, enum tw_extent extent,
                     const struct tw_header *header)
{
    bool is_new = !tw_context_reaches(context, TW_EXTENT_LAYERS) && extent >= TW_EXTENT_LAYERS;
    context->extent = (uint8_t)extent;
    if (is_new && header)
        take_layers(context, header);
}

/* ---- segments ---- */

static void start_segment(struct tw_context *context, enum tw_segment_cause cause, uint64_t step)
{
    context->segment++;
    context->segment_cause = cause;
    context->segment_first_step = step;
    context->segment_is_new = 1;
}

/* The batch of an optimizer step: more micro-batches are a larger batch. */
static void observe_batch(struct tw_context *context, const struct tw_header *header)
{
    double batch_size = declared_number(header, "batch_size");
    double micro_batches = declared_number(header, "micro_batches");
    bool has_changed =
        (context->batch_size > 0 && batch_size > 0 && batch_size != context->batch_size) ||
        (context->micro_batches > 0 && micro_batches > 0 &&
         micro_batches != context->micro_batches);
    if (has_changed)
        start_segment(context, TW_SEGMENT_BATCH_CHANGE, context->step);
    if (batch_size > 0)
        context->batch_size = batch_size;
    if (micro_batches > 0)
        context->micro_batches = micro_batches;
}

static void observe_header(struct tw_context *context, const struct tw_header *header)
{
    double ratio = declared_number(header, "warmup_ratio");
    context->has_header = 1;
    context->objective = objective_of(header->objective);
    context->world_size =
        header->world_size > UINT32_MAX ? UINT32_MAX : (uint32_t)header->world_size;
    context->declared_max_steps = declared_steps(header, "max_steps");
    context->declared_warmup_steps = declared_steps(header, "warmup_steps");
    if (!context->declared_warmup_steps && ratio > 0 && ratio < 1)
        context->declared_warmup_steps = (uint64_t)(ratio * (double)context->declared_max_steps);
    take_precision(context, header);
    take_declared(context, header);
    context->header_hash = tw_header_hash(header);
    context->n_layers = (uint32_t)header->n_layers;
    if (tw_context_reaches(context, TW_EXTENT_LAYERS))
        take_layers(context, header);
    observe_batch(context, header);
}

static void observe_attempt(struct tw_context *context, const struct tw_record *record)
{
    if (!(record->has & TW_HAS_ATTEMPT) || !strcmp(context->attempt, record->attempt))
        return;
    if (context->attempt[0])
        start_segment(context, TW_SEGMENT_RESUME,
                      record->has & TW_HAS_STEP ? record->step : context->step);
    memcpy(context->attempt, record->attempt, sizeof context->attempt);
}

/* A schedule that ends at zero and starts again has no ratio: coming back from nothing to half of
 * the peak in one go counts as a jump; the first steps of a warm-up do not. */
static int learning_rate_jump(const struct tw_context *context, double limit, double now)
{
    double before = context->learning_rate;
    if (isnan(before) || now <= 0)
        return 0;
    if (before <= 0)
        return now >= .5 * context->peak_learning_rate ? 1 : 0;
    return now > limit * before ? 1 : before > limit * now ? -1 : 0;
}

static void observe_learning_rate(struct tw_context *context,
                                  const struct tw_context_config *config,
                                  const struct tw_record *record)
{
    double now = record->signal[TW_SIGNAL_LEARNING_RATE];
    if (!tw_record_has(record, TW_SIGNAL_LEARNING_RATE) || !(fabs(now) < LEARNING_RATE_MAX))
        return;
    int jump = learning_rate_jump(context, config->lr_jump_ratio, now);
    /* What caused a resume caused the new learning rate too. */
    if (jump && !context->segment_is_new)
        start_segment(context, jump > 0 ? TW_SEGMENT_LR_UP : TW_SEGMENT_LR_DOWN, context->step);
    context->learning_rate = now;
    if (!(context->peak_learning_rate >= now))
        context->peak_learning_rate = now;
}

static void observe_newest(double *newest, const struct tw_record *record, enum tw_signal signal)
{
    double now = record->signal[signal];
    if (tw_record_has(record, signal) && isfinite(now) && now >= 0)
        *newest = now;
}

static void observe_loss_scale(struct tw_context *context, const struct tw_record *record)
{
    double now = record->signal[TW_SIGNAL_LOSS_SCALE];
    if (!tw_record_has(record, TW_SIGNAL_LOSS_SCALE) || !isfinite(now) || now <= 0)
        return;
    if (isnan(context->initial_loss_scale))
        context->initial_loss_scale = now;
    context->loss_scale = now;
}

/* Other ranks run a little ahead or behind: only the first one tells where the run is. */
static bool is_first_rank(const struct tw_record *record)
{
    return !(record->has & TW_HAS_RANK) || record->rank == 0;
}

static void observe_step(struct tw_context *context, const struct tw_record *record)
{
    if (!(record->has & TW_HAS_STEP) || record->kind == TW_KIND_HEADER || !is_first_rank(record))
        return;
    if (!context->has_step) {
        context->first_step = record->step;
        context->segment_first_step = record->step;
        context->has_step = 1;
    } else if (record->kind == TW_KIND_STEP && record->step < context->newest_record_step) {
        context->step_went_back = 1;
        start_segment(context, TW_SEGMENT_RESUME, record->step);
    }
    if (record->kind == TW_KIND_STEP)
        context->newest_record_step = record->step;
    context->step = record->step;
}

static void observe_time(struct tw_context *context, const struct tw_record *record)
{
    if (!(record->has & TW_HAS_TIME))
        return;
    if (!context->first_time_ms)
        context->first_time_ms = record->time_ms;
    context->time_ms = record->time_ms;
}

/* Where the run began. */
static void keep_first(struct tw_context *context, double loss)
{
    enum { FIRST_LOSSES = 8 };
    if (context->n_first_losses == FIRST_LOSSES)
        return;
    if (!context->n_first_losses++) {
        context->smallest_loss = context->first_level = loss;
    } else if (loss < context->smallest_loss) {
        context->first_level = context->smallest_loss;
        context->smallest_loss = loss;
    } else if (context->n_first_losses == 2 || loss < context->first_level) {
        context->first_level = loss;
    }
}

static void observe_loss(struct tw_context *context, const struct tw_record *record)
{
    double loss = record->signal[TW_SIGNAL_LOSS];
    if (context->segment_is_new && context->segment_cause == TW_SEGMENT_DATA_CHANGE)
        tw_course_begin_data(&context->course);
    context->course.is_new = context->course.block_is_new = 0;
    if (record->kind != TW_KIND_STEP || !tw_record_has(record, TW_SIGNAL_LOSS) || !isfinite(loss))
        return;
    tw_course_push(&context->course, loss, context->step);
    if (isfinite((float)loss))
        keep_first(context, loss);
}

static bool is_norm(const struct tw_record *record, enum tw_signal signal, double above)
{
    double norm = record->signal[signal];
    return tw_record_has(record, signal) && norm >= above && norm < 1e30;
}

static void observe_update(struct tw_context *context, const struct tw_record *record)
{
    context->updates.is_new = 0;
    if (record->kind == TW_KIND_STEP && is_norm(record, TW_SIGNAL_UPDATE_NORM, 0) &&
        is_norm(record, TW_SIGNAL_WEIGHT_NORM, 1e-30) &&
        !(context->learning_rate < .5 * context->peak_learning_rate))
        tw_update_sizes_push(&context->updates, record->signal[TW_SIGNAL_UPDATE_NORM],
                             record->signal[TW_SIGNAL_WEIGHT_NORM]);
}

void tw_context_observe(struct tw_context *context, const struct tw_context_config *config,
                        const struct tw_record *record)
{
    context->records++;
    context->segment_is_new = 0;
    context->step_went_back = 0;
    observe_time(context, record);
    observe_attempt(context, record);
    observe_step(context, record);
    if (record->kind == TW_KIND_HEADER && record->header)
        observe_header(context, record->header);
    if (record->kind == TW_KIND_EVENT && !strcmp(record->event, "resume"))
        start_segment(context, TW_SEGMENT_RESUME, context->step);
    if (record->kind == TW_KIND_EVENT && !strcmp(record->event, "data_change"))
        start_segment(context, TW_SEGMENT_DATA_CHANGE, context->step);
    observe_learning_rate(context, config, record);
    observe_loss_scale(context, record);
    observe_newest(&context->epoch, record, TW_SIGNAL_EPOCH);
    observe_newest(&context->samples, record, TW_SIGNAL_SAMPLES);
    observe_newest(&context->loss_averaged_over, record, TW_SIGNAL_LOSS_AVERAGED_OVER);
    observe_loss(context, record);
    observe_update(context, record);
}

bool tw_context_knows_layers(const struct tw_context *context, const struct tw_layers *layers)
{
    return tw_context_reaches(context, TW_EXTENT_LAYERS) && context->n_layers > 0 &&
           layers->header_hash == context->header_hash && layers->n == context->n_layers;
}

static double share_of(double done, double of)
{
    return of > 0 && done >= 0 ? fmin(done / of, 1) : NAN;
}

double tw_context_progress(const struct tw_context *context)
{
    if (context->declared_max_steps)
        return share_of((double)context->step, (double)context->declared_max_steps);
    return share_of(context->epoch, context->declared_max_epochs);
}

double tw_context_unlearned(const struct tw_context *context, double line)
{
    bool is_variance = context->has_squared_loss && context->trivial_loss > 0;
    return is_variance ? .5 * (1 + line) : line;
}

/* ---- gates ---- */

uint64_t tw_context_warmup_end(const struct tw_context *context,
                               const struct tw_context_config *config)
{
    uint64_t end = config->warmup_min_steps, share = 0;
    if (context->declared_max_steps)
        share = (uint64_t)(config->warmup_fraction * (double)context->declared_max_steps);
    if (context->declared_warmup_steps > end)
        end = context->declared_warmup_steps;
    return share > end ? share : end;
}

bool tw_context_in_warmup(const struct tw_context *context, const struct tw_context_config *config)
{
    return context->step < tw_context_warmup_end(context, config);
}

bool tw_context_is_muted(const struct tw_context *context, const struct tw_context_config *config)
{
    uint64_t steps = 0;
    if (context->segment_cause == TW_SEGMENT_LR_UP)
        steps = config->mute_after_lr_up;
    else if (context->segment_cause == TW_SEGMENT_RESUME)
        steps = config->mute_after_resume;
    return context->step - context->segment_first_step < steps;
}

void tw_context_layer_scope(const struct tw_context *context, uint64_t header_hash, uint32_t index,
                            char *ret, size_t size)
{
    const char *name = context->layer_names;
    if (!tw_context_reaches(context, TW_EXTENT_LAYERS) || header_hash != context->header_hash ||
        index >= context->n_layer_names) {
        snprintf(ret, size, "layer:#%u", (unsigned)index);
        return;
    }
    for (uint32_t i = 0; i < index; i++)
        name += strlen(name) + 1;
    snprintf(ret, size, "layer:%s", name);
}
