/* Commands that a notification names for people to paste. They run anywhere, so they name the
 * agent's configuration; and they mean the very thing that is told of, so what would be a pattern's
 * sign in a name is escaped. */
#ifndef TW_NOTIFY_PASTED_H
#define TW_NOTIFY_PASTED_H

#include "telemetry/option.h"

struct json_t; /* jansson's */

/* "trainward silence add ..." of one run. `config` is the path of the agent's configuration, from
 * the root; NULL: it has none. For free(), NULL when out of memory, as for the others. */
char *tw_pasted_silence_run(const char *config, const char *run);
/* Of a group: each of its labels has to match. A field of `group_by` (may be NULL) that it has no
 * label for has to be unknown. NULL too where a silence cannot say one of them, since it would
 * quiet more. */
char *tw_pasted_silence_group(const char *config, const struct json_t *labels,
                              const struct tw_texts *group_by);
/* "trainward feedback ... false-alarm". */
char *tw_pasted_feedback(const char *config, const char *episode);

#endif
