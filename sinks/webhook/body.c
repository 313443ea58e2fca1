/* Bodies of webhooks: templates over a copy of the notification that is made fit for the chat. */
#include "config.h"

#include "sinks/webhook/body.h"

#include "sinks/document.h"
#include "sinks/template.h"

#include "advisories/json_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const tw_webhook_formats[] = {"plain", "slack", "mattermost", "teams", NULL};

/* A chat's message is short: what is beyond this is counted. */
#define CHAT_ALERTS 10
#define CHAT_OTHERS 40
#define CHAT_TEXT 700

/* ---- texts of jobs ---- */

/* Slack reads <...> as mentions and links, and &...; as characters. Mattermost calls whoever
 * follows an @, and both Markdown forms read a few characters as layout. */
static const char *replacement(enum tw_webhook_format format, char c)
{
    static const struct {
        enum tw_webhook_format format;
        char from;
        const char *to;
    } table[] = {
        {TW_WEBHOOK_SLACK, '&', "&amp;"},      {TW_WEBHOOK_SLACK, '<', "&lt;"},
        {TW_WEBHOOK_SLACK, '>', "&gt;"},       {TW_WEBHOOK_MATTERMOST, '@', "@\u200b"},
        {TW_WEBHOOK_MATTERMOST, '\\', "\\\\"}, {TW_WEBHOOK_TEAMS, '\\', "\\\\"},
        {TW_WEBHOOK_MATTERMOST, '[', "\\["},   {TW_WEBHOOK_MATTERMOST, '`', "\\`"},
        {TW_WEBHOOK_MATTERMOST, '<', "&lt;"},  {TW_WEBHOOK_TEAMS, '[', "\\["},
        {TW_WEBHOOK_TEAMS, '<', "\u2039"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].format == format && table[i].from == c)
            return table[i].to;
    }
    return NULL;
}

/* Not in the middle of a character. */
static size_t whole_length(const char *text, size_t max)
{
    size_t n = strlen(text);
    if (n <= max)
        return n;
    for (n = max; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

static json_t *fit_text(enum tw_webhook_format format, const char *text)
{
    char *fit = NULL;
    size_t size = 0, n = whole_length(text, CHAT_TEXT);
    FILE *out = open_memstream(&fit, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const char *instead = replacement(format, text[i]);
        if (instead)
            fputs(instead, out);
        else
            fputc((unsigned char)text[i] < ' ' ? ' ' : text[i], out);
    }
    if (text[n])
        fputs("…", out);
    json_t *ret = fclose(out) ? NULL : tw_json_string(fit);
    free(fit);
    return ret;
}

/* ---- the copy ---- */

static json_t *fit_value(enum tw_webhook_format format, const json_t *value);

static json_t *fit_object(enum tw_webhook_format format, const json_t *object)
{
    const char *name;
    json_t *value, *ret = json_object();
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
        json_object_set_new(ret, name, fit_value(format, value));
    return ret;
}

static json_t *fit_array(enum tw_webhook_format format, const json_t *array)
{
    size_t i;
    json_t *value, *ret = json_array();
    json_array_foreach(array, i, value) json_array_append_new(ret, fit_value(format, value));
    return ret;
}

static json_t *fit_value(enum tw_webhook_format format, const json_t *value)
{
    if (json_is_object(value))
        return fit_object(format, value);
    if (json_is_array(value))
        return fit_array(format, value);
    if (json_is_string(value))
        return fit_text(format, json_string_value(value));
    return json_incref((json_t *)(uintptr_t)value);
}

/* Moves the alerts behind the first few to the others, and counts the others behind the first few:
 * `n_more`. */
static void shorten(json_t *copy)
{
    json_t *alerts = json_object_get(copy, "alerts"), *others = json_object_get(copy, "others");
    json_t *named = json_array();
    size_t i, n_more = 0;
    json_t *alert;
    json_array_foreach(alerts, i, alert)
    {
        if (i >= CHAT_ALERTS)
            json_array_append(named, alert);
    }
    json_array_extend(named, others);
    while (json_array_size(alerts) > CHAT_ALERTS)
        json_array_remove(alerts, json_array_size(alerts) - 1);
    for (; json_array_size(named) > CHAT_OTHERS; n_more++)
        json_array_remove(named, json_array_size(named) - 1);
    if (json_array_size(named))
        json_object_set(copy, "others", named);
    if (n_more)
        json_object_set_new(copy, "n_more", json_integer((json_int_t)n_more));
    json_decref(named);
}

static const char *emblem(const json_t *notification)
{
    const char *severity = tw_document_text(notification, "severity");
    if (json_is_true(json_object_get(notification, "is_resolved")))
        return "\u2705";
    return !strcmp(severity, "critical")  ? "\U0001f534"
           : !strcmp(severity, "warning") ? "\U0001f7e0"
                                          : "\U0001f535";
}

static json_t *chat_copy(enum tw_webhook_format format, const json_t *notification)
{
    static const char *const colours[] = {"#1d6fb8", "#b35900", "#b3261e", "#1e7d34"};
    struct tw_document severity = {.severity = tw_document_text(notification, "severity")};
    bool is_resolved = json_is_true(json_object_get(notification, "is_resolved"));
    json_t *copy = fit_object(format, notification);
    json_object_set_new(copy, "emblem", json_string(emblem(notification)));
    json_object_set_new(copy, "colour",
                        json_string(colours[is_resolved ? 3 : tw_document_severity(&severity)]));
    const char *title = tw_document_text(copy, "title");
    char *head = strndup(title, whole_length(title, 140)); /* a Slack header has 150 characters */
    json_object_set_new(copy, "head", tw_json_string(head ? head : ""));
    free(head);
    shorten(copy);
    return copy;
}

/* ---- the templates ---- */

static const char slack[] =
    "{\"text\":\"{{emblem}} {{title}}\",\"blocks\":["
    "{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"{{emblem}} {{head}}\"}},"
    "{{#alerts}}{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\""
    "{{#link}}<{{link}}|{{run_name}}>{{/link}}{{^link}}*{{run_name}}*{{/link}}: *{{title}}* "
    "({{status}}, {{severity}})\\n{{message}}"
    "{{#suggestions}}\\n\u2022 Change `{{parameter}}`: *{{change_text}}*{{/suggestions}}"
    "\\nKeep it quiet: `{{silence_command}}`\\nIf it is wrong: `{{feedback_command}}`\"}},"
    "{{/alerts}}"
    "{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":\""
    "trainward, {{receiver}}, {{time}}"
    "{{#others}}\\n{{run_name}}: {{title}} ({{status}}, {{severity}}){{/others}}"
    "{{#n_more}}\\nand {{n_more}} more{{/n_more}}\"}]}]}";

static const char mattermost[] =
    "{\"username\":\"trainward\",\"text\":\"#### {{emblem}} {{title}}\",\"attachments\":["
    "{{#alerts}}{\"color\":\"{{colour}}\",\"title\":\"{{run_name}}: {{title}} ({{status}}, "
    "{{severity}})\"{{#link}},\"title_link\":\"{{link}}\"{{/link}},\"text\":\"{{message}}"
    "{{#suggestions}}\\n* Change **{{parameter}}**: **{{change_text}}**{{/suggestions}}"
    "\\nKeep it quiet: `{{silence_command}}`  \\nIf it is wrong: `{{feedback_command}}`\"},"
    "{{/alerts}}"
    "{\"footer\":\"trainward, {{receiver}}, {{time}}\",\"text\":\""
    "{{#others}}* {{run_name}}: {{title}} ({{status}}, {{severity}})\\n{{/others}}"
    "{{#n_more}}and {{n_more}} more{{/n_more}}\"}]}";

static const char teams[] =
    "{\"type\":\"message\",\"attachments\":[{\"contentType\":"
    "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":{"
    "\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\","
    "\"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":["
    "{\"type\":\"TextBlock\",\"size\":\"Large\",\"weight\":\"Bolder\",\"wrap\":true,"
    "\"text\":\"{{emblem}} {{title}}\"},"
    "{{#alerts}}{\"type\":\"Container\",\"separator\":true,\"items\":["
    "{\"type\":\"TextBlock\",\"weight\":\"Bolder\",\"wrap\":true,\"text\":\"{{run_name}}: "
    "{{title}} "
    "({{status}}, {{severity}})\"},"
    "{{#suggestions}}{\"type\":\"TextBlock\",\"wrap\":true,\"text\":\"Change **{{parameter}}**: "
    "**{{change_text}}**\"},{{/suggestions}}"
    "{{#link}}{\"type\":\"ActionSet\",\"actions\":[{\"type\":\"Action.OpenUrl\",\"title\":\"Run\","
    "\"url\":\"{{link}}\"}]},{{/link}}"
    "{\"type\":\"TextBlock\",\"wrap\":true,\"text\":\"{{message}}\"},"
    "{\"type\":\"TextBlock\",\"wrap\":true,\"isSubtle\":true,\"size\":\"Small\",\"text\":\""
    "{{silence_command}}\\n\\n{{feedback_command}}\"}]},{{/alerts}}"
    "{\"type\":\"TextBlock\",\"wrap\":true,\"isSubtle\":true,\"size\":\"Small\",\"separator\":true,"
    "\"text\":\"{{#others}}- {{run_name}}: {{title}} ({{status}}, {{severity}})\\n\\n{{/others}}"
    "{{#n_more}}and {{n_more}} more\\n\\n{{/n_more}}trainward, {{receiver}}, {{time}}\"}]}}]}";

static const char *const templates[] = {NULL, slack, mattermost, teams};

static int render(char **ret, const char *text, const json_t *context, struct tw_error *error)
{
    return tw_mustache_render(ret, text, context, TW_TEMPLATE_JSON, error);
}

int tw_webhook_body(char **ret, enum tw_webhook_format format, const char *template,
                    const json_t *notification, struct tw_error *error)
{
    if (template && format == TW_WEBHOOK_PLAIN)
        return render(ret, template, notification, error);
    if (format == TW_WEBHOOK_PLAIN) {
        *ret = tw_json_text(notification);
        return *ret ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    }
    json_t *copy = chat_copy(format, notification);
    int result = render(ret, template ? template : templates[format], copy, error);
    json_decref(copy);
    return result;
}
