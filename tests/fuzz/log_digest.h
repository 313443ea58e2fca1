/* A sink that sums up what a log told, so that two ways to read it can be compared. */
#ifndef TW_FUZZ_LOG_DIGEST_H
#define TW_FUZZ_LOG_DIGEST_H

#include "sources/logs/format.h"

struct log_digest {
    const struct tw_log_sink *next; /* gets all of it, too; NULL: nobody does */
    uint64_t hash;                  /* of all that was told, in its order */
    size_t n;
};

struct tw_log_sink log_digest_sink(struct log_digest *digest);
/* Says on the error stream how they differ. */
bool log_digest_is_same(const struct log_digest *a, const struct log_digest *b);

#endif
