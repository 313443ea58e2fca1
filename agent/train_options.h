/* The command line of trainward-train. */
#ifndef TW_TRAIN_OPTIONS_H
#define TW_TRAIN_OPTIONS_H

#include "trainer/config.h"

#include "telemetry/option.h"
#include "telemetry/wire.h"

enum tw_train_stop_on { TW_STOP_ON_CRITICAL, TW_STOP_ON_WARNING, TW_STOP_ON_NEVER };

struct tw_train_options {
    struct tw_trainer_config trainer;
    char *run; /* run id; always set after parsing */
    char *kafka, *kafka_topic;
    struct tw_texts kafka_properties;
    int telemetry_format; /* enum tw_wire_format */
    int stop_on;          /* enum tw_train_stop_on */
    bool no_watch, quiet, no_progress;
    /* What was given and makes the run what it is, as NAME=VALUE: for a resume. */
    struct tw_texts given;
};

/* What the caller does next. */
enum tw_train_parsed {
    TW_TRAIN_RUN,
    TW_TRAIN_DONE, /* help or the version was printed: exit 0 */
    TW_TRAIN_WRONG /* `error` tells in one line what is wrong: exit 2 */
};

/* Reads the command line; with --resume over what the run directory keeps of the former ones. Fills
 * in the run directory and the run id where they were not given.
 * `options` needs a release whatever comes of it. */
enum tw_train_parsed tw_train_options_parse(struct tw_train_options *options, int argc,
                                            const char **argv, struct tw_error *error);
/* An error of the trainer that begins with an option's name ("loss: ..."): how it is typed instead,
 * "--loss: ...". Others stay as they are. */
void tw_train_options_name(struct tw_error *error);
void tw_train_options_release(struct tw_train_options *options);

/* How `parameter`, as telemetry and advice call it ("initializer"), is typed: "init". NULL where
 * the trainer has no such option. `ret_is_flag`: it is given without a value. */
const char *tw_train_option_typed(const char *parameter, bool *ret_is_flag);

#endif
