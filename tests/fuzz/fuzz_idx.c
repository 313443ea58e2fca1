/* Any bytes as an IDX file: an array that lies within them, or an error. */
#include "trainer/datasets/idx.h"

#include "telemetry/error.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct tw_idx idx = {0};
    struct tw_error error = {0};
    int result = tw_idx_read(&idx, bytes, size, "fuzz", &error);
    if (result > 0 || result != error.code)
        abort();
    if (!result && (idx.values < bytes || idx.values + idx.n * idx.width != bytes + size))
        abort();
    return 0;
}
