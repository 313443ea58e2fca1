/* A notification as the body of a request, in the form that a chat or a program takes. */
#ifndef TW_WEBHOOK_BODY_H
#define TW_WEBHOOK_BODY_H

#include "telemetry/error.h"

struct json_t; /* jansson's */

enum tw_webhook_format {
    TW_WEBHOOK_PLAIN,      /* the notification itself */
    TW_WEBHOOK_SLACK,      /* blocks of an incoming webhook */
    TW_WEBHOOK_MATTERMOST, /* Markdown */
    TW_WEBHOOK_TEAMS       /* an Adaptive Card, as workflows take it */
};
extern const char *const tw_webhook_formats[]; /* NULL-terminated */

/* New string for free(). `template`: a mustache template in place of the format's own, whose values
 * are escaped for JSON strings; may be NULL. What a job says can neither end a string nor call
 * people (@channel, <!here>) nor make links in a chat. */
int tw_webhook_body(char **ret, enum tw_webhook_format format, const char *template,
                    const struct json_t *notification, struct tw_error *error);

#endif
