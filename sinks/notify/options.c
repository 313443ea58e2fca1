/* The choices that the option tables of notifying sinks share. */
#include "sinks/notify/options.h"

const char *const tw_notify_severities[] = {"info", "warning", "critical", NULL};
const char *const tw_notify_route_severities[] = {"info", "warning", "critical", "default", NULL};
const char *const tw_notify_switches[] = {"false", "true", "default", NULL};
const char *const tw_notify_quiet_severities[] = {"info", "warning", "critical", "none", NULL};
