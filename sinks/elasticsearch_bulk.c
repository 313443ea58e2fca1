/* Writing _bulk bodies and reading their answers. */
#include "config.h"

#include "sinks/elasticsearch_bulk.h"

#include "advisories/advisory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A run that goes on tells its state only: it is no advisory. */
static bool is_running(const struct tw_document *document)
{
    return document->sequence > 0;
}

/* An opinion that closes nothing changes no state. */
static bool is_opinion(const struct tw_document *document)
{
    return document->is_feedback && strcmp(document->action, "false-alarm") != 0;
}

size_t tw_bulk_operations(const struct tw_document *document)
{
    return document->is_chart || is_running(document) || is_opinion(document) ? 1 : 2;
}

static void add_text(FILE *body, const char *text, size_t size)
{
    fwrite(text, 1, size, body);
    fputc('\n', body);
}

/* The present state: the last transition wins, in whatever order the repeats arrive. Of a run, what
 * it tells while it goes on comes before its next end, and behind the one before. */
static void add_state(FILE *body, const char *prefix, const struct tw_document *document)
{
    char id[TW_EVENT_ID_SIZE];
    uint64_t version = (uint64_t)document->transition + 1;
    if (document->is_feedback)
        version = UINT32_MAX; /* whatever its run says later */
    if (document->is_episode || document->is_feedback) {
        snprintf(id, sizeof id, "%s", document->episode_id);
    } else {
        tw_run_state_id(id, document->run, document->attempt);
        version = is_running(document) ? (version - 1) << 30 | document->sequence : version << 30;
    }
    fprintf(body,
            "{\"index\":{\"_index\":\"%s-runs\",\"_id\":\"%s\",\"version\":%" PRIu64
            ",\"version_type\":\"external_gte\"}}\n",
            prefix, id, version);
}

int tw_bulk_add(FILE *body, const char *prefix, const struct tw_document *document,
                const char *text, size_t size)
{
    /* Ids, the month's digits and the prefix were checked: nothing here needs quoting. */
    if (document->is_chart) {
        fprintf(body, "{\"create\":{\"_index\":\"%s-charts\",\"_id\":\"%s\"}}\n", prefix,
                document->id);
        add_text(body, text, size);
        return ferror(body) ? -1 : 0;
    }
    /* The document's own month, so that a repeat after the month's end meets its first copy. */
    if (!is_running(document)) {
        fprintf(body, "{\"create\":{\"_index\":\"%s-advisories-%.4s.%.2s\",\"_id\":\"%s\"}}\n",
                prefix, document->timestamp, document->timestamp + 5, document->id);
        add_text(body, text, size);
    }
    if (is_opinion(document))
        return ferror(body) ? -1 : 0;
    add_state(body, prefix, document);
    add_text(body, text, size);
    return ferror(body) ? -1 : 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* A 4xx that tells of the cluster and not of the document: it passes when somebody mends that. */
static bool is_cluster_trouble(int status, const char *type, const char *reason)
{
    if (status == 401 || status == 403 || status == 429)
        return true; /* cluster_block_exception, security_exception, ... */
    if (!strcmp(type, "index_not_found_exception") || !strcmp(type, "index_closed_exception"))
        return true;
    /* "this action would add [2] shards, but this cluster currently has ... maximum". */
    return !strcmp(type, "validation_exception") && strstr(reason, "shards");
}

/* Judges one operation: {"create": {"status": 201, "error": {...}}}. */
static void judge(const json_t *item, struct tw_sink_result *ret)
{
    const json_t *operation = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)item));
    const json_t *error = json_object_get(operation, "error");
    int status = (int)json_integer_value(json_object_get(operation, "status"));
    const char *type = text_of(error, "type"), *why = text_of(error, "reason");
    if (!type[0] && json_is_string(error))
        type = json_string_value(error);
    if ((status >= 200 && status < 300) || status == 409)
        ret->outcome = TW_OUTCOME_DONE; /* 409: it was there already, or a later one is */
    else if (status < 400 || status >= 500 || is_cluster_trouble(status, type, why))
        ret->outcome = TW_OUTCOME_RETRY;
    else
        ret->outcome = TW_OUTCOME_POISON;
    if (ret->outcome != TW_OUTCOME_DONE)
        snprintf(ret->reason, sizeof ret->reason, "HTTP status %d, %s: %s", status, type, why);
}

/* An item's outcome is that of its worst operation: to be retried, then poison, then done. */
static void combine(struct tw_sink_result *total, const struct tw_sink_result *operation)
{
    static const int rank[] = {
        [TW_OUTCOME_DONE] = 0, [TW_OUTCOME_POISON] = 1, [TW_OUTCOME_RETRY] = 2};
    if (rank[operation->outcome] > rank[total->outcome])
        *total = *operation;
}

static const char *find_fault(const json_t *items, size_t n_operations)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(items))
        return "it has no items";
    if (json_array_size(items) != n_operations)
        return "it does not answer every operation";
    json_array_foreach(items, i, item)
    {
        const json_t *operation =
            json_object_iter_value(json_object_iter((json_t *)(uintptr_t)item));
        if (!json_is_integer(json_object_get(operation, "status")))
            return "an item has no status";
    }
    return NULL;
}

/* Whether it is, letter by letter, what a cluster says when all went well: the usual answer, of
 * which nothing has to be parsed then. */
static bool is_all_done(const char *answer, size_t size, size_t n_operations)
{
    static const char head[] = "{\"errors\":false,\"items\":[", status[] = "\"status\":20";
    if (size < sizeof head || memcmp(answer, head, sizeof head - 1) != 0 ||
        memcmp(answer + size - 2, "]}", 2) != 0)
        return false;
    size_t n = 0;
    const char *end = answer + size;
    for (const char *at = answer; (at = memmem(at, (size_t)(end - at), status, sizeof status - 1));
         at += sizeof status - 1)
        n++;
    return n == n_operations;
}

bool tw_bulk_read_answer(const char *answer, size_t size, size_t n, const size_t *operations,
                         struct tw_sink_result *results, char *reason)
{
    json_error_t why;
    size_t n_operations = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        n_operations += operations[i];
    if (is_all_done(answer, size, n_operations)) {
        for (size_t i = 0; i < n; i++)
            results[i] = (struct tw_sink_result){.outcome = TW_OUTCOME_DONE};
        return true;
    }
    json_t *root = json_loadb(answer, size, 0, &why);
    const json_t *items = json_object_get(root, "items");
    const char *fault = root ? find_fault(items, n_operations) : why.text;
    if (fault) {
        snprintf(reason, TW_REASON_MAX, "the answer to _bulk is broken: %s", fault);
        json_decref(root);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        results[i] = (struct tw_sink_result){.outcome = TW_OUTCOME_DONE};
        for (size_t k = 0; k < operations[i]; k++) {
            struct tw_sink_result operation = {0};
            judge(json_array_get(items, at++), &operation);
            combine(&results[i], &operation);
        }
    }
    json_decref(root);
    return true;
}
