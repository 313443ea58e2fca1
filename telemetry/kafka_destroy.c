/* The destroying is done by a thread that is waited for only so long. */
#include "telemetry/kafka_destroy.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define LIMIT_SECONDS 10

struct destroying {
    rd_kafka_t *client;
    int flags;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done, is_left; /* is_left: the thread frees this, as nobody waits any more */
};

static struct destroying *make(rd_kafka_t *client, int flags)
{
    pthread_condattr_t attributes;
    struct destroying *destroying = calloc(1, sizeof *destroying);
    if (!destroying)
        return NULL;
    destroying->client = client;
    destroying->flags = flags;
    pthread_mutex_init(&destroying->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&destroying->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return destroying;
}

static void release(struct destroying *destroying)
{
    pthread_cond_destroy(&destroying->changed);
    pthread_mutex_destroy(&destroying->lock);
    free(destroying);
}

static void *destroy(void *closure)
{
    struct destroying *destroying = closure;
    rd_kafka_destroy_flags(destroying->client, destroying->flags);
    pthread_mutex_lock(&destroying->lock);
    bool is_left = destroying->is_left;
    destroying->is_done = true;
    pthread_cond_signal(&destroying->changed);
    pthread_mutex_unlock(&destroying->lock);
    if (is_left)
        release(destroying);
    return NULL;
}

/* Not by pthread_clockjoin_np(), which ThreadSanitizer does not know. */
static bool wait_for(struct destroying *destroying)
{
    struct timespec limit;
    int result = 0;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += LIMIT_SECONDS;
    pthread_mutex_lock(&destroying->lock);
    while (!destroying->is_done && !result)
        result = pthread_cond_timedwait(&destroying->changed, &destroying->lock, &limit);
    bool is_done = destroying->is_done;
    destroying->is_left = !is_done;
    pthread_mutex_unlock(&destroying->lock);
    return is_done;
}

bool tw_kafka_destroy(rd_kafka_t *client, int flags)
{
    pthread_t thread;
    struct destroying *destroying = make(client, flags);
    if (!destroying || pthread_create(&thread, NULL, destroy, destroying)) {
        if (destroying)
            release(destroying);
        rd_kafka_destroy_flags(client, flags);
        return true;
    }
    if (!wait_for(destroying)) {
        pthread_detach(thread);
        return false;
    }
    pthread_join(thread, NULL);
    release(destroying);
    return true;
}
