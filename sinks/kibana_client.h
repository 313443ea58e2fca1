/* HTTP to Kibana or OpenSearch Dashboards: its saved-objects interface. One thread. */
#ifndef TW_KIBANA_CLIENT_H
#define TW_KIBANA_CLIENT_H

#include "sinks/kibana.h"

struct json_t; /* jansson's */
struct tw_kibana_client;

/* Connects to nothing. `config` has a url, and stays valid until close. */
int tw_kibana_client_open(struct tw_kibana_client **ret, const struct tw_kibana_config *config,
                          struct tw_error *error);
void tw_kibana_client_close(struct tw_kibana_client *client); /* NULL is allowed */

/* Each sends one request and fills `*ret` with the answer's JSON object, a new reference, when it
 * is a 2xx. Else: -EHOSTUNREACH, -EACCES for 401 and 403, -EPROTO for all others and for what is no
 * Kibana's answer; the error says which, and what to do. */

/* Imports objects, one a line, in place of those that are there. */
int tw_kibana_import(struct tw_kibana_client *client, const char *objects, struct json_t **ret,
                     struct tw_error *error);
/* Which of `objects` (an array of {type, id}) are missing: `*ret` is an array of {type, id}. */
int tw_kibana_missing(struct tw_kibana_client *client, const struct json_t *objects,
                      struct json_t **ret, struct tw_error *error);

#endif
