/* A notification as a mail's two texts. */
#ifndef TW_MAIL_NOTIFICATION_H
#define TW_MAIL_NOTIFICATION_H

struct json_t; /* jansson's */

/* New strings for free(), NULL when out of memory. */
char *tw_notification_plain(const struct json_t *notification);
char *tw_notification_html(const struct json_t *notification);

#endif
