/* Folders and files that a command line or an environment names, by the names that training
 * programs use. */
#ifndef TW_PROCESS_ARGUMENTS_H
#define TW_PROCESS_ARGUMENTS_H

#include "telemetry/option.h"

/* Appends the values of arguments that say where a training writes: --output_dir DIR, --logdir=DIR,
 * hydra.run.dir=DIR. Whether they are there is not looked at. 0 or -ENOMEM. */
int tw_process_output_arguments(struct tw_texts *ret, const struct tw_texts *arguments);

/* The variables that say where a training writes; ends in NULL. */
extern const char *const tw_process_output_variables[];

/* Appends the paths of NAME=VALUE texts; what is no local path (a server's address) is left out. 0
 * or -ENOMEM. */
int tw_process_output_paths(struct tw_texts *ret, const struct tw_texts *variables);

#endif
