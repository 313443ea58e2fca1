/* Whole files, packed by gzip or not. */
#ifndef TW_DATASET_BYTES_H
#define TW_DATASET_BYTES_H

#include "telemetry/error.h"

/* Reads a file, through gzip's inflation where it is packed; `*ret` is for free(). Errors: what the
 * system says; -EBADMSG for a damaged gzip file; -EFBIG over 4 GiB of content. */
int tw_bytes_read(unsigned char **ret, size_t *ret_size, const char *path, struct tw_error *error);

#endif
