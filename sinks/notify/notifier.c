/* Rounds of a notifying sink. Whatever fails on the way to the disk or the brokers drops all that
 * is in memory, and the next round goes on from what is durable: one path for crashes and errors
 * alike. */
#include "config.h"

#include "sinks/notify/notifier.h"

#include "sinks/backoff.h"
#include "sinks/dead_letters.h"
#include "sinks/notify/groups.h"
#include "sinks/notify/store.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 256
/* Notifications sent in one round, and how many may fail before the rest waits for the next. */
#define SEND_MAX 32
#define FAILURES_MAX 3
/* How often it is looked whether something is due while nothing happens. */
#define TICK_MS 200

struct tw_notifier {
    struct tw_notifier_options options;
    const struct tw_notify_config *config;
    /* NULL between lives */
    struct tw_notify_store *store;
    struct tw_groups *groups;
    struct tw_log_reader *reader;
    struct tw_log_item items[BATCH_MAX];
    int64_t ticked_ms;
    uint64_t random;
    uint64_t false_alarms, useful; /* of former lives */
};

/* ---- a life ---- */

static void end_life(struct tw_notifier *notifier)
{
    struct tw_groups_counts counts = {0};
    if (notifier->groups)
        tw_groups_counts(notifier->groups, &counts);
    notifier->false_alarms += counts.false_alarms;
    notifier->useful += counts.useful;
    tw_log_reader_close(notifier->reader);
    tw_groups_close(notifier->groups);
    notifier->reader = NULL;
    notifier->groups = NULL;
}

static void end_all(struct tw_notifier *notifier)
{
    end_life(notifier);
    tw_notify_store_close(notifier->store);
    notifier->store = NULL;
}

static void put(void *closure, const char *key, const json_t *value)
{
    struct tw_notifier *notifier = closure;
    tw_notify_store_put(notifier->store, key, value);
}

static void restore(void *closure, const char *key, const json_t *value)
{
    struct tw_notifier *notifier = closure;
    tw_groups_restore(notifier->groups, key, value);
}

static int open_groups(struct tw_notifier *notifier, struct tw_error *error)
{
    const struct tw_groups_options options = {
        .receiver = notifier->options.name,
        .config = notifier->config,
        .kibana = notifier->options.kibana,
        .config_path = notifier->options.config_path,
        .put = put,
        .closure = notifier,
    };
    return tw_groups_open(&notifier->groups, &options, error);
}

/* It is ours: what is durable, then the log behind its cursor. */
static int begin_life(struct tw_notifier *notifier, struct tw_error *error)
{
    int result = open_groups(notifier, error);
    if (!result)
        result = tw_notify_store_load(notifier->store, restore, notifier, error);
    if (!result) {
        tw_groups_restored(notifier->groups);
        result = tw_log_reader_open(&notifier->reader, notifier->options.log,
                                    notifier->options.name, error);
    }
    return result;
}

static int open_store(struct tw_notifier *notifier, struct tw_error *error)
{
    const struct tw_notify_store_options options = {
        .name = notifier->options.name,
        .dir = notifier->options.state_dir,
        .log = notifier->options.log,
    };
    return tw_notify_store_open(&notifier->store, &options, error);
}

int tw_notifier_open(struct tw_notifier **ret, const struct tw_notifier_options *options,
                     struct tw_error *error)
{
    struct tw_notifier *notifier = calloc(1, sizeof *notifier);
    if (!notifier)
        return tw_error_set(error, -ENOMEM, "out of memory");
    notifier->options = *options;
    notifier->config =
        (const struct tw_notify_config *)(const void *)((const char *)options->config +
                                                        options->sink->notify_offset);
    notifier->random = (uint64_t)(uintptr_t)notifier | 1;
    /* What the configuration says wrong is told now. */
    int result = open_groups(notifier, error);
    if (!result) {
        end_life(notifier);
        result = open_store(notifier, error);
    }
    if (result) {
        tw_notifier_close(notifier);
        return result;
    }
    *ret = notifier;
    return 0;
}

void tw_notifier_close(struct tw_notifier *notifier)
{
    if (!notifier)
        return;
    end_all(notifier);
    free(notifier);
}

/* ---- documents ---- */

static void tell(struct tw_notifier *notifier, const char *position, const char *what,
                 const char *reason)
{
    char text[600];
    if (!notifier->options.log_line)
        return;
    snprintf(text, sizeof text, "%s: %s %s: %s", notifier->options.name, position, what, reason);
    notifier->options.log_line(notifier->options.closure, 'w', text);
}

static void tell_buried(struct tw_notifier *notifier, const char *position, const char *reason)
{
    tell(notifier, position, "went to the dead letters", reason);
}

static int take(struct tw_notifier *notifier, const struct tw_log_item *item, int64_t now_ms,
                struct tw_notifier_round *ret, struct tw_error *error)
{
    char reason[TW_REASON_MAX];
    if (tw_groups_take(notifier->groups, item->document, item->size, now_ms, reason, sizeof reason))
        return 0;
    int result = tw_dead_letters_add(notifier->options.dead, item->position, reason, item->document,
                                     item->size, error);
    if (!result) {
        ret->buried++;
        tell_buried(notifier, item->position, reason);
    }
    return result;
}

static int flush(struct tw_notifier *notifier, struct tw_error *error)
{
    if (tw_groups_has_failed(notifier->groups))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return tw_notify_store_flush(notifier->store, error);
}

/* Takes what is in the log, and what is due into the outbox: one step for what is durable. */
static int advance(struct tw_notifier *notifier, double seconds, struct tw_notifier_round *ret,
                   struct tw_error *error)
{
    long n = tw_log_read(notifier->reader, notifier->items, BATCH_MAX, seconds, error);
    if (n < 0)
        return (int)n;
    int64_t now_ms = tw_wall_ms();
    for (long i = 0; i < n; i++) {
        int result = take(notifier, &notifier->items[i], now_ms, ret, error);
        if (result)
            return result;
    }
    if (n || now_ms - notifier->ticked_ms >= TICK_MS || now_ms < notifier->ticked_ms) {
        tw_groups_tick(notifier->groups, tw_notify_store_silences(notifier->store), now_ms);
        notifier->ticked_ms = now_ms;
    }
    int result = flush(notifier, error);
    if (!result && n)
        result = tw_log_commit(notifier->reader, error);
    if (!result)
        ret->documents += (uint64_t)n;
    return result;
}

/* ---- notifications ---- */

static int bury(struct tw_notifier *notifier, const struct tw_outbox_entry *entry,
                const char *reason, struct tw_notifier_round *ret, struct tw_error *error)
{
    char position[64];
    char *text = json_dumps(entry->notification, JSON_COMPACT);
    snprintf(position, sizeof position, "notification %s", entry->id);
    int result = text ? tw_dead_letters_add(notifier->options.dead, position, reason, text,
                                            strlen(text), error)
                      : tw_error_set(error, -ENOMEM, "out of memory");
    free(text);
    if (!result) {
        ret->buried++;
        tell_buried(notifier, position, reason);
    }
    return result;
}

/* When it is tried again: as the far end asked, else with a growing pause. */
static double pause_of(struct tw_notifier *notifier, const struct tw_outbox_entry *entry,
                       double asked)
{
    double wait = notifier->options.backoff_first;
    for (unsigned i = 1; i < entry->attempts && wait < notifier->options.backoff_max; i++)
        wait *= 2;
    struct tw_backoff backoff = {
        .first = wait < notifier->options.backoff_max ? wait : notifier->options.backoff_max,
        .max = notifier->options.backoff_max,
        .random = notifier->random};
    wait = tw_backoff_next(&backoff);
    notifier->random = backoff.random;
    return asked > wait ? asked : wait;
}

/* A notification on its way to several recipients. */
struct way {
    struct tw_notifier *notifier;
    struct tw_outbox_entry *entry;
    struct tw_sink_progress progress;
    struct tw_error *error;
    int failure; /* what was done could not be kept */
};

static int flush_way(struct way *way)
{
    way->progress.done = way->entry->done;
    way->failure = flush(way->notifier, way->error);
    return way->failure;
}

static int keep_progress(void *closure, const char *recipient, const char *refusal)
{
    struct way *way = closure;
    char position[64], what[300];
    tw_groups_progress(way->notifier->groups, way->entry, recipient, refusal);
    snprintf(position, sizeof position, "notification %s", way->entry->id);
    snprintf(what, sizeof what, "does not reach %.256s", recipient);
    if (refusal)
        tell(way->notifier, position, what, refusal);
    return flush_way(way);
}

static int put_off(void *closure, const char *recipient, const char *reason)
{
    struct way *way = closure;
    char refusal[TW_REASON_MAX];
    if (!tw_groups_put_off(way->notifier->groups, way->entry, recipient, tw_wall_ms()))
        return flush_way(way);
    snprintf(refusal, sizeof refusal, "for a day: %.200s", reason);
    int result = keep_progress(way, recipient, refusal);
    return result ? result : 1;
}

/* Sends one. Returns 1 when it is done with or lets others pass, 0 when it is left, or negative. */
static int send_one(struct tw_notifier *notifier, struct tw_outbox_entry *entry,
                    struct tw_notifier_round *ret, struct tw_error *error)
{
    struct tw_sink_result result = {.outcome = TW_OUTCOME_RETRY};
    struct way way = {.notifier = notifier,
                      .entry = entry,
                      .progress = {entry->done, keep_progress, put_off, &way},
                      .error = error};
    notifier->options.sink->notify(notifier->options.handle, entry->notification, &way.progress,
                                   &result);
    if (way.failure)
        return way.failure;
    if (result.outcome == TW_OUTCOME_RETRY) {
        entry->attempts++;
        entry->next_at = tw_now_seconds() + pause_of(notifier, entry, result.retry_after);
        ret->failed++;
        if (!ret->reason[0])
            snprintf(ret->reason, sizeof ret->reason, "%s", result.reason);
        if (result.is_partial)
            tw_groups_let_pass(notifier->groups, entry);
        return result.is_partial;
    }
    int failure =
        result.outcome == TW_OUTCOME_POISON ? bury(notifier, entry, result.reason, ret, error) : 0;
    if (failure)
        return failure;
    ret->sent += result.outcome == TW_OUTCOME_DONE;
    tw_groups_sent(notifier->groups, entry);
    failure = flush(notifier, error);
    return failure ? failure : 1;
}

/* Sends what waits, the oldest first. One that fails lets the others pass, unless several do: then
 * the far end is away. */
static int send_all(struct tw_notifier *notifier, bool hurry, struct tw_notifier_round *ret,
                    struct tw_error *error)
{
    struct tw_outbox_entry *entry = tw_groups_outbox(notifier->groups), *next;
    unsigned failures = 0;
    double now = tw_now_seconds();
    for (unsigned sent = 0; entry && sent < SEND_MAX && failures < FAILURES_MAX; entry = next) {
        next = entry->next;
        if (entry->next_at > now && !hurry)
            continue;
        int result = send_one(notifier, entry, ret, error);
        if (result < 0)
            return result;
        sent += result == 1;
        failures += result == 0;
    }
    return 0;
}

/* ---- a round ---- */

static int work(struct tw_notifier *notifier, double seconds, bool hurry,
                struct tw_notifier_round *ret, struct tw_error *error)
{
    int result = notifier->store ? 0 : open_store(notifier, error);
    bool has_begun = notifier->reader != NULL;
    struct tw_error trouble = {0};
    if (!result)
        result = tw_notify_store_serve(notifier->store, has_begun ? 0 : seconds, &trouble);
    if (trouble.code && result >= 0)
        tw_error_message(&trouble, ret->reason, sizeof ret->reason);
    else if (trouble.code)
        *error = trouble;
    if (result < 0)
        return result;
    if (!result) {
        end_life(notifier);
        ret->is_waiting = ret->is_settled = true;
        ret->lag = -1;
        return 0;
    }
    result = has_begun ? 0 : begin_life(notifier, error);
    if (!result)
        result = advance(notifier, seconds, ret, error);
    if (!result)
        result = send_all(notifier, hurry, ret, error);
    if (result)
        return result;
    ret->lag = tw_log_lag(notifier->reader);
    ret->is_settled = ret->lag == 0 && !tw_groups_outbox(notifier->groups);
    return 0;
}

static void fill_counts(const struct tw_notifier *notifier, struct tw_notifier_round *ret)
{
    struct tw_groups_counts counts = {0};
    if (notifier->groups)
        tw_groups_counts(notifier->groups, &counts);
    ret->unsent = notifier->groups ? (int64_t)counts.outbox : -1;
    ret->false_alarms = notifier->false_alarms + counts.false_alarms;
    ret->useful = notifier->useful + counts.useful;
}

int tw_notifier_work(struct tw_notifier *notifier, double seconds, bool hurry,
                     struct tw_notifier_round *ret, struct tw_error *error)
{
    *ret = (struct tw_notifier_round){.lag = -1};
    int result = work(notifier, seconds, hurry, ret, error);
    if (result)
        end_all(notifier);
    fill_counts(notifier, ret);
    return result;
}
