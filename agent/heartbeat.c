/* The pulse of the daemon's thread, and systemd's watchdog. */
#include "agent/heartbeat.h"

#include "agent/notify.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t beat_ns, deadline_ns;

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool is_running, is_stopping;
    int64_t interval_ns;
} watchdog = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void tw_heartbeat(double bound_seconds)
{
    int64_t now = now_ns();
    atomic_store_explicit(&deadline_ns, now + (int64_t)(bound_seconds * 1e9), memory_order_relaxed);
    atomic_store_explicit(&beat_ns, now, memory_order_relaxed);
}

double tw_heartbeat_age(void)
{
    int64_t beat = atomic_load_explicit(&beat_ns, memory_order_relaxed);
    return beat ? (double)(now_ns() - beat) * 1e-9 : 0;
}

/* ---- the watchdog ---- */

/* False once it is to stop. */
static bool wait_interval(void)
{
    int64_t end = now_ns() + watchdog.interval_ns;
    struct timespec at = {end / 1000000000, end % 1000000000};
    pthread_mutex_lock(&watchdog.lock);
    while (!watchdog.is_stopping && now_ns() < end)
        pthread_cond_timedwait(&watchdog.stop, &watchdog.lock, &at);
    bool goes_on = !watchdog.is_stopping;
    pthread_mutex_unlock(&watchdog.lock);
    return goes_on;
}

static void *ping(void *unused)
{
    do {
        if (now_ns() < atomic_load_explicit(&deadline_ns, memory_order_relaxed))
            tw_notify("WATCHDOG=1");
    } while (wait_interval());
    return unused;
}

/* Half of what systemd waits; 0: it does not. */
static int64_t asked_interval(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    long long asked = strtoll(usec, NULL, 10);
    return asked > 0 && asked < INT64_MAX / 1000 ? (int64_t)asked * 500 : 0;
}

void tw_heartbeat_start(void)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    tw_heartbeat(TW_HEARTBEAT_LOOP_SECONDS);
    watchdog.interval_ns = asked_interval();
    if (!watchdog.interval_ns || watchdog.is_running)
        return;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog.stop, &attributes);
    pthread_condattr_destroy(&attributes);
    watchdog.is_stopping = false;
    sigfillset(&all); /* signals are the daemon's thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    watchdog.is_running = !pthread_create(&watchdog.thread, NULL, ping, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void tw_heartbeat_stop(void)
{
    if (!watchdog.is_running)
        return;
    pthread_mutex_lock(&watchdog.lock);
    watchdog.is_stopping = true;
    pthread_cond_signal(&watchdog.stop);
    pthread_mutex_unlock(&watchdog.lock);
    pthread_join(watchdog.thread, NULL);
    pthread_cond_destroy(&watchdog.stop);
    watchdog.is_running = false;
}
