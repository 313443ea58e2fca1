/* The notification log: one face for the file and the topic. */
#include "sinks/notify/store_kind.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

struct tw_notify_store {
    const struct tw_store_kind *kind;
    void *store;
    json_t *pending; /* records that were put since the last flush */
    bool has_failed; /* memory ran out */
    struct tw_silences silences;
};

int tw_notify_store_open(struct tw_notify_store **ret,
                         const struct tw_notify_store_options *options, struct tw_error *error)
{
    struct tw_notify_store *store = calloc(1, sizeof *store);
    if (!store || !(store->pending = json_object())) {
        free(store);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    store->kind = options->log->dir ? &tw_store_file_kind : &tw_store_kafka_kind;
    int result = store->kind->open(&store->store, options, error);
    if (result) {
        json_decref(store->pending);
        free(store);
        return result;
    }
    *ret = store;
    return 0;
}

void tw_notify_store_close(struct tw_notify_store *store)
{
    if (!store)
        return;
    store->kind->close(store->store);
    tw_silences_release(&store->silences);
    json_decref(store->pending);
    free(store);
}

int tw_notify_store_serve(struct tw_notify_store *store, double seconds, struct tw_error *error)
{
    return store->kind->serve(store->store, seconds, &store->silences, error);
}

int tw_notify_store_load(struct tw_notify_store *store, tw_notify_store_visit *visit, void *closure,
                         struct tw_error *error)
{
    return store->kind->load(store->store, visit, closure, error);
}

void tw_notify_store_put(struct tw_notify_store *store, const char *key, const json_t *value)
{
    int result = value ? json_object_set(store->pending, key, (json_t *)(uintptr_t)value)
                       : json_object_set_new(store->pending, key, json_null());
    store->has_failed |= result != 0;
}

int tw_notify_store_flush(struct tw_notify_store *store, struct tw_error *error)
{
    if (store->has_failed)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (!json_object_size(store->pending))
        return 0;
    int result = store->kind->write(store->store, store->pending, error);
    if (!result)
        json_object_clear(store->pending);
    return result;
}

const struct tw_silences *tw_notify_store_silences(struct tw_notify_store *store)
{
    return &store->silences;
}
