/* The one delivery loop. */
#include "sinks/delivery.h"

#include "sinks/backoff.h"
#include "sinks/dead_letters.h"
#include "sinks/notify/notifier.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The ceiling of a sink's batch, and of what a cursor's loss can repeat. */
#define BATCH_MAX 1024
/* How long a read waits for documents; also how late a stop is noticed at most while idle. */
#define READ_SECONDS 0.2
/* How often the log's reader is kept alive while a batch waits. */
#define IDLE_SECONDS 1.0

struct tw_delivery {
    /* set at start, then read only */
    const struct tw_sink *sink;
    void *handle;
    size_t batch_max;
    void (*log_line)(void *closure, char level, const char *text);
    void *closure;
    char *name;
    struct tw_log_location log;
    pthread_t thread;

    /* the thread's own */
    struct tw_notifier *notifier; /* of a notifying sink, in place of the reader */
    struct tw_log_reader *reader;
    struct tw_dead_letters *dead;
    struct tw_backoff backoff;
    struct tw_log_item *items;
    struct tw_sink_item *pending;
    struct tw_sink_result *results;
    size_t *pending_index; /* items[] of pending[] */
    bool is_failing;       /* told so; the recovery is told too */

    /* shared */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* stop was asked for, or the thread is done */
    bool is_stopping, is_done, is_left;
    struct timespec deadline; /* of the drain, CLOCK_MONOTONIC */
    struct tw_delivery_counts counts;
};

static struct timespec seconds_from_now(double seconds)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)seconds;
    at.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool is_over(const struct timespec *deadline)
{
    struct timespec now = seconds_from_now(0);
    return !is_before(&now, deadline);
}

static bool is_stopping(struct tw_delivery *delivery)
{
    pthread_mutex_lock(&delivery->lock);
    bool stopping = delivery->is_stopping;
    pthread_mutex_unlock(&delivery->lock);
    return stopping;
}

/* Told to stop, and the time to drain is over. */
static bool must_leave(struct tw_delivery *delivery)
{
    pthread_mutex_lock(&delivery->lock);
    bool leave = delivery->is_stopping && is_over(&delivery->deadline);
    pthread_mutex_unlock(&delivery->lock);
    return leave;
}

/* Sleeps until `until`, or until the stop is asked for (`was_stopping` tells whether it was
 * before), or the drain's end. */
static void sleep_until(struct tw_delivery *delivery, struct timespec until, bool was_stopping)
{
    pthread_mutex_lock(&delivery->lock);
    while (!is_over(&until) && delivery->is_stopping == was_stopping &&
           !(delivery->is_stopping && is_over(&delivery->deadline))) {
        struct timespec wake = until;
        if (delivery->is_stopping && is_before(&delivery->deadline, &wake))
            wake = delivery->deadline;
        pthread_cond_timedwait(&delivery->changed, &delivery->lock, &wake);
    }
    pthread_mutex_unlock(&delivery->lock);
}

/* One back-off. A long one is slept in slices, between which the reader keeps its place in its
 * group. A stop ends it early: then there is one more attempt right away. */
static void back_off(struct tw_delivery *delivery)
{
    struct timespec end = seconds_from_now(tw_backoff_next(&delivery->backoff));
    bool was_stopping = is_stopping(delivery);
    while (!is_over(&end) && is_stopping(delivery) == was_stopping && !must_leave(delivery)) {
        struct timespec slice = seconds_from_now(IDLE_SECONDS);
        bool is_last = is_before(&end, &slice);
        sleep_until(delivery, is_last ? end : slice, was_stopping);
        if (!is_last && delivery->reader)
            tw_log_idle(delivery->reader);
    }
}

static void tell(struct tw_delivery *delivery, char level, const char *format, ...) TW_PRINTF(3, 4);
static void tell(struct tw_delivery *delivery, char level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (!delivery->log_line)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    delivery->log_line(delivery->closure, level, text);
}

/* Keeps the reason for status, and tells it when it is news. */
static void note_failure(struct tw_delivery *delivery, const char *reason)
{
    pthread_mutex_lock(&delivery->lock);
    bool is_news = !delivery->is_failing || strcmp(delivery->counts.last_error, reason) != 0;
    snprintf(delivery->counts.last_error, TW_REASON_MAX, "%s", reason);
    delivery->counts.failures++;
    pthread_mutex_unlock(&delivery->lock);
    delivery->is_failing = true;
    if (is_news)
        tell(delivery, 'w', "%s: %s; will try again", delivery->name, reason);
}

static void note_error(struct tw_delivery *delivery, const struct tw_error *error)
{
    char message[1024], reason[TW_REASON_MAX];
    tw_error_message(error, message, sizeof message);
    snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, message);
    note_failure(delivery, reason);
}

static void note_recovery(struct tw_delivery *delivery)
{
    if (!delivery->is_failing)
        return;
    delivery->is_failing = false;
    pthread_mutex_lock(&delivery->lock);
    delivery->counts.last_error[0] = '\0';
    pthread_mutex_unlock(&delivery->lock);
    tell(delivery, 'i', "%s: delivers again", delivery->name);
}

/* Puts a poisoned item aside. False when that failed: then it has to be tried again. */
static bool bury(struct tw_delivery *delivery, const struct tw_log_item *item, const char *reason)
{
    struct tw_error error = {0};
    if (tw_dead_letters_add(delivery->dead, item->position, reason, item->document, item->size,
                            &error)) {
        note_error(delivery, &error);
        return false;
    }
    tell(delivery, 'w', "%s: the advisory at %s went to the dead letters: %s", delivery->name,
         item->position, reason);
    return true;
}

static void count(struct tw_delivery *delivery, uint64_t delivered, uint64_t retried,
                  uint64_t poisoned)
{
    pthread_mutex_lock(&delivery->lock);
    if (delivered)
        delivery->counts.last_success = (double)tw_wall_ms() / 1000;
    delivery->counts.delivered += delivered;
    delivery->counts.retried += retried;
    delivery->counts.poisoned += poisoned;
    pthread_mutex_unlock(&delivery->lock);
}

/* Delivers what is pending once. Returns how many are left, moved to the front in their order. */
static size_t deliver_once(struct tw_delivery *delivery, size_t n)
{
    size_t left = 0, delivered = 0, poisoned = 0;
    char reason[TW_REASON_MAX] = "";
    for (size_t i = 0; i < n; i++)
        delivery->results[i] = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
    delivery->sink->deliver(delivery->handle, delivery->pending, n, delivery->results);
    for (size_t i = 0; i < n; i++) {
        const struct tw_sink_result *result = &delivery->results[i];
        const struct tw_log_item *item = &delivery->items[delivery->pending_index[i]];
        if (result->outcome == TW_OUTCOME_DONE) {
            delivered++;
        } else if (result->outcome == TW_OUTCOME_POISON && bury(delivery, item, result->reason)) {
            poisoned++;
        } else {
            if (result->outcome == TW_OUTCOME_RETRY && !reason[0])
                snprintf(reason, sizeof reason, "%s", result->reason);
            delivery->pending[left] = delivery->pending[i];
            delivery->pending_index[left++] = delivery->pending_index[i];
        }
    }
    count(delivery, delivered, left, poisoned);
    if (delivered || poisoned)
        tw_backoff_reset(&delivery->backoff);
    if (reason[0])
        note_failure(delivery, reason);
    else if (!left)
        note_recovery(delivery);
    return left;
}

/* Delivers a batch until nothing of it is left. False when it has to be left behind. */
static bool deliver_batch(struct tw_delivery *delivery, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        delivery->pending[i].document = delivery->items[i].document;
        delivery->pending[i].size = delivery->items[i].size;
        delivery->pending_index[i] = i;
    }
    while ((n = deliver_once(delivery, n))) {
        if (must_leave(delivery))
            return false;
        back_off(delivery);
        if (must_leave(delivery))
            return false;
    }
    return true;
}

/* Saves the cursor. False when the stop came first; the batch is then delivered again. */
static bool commit(struct tw_delivery *delivery)
{
    for (;;) {
        struct tw_error error = {0};
        if (!tw_log_commit(delivery->reader, &error))
            return true;
        note_error(delivery, &error);
        if (must_leave(delivery))
            return false;
        back_off(delivery);
    }
}

static int64_t measure_lag(struct tw_delivery *delivery)
{
    int64_t lag = tw_log_lag(delivery->reader);
    pthread_mutex_lock(&delivery->lock);
    delivery->counts.lag = lag;
    pthread_mutex_unlock(&delivery->lock);
    return lag;
}

/* Delivers what is there. 1: go on; 0: nothing is left and a stop was asked for; negative: left. */
static int deliver_next(struct tw_delivery *delivery)
{
    struct tw_error error = {0};
    bool stopping = is_stopping(delivery);
    long n =
        tw_log_read(delivery->reader, delivery->items, delivery->batch_max, READ_SECONDS, &error);
    int64_t lag = measure_lag(delivery);
    if (n < 0) {
        note_error(delivery, &error);
        if (must_leave(delivery))
            return -1;
        back_off(delivery);
        return must_leave(delivery) ? -1 : 1;
    }
    /* Only a read after the stop was asked for tells that the log is drained, and with Kafka only
     * the lag does: a fetch may be under way, or the group not joined yet. */
    if (!n && stopping && lag == 0)
        return 0;
    if (!n) {
        note_recovery(delivery); /* of reading, which is all that failed */
        return must_leave(delivery) ? -1 : 1;
    }
    if (!deliver_batch(delivery, (size_t)n) || !commit(delivery))
        return -1;
    note_recovery(delivery); /* of committing */
    measure_lag(delivery);
    return must_leave(delivery) ? -1 : 1;
}

/* ---- a notifying sink ---- */

static void count_round(struct tw_delivery *delivery, const struct tw_notifier_round *round)
{
    pthread_mutex_lock(&delivery->lock);
    if (round->sent)
        delivery->counts.last_success = (double)tw_wall_ms() / 1000;
    delivery->counts.delivered += round->documents;
    delivery->counts.retried += round->failed;
    delivery->counts.poisoned += round->buried;
    delivery->counts.notified += round->sent;
    delivery->counts.unsent = round->unsent;
    delivery->counts.lag = round->lag;
    delivery->counts.false_alarms = round->false_alarms;
    delivery->counts.useful = round->useful;
    pthread_mutex_unlock(&delivery->lock);
}

/* The same as deliver_next(): it reads on while what failed waits. */
static int notify_next(struct tw_delivery *delivery, bool *is_hurried)
{
    struct tw_error error = {0};
    struct tw_notifier_round round;
    bool stopping = is_stopping(delivery);
    bool hurry = stopping && !*is_hurried; /* one more attempt right away */
    *is_hurried |= hurry;
    int result = tw_notifier_work(delivery->notifier, READ_SECONDS, hurry, &round, &error);
    count_round(delivery, &round);
    if (result) {
        note_error(delivery, &error);
        if (!must_leave(delivery))
            back_off(delivery);
        return must_leave(delivery) ? -1 : 1;
    }
    tw_backoff_reset(&delivery->backoff);
    if (round.reason[0])
        note_failure(delivery, round.reason);
    else if (round.sent || (delivery->is_failing && round.is_settled))
        note_recovery(delivery);
    if (stopping && round.is_settled)
        return 0;
    return must_leave(delivery) ? -1 : 1;
}

static void *run(void *opaque)
{
    struct tw_delivery *delivery = opaque;
    int result;
    bool is_hurried = false;
    do
        result = delivery->notifier ? notify_next(delivery, &is_hurried) : deliver_next(delivery);
    while (result > 0);
    pthread_mutex_lock(&delivery->lock);
    delivery->is_done = true;
    delivery->is_left = result < 0;
    pthread_cond_broadcast(&delivery->changed);
    pthread_mutex_unlock(&delivery->lock);
    return NULL;
}

static void release(struct tw_delivery *delivery)
{
    tw_notifier_close(delivery->notifier);
    tw_log_reader_close(delivery->reader);
    tw_dead_letters_close(delivery->dead);
    delivery->sink->close(delivery->handle);
    pthread_mutex_destroy(&delivery->lock);
    pthread_cond_destroy(&delivery->changed);
    free(delivery->items);
    free(delivery->pending);
    free(delivery->results);
    free(delivery->pending_index);
    free(delivery->name);
    free(delivery);
}

static void init_lock(struct tw_delivery *delivery)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&delivery->lock, NULL);
    pthread_cond_init(&delivery->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct tw_delivery *make(const struct tw_delivery_options *options)
{
    struct tw_delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        return NULL;
    size_t n = options->sink->batch_max;
    delivery->sink = options->sink;
    delivery->batch_max = n = n < 1 ? 1 : n > BATCH_MAX ? BATCH_MAX : n;
    delivery->log_line = options->log_line;
    delivery->closure = options->closure;
    delivery->log = options->log;
    delivery->counts.lag = delivery->counts.unsent = -1;
    delivery->backoff.first = options->backoff_first > 0 ? options->backoff_first : 1;
    delivery->backoff.max = options->backoff_max > 0 ? options->backoff_max : 60;
    struct timespec now = seconds_from_now(0);
    delivery->backoff.random = (uint64_t)now.tv_nsec * 2654435761u + (uint64_t)(uintptr_t)delivery;
    delivery->backoff.random |= 1;
    init_lock(delivery);
    delivery->name = strdup(options->name);
    delivery->items = calloc(n, sizeof *delivery->items);
    delivery->pending = calloc(n, sizeof *delivery->pending);
    delivery->results = calloc(n, sizeof *delivery->results);
    delivery->pending_index = calloc(n, sizeof *delivery->pending_index);
    if (!delivery->name || !delivery->items || !delivery->pending || !delivery->results ||
        !delivery->pending_index) {
        release(delivery);
        return NULL;
    }
    return delivery;
}

static int open_notifier(struct tw_delivery *delivery, const struct tw_delivery_options *options,
                         struct tw_error *error)
{
    const struct tw_notifier_options notifier = {
        .name = delivery->name,
        .sink = options->sink,
        .handle = delivery->handle,
        .config = options->config,
        .log = &delivery->log,
        .state_dir = options->state_dir,
        .kibana = options->kibana,
        .config_path = options->config_path,
        .dead = delivery->dead,
        .backoff_first = delivery->backoff.first,
        .backoff_max = delivery->backoff.max,
        .log_line = options->log_line,
        .closure = options->closure,
    };
    return tw_notifier_open(&delivery->notifier, &notifier, error);
}

static int open_ends(struct tw_delivery *delivery, const struct tw_delivery_options *options,
                     struct tw_error *error)
{
    int result = options->sink->open(&delivery->handle, options->config, error);
    if (!result && options->sink->link)
        options->sink->link(delivery->handle, options->kibana);
    if (!result)
        result =
            tw_dead_letters_open(&delivery->dead, options->dead_letter_dir, options->name, error);
    if (!result && options->sink->notify)
        return open_notifier(delivery, options, error);
    return result ? result
                  : tw_log_reader_open(&delivery->reader, &options->log, options->name, error);
}

int tw_delivery_start(struct tw_delivery **ret, const struct tw_delivery_options *options,
                      struct tw_error *error)
{
    struct tw_delivery *delivery = make(options);
    if (!delivery)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = open_ends(delivery, options, error);
    if (!result) {
        result = -pthread_create(&delivery->thread, NULL, run, delivery);
        if (result)
            tw_error_set(error, result, "cannot start a thread: %s", strerror(-result));
    }
    if (result) {
        tw_error_add_place(error, options->name);
        release(delivery);
        return result;
    }
    *ret = delivery;
    return 0;
}

void tw_delivery_counts(struct tw_delivery *delivery, struct tw_delivery_counts *ret)
{
    pthread_mutex_lock(&delivery->lock);
    *ret = delivery->counts;
    pthread_mutex_unlock(&delivery->lock);
}

int tw_delivery_stop(struct tw_delivery *delivery, double drain_seconds)
{
    if (!delivery)
        return 0;
    pthread_mutex_lock(&delivery->lock);
    delivery->is_stopping = true;
    delivery->deadline = seconds_from_now(drain_seconds);
    pthread_cond_broadcast(&delivery->changed);
    while (!delivery->is_done && !is_over(&delivery->deadline))
        pthread_cond_timedwait(&delivery->changed, &delivery->lock, &delivery->deadline);
    bool is_late = !delivery->is_done;
    pthread_mutex_unlock(&delivery->lock);
    if (is_late && delivery->sink->interrupt)
        delivery->sink->interrupt(delivery->handle);
    pthread_join(delivery->thread, NULL);
    bool is_left = delivery->is_left;
    release(delivery);
    return is_left ? -ETIMEDOUT : 0;
}
