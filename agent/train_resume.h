/* What a run directory keeps of the command line, so that a run that is resumed is the same run
 * without saying everything again. */
#ifndef TW_TRAIN_RESUME_H
#define TW_TRAIN_RESUME_H

#include "telemetry/option.h"
#include "telemetry/record.h"

/* Writes RUN_DIR/options: a line NAME=VALUE for each. The former file stays until the new one is
 * whole. */
int tw_train_resume_save(const char *run_dir, const struct tw_texts *given, struct tw_error *error);
/* Appends those lines to `ret`. A directory without the file has none. */
int tw_train_resume_load(const char *run_dir, struct tw_texts *ret, struct tw_error *error);

/* The directory in DIR whose run wrote a checkpoint last; new string in `*ret`, for free().
 * -ENOENT: there is none. */
int tw_train_resume_newest(char **ret, const char *dir, struct tw_error *error);

/* The attempt that RUN_DIR/run.json tells; empty where there is none. */
void tw_train_resume_attempt(const char *run_dir, char ret[TW_ATTEMPT_MAX + 1]);

#endif
