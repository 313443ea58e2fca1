/* A notification as a mail's two texts. */
#include "sinks/mail_notification.h"

#include "sinks/template.h"

#include <stddef.h>

static const char plain[] = "{{title}}\n"
                            "\n"
                            "{{#alerts}}\n"
                            "{{run_name}}: {{title}} ({{status}}, {{severity}})\n"
                            "  {{message}}\n"
                            "{{#suggestions}}\n"
                            "  Change {{parameter}}: {{change_text}}\n"
                            "{{#why}}    {{why}}\n{{/why}}"
                            "{{#verify_text}}    It worked when: {{verify_text}}\n{{/verify_text}}"
                            "{{/suggestions}}\n"
                            "{{#link}}  {{link}}\n{{/link}}"
                            "  To keep it quiet: {{silence_command}}\n"
                            "  If it is wrong:   {{feedback_command}}\n"
                            "\n"
                            "{{/alerts}}\n"
                            "{{#others}}\n"
                            "{{run_name}}: {{title}} ({{status}}, {{severity}}) {{episode_id}}\n"
                            "{{/others}}\n"
                            "-- \n"
                            "trainward: {{footer.config_hint}}\n";

static const char html[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>trainward</title></head><body>\n<h2>{{title}}</h2>\n"
    "{{#alerts}}<h3>{{run_name}}: {{title}} ({{status}}, {{severity}})</h3>\n<p>{{message}}</p>\n"
    "{{#suggestions}}<p>Change <b>{{parameter}}</b>: <b>{{change_text}}</b>. {{why}} "
    "{{#verify_text}}It worked when: {{verify_text}}{{/verify_text}}</p>\n{{/suggestions}}"
    "<p>To keep it quiet: <code>{{silence_command}}</code><br>If it is wrong: "
    "<code>{{feedback_command}}</code></p>\n{{/alerts}}"
    "<ul>{{#others}}<li>{{run_name}}: {{title}} ({{status}}, {{severity}}) {{episode_id}}</li>\n"
    "{{/others}}</ul><p>{{footer.config_hint}}</p></body></html>\n";

static char *render(const char *text, const struct json_t *notification,
                    enum tw_template_escape escape)
{
    char *ret = NULL;
    return tw_mustache_render(&ret, text, notification, escape, NULL) ? NULL : ret;
}

char *tw_notification_plain(const struct json_t *notification)
{
    return render(plain, notification, TW_TEMPLATE_PLAIN);
}

char *tw_notification_html(const struct json_t *notification)
{
    return render(html, notification, TW_TEMPLATE_HTML);
}
