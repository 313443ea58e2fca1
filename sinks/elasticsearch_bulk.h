/* The _bulk request's body and its answer, as pure functions: no network here. */
#ifndef TW_ELASTICSEARCH_BULK_H
#define TW_ELASTICSEARCH_BULK_H

#include "sinks/document.h"
#include "sinks/sink.h"

#include <stdio.h>

/* Operations of one document: an advisory is created in its month's index, and its run's or
 * episode's present state is written; a run that goes on has a state only, a chart goes into the
 * data stream. */
size_t tw_bulk_operations(const struct tw_document *document);

/* Appends them to a body; `text` is the document itself. 0, or negative when out of memory. */
int tw_bulk_add(FILE *body, const char *prefix, const struct tw_document *document,
                const char *text, size_t size);

/* Reads the answer for `n` documents of `operations[i]` each and sets their results: 2xx and 409
 * are done, 429 and 5xx and what the cluster may still mend are to be retried, other 4xx are
 * poison; a document's is that of its worst operation. False, and `reason` (of TW_REASON_MAX) says
 * why, when the answer is not one for them. */
bool tw_bulk_read_answer(const char *answer, size_t size, size_t n, const size_t *operations,
                         struct tw_sink_result *results, char *reason);

#endif
