/* One line at the begin, one at the end. */
#include "agent/outage.h"

#include "agent/logging.h"

#include "telemetry/clock.h"

#include <stdio.h>

void tw_outage_begin(struct tw_outage *outage, const char *doing, const struct tw_error *error)
{
    char message[160];
    tw_error_message(error, message, sizeof message);
    snprintf(outage->reason, sizeof outage->reason, "%.80s: %s", doing, message);
    tw_logging_error(outage->is_on ? TW_LOG_DEBUG : TW_LOG_WARNING, doing, error);
    if (!outage->is_on)
        outage->since = tw_now_seconds();
    outage->is_on = true;
}

void tw_outage_end(struct tw_outage *outage)
{
    if (outage->is_on)
        tw_logging(TW_LOG_WARNING, "works again after %.0f s", tw_now_seconds() - outage->since);
    outage->is_on = false;
}
