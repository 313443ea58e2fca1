/* Any bytes as one record in JSON. */
#include "tests/fuzz/check.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    int result = tw_json_decode((const char *)data, size, &record, &error);
    if (result == 0 || (result < 0 && error.code != result))
        abort();
    if (result > 0)
        check_record(&record);
    tw_record_clear(&record);
    return 0;
}
