/* The notification as a whole: counts, title, footer. One alert of it: notification_alert.c. */
#include "config.h"

#include "sinks/notify/notification_alert.h"
#include "sinks/notify/pasted.h"
#include "sinks/notify/subject.h"

#include "advisories/iso_time.h"
#include "advisories/json_text.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"group", "digest", "summary", "test"};
static const char *const severity_names[] = {"info", "warning", "critical"};

struct counts {
    size_t firing, over, runs;
    int worst, worst_firing;
    int64_t since_ms;
};

static struct counts count(const struct tw_notice *notice)
{
    struct counts counts = {.worst_firing = -1};
    json_t *runs = json_object();
    for (size_t i = 0; i < notice->n; i++) {
        const struct tw_alert *alert = notice->alerts[i];
        bool is_over = tw_alert_is_over(alert) && alert->status != TW_ALERT_ENDED;
        json_object_set_new(runs, tw_subject_text(alert->subject, "run"), json_true());
        counts.firing += !is_over;
        counts.over += is_over;
        if (alert->severity > counts.worst)
            counts.worst = alert->severity;
        if (!is_over && alert->severity > counts.worst_firing)
            counts.worst_firing = alert->severity;
        if (!counts.since_ms || alert->starts_ms < counts.since_ms)
            counts.since_ms = alert->starts_ms;
    }
    counts.runs = json_object_size(runs);
    json_decref(runs);
    if (counts.worst_firing < 0)
        counts.worst_firing = counts.worst;
    return counts;
}

/* ---- the title ---- */

/* What the group is called: the values that its alerts have in common. */
static void name_group(const struct tw_notice *notice, char *buffer, size_t size)
{
    const char *label;
    json_t *value;
    size_t used = 0;
    buffer[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)notice->labels, label, value)
    {
        int n = snprintf(buffer + used, size - used, "%s%s", used ? ", " : "",
                         json_string_value(value));
        used = n > 0 && used + (size_t)n < size ? used + (size_t)n : size - 1;
    }
    if (!used)
        snprintf(buffer, size, "%s", notice->receiver);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void title_of_one(const struct tw_alert *alert, char *buffer, size_t size)
{
    char problem[160];
    const char *what = severity_names[alert->severity];
    if (alert->status == TW_ALERT_FALSE)
        what = "false alarm";
    else if (alert->status == TW_ALERT_WITHDRAWN)
        what = "withdrawn";
    else if (alert->status == TW_ALERT_ENDED)
        what = "not over at the end of the run";
    else if (tw_alert_is_over(alert))
        what = "resolved";
    snprintf(buffer, size, "%s: %s (%s)", tw_subject_text(alert->subject, "run_name"),
             tw_alert_title(alert, problem, sizeof problem), what);
}

static void title_of_several(const struct tw_notice *notice, const struct counts *counts,
                             char *buffer, size_t size)
{
    char name[200];
    name_group(notice, name, sizeof name);
    if (!counts->firing)
        snprintf(buffer, size, "%s: %zu run%s, %zu problems over", name, counts->runs,
                 plural(counts->runs), counts->over);
    else
        snprintf(buffer, size, "%s: %zu run%s, %zu problem%s (%s)", name, counts->runs,
                 plural(counts->runs), counts->firing, plural(counts->firing),
                 severity_names[counts->worst_firing]);
}

/* Names of runs come from jobs: no line breaks or other control characters in a title. */
static void flatten(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

static void make_title(const struct tw_notice *notice, const struct counts *counts, char *buffer,
                       size_t size)
{
    if (notice->kind == TW_NOTICE_SUMMARY)
        snprintf(buffer, size, "Daily summary: %zu open problem%s in %zu run%s (%zu new, %zu over)",
                 counts->firing, plural(counts->firing), counts->runs, plural(counts->runs),
                 notice->n_opened, notice->n_closed);
    else if (notice->n == 1)
        title_of_one(notice->alerts[0], buffer, size);
    else
        title_of_several(notice, counts, buffer, size);
    flatten(buffer);
}

/* ---- the object ---- */

static json_t *addresses(const struct tw_texts *to)
{
    json_t *list = json_array();
    for (size_t i = 0; i < to->n; i++)
        json_array_append_new(list, tw_json_string(to->at[i]));
    return list;
}

static void set_flags(json_t *object, const struct tw_notice *notice, const struct counts *counts)
{
    json_object_set_new(object, "is_resolved", json_boolean(notice->n && !counts->firing));
    json_object_set_new(object, "is_digest", json_boolean(notice->kind == TW_NOTICE_DIGEST));
    json_object_set_new(object, "is_summary", json_boolean(notice->kind == TW_NOTICE_SUMMARY));
    json_object_set_new(object, "is_several", json_boolean(notice->n > 1));
    json_object_set_new(object, "is_repeat", json_boolean(notice->is_repeat));
}

static void set_count(json_t *object, const char *name, size_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_counts(json_t *object, const struct tw_notice *notice, const struct counts *counts)
{
    set_count(object, "n_alerts", notice->n);
    set_count(object, "n_firing", counts->firing);
    set_count(object, "n_resolved", counts->over);
    set_count(object, "n_runs", counts->runs);
    set_count(object, "n_not_shown",
              notice->n > TW_NOTICE_FULL_MAX ? notice->n - TW_NOTICE_FULL_MAX : 0);
    if (notice->kind == TW_NOTICE_SUMMARY) {
        set_count(object, "n_opened", notice->n_opened);
        set_count(object, "n_closed", notice->n_closed);
    }
}

static void set_alerts(json_t *object, const struct tw_notice *notice)
{
    json_t *full = json_array(), *others = json_array();
    for (size_t i = 0; i < notice->n; i++) {
        if (i < TW_NOTICE_FULL_MAX)
            json_array_append_new(full, tw_notification_alert(notice->alerts[i], notice));
        else
            json_array_append_new(others, tw_notification_other(notice->alerts[i]));
    }
    json_object_set_new(object, "alerts", full);
    if (json_array_size(others))
        json_object_set(object, "others", others);
    json_decref(others);
}

static void set_footer(json_t *object, const struct tw_notice *notice)
{
    char hint[300],
        *command = tw_pasted_silence_group(notice->config_path, notice->labels, notice->group_by);
    json_t *footer = json_object();
    if (command)
        json_object_set_new(footer, "silence_command", tw_json_string(command));
    free(command);
    snprintf(hint, sizeof hint,
             "who is told what: sinks, '%s', route '%s' of the agent's configuration",
             notice->receiver, notice->route);
    json_object_set_new(footer, "config_hint", tw_json_string(hint));
    json_object_set_new(object, "footer", footer);
}

static void set_fleet_link(json_t *object, const struct tw_notice *notice)
{
    char url[TW_KIBANA_URL_MAX];
    if (notice->kibana && tw_kibana_dashboard_url(notice->kibana, "fleet", url))
        json_object_set_new(object, "link", json_string(url));
}

json_t *tw_notification_make(const struct tw_notice *notice)
{
    char title[300], time[TW_ISO_SIZE], since[TW_ISO_SIZE];
    struct counts counts = count(notice);
    json_t *object = json_object();
    if (!object)
        return NULL;
    make_title(notice, &counts, title, sizeof title);
    json_object_set_new(object, "id", json_string(notice->id));
    json_object_set_new(object, "thread_id", json_string(notice->thread));
    json_object_set_new(object, "receiver", tw_json_string(notice->receiver));
    json_object_set_new(object, "route", tw_json_string(notice->route));
    json_object_set_new(object, "kind", json_string(kind_names[notice->kind]));
    json_object_set_new(object, "status",
                        json_string(counts.firing || !notice->n ? "firing" : "resolved"));
    json_object_set_new(object, "to", addresses(notice->to));
    json_object_set_new(object, "group_key", tw_json_string(notice->key));
    json_object_set_new(object, "group_labels",
                        notice->labels ? json_deep_copy(notice->labels) : json_object());
    json_object_set_new(object, "title", tw_json_string(title));
    json_object_set_new(object, "severity", json_string(severity_names[counts.worst_firing]));
    set_flags(object, notice, &counts);
    set_counts(object, notice, &counts);
    json_object_set_new(
        object, "since",
        json_string(tw_iso_text(counts.since_ms ? counts.since_ms : notice->now_ms, since)));
    json_object_set_new(object, "time", json_string(tw_iso_text(notice->now_ms, time)));
    set_alerts(object, notice);
    set_fleet_link(object, notice);
    set_footer(object, notice);
    return object;
}

json_t *tw_notification_test(const char *receiver, const struct tw_texts *to, int64_t now_ms)
{
    char id[TW_EVENT_ID_SIZE], time[TW_ISO_SIZE];
    struct tw_notice notice = {
        .kind = TW_NOTICE_TEST,
        .receiver = receiver,
        .route = "default",
        .to = to,
        .key = "test",
        .now_ms = now_ms,
    };
    tw_fields_id(id, 3, (const char *[]){receiver, "test", tw_iso_text(now_ms, time)});
    notice.id = notice.thread = id;
    json_t *object = tw_notification_make(&notice);
    if (object)
        json_object_set_new(object, "title",
                            json_string("A test by trainward check: notifications arrive here"));
    return object;
}
