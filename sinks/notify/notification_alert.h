/* One alert of a notification. */
#ifndef TW_NOTIFY_NOTIFICATION_ALERT_H
#define TW_NOTIFY_NOTIFICATION_ALERT_H

#include "sinks/notify/notification.h"

/* All there is to tell, with the notice's links. New reference, NULL when out of memory. */
struct json_t *tw_notification_alert(const struct tw_alert *alert, const struct tw_notice *notice);
/* Its name only. */
struct json_t *tw_notification_other(const struct tw_alert *alert);

/* "gradient explosion in layer fc2". Returns `buffer`. */
const char *tw_alert_title(const struct tw_alert *alert, char *buffer, size_t size);

#endif
