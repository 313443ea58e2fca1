/* What `trainward setup elasticsearch` and `trainward check` do at a cluster. */
#ifndef TW_ELASTICSEARCH_SETUP_H
#define TW_ELASTICSEARCH_SETUP_H

#include "sinks/elasticsearch_client.h"
#include "sinks/sink.h"

/* Retention, index templates, the index of present states and the data stream: what is missing is
 * created, what differs is changed, the rest is left alone; a line for each in setup->file. An
 * index of the same name that is none of ours is an error. */
int tw_elasticsearch_setup(struct tw_elasticsearch_client *client,
                           const struct tw_elasticsearch_config *config,
                           const struct tw_sink_setup *setup, struct tw_error *error);
/* The same as requests for Kibana's console, or for people who may do what we may not. */
int tw_elasticsearch_export(const struct tw_elasticsearch_config *config, FILE *file,
                            struct tw_error *error);
/* Whether a cluster answers there, and takes the login; it may be one that shows us nothing. */
int tw_elasticsearch_find_cluster(struct tw_elasticsearch_client *client, struct tw_error *error);
/* The error of an index that cannot be made ours. Returns -EEXIST. */
int tw_elasticsearch_say_foreign(const char *index, const char *why, struct tw_error *error);

/* The first thing that would keep documents from arriving, with the remedy. Changes nothing where
 * setup has been; without it, and with a login that may only write, a document may stay behind,
 * which is then the error. */
int tw_elasticsearch_check(struct tw_elasticsearch_client *client,
                           const struct tw_elasticsearch_config *config, struct tw_error *error);

#endif
