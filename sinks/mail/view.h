/* A notification made ready for a mail's templates: docs/email.md lists what is added. */
#ifndef TW_MAIL_VIEW_H
#define TW_MAIL_VIEW_H

struct json_t; /* jansson's */

/* A copy of the notification with what templates cannot work out themselves. New reference, NULL
 * when out of memory. */
struct json_t *tw_mail_view(const struct json_t *notification, const char *subject_prefix);

#endif
