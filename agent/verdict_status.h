/* Verdicts as exit statuses, the same for `analyze` and `attach`. */
#ifndef TW_VERDICT_STATUS_H
#define TW_VERDICT_STATUS_H

#include "agent/run.h"

#define TW_EXIT_HEALTHY 0
#define TW_EXIT_PROBLEM 1
#define TW_EXIT_UNKNOWN 3 /* nothing could be judged */

/* Of one run. */
int tw_verdict_status(const struct tw_run *run, const struct tw_settings *settings);

/* Of several: the first of 2 (TW_EXIT_WRONG), 1, 3, 0 that occurs. */
int tw_worse_status(int a, int b);

#endif
