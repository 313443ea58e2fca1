/* Dispatch to the store that was opened. */
#include "agent/state_store.h"

int tw_state_store_put(struct tw_state_store *store, const char *key, int32_t partition,
                       const void *data, size_t size, struct tw_error *error)
{
    return store->put(store, key, partition, data, size, error);
}

int tw_state_store_flush(struct tw_state_store *store, double timeout_seconds,
                         struct tw_error *error)
{
    return store->flush(store, timeout_seconds, error);
}

int tw_state_store_visit(struct tw_state_store *store, const char *key, int32_t partition,
                         double timeout_seconds, tw_state_visit *visit, void *closure,
                         struct tw_error *error)
{
    return store->visit(store, key, partition, timeout_seconds, visit, closure, error);
}

void tw_state_store_close(struct tw_state_store *store)
{
    if (store)
        store->close(store);
}
