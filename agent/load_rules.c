/* The rules in force. */
#include "agent/load_rules.h"

#include <errno.h>

int tw_load_rules(struct tw_rules **ret, const struct tw_config *config, struct tw_error *error)
{
    struct tw_rules *rules = tw_rules_new();
    if (!rules)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = tw_rules_load_shipped(rules, error);
    for (size_t i = 0; i < config->rules.n && !result; i++)
        result = tw_rules_load(rules, config->rules.at[i], error);
    if (result)
        tw_rules_free(rules);
    else
        *ret = rules;
    return result;
}
