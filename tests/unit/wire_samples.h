/* A record of every kind with every field set, and a comparison field by field. */
#ifndef TW_WIRE_SAMPLES_H
#define TW_WIRE_SAMPLES_H

#include "telemetry/record.h"

/* Fills an initialised record. `seq` makes records of one kind different. */
void wire_sample(struct tw_record *record, enum tw_kind kind, uint64_t seq);

/* Fails the running test where the two differ; NaN equals NaN. */
void assert_same_record(const struct tw_record *a, const struct tw_record *b);

#endif
