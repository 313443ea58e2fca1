/* Where the last whole record of a telemetry file ends. */
#ifndef TW_RUN_FILE_TAIL_H
#define TW_RUN_FILE_TAIL_H

#include "telemetry/wire.h"

#include <sys/types.h>

/* Reads the file of `size` bytes through and sets `*ret_end` to the offset behind its last whole
 * record; a corrupt stretch with whole records behind it is left alone. `*ret_lacks_newline`: the
 * last line of JSON is whole but for its newline. -EBADMSG: this is no telemetry file. */
int tw_run_file_find_end(int fd, off_t size, enum tw_wire_format format, off_t *ret_end,
                         bool *ret_lacks_newline, struct tw_error *error);

#endif
