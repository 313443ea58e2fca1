/* What must hold of every record that was decoded, whatever the bytes. */
#ifndef TW_FUZZ_CHECK_H
#define TW_FUZZ_CHECK_H

#include "telemetry/wire.h"

/* Aborts unless the record survives the way through either wire form unchanged. */
void check_record(struct tw_record *record);

#endif
