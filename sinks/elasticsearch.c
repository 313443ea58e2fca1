/* The sink "elasticsearch": advisories into monthly indices, present states into one more, charts
 * into a data stream, by the _bulk interface of Elasticsearch and OpenSearch. */
#include "config.h"

#include "sinks/elasticsearch_bulk.h"
#include "sinks/elasticsearch_client.h"
#include "sinks/elasticsearch_error.h"
#include "sinks/elasticsearch_setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A request's body; a cluster takes 100 MB unless http.max_content_length says less. */
#define BODY_BYTES_MAX (8u << 20)
#define BODY_BYTES_MIN (16u << 10)
#define BATCH_MAX 500

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
};

/* One item of a deliver() that is a document of ours. */
struct entry {
    struct tw_document document;
    const struct tw_sink_item *item;
    struct tw_sink_result *result;
};

static void elasticsearch_close(void *opaque)
{
    struct elasticsearch *sink = opaque;
    if (!sink)
        return;
    tw_elasticsearch_client_close(sink->client);
    free(sink);
}

static int elasticsearch_open(void **ret, const void *config, struct tw_error *error)
{
    struct elasticsearch *sink = calloc(1, sizeof *sink);
    if (!sink)
        return tw_error_set(error, -ENOMEM, "out of memory");
    sink->config = config;
    sink->body_max = BODY_BYTES_MAX;
    int result = tw_elasticsearch_client_open(&sink->client, config, error);
    if (result) {
        elasticsearch_close(sink);
        return result;
    }
    *ret = sink;
    return 0;
}

static void set_all(struct entry *entries, size_t n, enum tw_outcome outcome, const char *reason)
{
    for (size_t i = 0; i < n; i++) {
        entries[i].result->outcome = outcome;
        snprintf(entries[i].result->reason, TW_REASON_MAX, "%s", reason);
    }
}

/* The body of as many entries as it has room for, one at least; `*ret_n`: how many. */
static char *make_body(const struct elasticsearch *sink, const struct entry *entries, size_t n,
                       size_t *ret_n, size_t *ret_size)
{
    char *body = NULL;
    FILE *stream = open_memstream(&body, ret_size);
    if (!stream)
        return NULL;
    int result = 0;
    size_t i = 0, bytes = 0;
    for (; i < n && !result; i++) {
        size_t more = tw_bulk_operations(&entries[i].document) * entries[i].item->size;
        if (i && bytes + more > sink->body_max)
            break;
        bytes += more;
        result = tw_bulk_add(stream, sink->config->index_prefix, &entries[i].document,
                             entries[i].item->document, entries[i].item->size);
    }
    *ret_n = i;
    if (fclose(stream) || result) {
        free(body);
        return NULL;
    }
    return body;
}

static void read_results(struct entry *entries, size_t n,
                         const struct tw_elasticsearch_answer *answer)
{
    char reason[TW_REASON_MAX];
    struct tw_sink_result results[BATCH_MAX];
    size_t operations[BATCH_MAX] = {0};
    for (size_t i = 0; i < n; i++)
        operations[i] = tw_bulk_operations(&entries[i].document);
    if (!tw_bulk_read_answer(answer->body, answer->size, n, operations, results, reason)) {
        set_all(entries, n, TW_OUTCOME_RETRY, reason);
        return;
    }
    for (size_t i = 0; i < n; i++)
        *entries[i].result = results[i];
}

enum verdict { VERDICT_ITEMS, VERDICT_SPLIT, VERDICT_RETRY };

/* What a whole answer asks for. A 400 that a proxy made up condemns no document. */
static enum verdict judge_answer(const struct tw_elasticsearch_answer *answer)
{
    if (answer->is_too_large || answer->status == 413)
        return VERDICT_SPLIT;
    if (answer->status == 400 && tw_elasticsearch_is_error(answer))
        return VERDICT_SPLIT;
    return answer->status == 200 ? VERDICT_ITEMS : VERDICT_RETRY;
}

static bool send_entries(struct elasticsearch *sink, struct entry *entries, size_t n);

/* The body was refused as a whole: the half that holds the cause is found by halving. Bodies that
 * were too large stay smaller from now on. */
static bool split(struct elasticsearch *sink, struct entry *entries, size_t n, size_t size,
                  const struct tw_elasticsearch_answer *answer)
{
    char reason[TW_REASON_MAX];
    if (n > 1) {
        if (answer->status == 413 && size / 2 >= BODY_BYTES_MIN && size / 2 < sink->body_max)
            sink->body_max = size / 2;
        return send_entries(sink, entries, n / 2) && send_entries(sink, entries + n / 2, n - n / 2);
    }
    tw_elasticsearch_explain(sink->client, answer, reason, sizeof reason);
    set_all(entries, 1, answer->is_too_large ? TW_OUTCOME_RETRY : TW_OUTCOME_POISON, reason);
    return true;
}

/* False: no further body of this batch needs to be tried now. */
static bool send_body(struct elasticsearch *sink, struct entry *entries, size_t n, const char *body,
                      size_t size)
{
    char reason[TW_REASON_MAX] = "";
    struct tw_elasticsearch_answer answer;
    struct tw_elasticsearch_request request = {
        .method = "POST",
        .path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason",
        .body = body,
        .size = size,
        .content_type = "application/x-ndjson",
    };
    if (tw_elasticsearch_send(sink->client, &request, &answer, reason, sizeof reason)) {
        set_all(entries, n, TW_OUTCOME_RETRY, reason);
        return false;
    }
    switch (judge_answer(&answer)) {
    case VERDICT_ITEMS:
        read_results(entries, n, &answer);
        return true;
    case VERDICT_SPLIT:
        return split(sink, entries, n, size, &answer);
    case VERDICT_RETRY:
        break;
    }
    set_all(entries, n, TW_OUTCOME_RETRY,
            tw_elasticsearch_explain(sink->client, &answer, reason, sizeof reason));
    return false;
}

/* In bodies of a bounded size. False: what is not sent shares the reason of what failed. */
static bool send_entries(struct elasticsearch *sink, struct entry *entries, size_t n)
{
    bool goes_on = true;
    while (n && goes_on) {
        size_t size = 0, in_body = 1;
        char *body = make_body(sink, entries, n, &in_body, &size);
        if (body)
            goes_on = send_body(sink, entries, in_body, body, size);
        else
            set_all(entries, in_body, TW_OUTCOME_RETRY, "out of memory");
        free(body);
        if (!goes_on && n > in_body)
            set_all(entries + in_body, n - in_body, TW_OUTCOME_RETRY, entries->result->reason);
        entries += in_body;
        n -= in_body;
    }
    return goes_on;
}

static void elasticsearch_deliver(void *opaque, const struct tw_sink_item *items, size_t n,
                                  struct tw_sink_result *results)
{
    struct elasticsearch *sink = opaque;
    struct entry entries[BATCH_MAX];
    size_t n_entries = 0;
    for (size_t i = 0; i < n; i++) {
        results[i] = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
        if (n_entries == BATCH_MAX)
            continue; /* more than we said we take: they come again */
        struct entry *entry = &entries[n_entries];
        *entry = (struct entry){.item = &items[i], .result = &results[i]};
        if (tw_document_parse(&entry->document, items[i].document, items[i].size, results[i].reason,
                              TW_REASON_MAX))
            n_entries++;
        else
            results[i].outcome = TW_OUTCOME_POISON;
    }
    if (n_entries)
        send_entries(sink, entries, n_entries);
    for (size_t i = 0; i < n_entries; i++)
        tw_document_release(&entries[i].document);
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
