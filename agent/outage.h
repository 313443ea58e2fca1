/* Brokers that go away and come back, told once each, however often the agent tries in between. */
#ifndef TW_OUTAGE_H
#define TW_OUTAGE_H

#include "telemetry/error.h"

#include <stdbool.h>

struct tw_outage {
    bool is_on;
    double since;     /* tw_now_seconds() */
    char reason[256]; /* the newest: what was being done, and why it does not work */
};

/* Notes that something does not work, and logs it with what was being done, unless an outage is on
 * already: then at the level debug. */
void tw_outage_begin(struct tw_outage *outage, const char *doing, const struct tw_error *error);
/* Everything works; logs that it does again, and how long it did not, if an outage was on. */
void tw_outage_end(struct tw_outage *outage);

#endif
