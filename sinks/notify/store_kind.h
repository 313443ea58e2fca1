/* What a kind of notification log offers; store.c picks one by where the advisory log is. */
#ifndef TW_NOTIFY_STORE_KIND_H
#define TW_NOTIFY_STORE_KIND_H

#include "sinks/notify/store.h"

struct tw_store_kind {
    int (*open)(void **ret, const struct tw_notify_store_options *options, struct tw_error *error);
    void (*close)(void *store);
    /* May set `error` though it works: what is wrong with the silences. */
    int (*serve)(void *store, double seconds, struct tw_silences *silences, struct tw_error *error);
    int (*load)(void *store, tw_notify_store_visit *visit, void *closure, struct tw_error *error);
    /* `records`: an object, null for what is removed; not empty. */
    int (*write)(void *store, const struct json_t *records, struct tw_error *error);
};

extern const struct tw_store_kind tw_store_file_kind, tw_store_kafka_kind;

#endif
