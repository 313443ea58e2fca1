/* Any bytes as the answer to a _bulk request of one to four documents. */
#include "sinks/elasticsearch_bulk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    static const size_t operations[4] = {2, 2, 1, 2};
    struct tw_sink_result results[4];
    char reason[TW_REASON_MAX];
    if (!size)
        return 0;
    size_t n = 1 + bytes[0] % 4;
    for (size_t i = 0; i < 4; i++)
        results[i].outcome = (enum tw_outcome)99;
    if (!tw_bulk_read_answer((const char *)bytes + 1, size - 1, n, operations, results, reason))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (results[i].outcome > TW_OUTCOME_POISON)
            abort(); /* an item without an outcome is an advisory that is lost */
    }
    return 0;
}
