/* Sources, sinks and episodes, each a table; whatever comes from a run is printed clean. */
#include "agent/status_text.h"

#include "agent/text_table.h"

#include "sinks/terminal.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATE_MAX 160
#define PARTITIONS_MAX 10

/* ---- values ---- */

struct text {
    char text[64];
};

static struct text number_of(const json_t *object, const char *key)
{
    struct text ret;
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        snprintf(ret.text, sizeof ret.text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(ret.text, sizeof ret.text, "?");
    return ret;
}

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}

static struct text span_of(double seconds)
{
    struct text ret;
    double days = seconds / 86400, hours = seconds / 3600, minutes = seconds / 60;
    if (days >= 2)
        snprintf(ret.text, sizeof ret.text, "%.0f days", floor(days));
    else if (hours >= 2)
        snprintf(ret.text, sizeof ret.text, "%.0f h", floor(hours));
    else if (minutes >= 2)
        snprintf(ret.text, sizeof ret.text, "%.0f min", floor(minutes));
    else
        snprintf(ret.text, sizeof ret.text, "%.0f s", seconds > 0 ? floor(seconds) : 0);
    return ret;
}

/* "5 min ago" of "2026-11-27T06:05:33Z". */
static struct text ago(const json_t *object, const char *key, double now)
{
    struct text ret = {"never"};
    struct tm utc = {0};
    const char *text = text_of(object, key, NULL);
    if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        return ret;
    struct text span = span_of(now - (double)timegm(&utc));
    snprintf(ret.text, sizeof ret.text, "%.50s ago", span.text);
    return ret;
}

/* ---- sections ---- */

static void print_head(FILE *out, const json_t *status, double now)
{
    const json_t *config = json_object_get(status, "config");
    struct text started = ago(status, "started", now), loaded = ago(config, "loaded", now),
                saved = ago(status, "last_checkpoint", now);
    double idle = json_number_value(json_object_get(status, "last_progress_age_seconds"));
    json_int_t failed = json_integer_value(json_object_get(status, "lives_failed"));
    const char *waiting = text_of(status, "waiting", "");
    fprintf(out, "trainward %s, process %s, started %s: %s%s", text_of(status, "version", "?"),
            number_of(status, "pid").text, started.text,
            json_is_true(json_object_get(status, "ready")) ? "ready" : "not ready; ", "");
    tw_terminal_print_clean(out, waiting, strlen(waiting));
    fputs("\nconfiguration ", out);
    const char *path = text_of(config, "path", "?");
    tw_terminal_print_clean(out, path, strlen(path));
    fprintf(out, ", loaded %s%s\n", loaded.text,
            json_is_true(json_object_get(config, "newest_is_good"))
                ? ""
                : "; a newer one was refused, see the log");
    fprintf(out, "last checkpoint %s", saved.text);
    if (failed)
        fprintf(out, "; started again %lld times after errors", (long long)failed);
    if (idle > 5)
        fprintf(out, "; the loop has not gone round for %.0f s", idle);
    fputs("\n", out);
}

static int by_lag(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "lag"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "lag"));
    return (x < y) - (x > y);
}

/* Those with the longest queues first. */
static void print_partitions(FILE *out, const json_t *source)
{
    const json_t *list = json_object_get(source, "partitions");
    size_t n = json_array_size(list), shown = n < PARTITIONS_MAX ? n : PARTITIONS_MAX;
    json_t **sorted = n ? calloc(n, sizeof *sorted) : NULL;
    struct tw_text_table *table = sorted ? tw_text_table_new() : NULL;
    if (table) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = json_array_get(list, i);
        qsort(sorted, n, sizeof *sorted, by_lag);
        tw_text_table_add(table, (const char *[]){"  ", "#PARTITION", "#LAG", "#RUNS"}, 4);
        for (size_t i = 0; i < shown; i++) {
            struct text number = number_of(sorted[i], "partition"),
                        lag = number_of(sorted[i], "lag"), runs = number_of(sorted[i], "runs");
            tw_text_table_add(table, (const char *[]){"  ", number.text, lag.text, runs.text}, 4);
        }
        tw_text_table_print(table, out);
        tw_text_table_free(table);
        if (n > shown)
            fprintf(out, "    and %zu more partitions\n", n - shown);
    }
    free(sorted);
}

static void print_sources(FILE *out, const json_t *status)
{
    const json_t *list = json_object_get(status, "sources"), *source;
    struct tw_text_table *table = tw_text_table_new();
    size_t i;
    if (!table)
        return;
    tw_text_table_add(
        table, (const char *[]){"SOURCE", "#RUNS", "#RECORDS", "#REPEATS", "#BROKEN", "STATE"}, 6);
    json_array_foreach(list, i, source)
    {
        struct text runs = number_of(source, "runs"), records = number_of(source, "records"),
                    repeats = number_of(source, "repeats"), broken = number_of(source, "broken");
        char state[STATE_MAX];
        const char *waiting = text_of(source, "waiting", NULL);
        snprintf(state, sizeof state, "%s%s", waiting ? "waits: " : "ok", waiting ? waiting : "");
        tw_text_table_add(table,
                          (const char *[]){text_of(source, "name", "?"), runs.text, records.text,
                                           repeats.text, broken.text, state},
                          6);
    }
    fputc('\n', out);
    tw_text_table_print(table, out);
    tw_text_table_free(table);
    json_array_foreach(list, i, source) print_partitions(out, source);
}

static struct text lag_of(const json_t *sink)
{
    struct text ret = {"?"};
    const char *const keys[] = {"lag_bytes", "lag_messages"}, *const units[] = {"bytes",
                                                                                "messages"};
    for (int i = 0; i < 2; i++) {
        if (json_is_integer(json_object_get(sink, keys[i])))
            snprintf(ret.text, sizeof ret.text, "%.40s %s", number_of(sink, keys[i]).text,
                     units[i]);
    }
    return ret;
}

static void print_sinks(FILE *out, const json_t *status, double now)
{
    const json_t *list = json_object_get(status, "sinks"), *sink;
    struct tw_text_table *table = tw_text_table_new();
    size_t i;
    if (!table)
        return;
    tw_text_table_add(table,
                      (const char *[]){"SINK", "KIND", "#DELIVERED", "#WAITING", "#DEAD",
                                       "LAST SUCCESS", "STATE"},
                      7);
    json_array_foreach(list, i, sink)
    {
        struct text delivered = number_of(sink, "delivered"), waiting = lag_of(sink),
                    dead = number_of(sink, "dead_letters"),
                    success = ago(sink, "last_success", now);
        tw_text_table_add(table,
                          (const char *[]){text_of(sink, "name", "?"), text_of(sink, "kind", "?"),
                                           delivered.text, waiting.text, dead.text, success.text,
                                           text_of(sink, "last_error", "ok")},
                          7);
    }
    fputc('\n', out);
    if (json_array_size(list))
        tw_text_table_print(table, out);
    else
        fputs("no sinks\n", out);
    tw_text_table_free(table);
}

/* As much of an id as tells it from others; `trainward feedback` takes it. */
#define EPISODE_SHOWN 12

static void print_episodes(FILE *out, const json_t *status, size_t episodes_max, double now)
{
    const json_t *episodes = json_object_get(status, "episodes"), *episode;
    const json_t *first = json_object_get(episodes, "first");
    json_int_t open = json_integer_value(json_object_get(episodes, "open"));
    size_t i, shown = 0;
    struct tw_text_table *table = tw_text_table_new();
    if (!table)
        return;
    tw_text_table_add(table,
                      (const char *[]){"SEVERITY", "DETECTOR", "#SINCE STEP", "DETECTED", "SCOPE",
                                       "RUN", "EPISODE"},
                      7);
    json_array_foreach(first, i, episode)
    {
        if (shown == episodes_max)
            break;
        struct text step = number_of(episode, "since_step"),
                    detected = ago(episode, "detected", now);
        char id[EPISODE_SHOWN + 1];
        snprintf(id, sizeof id, "%s", text_of(episode, "episode", "?"));
        tw_text_table_add(table,
                          (const char *[]){text_of(episode, "severity", "?"),
                                           text_of(episode, "detector", "?"), step.text,
                                           detected.text, text_of(episode, "scope", ""),
                                           text_of(episode, "run", "?"), id},
                          7);
        shown++;
    }
    fprintf(out, "\n%lld open %s in %s %s\n", (long long)open, open == 1 ? "episode" : "episodes",
            number_of(status, "runs").text,
            json_integer_value(json_object_get(status, "runs")) == 1 ? "run" : "runs");
    if (shown)
        tw_text_table_print(table, out);
    tw_text_table_free(table);
    if (shown && (size_t)open > shown)
        fprintf(out, "and %lld more\n", (long long)open - (long long)shown);
}

static void print_feedback(FILE *out, const json_t *status)
{
    const json_t *feedback = json_object_get(status, "feedback");
    if (json_integer_value(json_object_get(feedback, "false_alarms")) ||
        json_integer_value(json_object_get(feedback, "useful")))
        fprintf(out, "\nfeedback: %s false alarms, %s useful\n",
                number_of(feedback, "false_alarms").text, number_of(feedback, "useful").text);
}

void tw_status_text(FILE *out, const json_t *status, size_t episodes_max, double now)
{
    print_head(out, status, now);
    print_sources(out, status);
    print_sinks(out, status, now);
    print_episodes(out, status, episodes_max, now);
    print_feedback(out, status);
}
