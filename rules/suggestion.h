/* A suggestion: a parameter, from what, to what, why, and how to see that it worked. */
#ifndef TW_SUGGESTION_H
#define TW_SUGGESTION_H

#include "detectors/finding.h"

#include <stdbool.h>

enum tw_value_type { TW_VALUE_NULL, TW_VALUE_NUMBER, TW_VALUE_TEXT };

struct tw_value {
    enum tw_value_type type;
    double number;
    char text[64];
};

enum tw_change_op { TW_CHANGE_MULTIPLY, TW_CHANGE_ADD, TW_CHANGE_SET };

struct tw_suggestion {
    char parameter[48];       /* "learning_rate": a hyper-parameter's name */
    struct tw_value from, to; /* NULL when the present value is not known */
    enum tw_change_op op;
    struct tw_value change; /* the factor, the summand, or the new value; never NULL */
    char why[512];          /* one or two sentences with the run's own numbers */
    struct {                /* how to see that it worked */
        char signal[48];
        bool is_below; /* the signal shall be below `limit`, else above */
        double limit;
        uint64_t within_steps;
    } verify;
    char rule[64]; /* name of the rule that made it */
};

#define TW_SUGGESTIONS_MAX 8

/* "multiply", "add", "set". */
const char *tw_change_op_name(enum tw_change_op op);

/* A rule's identity, as documents name it (rule.name, rule.description). */
struct tw_rule_name {
    char name[64];
    char description[200];
};

#endif
