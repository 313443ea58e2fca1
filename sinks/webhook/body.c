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

/* A chat's message is short: what is beyond this is counted. Sizes are bytes of what is sent. */
#define CHAT_ALERTS 10
#define CHAT_OTHERS 40
#define CHAT_TEXT 700
#define CHAT_NAME 200
/* Slack refuses a message in which one text is longer (and so we make one for all): 3000
 * characters, less what the templates have around the values. */
#define CHAT_WHOLE 2800
/* What the templates have around the values of one alert, suggestion or line. */
#define AROUND 40

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

/* Writes the text made fit, up to `max` bytes. False: there is more of it. */
static bool put_fit(FILE *out, enum tw_webhook_format format, const char *text, size_t max)
{
    size_t used = 0, n;
    for (; *text; text += n) {
        const char *instead = replacement(format, *text);
        for (n = 1; ((unsigned char)text[n] & 0xc0) == 0x80;)
            n++;
        size_t size = instead ? strlen(instead) : n;
        if (used + size > max)
            return false;
        if (instead)
            fputs(instead, out);
        else if ((unsigned char)*text < ' ')
            fputc(' ', out);
        else
            fwrite(text, 1, n, out);
        used += size;
    }
    return true;
}

static json_t *fit_text(enum tw_webhook_format format, const char *text, size_t max)
{
    char *fit = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&fit, &size);
    if (!out)
        return NULL;
    if (!put_fit(out, format, text, max))
        fputs("…", out);
    json_t *ret = fclose(out) ? NULL : tw_json_string(fit);
    free(fit);
    return ret;
}

/* Commands stand between backticks, where Markdown has no escapes: what is pasted has to be what
 * was meant. A backtick becomes `?`, any character for a pattern. None (NULL) where one would be
 * cut, or has an @ that might call somebody. */
static json_t *fit_command(enum tw_webhook_format format, const char *text)
{
    bool is_mattermost = format == TW_WEBHOOK_MATTERMOST;
    char *plain = is_mattermost && strchr(text, '@') ? NULL : strdup(text);
    for (char *at = plain; at && (at = strchr(at, '`'));)
        *at = '?';
    json_t *ret = !plain          ? NULL
                  : is_mattermost ? tw_json_string(plain)
                                  : fit_text(format, plain, CHAT_TEXT);
    free(plain);
    if (!ret || strlen(json_string_value(ret)) <= CHAT_TEXT)
        return ret;
    json_decref(ret);
    return NULL;
}

/* ---- the copy ---- */

static json_t *fit_value(enum tw_webhook_format format, const json_t *value);

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), size = strlen(end);
    return n >= size && !strcmp(text + n - size, end);
}

/* What is called so in an object. */
static json_t *fit_member(enum tw_webhook_format format, const char *name, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text && ends_in(name, "_command"))
        return fit_command(format, text);
    if (text && (!strcmp(name, "run_name") || !strcmp(name, "title")))
        return fit_text(format, text, CHAT_NAME);
    return fit_value(format, value);
}

static json_t *fit_object(enum tw_webhook_format format, const json_t *object)
{
    const char *name;
    json_t *value, *ret = json_object();
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
        json_object_set_new(ret, name, fit_member(format, name, value));
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
        return fit_text(format, json_string_value(value), CHAT_TEXT);
    return json_incref((json_t *)(uintptr_t)value);
}

/* ---- what there is room for ---- */

static size_t size_of(const json_t *object, const char *const *names, size_t n)
{
    size_t size = AROUND;
    for (size_t i = 0; i < n; i++)
        size += strlen(tw_document_text(object, names[i]));
    return size;
}

#define SIZE_OF(object, ...)                                                                       \
    size_of(object, (const char *const[]){__VA_ARGS__},                                            \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static size_t size_of_alert(const json_t *alert)
{
    size_t i, size = SIZE_OF(alert, "link", "run_name", "title", "status", "severity", "message",
                             "silence_command", "feedback_command") +
                     2 * AROUND;
    json_t *suggestion;
    json_array_foreach(json_object_get(alert, "suggestions"), i, suggestion) size +=
        SIZE_OF(suggestion, "parameter", "change_text");
    return size;
}

/* The last suggestions go, then the end of the message: neither a link nor a command can be cut. */
static void shorten_alert(json_t *alert)
{
    json_t *suggestions = json_object_get(alert, "suggestions");
    while (json_array_size(suggestions) && size_of_alert(alert) > CHAT_WHOLE)
        json_array_remove(suggestions, json_array_size(suggestions) - 1);
    const char *message = tw_document_text(alert, "message");
    size_t size = size_of_alert(alert), n = strlen(message), excess = size - CHAT_WHOLE;
    if (size <= CHAT_WHOLE)
        return;
    char *head = strndup(message, whole_length(message, n > excess ? n - excess : 0));
    json_object_set_new(alert, "message", tw_json_string(head ? head : ""));
    free(head);
}

/* How many of them one text has room for. */
static size_t fitting(const json_t *named)
{
    size_t i, size = 0;
    json_t *alert;
    json_array_foreach(named, i, alert)
    {
        size += SIZE_OF(alert, "run_name", "title", "status", "severity");
        if (i == CHAT_OTHERS || size > CHAT_WHOLE)
            return i;
    }
    return json_array_size(named);
}

/* Moves the alerts behind the first few to the others, and counts the others that there is no room
 * for: `n_more`. */
static void shorten(json_t *copy)
{
    json_t *alerts = json_object_get(copy, "alerts"), *others = json_object_get(copy, "others");
    json_t *named = json_array();
    size_t i;
    json_t *alert;
    json_array_foreach(alerts, i, alert)
    {
        if (i >= CHAT_ALERTS)
            json_array_append(named, alert);
        else
            shorten_alert(alert);
    }
    json_array_extend(named, others);
    while (json_array_size(alerts) > CHAT_ALERTS)
        json_array_remove(alerts, json_array_size(alerts) - 1);
    size_t n_more = json_array_size(named) - fitting(named);
    for (size_t gone = 0; gone < n_more; gone++)
        json_array_remove(named, json_array_size(named) - 1);
    if (json_array_size(named))
        json_object_set(copy, "others", named);
    else
        json_object_del(copy, "others");
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
    "{{#silence_command}}\\nKeep it quiet: `{{silence_command}}`{{/silence_command}}"
    "{{#feedback_command}}\\nIf it is wrong: `{{feedback_command}}`{{/feedback_command}}\"}},"
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
    "{{#silence_command}}\\nKeep it quiet: `{{silence_command}}`  {{/silence_command}}"
    "{{#feedback_command}}\\nIf it is wrong: `{{feedback_command}}`{{/feedback_command}}\"},"
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
