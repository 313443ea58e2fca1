/* A turn has a number: threads work when it goes up, and count themselves done. */
#include "agent/lanes.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct lane {
    struct tw_lanes *lanes;
    unsigned number;
    pthread_t thread;
};

struct tw_lanes {
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    unsigned long turn;
    unsigned n_busy;
    bool is_over;
    void (*work)(void *closure, unsigned lane);
    void *closure;
    unsigned n; /* the caller's included */
    struct lane *lane;
};

/* False: there is no further turn. */
static bool wait_for_turn(struct tw_lanes *lanes, unsigned long *turn)
{
    pthread_mutex_lock(&lanes->lock);
    while (lanes->turn == *turn && !lanes->is_over)
        pthread_cond_wait(&lanes->begin, &lanes->lock);
    *turn = lanes->turn;
    bool is_over = lanes->is_over;
    pthread_mutex_unlock(&lanes->lock);
    return !is_over;
}

static void *run_lane(void *closure)
{
    struct lane *lane = closure;
    struct tw_lanes *lanes = lane->lanes;
    unsigned long turn = 0;
    while (wait_for_turn(lanes, &turn)) {
        lanes->work(lanes->closure, lane->number);
        pthread_mutex_lock(&lanes->lock);
        if (--lanes->n_busy == 0)
            pthread_cond_signal(&lanes->done);
        pthread_mutex_unlock(&lanes->lock);
    }
    return NULL;
}

/* Signals are the main thread's. */
static void start_threads(struct tw_lanes *lanes, unsigned n)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; lanes->n < n; lanes->n++) {
        struct lane *lane = &lanes->lane[lanes->n];
        *lane = (struct lane){.lanes = lanes, .number = lanes->n};
        if (pthread_create(&lane->thread, NULL, run_lane, lane))
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct tw_lanes *tw_lanes_open(unsigned n)
{
    struct tw_lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes)
        lanes->lane = calloc(n ? n : 1, sizeof *lanes->lane);
    if (!lanes || !lanes->lane) {
        free(lanes);
        return NULL;
    }
    pthread_mutex_init(&lanes->lock, NULL);
    pthread_cond_init(&lanes->begin, NULL);
    pthread_cond_init(&lanes->done, NULL);
    lanes->n = 1;
    start_threads(lanes, n);
    return lanes;
}

void tw_lanes_close(struct tw_lanes *lanes)
{
    if (!lanes)
        return;
    pthread_mutex_lock(&lanes->lock);
    lanes->is_over = true;
    pthread_cond_broadcast(&lanes->begin);
    pthread_mutex_unlock(&lanes->lock);
    for (unsigned i = 1; i < lanes->n; i++)
        pthread_join(lanes->lane[i].thread, NULL);
    pthread_mutex_destroy(&lanes->lock);
    pthread_cond_destroy(&lanes->begin);
    pthread_cond_destroy(&lanes->done);
    free(lanes->lane);
    free(lanes);
}

unsigned tw_lanes_count(const struct tw_lanes *lanes)
{
    return lanes->n;
}

void tw_lanes_run(struct tw_lanes *lanes, void (*work)(void *closure, unsigned lane), void *closure)
{
    pthread_mutex_lock(&lanes->lock);
    lanes->work = work;
    lanes->closure = closure;
    lanes->n_busy = lanes->n - 1;
    lanes->turn++;
    pthread_cond_broadcast(&lanes->begin);
    pthread_mutex_unlock(&lanes->lock);
    work(closure, 0);
    pthread_mutex_lock(&lanes->lock);
    while (lanes->n_busy)
        pthread_cond_wait(&lanes->done, &lanes->lock);
    pthread_mutex_unlock(&lanes->lock);
}

unsigned tw_lanes_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}
