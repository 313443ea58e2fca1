/* How many advisories were told and how many episodes are open, over all watches of a process: what
 * the metrics say of detection. Written by the threads of the watches, one at a time
 * (tw_watch_options.lock). */
#ifndef TW_TALLY_H
#define TW_TALLY_H

#include "settings.h"

#define TW_TALLY_SEVERITIES 3 /* of enum tw_severity */
#define TW_TALLY_ACTIONS 5    /* of enum tw_action */

struct tw_tally {
    uint64_t told[TW_DETECTORS_MAX][TW_TALLY_SEVERITIES][TW_TALLY_ACTIONS];
    int64_t open[TW_DETECTORS_MAX][TW_TALLY_SEVERITIES]; /* now */
    uint64_t rule_failures;                              /* expressions that failed */
};

#endif
