/* One _bulk body on its way to the cluster, and the documents in it: several can be under way at
 * the same time, since the order in which documents arrive changes nothing (elasticsearch_bulk.h).
 */
#ifndef TW_ELASTICSEARCH_SHIPMENT_H
#define TW_ELASTICSEARCH_SHIPMENT_H

#include "sinks/elasticsearch_client.h"
#include "sinks/sink.h"

/* A request's body; a cluster takes 100 MB unless http.max_content_length says less. */
#define TW_SHIPMENT_BYTES_MAX (8u << 20)
#define TW_SHIPMENT_DOCUMENTS_MAX 250

struct tw_shipment;

/* `body_max`: what the cluster has let through so far; shared, and made less by a body that was too
 * large. Everything is borrowed until the close. */
int tw_shipment_open(struct tw_shipment **ret, struct tw_elasticsearch_client *client,
                     const char *index_prefix, size_t *body_max, struct tw_error *error);
void tw_shipment_close(struct tw_shipment *shipment); /* NULL is allowed */

/* Takes as many of the `n` documents as there is room for, one at least, and sends them off; none
 * may be under way. What is no document of ours is poison. Returns how many it took; their results
 * are set once it has landed. */
size_t tw_shipment_start(struct tw_shipment *shipment, const struct tw_sink_item *items, size_t n,
                         struct tw_sink_result *results);
/* Waits for the answer and sets the results. A body that was refused as a whole is sent again in
 * halves. False: no further body needs to be tried now, and `reason` (of TW_REASON_MAX) says why;
 * else it is untouched. True when nothing was under way. */
bool tw_shipment_land(struct tw_shipment *shipment, char *reason);

#endif
