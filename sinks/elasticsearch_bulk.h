/* The _bulk request's body and its answer, as pure functions: no network here. */
#ifndef TW_ELASTICSEARCH_BULK_H
#define TW_ELASTICSEARCH_BULK_H

#include "sinks/document.h"
#include "sinks/sink.h"

/* Appends the operations of one document to `body`: `create` in the month's index, and `index` of
 * the present state under its version. Both end in newline. Returns 0, or -1 when out of memory. */
int tw_bulk_add(FILE *body, const char *prefix, const struct tw_document *document,
                const char *text, size_t size);

/* How many operations tw_bulk_add() writes for a document. */
#define TW_BULK_OPERATIONS 2

/* Reads the answer to a request of `n` documents and sets results[i] for each. An item is done when
 * all its operations are. Returns false when it is no whole answer to that request: `reason` (of
 * TW_REASON_MAX) says why, and the results are not set. */
bool tw_bulk_read_answer(const char *answer, size_t size, size_t n, struct tw_sink_result *results,
                         char *reason);

#endif
