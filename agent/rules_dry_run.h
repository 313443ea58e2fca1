/* `trainward rules test LOG...`: which rules a log's findings asked, which matched, what each
 * suggestion came to, and why the others were not made. */
#ifndef TW_RULES_DRY_RUN_H
#define TW_RULES_DRY_RUN_H

#include "agent/config.h"

#include "rules/rules.h"

/* Reads the logs at the paths (NULL-terminated; each a file, a run directory, or a directory of
 * them) and prints what the rules made of each finding, as it was opened or grew worse. Returns the
 * command's exit status: 0, or 2 when a path cannot be read (told on standard error). */
int tw_rules_dry_run(struct tw_rules *rules, const struct tw_config *config, const char **paths);

#endif
