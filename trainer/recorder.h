/* Telemetry records of a training: what it knows, in the contract's names. Each function sets up an
 * initialised record; `time` is the wall clock. The identity (run, attempt, seq, host, user, pid)
 * is whoever's who sends the record. */
#ifndef TW_RECORDER_H
#define TW_RECORDER_H

#include "trainer/training.h"

#include "telemetry/record.h"

#define TW_FRAMEWORK "trainward-train"

/* resumed_from is told without its attempt. -ENOMEM when memory ran out; the others below likewise
 * where they return int. */
int tw_recorder_header(struct tw_record *record, const struct tw_training *training,
                       const struct tw_trainer_config *config);
void tw_recorder_step(struct tw_record *record, const struct tw_training *training,
                      const struct tw_step_figures *figures);
/* After tw_training_step() with TW_MEASURE_LAYERS and before tw_training_validate(): the outputs of
 * both share their memory. `header_hash` as of the header's layers. */
int tw_recorder_layers(struct tw_record *record, const struct tw_training *training,
                       uint64_t header_hash);
void tw_recorder_eval(struct tw_record *record, const struct tw_training *training,
                      const struct tw_validation *validation, double train_loss);
void tw_recorder_event(struct tw_record *record, const struct tw_training *training,
                       const char *event);
void tw_recorder_end(struct tw_record *record, const struct tw_training *training,
                     enum tw_end_status status);

#endif
