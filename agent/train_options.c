/* The command line of trainward-train: one row an option, over the option tables that also check
 * the values. */
#include <config.h>

#include "agent/train_options.h"

#include "telemetry/nearest.h"
#include "agent/train_resume.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPTION(member, type) #member, type, offsetof(struct tw_train_options, member)

static const char *const format_names[] = {"cbor", "json", NULL};
static const char *const stop_on_names[] = {"critical", "warning", "never", NULL};

static const struct tw_option own_options[] = {
    {OPTION(run, TW_OPTION_TEXT), .help = "the run's id [the run directory's name]"},
    {OPTION(kafka, TW_OPTION_TEXT), .help = "send telemetry to these Kafka brokers"},
    {OPTION(kafka_topic, TW_OPTION_TEXT), .initial_text = "trainward.telemetry",
     .help = "topic for it"},
    {OPTION(kafka_properties, TW_OPTION_PROPERTIES),
     .help = "any librdkafka property; may be repeated"},
    {OPTION(telemetry_format, TW_OPTION_CHOICE), .choices = format_names,
     .help = "form of the telemetry"},
    {OPTION(stop_on, TW_OPTION_CHOICE), .choices = stop_on_names,
     .help = "end the run 20 steps after an advisory of this severity that is still open"},
    {OPTION(no_watch, TW_OPTION_BOOL), .help = "do not watch this run for problems"},
    {OPTION(quiet, TW_OPTION_BOOL), .help = "print advisories and errors only"},
    {OPTION(no_progress, TW_OPTION_BOOL), .help = "a plain line an epoch, also on a terminal"},
};
#define N_OWN_OPTIONS (sizeof own_options / sizeof *own_options)

/* `option`: in the trainer's table, or in the one above. */
struct row {
    const char *name, *option, *argument;
};

struct group {
    const char *title;
    const struct row *rows;
};

static const struct group groups[] = {
    {"What is trained:", (const struct row[]){{"dataset", "dataset", "NAME"},
                                              {"target", "target", "COLUMN"},
                                              {"task", "task", "TASK"},
                                              {"validation-fraction", "validation_fraction", "F"},
                                              {"train-samples", "train_samples", "N"},
                                              {"label-noise", "label_noise", "F"},
                                              {"standardize", "standardize", "WHAT"},
                                              {"hidden", "hidden", "N,N,..."},
                                              {"activation", "activation", "NAME"},
                                              {"init", "initializer", "NAME"},
                                              {"init-gain", "init_gain", "G"},
                                              {"init-std", "init_std", "S"},
                                              {"init-bias", "init_bias", "B"},
                                              {"batch-norm", "batch_norm", NULL},
                                              {"dropout", "dropout", "P"},
                                              {"feature-scale", "feature_scale", "S"},
                                              {"loss", "loss", "NAME"},
                                              {0}}},
    {"How:", (const struct row[]){{"optimizer", "optimizer", "NAME"},
                                  {"learning-rate", "learning_rate", "R"},
                                  {"momentum", "momentum", "M"},
                                  {"nesterov", "nesterov", NULL},
                                  {"beta1", "beta1", "B"},
                                  {"beta2", "beta2", "B"},
                                  {"epsilon", "epsilon", "E"},
                                  {"weight-decay", "weight_decay", "W"},
                                  {"max-grad-norm", "max_grad_norm", "G"},
                                  {"precision", "precision", "NAME"},
                                  {"initial-loss-scale", "initial_loss_scale", "S"},
                                  {"loss-scale-window", "loss_scale_window", "N"},
                                  {"min-loss-scale", "min_loss_scale", "S"},
                                  {"schedule", "schedule", "NAME"},
                                  {"warmup-steps", "warmup_steps", "N"},
                                  {"batch-size", "batch_size", "N"},
                                  {"epochs", "epochs", "N"},
                                  {"eval-every", "eval_every", "STEPS"},
                                  {"early-stopping-patience", "early_stopping_patience", "N"},
                                  {"max-steps", "max_steps", "N"},
                                  {"seed", "seed", "N"},
                                  {"threads", "threads", "N"},
                                  {0}}},
    {"Where it is told:", (const struct row[]){{"run-dir", "run_dir", "DIR"},
                                               {"run", "run", "NAME"},
                                               {"project", "project", "NAME"},
                                               {"group", "group", "NAME"},
                                               {"telemetry-format", "telemetry_format", "FORM"},
                                               {"layers-every", "layers_every", "K"},
                                               {"keep-checkpoints", "keep_checkpoints", "N"},
                                               {"resume", "resume", NULL},
                                               {"resume-from", "resume_from", "CHECKPOINT"},
                                               {"reset-optimizer", "reset_optimizer", NULL},
                                               {"kafka", "kafka", "BROKERS"},
                                               {"kafka-topic", "kafka_topic", "TOPIC"},
                                               {"kafka-property", "kafka_properties", "KEY=VALUE"},
                                               {0}}},
    {"Watching and output:", (const struct row[]){{"stop-on", "stop_on", "SEVERITY"},
                                                  {"no-watch", "no_watch", NULL},
                                                  {"quiet", "quiet", NULL},
                                                  {"no-progress", "no_progress", NULL},
                                                  {0}}},
};
#define N_GROUPS (sizeof groups / sizeof *groups)
#define N_ROWS_MAX 96
#define HELP_BYTES 256

static const char epilogue[] =
    "\n"
    "Without --run-dir, telemetry and checkpoints go to runs/<UTC time>-<seed>; with --kafka and\n"
    "without --run-dir, telemetry goes to Kafka only. Same seed, same machine, same losses, bit "
    "for\n"
    "bit. Each data set's split never changes, whatever the seed.\n"
    "\n"
    "--resume goes on with a run: the one of --run-dir, or else the one in runs/ that wrote a\n"
    "checkpoint last. Options that are not given are as they were.\n"
    "\n"
    "Exit status: 0 trained to the end and nothing is wrong; 1 a problem is open at the end, or "
    "the\n"
    "loss is not finite; 2 wrong usage, or something could not be written; 130 interrupted.\n"
    "\n"
    "  trainward-train --optimizer sgd --learning-rate 0.05 --epochs 20 --run-dir runs/first\n";

static const struct tw_option *option_of(const struct row *row, bool *ret_is_own)
{
    const struct tw_option *own = tw_option_find(own_options, N_OWN_OPTIONS, row->option);
    *ret_is_own = own != NULL;
    return own ? own : tw_option_find(tw_trainer_options, tw_trainer_n_options, row->option);
}

static const struct tw_trainer_choice *choice_of(const char *option)
{
    for (size_t i = 0; i < tw_trainer_n_choices; i++) {
        if (!strcmp(tw_trainer_choices[i].option, option))
            return &tw_trainer_choices[i];
    }
    return NULL;
}

/* Row number `index` over all groups, or NULL. */
static const struct row *row_at(size_t index)
{
    for (size_t i = 0; i < N_GROUPS; i++) {
        for (const struct row *row = groups[i].rows; row->name; row++) {
            if (index-- == 0)
                return row;
        }
    }
    return NULL;
}

static const struct row *row_of_option(const char *option, size_t length)
{
    const struct row *row;
    for (size_t i = 0; (row = row_at(i)); i++) {
        if (strlen(row->option) == length && !strncmp(row->option, option, length))
            return row;
    }
    return NULL;
}

const char *tw_train_option_typed(const char *parameter, bool *ret_is_flag)
{
    const struct row *row = row_of_option(parameter, strlen(parameter));
    bool is_own = true;
    if (row)
        option_of(row, &is_own);
    *ret_is_flag = !is_own && !row->argument;
    return is_own ? NULL : row->name;
}

/* ---- help ---- */

static void append(char *text, const char *before, const char *value, const char *behind)
{
    size_t used = strlen(text);
    snprintf(text + used, HELP_BYTES - used, "%s%s%s", before, value, behind);
}

static void describe(const struct tw_option *option, char *ret)
{
    const struct tw_trainer_choice *choice = choice_of(option->name);
    char initial[32] = "";
    snprintf(ret, HELP_BYTES, "%s", option->help);
    for (size_t i = 0; choice && choice->word(i).name; i++)
        append(ret, i ? ", " : ": ", choice->word(i).name, "");
    for (size_t i = 0; option->type == TW_OPTION_CHOICE && option->choices[i]; i++)
        append(ret, i ? ", " : ": ", option->choices[i], "");
    if (option->type == TW_OPTION_CHOICE)
        append(ret, " [", option->choices[(int)option->initial], "]");
    else if (option->initial_text)
        append(ret, " [", option->initial_text, "]");
    snprintf(initial, sizeof initial, "%g", option->initial);
    if (option->type == TW_OPTION_COUNT && option->initial != 0)
        append(ret, " [", initial, "]");
}

static void print_choices(void)
{
    for (size_t i = 0; i < tw_trainer_n_choices; i++) {
        const struct tw_trainer_choice *choice = &tw_trainer_choices[i];
        const struct row *row = row_of_option(choice->option, strlen(choice->option));
        printf("\n--%s:\n", row->name);
        for (size_t j = 0; choice->word(j).name; j++)
            printf("  %-22s %s\n", choice->word(j).name, choice->word(j).description);
    }
}

/* ---- popt's tables ---- */

enum { VALUE_HELP = 1000, VALUE_VERSION, VALUE_ROWS = 2000 };

struct tables {
    struct poptOption rows[N_GROUPS][N_ROWS_MAX];
    struct poptOption other[3];
    struct poptOption top[N_GROUPS + 2];
    char help[N_ROWS_MAX][HELP_BYTES];
};

static void make_tables(struct tables *tables)
{
    int number = 0;
    for (size_t i = 0; i < N_GROUPS; i++) {
        struct poptOption *at = tables->rows[i];
        for (const struct row *row = groups[i].rows; row->name; row++, number++) {
            bool is_own;
            describe(option_of(row, &is_own), tables->help[number]);
            *at++ = (struct poptOption){row->name,
                                        '\0',
                                        row->argument ? POPT_ARG_STRING : POPT_ARG_NONE,
                                        NULL,
                                        VALUE_ROWS + number,
                                        tables->help[number],
                                        row->argument};
        }
        *at = (struct poptOption)POPT_TABLEEND;
        tables->top[i] = (struct poptOption){
            NULL, '\0', POPT_ARG_INCLUDE_TABLE, tables->rows[i], 0, groups[i].title, NULL};
    }
    tables->other[0] = (struct poptOption){
        "help", '?', POPT_ARG_NONE, NULL, VALUE_HELP, "print this and exit", NULL};
    tables->other[1] = (struct poptOption){
        "version", '\0', POPT_ARG_NONE, NULL, VALUE_VERSION, "print the version and exit", NULL};
    tables->other[2] = (struct poptOption)POPT_TABLEEND;
    tables->top[N_GROUPS] =
        (struct poptOption){NULL, '\0', POPT_ARG_INCLUDE_TABLE, tables->other, 0, "Help:", NULL};
    tables->top[N_GROUPS + 1] = (struct poptOption)POPT_TABLEEND;
}

static enum tw_train_parsed print_help(poptContext context)
{
    puts("Trains a multi-layer perceptron, tells everything about it as telemetry, and watches it\n"
         "for problems.");
    fflush(stdout);
    poptPrintHelp(context, stdout, 0);
    print_choices();
    fputs(epilogue, stdout);
    return TW_TRAIN_DONE;
}

static enum tw_train_parsed print_version(void)
{
    puts("trainward-train " PACKAGE_VERSION);
    return TW_TRAIN_DONE;
}

/* ---- mistakes ---- */

static void append_nearest(struct tw_error *error, const char *typed, const char *const *words,
                           size_t n, const char *dashes)
{
    const char *near = tw_nearest(typed, words, n);
    size_t used = strlen(error->text);
    if (near)
        snprintf(error->text + used, sizeof error->text - used, "; did you mean %s%s?", dashes,
                 near);
}

void tw_train_options_name(struct tw_error *error)
{
    size_t length = strcspn(error->text, ":");
    const struct row *row = row_of_option(error->text, length);
    char renamed[sizeof error->text];
    if (!row || !error->text[length])
        return;
    snprintf(renamed, sizeof renamed, "--%s%s", row->name, error->text + length);
    memcpy(error->text, renamed, sizeof renamed);
}

static void suggest_word(struct tw_error *error, const struct tw_option *option, const char *typed)
{
    const char *words[N_ROWS_MAX];
    size_t n = 0;
    const struct tw_trainer_choice *choice = choice_of(option->name);
    for (; choice && choice->word(n).name && n < N_ROWS_MAX; n++)
        words[n] = choice->word(n).name;
    for (; option->type == TW_OPTION_CHOICE && option->choices[n] && n < N_ROWS_MAX; n++)
        words[n] = option->choices[n];
    if (n)
        append_nearest(error, typed, words, n, "");
}

static enum tw_train_parsed unknown_option(poptContext context, int code, struct tw_error *error)
{
    const char *typed = poptBadOption(context, POPT_BADOPTION_NOALIAS);
    const char *names[N_ROWS_MAX];
    size_t n = 0;
    const struct row *row;
    tw_error_set(error, -EINVAL, "%s: %s", typed,
                 code == POPT_ERROR_BADOPT ? "there is no such option" : poptStrerror(code));
    for (; (row = row_at(n)); n++)
        names[n] = row->name;
    if (code == POPT_ERROR_BADOPT)
        append_nearest(error, typed + strspn(typed, "-"), names, n, "--");
    return TW_TRAIN_WRONG;
}

/* ---- parsing ---- */

static int set_row(struct tw_train_options *options, const struct row *row, const char *value,
                   struct tw_error *error)
{
    bool is_own;
    const struct tw_option *option = option_of(row, &is_own);
    void *config = is_own ? (void *)options : (void *)&options->trainer;
    int result = tw_option_set(option, config, value ? value : "true", error);
    if (result && value)
        suggest_word(error, option, value);
    return result;
}

/* ---- a run that is resumed ---- */

/* Not part of what a run is: where it lies and what it talks to, how it is resumed, and how it is
 * shown. Kafka's properties may hold passwords, too. */
static bool is_kept(const struct row *row)
{
    static const char *const others[] = {
        "run-dir",     "resume",         "resume-from", "reset-optimizer", "kafka",
        "kafka-topic", "kafka-property", "no-watch",    "quiet",           "no-progress"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (!strcmp(row->name, others[i]))
            return false;
    }
    return true;
}

static int note_given(struct tw_train_options *options, const struct row *row, const char *value,
                      struct tw_error *error)
{
    char *text;
    if (!is_kept(row))
        return 0;
    if (value && strchr(value, '\n')) /* it is kept as a line */
        return tw_error_set(error, -EINVAL, "%s: a line break cannot be part of it", row->option);
    if (asprintf(&text, "%s=%s", row->name, value ? value : "true") < 0)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = tw_texts_add(&options->given, text);
    free(text);
    return result ? tw_error_set(error, result, "out of memory") : 0;
}

static int set_kept(struct tw_train_options *options, const char *text, struct tw_error *error)
{
    const struct row *row;
    const char *value = strchr(text, '=');
    for (size_t i = 0; value && (row = row_at(i)); i++) {
        if (strlen(row->name) == (size_t)(value - text) &&
            !strncmp(row->name, text, strlen(row->name)) && is_kept(row))
            return set_row(options, row, value + 1, error);
    }
    return tw_error_at(error, -EBADMSG, options->trainer.run_dir, 0, 0,
                       "'%.100s' in its file of options is no option", text);
}

static bool is_given(const struct tw_texts *given, const char *text)
{
    size_t length = strcspn(text, "=");
    for (size_t i = 0; i < given->n; i++) {
        if (strcspn(given->at[i], "=") == length && !strncmp(given->at[i], text, length))
            return true;
    }
    return false;
}

/* What the run directory keeps, and over it what is given now. */
static int take_kept(struct tw_train_options *options, struct tw_error *error)
{
    struct tw_texts now = options->given, kept = {0};
    options->given = (struct tw_texts){0};
    int result = tw_train_resume_load(options->trainer.run_dir, &kept, error);
    for (size_t i = 0; !result && i < kept.n + now.n; i++) {
        const char *text = i < kept.n ? kept.at[i] : now.at[i - kept.n];
        if (i < kept.n && is_given(&now, text))
            continue;
        result = set_kept(options, text, error);
        if (!result && tw_texts_add(&options->given, text))
            result = tw_error_set(error, -ENOMEM, "out of memory");
    }
    tw_texts_release(&kept);
    tw_texts_release(&now);
    return result;
}

static int prepare_resume(struct tw_train_options *options, struct tw_error *error)
{
    struct tw_trainer_config *trainer = &options->trainer;
    int result = 0;
    if (!trainer->resume && !trainer->resume_from)
        return 0;
    if (!trainer->run_dir)
        result = tw_train_resume_newest(&trainer->run_dir, "runs", error);
    return result ? result : take_kept(options, error);
}

/* Names are checked here, and not first by the trainer, to say which known one is near. */
static int check_words(const struct tw_train_options *options, struct tw_error *error)
{
    struct tw_trainer_plan plan;
    int result = tw_trainer_config_resolve(&options->trainer, &plan, error);
    if (!result)
        return 0;
    size_t length = strcspn(error->text, ":");
    for (size_t i = 0; strstr(error->text, "is none of") && i < tw_trainer_n_choices; i++) {
        const char *name = tw_trainer_choices[i].option;
        const struct tw_option *option =
            tw_option_find(tw_trainer_options, tw_trainer_n_options, name);
        const char *const *typed = (const void *)((const char *)&options->trainer + option->offset);
        if (strlen(name) == length && !strncmp(name, error->text, length))
            suggest_word(error, option, *typed);
    }
    return result;
}

static int name_run(struct tw_train_options *options, struct tw_error *error)
{
    struct tw_trainer_config *trainer = &options->trainer;
    char stamp[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    size_t length = strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(stamp + length, sizeof stamp - length, "-%llu", (unsigned long long)trainer->seed);
    if (!trainer->run_dir && !options->kafka && asprintf(&trainer->run_dir, "runs/%s", stamp) < 0) {
        trainer->run_dir = NULL;
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    if (!options->run) {
        char *dir = strdup(trainer->run_dir ? trainer->run_dir : stamp);
        for (size_t end = dir ? strlen(dir) : 0; end > 1 && dir[end - 1] == '/'; end--)
            dir[end - 1] = '\0';
        const char *base = dir ? strrchr(dir, '/') : NULL;
        base = base ? base + 1 : dir;
        /* "." and ".." are no names. */
        options->run = dir ? strdup(*base && *base != '.' ? base : stamp) : NULL;
        free(dir);
    }
    if (!trainer->name && options->run)
        trainer->name = strdup(options->run);
    return options->run && trainer->name ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
}

static int check_run(const struct tw_train_options *options, struct tw_error *error)
{
    if (!*options->run || strlen(options->run) > TW_RUN_ID_MAX)
        return tw_error_set(error, -EINVAL, "run: a run's id has 1 to %d bytes", TW_RUN_ID_MAX);
    if (!options->kafka && options->kafka_properties.n)
        return tw_error_set(error, -EINVAL, "kafka_properties: this needs --kafka too");
    return 0;
}

static enum tw_train_parsed parse(struct tw_train_options *options, poptContext context,
                                  struct tw_error *error)
{
    int value;
    while ((value = poptGetNextOpt(context)) >= 0) {
        if (value == VALUE_HELP)
            return print_help(context);
        if (value == VALUE_VERSION)
            return print_version();
        char *argument = poptGetOptArg(context);
        const struct row *row = row_at((size_t)(value - VALUE_ROWS));
        int result = set_row(options, row, argument, error);
        if (!result)
            result = note_given(options, row, argument, error);
        free(argument);
        if (result)
            return TW_TRAIN_WRONG;
    }
    if (value < -1)
        return unknown_option(context, value, error);
    const char *extra = poptGetArg(context);
    if (extra) {
        tw_error_set(error, -EINVAL, "'%s' is no option; see trainward-train --help", extra);
        return TW_TRAIN_WRONG;
    }
    if (prepare_resume(options, error) || check_words(options, error) || name_run(options, error) ||
        check_run(options, error))
        return TW_TRAIN_WRONG;
    return TW_TRAIN_RUN;
}

enum tw_train_parsed tw_train_options_parse(struct tw_train_options *options, int argc,
                                            const char **argv, struct tw_error *error)
{
    enum tw_train_parsed parsed = TW_TRAIN_WRONG;
    *options = (struct tw_train_options){0};
    struct tables *tables = calloc(1, sizeof *tables);
    if (!tables || tw_options_initialise(own_options, N_OWN_OPTIONS, options, error) ||
        tw_options_initialise(tw_trainer_options, tw_trainer_n_options, &options->trainer, error)) {
        free(tables);
        tw_error_set(error, -ENOMEM, "out of memory");
        return TW_TRAIN_WRONG;
    }
    make_tables(tables);
    poptContext context = poptGetContext("trainward-train", argc, argv, tables->top, 0);
    if (context)
        parsed = parse(options, context, error);
    else
        tw_error_set(error, -ENOMEM, "out of memory");
    if (parsed == TW_TRAIN_WRONG)
        tw_train_options_name(error);
    poptFreeContext(context);
    free(tables);
    return parsed;
}

void tw_train_options_release(struct tw_train_options *options)
{
    tw_texts_release(&options->given);
    tw_options_release(own_options, N_OWN_OPTIONS, options);
    tw_options_release(tw_trainer_options, tw_trainer_n_options, &options->trainer);
}
