/* Making a body, sending it, and judging the answer. */
#include "sinks/elasticsearch_shipment.h"

#include "sinks/elasticsearch_bulk.h"
#include "sinks/elasticsearch_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES_MIN (16u << 10)

/* A document on its way. It is parsed for its lines of the body and let go at once: what few are
 * sent again are parsed again. */
struct entry {
    const struct tw_sink_item *item;
    struct tw_sink_result *result;
    size_t operations;
};

struct tw_shipment {
    struct tw_elasticsearch_client *client;
    struct tw_elasticsearch_transfer *transfer;
    const char *index_prefix;
    size_t *body_max;
    struct tw_elasticsearch_request request;
    char *body; /* the request's; NULL: nothing is under way */
    size_t n;
    struct entry entries[TW_SHIPMENT_DOCUMENTS_MAX];
};

int tw_shipment_open(struct tw_shipment **ret, struct tw_elasticsearch_client *client,
                     const char *index_prefix, size_t *body_max, struct tw_error *error)
{
    struct tw_shipment *shipment = calloc(1, sizeof *shipment);
    if (!shipment)
        return tw_error_set(error, -ENOMEM, "out of memory");
    shipment->client = client;
    shipment->index_prefix = index_prefix;
    shipment->body_max = body_max;
    int result = tw_elasticsearch_transfer_open(&shipment->transfer, client, error);
    if (result)
        free(shipment);
    else
        *ret = shipment;
    return result;
}

static void unload(struct tw_shipment *shipment)
{
    shipment->n = 0;
    free(shipment->body);
    shipment->body = NULL;
}

void tw_shipment_close(struct tw_shipment *shipment)
{
    if (!shipment)
        return;
    tw_elasticsearch_transfer_close(shipment->transfer);
    unload(shipment);
    free(shipment);
}

static void set_all(struct entry *entries, size_t n, enum tw_outcome outcome, const char *reason)
{
    for (size_t i = 0; i < n; i++) {
        entries[i].result->outcome = outcome;
        snprintf(entries[i].result->reason, TW_REASON_MAX, "%s", reason);
    }
}

static struct tw_elasticsearch_request request_of(const char *body, size_t size)
{
    return (struct tw_elasticsearch_request){
        .method = "POST",
        .path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason",
        .body = body,
        .size = size,
        .content_type = "application/x-ndjson",
    };
}

/* ---- bodies ---- */

struct body {
    FILE *stream;
    char *text; /* once it is closed; for free() */
    size_t size;
};

static bool open_body(struct body *body)
{
    *body = (struct body){0};
    body->stream = open_memstream(&body->text, &body->size);
    return body->stream;
}

/* False: it is not whole, and there is no text. */
static bool close_body(struct body *body)
{
    bool is_whole = body->stream && !ferror(body->stream);
    if (body->stream && fclose(body->stream))
        is_whole = false;
    if (is_whole)
        return true;
    free(body->text);
    body->text = NULL;
    return false;
}

enum added { ADDED, FULL, NO_DOCUMENT };

/* Adds the lines of a document unless the body became larger than `max` bytes. What is no document
 * of ours is poison. */
static enum added add_entry(const struct tw_shipment *shipment, struct body *body,
                            struct entry *entry, size_t max)
{
    struct tw_document document;
    const struct tw_sink_item *item = entry->item;
    if (!tw_document_parse(&document, item->document, item->size, entry->result->reason,
                           TW_REASON_MAX)) {
        entry->result->outcome = TW_OUTCOME_POISON;
        return NO_DOCUMENT;
    }
    entry->operations = tw_bulk_operations(&document);
    bool is_full = (size_t)ftello(body->stream) + entry->operations * item->size > max;
    if (!is_full)
        /* What could not be written is told when the body is closed. */
        tw_bulk_add(body->stream, shipment->index_prefix, &document, item->document, item->size);
    tw_document_release(&document);
    return is_full ? FULL : ADDED;
}

/* ---- answers ---- */

static void read_results(struct entry *entries, size_t n,
                         const struct tw_elasticsearch_answer *answer)
{
    char reason[TW_REASON_MAX];
    struct tw_sink_result results[TW_SHIPMENT_DOCUMENTS_MAX];
    size_t operations[TW_SHIPMENT_DOCUMENTS_MAX] = {0};
    for (size_t i = 0; i < n; i++)
        operations[i] = entries[i].operations;
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

static bool send_entries(struct tw_shipment *shipment, struct entry *entries, size_t n,
                         char *reason);

/* The body was refused as a whole: the half that holds the cause is found by halving. Bodies that
 * were too large stay smaller from now on. */
static bool split(struct tw_shipment *shipment, struct entry *entries, size_t n, size_t size,
                  const struct tw_elasticsearch_answer *answer, char *reason)
{
    char why[TW_REASON_MAX];
    if (n == 1) {
        tw_elasticsearch_explain(shipment->client, answer, why, sizeof why);
        set_all(entries, 1, answer->is_too_large ? TW_OUTCOME_RETRY : TW_OUTCOME_POISON, why);
        return true;
    }
    if (answer->status == 413 && size / 2 >= BODY_BYTES_MIN && size / 2 < *shipment->body_max)
        *shipment->body_max = size / 2;
    bool goes_on = send_entries(shipment, entries, n / 2, reason);
    if (goes_on)
        return send_entries(shipment, entries + n / 2, n - n / 2, reason);
    set_all(entries + n / 2, n - n / 2, TW_OUTCOME_RETRY, reason);
    return false;
}

/* Hears what became of the request that is under way, of a body of `size` bytes. */
static bool finish(struct tw_shipment *shipment, struct entry *entries, size_t n, size_t size,
                   char *reason)
{
    char why[TW_REASON_MAX] = "";
    struct tw_elasticsearch_answer answer;
    int result = tw_elasticsearch_finish(shipment->transfer, &answer, why, sizeof why);
    enum verdict verdict = result ? VERDICT_RETRY : judge_answer(&answer);
    if (verdict == VERDICT_SPLIT)
        return split(shipment, entries, n, size, &answer, reason);
    if (verdict == VERDICT_ITEMS) {
        read_results(entries, n, &answer);
        return true;
    }
    if (!result)
        tw_elasticsearch_explain(shipment->client, &answer, why, sizeof why);
    set_all(entries, n, TW_OUTCOME_RETRY, why);
    memcpy(reason, why, sizeof why);
    return false;
}

/* As many of the entries as a body holds, at least one; `*ret_n`: how many. */
static bool send_body(struct tw_shipment *shipment, struct entry *entries, size_t n, size_t *ret_n,
                      char *reason)
{
    struct body body;
    size_t in_body = 0;
    if (open_body(&body)) {
        while (in_body < n && add_entry(shipment, &body, &entries[in_body],
                                        in_body ? *shipment->body_max : SIZE_MAX) == ADDED)
            in_body++;
    }
    *ret_n = in_body;
    if (!close_body(&body) || !in_body) {
        snprintf(reason, TW_REASON_MAX, "out of memory");
        set_all(entries, *ret_n = n, TW_OUTCOME_RETRY, reason);
        return false;
    }
    struct tw_elasticsearch_request request = request_of(body.text, body.size);
    tw_elasticsearch_start(shipment->transfer, &request);
    bool goes_on = finish(shipment, entries, in_body, body.size, reason);
    free(body.text);
    return goes_on;
}

/* A part of what was refused, in bodies of the bounded size. */
static bool send_entries(struct tw_shipment *shipment, struct entry *entries, size_t n,
                         char *reason)
{
    bool goes_on = true;
    for (size_t sent; n && goes_on; entries += sent, n -= sent)
        goes_on = send_body(shipment, entries, n, &sent, reason);
    set_all(entries, n, TW_OUTCOME_RETRY, reason);
    return goes_on;
}

/* ---- on its way ---- */

/* Takes documents up to the body's bound. Returns how many items that were. */
static size_t load(struct tw_shipment *shipment, struct body *body,
                   const struct tw_sink_item *items, size_t n, struct tw_sink_result *results)
{
    size_t i = 0;
    for (; i < n && shipment->n < TW_SHIPMENT_DOCUMENTS_MAX; i++) {
        struct entry *entry = &shipment->entries[shipment->n];
        *entry = (struct entry){.item = &items[i], .result = &results[i]};
        results[i] = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
        enum added added =
            add_entry(shipment, body, entry, shipment->n ? *shipment->body_max : SIZE_MAX);
        if (added == FULL)
            break;
        shipment->n += added == ADDED;
    }
    return i;
}

size_t tw_shipment_start(struct tw_shipment *shipment, const struct tw_sink_item *items, size_t n,
                         struct tw_sink_result *results)
{
    struct body body;
    size_t taken = open_body(&body) ? load(shipment, &body, items, n, results) : 0;
    if (!close_body(&body)) {
        for (size_t i = 0; i < n; i++) {
            results[i] = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
            snprintf(results[i].reason, TW_REASON_MAX, "out of memory");
        }
        taken = n;
        shipment->n = 0;
    }
    shipment->body = body.text;
    if (!shipment->n) {
        unload(shipment);
        return taken;
    }
    shipment->request = request_of(shipment->body, body.size);
    tw_elasticsearch_start(shipment->transfer, &shipment->request);
    return taken;
}

bool tw_shipment_land(struct tw_shipment *shipment, char *reason)
{
    if (!shipment->body)
        return true;
    bool goes_on = finish(shipment, shipment->entries, shipment->n, shipment->request.size, reason);
    unload(shipment);
    return goes_on;
}
