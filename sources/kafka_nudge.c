/* One thread that mostly sleeps. */
#include "sources/kafka_nudge.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* Fewer messages than that are no queue that could be over its limit. */
#define LEAST 512
#define ANSWER_MS 500

struct tw_kafka_nudge {
    rd_kafka_t *client;
    size_t most; /* messages in the queue since the last nudge; the reader's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_wanted, is_over;
};

static void ask_leaders(rd_kafka_t *client)
{
    rd_kafka_topic_partition_list_t *ours;
    if (rd_kafka_assignment(client, &ours))
        return;
    for (int i = 0; i < ours->cnt; i++)
        ours->elems[i].offset = RD_KAFKA_OFFSET_END;
    /* The answer is of no interest, nor is that there is none. */
    rd_kafka_offsets_for_times(client, ours, ANSWER_MS);
    rd_kafka_topic_partition_list_destroy(ours);
}

static void *run(void *closure)
{
    struct tw_kafka_nudge *nudge = closure;
    pthread_mutex_lock(&nudge->lock);
    while (!nudge->is_over) {
        if (!nudge->is_wanted) {
            pthread_cond_wait(&nudge->changed, &nudge->lock);
            continue;
        }
        nudge->is_wanted = false;
        pthread_mutex_unlock(&nudge->lock);
        ask_leaders(nudge->client);
        pthread_mutex_lock(&nudge->lock);
    }
    pthread_mutex_unlock(&nudge->lock);
    return NULL;
}

static void release(struct tw_kafka_nudge *nudge)
{
    pthread_cond_destroy(&nudge->changed);
    pthread_mutex_destroy(&nudge->lock);
    free(nudge);
}

struct tw_kafka_nudge *tw_kafka_nudge_start(rd_kafka_t *client)
{
    sigset_t all, before;
    struct tw_kafka_nudge *nudge = calloc(1, sizeof *nudge);
    if (!nudge)
        return NULL;
    nudge->client = client;
    pthread_mutex_init(&nudge->lock, NULL);
    pthread_cond_init(&nudge->changed, NULL);
    sigfillset(&all); /* signals are the reader's thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&nudge->thread, NULL, run, nudge);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!result)
        return nudge;
    release(nudge);
    return NULL;
}

static void tell(struct tw_kafka_nudge *nudge, bool *what)
{
    pthread_mutex_lock(&nudge->lock);
    *what = true;
    pthread_cond_signal(&nudge->changed);
    pthread_mutex_unlock(&nudge->lock);
}

void tw_kafka_nudge_stop(struct tw_kafka_nudge *nudge)
{
    if (!nudge)
        return;
    tell(nudge, &nudge->is_over);
    pthread_join(nudge->thread, NULL);
    release(nudge);
}

void tw_kafka_nudge_look(struct tw_kafka_nudge *nudge, size_t waiting)
{
    if (!nudge)
        return;
    if (waiting > nudge->most)
        nudge->most = waiting;
    if (nudge->most < LEAST || waiting > nudge->most / 2)
        return;
    nudge->most = waiting; /* the next one when half of that is read, or more has come */
    tell(nudge, &nudge->is_wanted);
}
