/* What every detector uses to speak. */
#include "detectors/detector.h"

#include <stdio.h>
#include <string.h>

struct tw_condition *tw_report_add(struct tw_report *report, const char *scope, enum tw_state state,
                                   enum tw_severity severity)
{
    struct tw_condition *condition;
    if (report->n < TW_REPORT_CONDITIONS) {
        condition = &report->conditions[report->n++];
    } else {
        /* The caller writes on; what it writes here is counted as lost. Thread-local, since two
         * watches may run at once. */
        static _Thread_local struct tw_condition scratch;
        report->n_dropped++;
        condition = &scratch;
    }
    memset(condition, 0, sizeof *condition);
    snprintf(condition->scope, sizeof condition->scope, "%s", scope);
    condition->state = state;
    condition->severity = severity;
    return condition;
}

void tw_detector_grow(const struct tw_detector *detector, void *state, const void *config,
                      enum tw_extent from, enum tw_extent to)
{
    for (int extent = (int)from + 1; detector->grow && extent <= (int)to; extent++)
        detector->grow(state, config, (enum tw_extent)extent);
}

const struct tw_detector *tw_detector_find(const char *name)
{
    for (size_t i = 0; tw_detectors[i]; i++) {
        if (!strcmp(tw_detectors[i]->name, name))
            return tw_detectors[i];
    }
    return NULL;
}
