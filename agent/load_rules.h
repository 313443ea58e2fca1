/* The rules in force: those that are built in, and those that a configuration names. */
#ifndef TW_LOAD_RULES_H
#define TW_LOAD_RULES_H

#include "config.h"

#include "rules/rules.h"

/* New set for tw_rules_free(). */
int tw_load_rules(struct tw_rules **ret, const struct tw_config *config, struct tw_error *error);

#endif
