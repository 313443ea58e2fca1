/* What the tests of the rules share: a finding, facts, and asking for suggestions. */
#ifndef TW_RULES_FIXTURE_H
#define TW_RULES_FIXTURE_H

#include "rules/rules.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct answer {
    size_t n, failed;
    struct tw_suggestion at[TW_SUGGESTIONS_MAX];
    struct tw_rule_name rule;
    struct tw_error error;
};

/* A group's set-up and tear-down: the shipped rules are its state. */
static inline int load_shipped_rules(void **state)
{
    struct tw_error error = {0};
    char message[900];
    struct tw_rules *rules = tw_rules_new();
    assert_non_null(rules);
    if (tw_rules_load_shipped(rules, &error))
        fail_msg("%s", tw_error_message(&error, message, sizeof message));
    *state = rules;
    return 0;
}

static inline int free_rules(void **state)
{
    tw_rules_free(*state);
    return 0;
}

static inline struct tw_finding make_finding(const char *detector, enum tw_severity severity)
{
    return (struct tw_finding){.detector = detector,
                               .scope = "run",
                               .severity = severity,
                               .state = TW_STATE_OPEN,
                               .onset_step = 812,
                               .detected_step = 843,
                               .confidence = .9};
}

static inline struct answer ask(struct tw_rules *rules, const struct tw_finding *finding,
                                const struct tw_finding *others, size_t n_others,
                                const struct tw_facts *facts)
{
    struct answer answer = {0};
    answer.n = tw_rules_suggest(rules, finding, others, n_others, facts, NULL, 0, answer.at,
                                TW_SUGGESTIONS_MAX, &answer.rule, &answer.failed, &answer.error);
    return answer;
}

/* The suggestion for a parameter, or NULL. */
static inline const struct tw_suggestion *find(const struct answer *answer, const char *parameter)
{
    for (size_t i = 0; i < answer->n; i++) {
        if (!strcmp(answer->at[i].parameter, parameter))
            return &answer->at[i];
    }
    return NULL;
}

static inline void assert_number(struct tw_value value, double expected)
{
    assert_int_equal(value.type, TW_VALUE_NUMBER);
    assert_float_equal(value.number, expected, 1e-12 * (1 + fabs(expected)));
}

static inline void assert_text(struct tw_value value, const char *expected)
{
    assert_int_equal(value.type, TW_VALUE_TEXT);
    assert_string_equal(value.text, expected);
}

static inline void assert_unknown(struct tw_value value)
{
    assert_int_equal(value.type, TW_VALUE_NULL);
}

#endif
