/* Any bytes as a message of several records, and as a file in which a reader goes on behind what
 * is broken. */
#include "telemetry/run_file.h"
#include "tests/fuzz/check.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_message(const uint8_t *data, size_t size, struct tw_record *record)
{
    size_t offset = 0, before = 0;
    struct tw_error error = {0};
    int result;
    while ((result = tw_message_next(data, size, &offset, record, &error)) > 0) {
        if (offset <= before || offset > size)
            abort();
        before = offset;
        check_record(record);
    }
    if (offset > size || (result < 0 && error.code != result))
        abort();
}

static void read_file(const uint8_t *data, size_t size, struct tw_record *record)
{
    for (size_t at = 0; at < size;) {
        size_t used = 0, next;
        if (tw_cbor_decode(data + at, size - at, record, &used, NULL) > 0)
            next = at + used;
        else
            next = tw_cbor_resync(data, size, at + 1);
        if (next <= at || next > size)
            abort();
        at = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_record record;
    tw_record_init(&record);
    read_message(data, size, &record);
    read_file(data, size, &record);
    tw_record_clear(&record);
    return 0;
}
