/* HTTP to an Elasticsearch or OpenSearch cluster: connections are kept, the hosts taken in turn
 * when one fails. One thread. */
#ifndef TW_ELASTICSEARCH_CLIENT_H
#define TW_ELASTICSEARCH_CLIENT_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdbool.h>
#include <stddef.h>

struct tw_elasticsearch_config {
    struct tw_texts urls;
    char *api_key, *bearer_token, *username, *password;
    char *ca_file, *cert_file, *key_file, *key_password;
    char *index_prefix;
    double timeout;
    bool compress;
    double advisories_retention, charts_retention; /* seconds; 0: for ever. For setup */
};

struct tw_elasticsearch_client;

/* Checks urls, credentials and prefix; connects to nothing. `config` stays valid until close. */
int tw_elasticsearch_client_open(struct tw_elasticsearch_client **ret,
                                 const struct tw_elasticsearch_config *config,
                                 struct tw_error *error);
void tw_elasticsearch_client_close(struct tw_elasticsearch_client *client); /* NULL is allowed */
/* Any thread: requests fail from now on. */
void tw_elasticsearch_client_interrupt(struct tw_elasticsearch_client *client);

struct tw_elasticsearch_request {
    const char *method, *path; /* "POST", "/_bulk?..." */
    const char *body;          /* NULL: none */
    size_t size;
    const char *content_type;
};

struct tw_elasticsearch_answer {
    long status;      /* HTTP's */
    const char *body; /* borrowed until the next request of its transfer; ends in NUL */
    size_t size;
    bool is_too_large; /* cut at the ceiling */
};

/* Sends to the present host, and to each other when it cannot be reached or answers 502, 503 or
 * 504. Returns 0 when one answered, whatever the status; -EHOSTUNREACH when none did: `reason` (of
 * `reason_size`) says why, with the remedy. */
int tw_elasticsearch_send(struct tw_elasticsearch_client *client,
                          const struct tw_elasticsearch_request *request,
                          struct tw_elasticsearch_answer *ret, char *reason, size_t reason_size);

/* Requests under way at the same time, each on a transfer of its own, which takes one after the
 * other. Started here, it goes on while any request of the client is waited for. */
struct tw_elasticsearch_transfer;
int tw_elasticsearch_transfer_open(struct tw_elasticsearch_transfer **ret,
                                   struct tw_elasticsearch_client *client, struct tw_error *error);
/* Before the client. Gives up what is under way. NULL is allowed. */
void tw_elasticsearch_transfer_close(struct tw_elasticsearch_transfer *transfer);
/* `request` and its body are borrowed until the finish, which has to follow. */
void tw_elasticsearch_start(struct tw_elasticsearch_transfer *transfer,
                            const struct tw_elasticsearch_request *request);
/* Waits for the answer: the rest of tw_elasticsearch_send(). */
int tw_elasticsearch_finish(struct tw_elasticsearch_transfer *transfer,
                            struct tw_elasticsearch_answer *ret, char *reason, size_t reason_size);

/* The host that the last finished request went to, without credentials. */
const char *tw_elasticsearch_host(const struct tw_elasticsearch_client *client);

struct json_t; /* jansson's */
/* Sends, with a body or without (NULL), and reads the answer as JSON into `*ret` (which may be
 * NULL; a new reference, or NULL where it is none). Returns 0 for a 2xx; -ENOENT for a 404; -EACCES
 * for a login that is refused, -EPERM for one that may not do it; -EPROTO for any other status, and
 * for an answer to be read that is no object. */
int tw_elasticsearch_request(struct tw_elasticsearch_client *client, const char *method,
                             const char *path, const struct json_t *body, struct json_t **ret,
                             struct tw_error *error);

#endif
