/* A sink for fuzz targets of log formats: rows must be whole (names without a NUL in them, meanings
 * that exist), and are put together to records. */
#ifndef TW_FUZZ_LOG_SINK_H
#define TW_FUZZ_LOG_SINK_H

#include "sources/logs/assemble.h"
#include "sources/logs/format.h"

void must(bool condition); /* ends the process where it does not hold */

struct tw_log_sink log_sink(struct tw_assemble *assemble);
/* Makes all records that there are, and frees it. */
void finish_assemble(struct tw_assemble *assemble);
/* One with a map of names, log_map(). */
struct tw_assemble *new_assemble(void);
const struct tw_texts *log_map(void);

#endif
