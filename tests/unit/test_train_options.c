/* The command line of trainward-train: what it sets, and the one line for each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/train_options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 48

/* `line` is cut at blanks. */
static enum tw_train_parsed parse(struct tw_train_options *options, const char *line,
                                  struct tw_error *error)
{
    static char words[1024];
    const char *argv[ARGUMENTS_MAX] = {"trainward-train"};
    int argc = 1;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return tw_train_options_parse(options, argc, argv, error);
}

static void options_reach_the_training(void **state)
{
    struct tw_train_options options;
    (void)state;
    assert_int_equal(parse(&options,
                           "--optimizer sgd --learning-rate=0.25 --momentum .8 --nesterov "
                           "--hidden 16,8 --init xavier --max-grad-norm 2 --run-dir runs/a/ "
                           "--telemetry-format json --stop-on never --layers-every 0 "
                           "--activation leaky_relu --init-gain 2 --init-bias=-.5 --batch-norm "
                           "--dropout .25 --precision bf16 --loss-scale-window 9",
                           NULL),
                     TW_TRAIN_RUN);
    assert_string_equal(options.trainer.optimizer, "sgd");
    assert_true(options.trainer.learning_rate == .25);
    assert_true(options.trainer.momentum == .8);
    assert_true(options.trainer.nesterov);
    assert_true(options.trainer.max_grad_norm == 2);
    assert_string_equal(options.trainer.hidden, "16,8");
    assert_string_equal(options.trainer.initializer, "xavier");
    assert_string_equal(options.trainer.activation, "leaky_relu");
    assert_string_equal(options.trainer.precision, "bf16");
    assert_true(options.trainer.init_gain == 2 && options.trainer.init_bias == -.5);
    assert_true(options.trainer.batch_norm && options.trainer.dropout == .25);
    assert_int_equal(options.trainer.loss_scale_window, 9);
    assert_int_equal(options.telemetry_format, TW_WIRE_JSON);
    assert_int_equal(options.stop_on, TW_STOP_ON_NEVER);
    assert_int_equal(options.trainer.layers_every, 0);
    assert_string_equal(options.run, "a"); /* the directory's name, without the slash */
    tw_train_options_release(&options);
}

static void what_is_not_given_is_its_default(void **state)
{
    struct tw_train_options options;
    (void)state;
    assert_int_equal(parse(&options, "--seed 5", NULL), TW_TRAIN_RUN);
    assert_string_equal(options.trainer.optimizer, "adam");
    assert_true(isnan(options.trainer.learning_rate)); /* the optimizer's own */
    assert_int_equal(options.stop_on, TW_STOP_ON_CRITICAL);
    assert_false(options.no_watch || options.quiet);
    /* runs/20261121T093000Z-5 */
    assert_int_equal(strncmp(options.trainer.run_dir, "runs/2", 6), 0);
    assert_int_equal(strlen(options.trainer.run_dir), strlen("runs/20261121T093000Z-5"));
    assert_string_equal(options.run, options.trainer.run_dir + 5);
    assert_string_equal(options.run + strlen(options.run) - 3, "Z-5");
    tw_train_options_release(&options);
}

static void with_kafka_alone_nothing_is_written_to_a_directory(void **state)
{
    struct tw_train_options options;
    (void)state;
    assert_int_equal(parse(&options,
                           "--kafka a:9092,b:9092 --kafka-property security.protocol=ssl "
                           "--kafka-property linger.ms=5 --run r7",
                           NULL),
                     TW_TRAIN_RUN);
    assert_null(options.trainer.run_dir);
    assert_string_equal(options.kafka, "a:9092,b:9092");
    assert_string_equal(options.kafka_topic, "trainward.telemetry");
    assert_int_equal(options.kafka_properties.n, 2);
    assert_string_equal(options.run, "r7");
    tw_train_options_release(&options);
}

static void every_mistake_is_one_line_that_names_the_option(void **state)
{
    static const struct {
        const char *line, *message;
    } mistakes[] = {
        {"--optimizer adan", "--optimizer: 'adan' is none of adam, adamw, sgd; did you mean adam?"},
        {"--optimzer adam", "--optimzer: there is no such option; did you mean --optimizer?"},
        {"--init xaver", "--init: 'xaver' is none of he, xavier, normal; did you mean xavier?"},
        {"--stop-on critcal",
         "--stop-on: 'critcal' is none of critical, warning, never; did you mean critical?"},
        {"--learning-rate abc", "--learning-rate: 'abc' is not a number"},
        {"--learning-rate 0,1", "--learning-rate: '0,1' is not a number"},
        {"--learning-rate=-1", "--learning-rate: -1 is outside 0 to 1e+30"},
        {"--learning-rate", "--learning-rate: missing argument"},
        {"--epochs 0", "--epochs: 0 is outside 1 to 1e+09"},
        {"--threads 2.5", "--threads: '2.5' is not a whole number"},
        {"--hidden 64,x", "--hidden: '64,x' is no list of sizes from 1 to 65536 such as 64,32"},
        {"--precision half", "--precision: 'half' is none of fp32, bf16, fp16"},
        {"--dropout 1", "--dropout: 1 is outside 0 to 0.99"},
        {"--init-std .1", "--init-std: the initializer he has none"},
        {"--momentum .5", "--momentum: the optimizer adam has none"},
        {"--optimizer sgd --beta1 .5", "--beta1: the optimizer sgd has none"},
        {"--kafka-property a=b", "--kafka-property: this needs --kafka too"},
        {"--kafka a --kafka-property b", "--kafka-property: 'b' is not key=value"},
        {"--resume", "--resume: runs holds no run with checkpoints; name one by --run-dir"},
        {"--reset-optimizer", "--reset-optimizer: there is nothing to reset without a resume"},
        {"--dataset csv", "--dataset: csv needs a path behind it: csv:PATH"},
        {"--dataset digits:x", "--dataset: digits is built in and takes no path"},
        {"--target price", "--target: this is of csv, and digits has no columns to choose"},
        {"--task regression", "--task: this is of csv, and digits has no columns to choose"},
        {"--project a\nb", "--project: a line break cannot be part of it"},
        {"train", "'train' is no option; see trainward-train --help"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct tw_train_options options;
        struct tw_error error = {0};
        assert_int_equal(parse(&options, mistakes[i].line, &error), TW_TRAIN_WRONG);
        assert_string_equal(error.text, mistakes[i].message);
        tw_train_options_release(&options);
    }
}

static void parameters_of_advice_are_typed_as_options(void **state)
{
    bool is_flag;
    (void)state;
    assert_string_equal(tw_train_option_typed("learning_rate", &is_flag), "learning-rate");
    assert_false(is_flag);
    assert_string_equal(tw_train_option_typed("initializer", &is_flag), "init");
    assert_string_equal(tw_train_option_typed("batch_norm", &is_flag), "batch-norm");
    assert_true(is_flag);
    assert_null(tw_train_option_typed("label_smoothing", &is_flag));
    assert_null(tw_train_option_typed("kafka", &is_flag)); /* not the trainer's own */
    assert_null(tw_train_option_typed("", &is_flag));
}

static void a_run_id_that_is_too_long_is_refused(void **state)
{
    struct tw_train_options options;
    struct tw_error error = {0};
    char line[300] = "--run ";
    (void)state;
    memset(line + 6, 'x', 128);
    assert_int_equal(parse(&options, line, &error), TW_TRAIN_WRONG);
    assert_string_equal(error.text, "--run: a run's id has 1 to 127 bytes");
    tw_train_options_release(&options);
    line[6 + 127] = '\0';
    assert_int_equal(parse(&options, line, NULL), TW_TRAIN_RUN);
    tw_train_options_release(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_reach_the_training),
        cmocka_unit_test(what_is_not_given_is_its_default),
        cmocka_unit_test(with_kafka_alone_nothing_is_written_to_a_directory),
        cmocka_unit_test(every_mistake_is_one_line_that_names_the_option),
        cmocka_unit_test(parameters_of_advice_are_typed_as_options),
        cmocka_unit_test(a_run_id_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests_name("train_options", tests, NULL, NULL);
}
