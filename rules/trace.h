/* What the engine tells while it asks its rules: for `trainward rules test`, and for whoever writes
 * rules and wonders why one says nothing. */
#ifndef TW_RULES_TRACE_H
#define TW_RULES_TRACE_H

#include "suggestion.h"

enum tw_rule_outcome {
    TW_RULE_OTHER_SEVERITY,  /* the rule is not for findings of this severity */
    TW_RULE_CONDITION_FALSE, /* `when` of the rule is false or unknown */
    TW_RULE_MATCHED,         /* its suggestions follow */
    TW_RULE_FAILED,          /* an expression failed; `text` says how */
    TW_SUGGESTION_MADE,      /* in `suggestion` */
    TW_SUGGESTION_CONDITION_FALSE,
    TW_SUGGESTION_TAKEN,   /* another suggestion or advisory names this parameter already */
    TW_SUGGESTION_NOT_MADE /* `text` says what is unknown, or that nothing would change */
};

/* One thing that was tried; borrowed for the call. */
struct tw_rule_step {
    const struct tw_finding *finding;
    const char *rule;      /* its name */
    const char *parameter; /* of the suggestion; NULL: it is about the rule */
    enum tw_rule_outcome outcome;
    const char *text;                       /* or NULL */
    const struct tw_suggestion *suggestion; /* TW_SUGGESTION_MADE, else NULL */
};

typedef void tw_rules_tracer(void *closure, const struct tw_rule_step *step);

#endif
