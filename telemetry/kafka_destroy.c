/* The destroying is done by a thread that is waited for only so long. */
#include "telemetry/kafka_destroy.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define LIMIT_SECONDS 10

struct destroying {
    rd_kafka_t *client;
    int flags;
};

static void *destroy(void *closure)
{
    struct destroying destroying = *(struct destroying *)closure;
    free(closure);
    rd_kafka_destroy_flags(destroying.client, destroying.flags);
    return NULL;
}

bool tw_kafka_destroy(rd_kafka_t *client, int flags)
{
    pthread_t thread;
    struct timespec limit;
    struct destroying *destroying = malloc(sizeof *destroying);
    if (destroying)
        *destroying = (struct destroying){client, flags};
    if (!destroying || pthread_create(&thread, NULL, destroy, destroying)) {
        free(destroying);
        rd_kafka_destroy_flags(client, flags);
        return true;
    }
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += LIMIT_SECONDS;
    if (!pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &limit))
        return true;
    pthread_detach(thread);
    return false;
}
