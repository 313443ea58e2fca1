/* A rule as it is kept once loaded; shared by the files of this room, not with other rooms. */
#ifndef TW_RULE_H
#define TW_RULE_H

#include "rules.h"
#include "sandbox.h"
#include "template.h"

#define TW_RULES_MAX 256           /* in a set */
#define TW_RULE_SUGGESTIONS_MAX 16 /* in a rule, alternatives of one parameter included */
#define TW_RULE_VERIFY_MAX 4
#define TW_RULES_BYTES_MAX (1u << 18) /* of one file */

/* Expressions are numbers given by the sandbox; 0 = not there. */
struct tw_rule_verify {
    char signal[48];
    bool is_below;
    int limit, within_steps;
};

struct tw_rule_suggestion {
    char parameter[48];
    int when, from, min, max;
    enum tw_change_op op;
    int change;           /* an expression, or 0: */
    char change_text[64]; /* `set` to a bare word */
    struct tw_template why;
    size_t n_verify;
    struct tw_rule_verify verify[TW_RULE_VERIFY_MAX]; /* the first whose limit is known is taken */
};

struct tw_rule {
    char name[64], detector[48];
    unsigned severities;                                   /* bit i: enum tw_severity i */
    double priority;                                       /* lower comes first */
    char *description, *source, *place, *text, *when_text; /* owned */
    int when;
    size_t n_suggestions;
    struct tw_rule_suggestion suggestions[TW_RULE_SUGGESTIONS_MAX];
};

struct tw_rules {
    struct tw_sandbox *sandbox;
    tw_rules_tracer *tracer; /* NULL: nobody listens */
    void *tracer_closure;
    size_t n;
    struct tw_rule *at[TW_RULES_MAX]; /* owned, in order of priority, then name */
};

/* Reads the rules of a text into `*ret` (an array of owned rules, to be freed); see rules.h. */
int tw_rule_parse_all(struct tw_sandbox *sandbox, const char *text, size_t size, const char *place,
                      struct tw_rule ***ret, size_t *ret_n, struct tw_error *error);
/* NULL is allowed. */
void tw_rule_free(struct tw_rule *rule, struct tw_sandbox *sandbox);

#endif
