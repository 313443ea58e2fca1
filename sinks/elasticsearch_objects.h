/* What `setup elasticsearch` puts in place: index templates, indices and retention, as the requests
 * that make them. Pure functions: no network here. */
#ifndef TW_ELASTICSEARCH_OBJECTS_H
#define TW_ELASTICSEARCH_OBJECTS_H

#include "sinks/elasticsearch_client.h"

struct json_t; /* jansson's */

/* How a server deletes what is old. */
enum tw_retention { TW_RETENTION_NONE, TW_RETENTION_ILM, TW_RETENTION_ISM };

/* Each has an index template; the first and the last may have a policy, since they grow. */
enum tw_kept { TW_KEPT_ADVISORIES, TW_KEPT_RUNS, TW_KEPT_CHARTS };
#define TW_KEPT 3

#define TW_OBJECT_NAME_MAX 128

/* "PREFIX-advisories", "PREFIX-runs", "PREFIX-charts": of the policy and of the indices. Returns
 * `ret`. */
const char *tw_kept_name(char ret[TW_OBJECT_NAME_MAX], const char *prefix, enum tw_kept kept);
/* What all of them are addressed by: advisories have a month behind the name,
 * "PREFIX-advisories-*". Returns `ret`. */
const char *tw_kept_target(char ret[TW_OBJECT_NAME_MAX], const char *prefix, enum tw_kept kept);
/* How long it is kept, in seconds; 0: for ever. */
double tw_policy_age(const struct tw_elasticsearch_config *config, enum tw_kept kept);
/* The policy's body, where that is not 0; NULL when out of memory. New reference, as all below. */
struct json_t *tw_policy_body(const struct tw_elasticsearch_config *config, enum tw_kept kept,
                              enum tw_retention retention);

/* The name of the template: "PREFIX" for advisories, "PREFIX-runs", "PREFIX-charts". Returns `ret`.
 */
const char *tw_template_name(char ret[TW_OBJECT_NAME_MAX], const char *prefix, enum tw_kept kept);
/* The index template; it names the policy where the server is one with ILM. */
struct json_t *tw_template_body(const struct tw_elasticsearch_config *config, enum tw_kept kept,
                                enum tw_retention retention);

/* The first member, or element, of `wanted` that `existing` does not have just so, as a path in
 * `ret` (of `size` bytes); NULL when it has all. Servers add members of their own, write numbers
 * and truth values as text, and put settings below "index". */
const char *tw_object_difference(const struct json_t *wanted, const struct json_t *existing,
                                 char *ret, size_t size);

/* The first field that an index has with another type than `wanted`, in words: no cluster changes
 * that. NULL: none; fields may still be missing. */
const char *tw_mapping_conflict(const struct json_t *wanted, const struct json_t *existing,
                                char *ret, size_t size);

/* The path at which a template names `policy`, which `wanted` does not: nothing more is wanted
 * there by that name, and yet a server would go on deleting. NULL: it does not. A policy of another
 * name is somebody's own and no difference. */
const char *tw_template_stale_policy(const struct json_t *wanted, const struct json_t *existing,
                                     const char *policy);

#endif
