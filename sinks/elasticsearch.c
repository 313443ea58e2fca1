/* The sink "elasticsearch": advisories into monthly indices, present states into one more, charts
 * into a data stream, by the _bulk interface of Elasticsearch and OpenSearch. */
#include "config.h"

#include "sinks/elasticsearch_client.h"
#include "sinks/elasticsearch_setup.h"
#include "sinks/elasticsearch_shipment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Some bodies: while the cluster works at one, the next is made and sent. */
#define BATCH_MAX (4 * TW_SHIPMENT_DOCUMENTS_MAX)
/* Bodies under way at a time. */
#define SHIPMENTS 2

static const struct tw_option elasticsearch_options[] = {
    {"urls", TW_OPTION_TEXTS, offsetof(struct tw_elasticsearch_config, urls), .required = true,
     .help = "the cluster's hosts, https://host:9200; the next is taken when one fails"},
    {"api_key", TW_OPTION_SECRET, offsetof(struct tw_elasticsearch_config, api_key),
     .help = "an API key, as id:key or encoded"},
    {"bearer_token", TW_OPTION_SECRET, offsetof(struct tw_elasticsearch_config, bearer_token),
     .help = "a token of a service account, or of a proxy, sent as Bearer"},
    {"username", TW_OPTION_TEXT, offsetof(struct tw_elasticsearch_config, username),
     .help = "for a login with a password instead of a key"},
    {"password", TW_OPTION_SECRET, offsetof(struct tw_elasticsearch_config, password),
     .help = "the password of username"},
    {"ca_file", TW_OPTION_TEXT, offsetof(struct tw_elasticsearch_config, ca_file),
     .help = "PEM file of the authority that signed the cluster's certificate; default: the "
             "system's"},
    {"cert_file", TW_OPTION_TEXT, offsetof(struct tw_elasticsearch_config, cert_file),
     .help = "PEM file of a client certificate, where the cluster asks for one"},
    {"key_file", TW_OPTION_TEXT, offsetof(struct tw_elasticsearch_config, key_file),
     .help = "PEM file of its private key; default: it stands in cert_file too"},
    {"key_password", TW_OPTION_SECRET, offsetof(struct tw_elasticsearch_config, key_password),
     .help = "the password of that key"},
    {"index_prefix", TW_OPTION_TEXT, offsetof(struct tw_elasticsearch_config, index_prefix),
     .initial_text = "trainward", .help = "what the names of the indices begin with"},
    {"timeout", TW_OPTION_DURATION, offsetof(struct tw_elasticsearch_config, timeout), 90, 1, 600,
     .help = "how long a request may take"},
    {"compress", TW_OPTION_BOOL, offsetof(struct tw_elasticsearch_config, compress), 0, 0, 1,
     .help = "send bodies in gzip"},
    {"advisories_retention", TW_OPTION_DURATION,
     offsetof(struct tw_elasticsearch_config, advisories_retention), 400 * 86400., 0, 3650 * 86400.,
     .help = "setup: how old a month's advisories get; 0: they are kept"},
    {"charts_retention", TW_OPTION_DURATION,
     offsetof(struct tw_elasticsearch_config, charts_retention), 90 * 86400., 0, 3650 * 86400.,
     .help = "setup: how old charts get; 0: they are kept"},
};

struct elasticsearch {
    const struct tw_elasticsearch_config *config;
    struct tw_elasticsearch_client *client;
    size_t body_max; /* what the cluster has let through so far */
    struct tw_shipment *shipments[SHIPMENTS];
};

static void elasticsearch_close(void *opaque)
{
    struct elasticsearch *sink = opaque;
    if (!sink)
        return;
    for (size_t i = 0; i < SHIPMENTS; i++)
        tw_shipment_close(sink->shipments[i]);
    tw_elasticsearch_client_close(sink->client);
    free(sink);
}

static int elasticsearch_open(void **ret, const void *config, struct tw_error *error)
{
    struct elasticsearch *sink = calloc(1, sizeof *sink);
    if (!sink)
        return tw_error_set(error, -ENOMEM, "out of memory");
    sink->config = config;
    sink->body_max = TW_SHIPMENT_BYTES_MAX;
    int result = tw_elasticsearch_client_open(&sink->client, config, error);
    for (size_t i = 0; i < SHIPMENTS && !result; i++)
        result = tw_shipment_open(&sink->shipments[i], sink->client, sink->config->index_prefix,
                                  &sink->body_max, error);
    if (result) {
        elasticsearch_close(sink);
        return result;
    }
    *ret = sink;
    return 0;
}

/* The shipments take turns: one is filled while the other is under way. Once one had to be given
 * up, those under way are still heard, and the rest waits with its reason. */
static void elasticsearch_deliver(void *opaque, const struct tw_sink_item *items, size_t n,
                                  struct tw_sink_result *results)
{
    struct elasticsearch *sink = opaque;
    char reason[TW_REASON_MAX] = "";
    size_t at = 0, turn = 0;
    bool goes_on = true;
    for (; at < n && goes_on; turn++) {
        struct tw_shipment *shipment = sink->shipments[turn % SHIPMENTS];
        goes_on = tw_shipment_land(shipment, reason);
        if (goes_on)
            at += tw_shipment_start(shipment, items + at, n - at, results + at);
    }
    for (size_t i = 0; i < SHIPMENTS; i++)
        tw_shipment_land(sink->shipments[(turn + i) % SHIPMENTS], reason);
    for (; at < n; at++) {
        results[at] = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
        memcpy(results[at].reason, reason, sizeof reason);
    }
}

static void elasticsearch_interrupt(void *opaque)
{
    struct elasticsearch *sink = opaque;
    tw_elasticsearch_client_interrupt(sink->client);
}

static int elasticsearch_check(void *opaque, bool send_test, struct tw_error *error)
{
    struct elasticsearch *sink = opaque;
    (void)send_test; /* a test document would be an advisory that people see */
    return tw_elasticsearch_check(sink->client, sink->config, error);
}

static int elasticsearch_setup(void *opaque, const struct tw_sink_setup *setup,
                               struct tw_error *error)
{
    struct elasticsearch *sink = opaque;
    return setup->exports ? tw_elasticsearch_export(sink->config, setup->file, error)
                          : tw_elasticsearch_setup(sink->client, sink->config, setup, error);
}

const struct tw_sink tw_sink_elasticsearch = {
    .name = "elasticsearch",
    .description = "indexes advisories and charts in Elasticsearch or OpenSearch",
    .options = elasticsearch_options,
    .n_options = sizeof elasticsearch_options / sizeof *elasticsearch_options,
    .config_size = sizeof(struct tw_elasticsearch_config),
    .batch_max = BATCH_MAX,
    .takes_charts = true,
    .open = elasticsearch_open,
    .deliver = elasticsearch_deliver,
    .interrupt = elasticsearch_interrupt,
    .check = elasticsearch_check,
    .setup = elasticsearch_setup,
    .close = elasticsearch_close,
};
