/* What an answer that is no success means. */
#ifndef TW_ELASTICSEARCH_ERROR_H
#define TW_ELASTICSEARCH_ERROR_H

#include "sinks/elasticsearch_client.h"

/* Whether the body is an error as a cluster writes it, and not some proxy's page. */
bool tw_elasticsearch_is_error(const struct tw_elasticsearch_answer *answer);

/* "https://host:9200: HTTP status 401, security_exception: ...; check api_key ...". Returns
 * `buffer`. */
const char *tw_elasticsearch_explain(const struct tw_elasticsearch_client *client,
                                     const struct tw_elasticsearch_answer *answer, char *buffer,
                                     size_t size);

#endif
