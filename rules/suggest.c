/* From a finding to suggestions: which rules match, what the amounts are, what the texts say. */
#include "rules/rule.h"
#include "rules/number.h"

#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STEPS_MAX 1e9

/* One call of tw_rules_suggest(). */
struct maker {
    const struct tw_rules *rules;
    struct tw_sandbox *sandbox;
    const struct tw_rule *rule;
    const struct tw_rule_suggestion *suggestion;
    struct tw_inputs inputs;
    const char *const *taken;
    size_t n_taken;
    const char *missing; /* why the newest suggestion was not made */
    struct tw_error *error;
};

/* Outcomes of the steps below: a failure is negative. NOT_MADE: something that it needs is unknown,
 * or it would change nothing. */
enum { NOT_MADE = 0, MADE = 1 };

static void trace(const struct maker *maker, enum tw_rule_outcome outcome, const char *text,
                  const struct tw_suggestion *suggestion)
{
    struct tw_rule_step step = {
        .finding = maker->inputs.finding,
        .rule = maker->rule->name,
        .parameter = maker->suggestion ? maker->suggestion->parameter : NULL,
        .outcome = outcome,
        .text = text,
        .suggestion = suggestion,
    };
    if (maker->rules->tracer)
        maker->rules->tracer(maker->rules->tracer_closure, &step);
}

static int not_made(struct maker *maker, const char *missing)
{
    maker->missing = missing;
    return NOT_MADE;
}

static int fail(struct maker *maker, const char *what, const char *text)
{
    const char *parameter = maker->suggestion ? maker->suggestion->parameter : "the rule";
    trace(maker, TW_RULE_FAILED, text, NULL);
    return tw_error_at(maker->error, -EINVAL, maker->rule->place, 0, 0, "rule '%s', %s, %s: %s",
                       maker->rule->name, parameter, what, text);
}

static int evaluate(struct maker *maker, const char *what, int expression, struct tw_result *ret)
{
    struct tw_fault fault;
    int result = tw_sandbox_evaluate(maker->sandbox, expression, &maker->inputs, ret, &fault);
    return result ? fail(maker, what, fault.text) : 0;
}

/* A condition: 1, 0, or negative. A number is refused, because in Lua even 0 counts as true. */
static int holds(struct maker *maker, int expression)
{
    struct tw_result value;
    if (!expression)
        return 1;
    int result = evaluate(maker, "when", expression, &value);
    if (result)
        return result;
    if (value.type == TW_RESULT_NUMBER || value.type == TW_RESULT_TEXT)
        return fail(maker, "when", "gives a value; compare it with something, or ask known(...)");
    return value.is_true;
}

/* A number: MADE, NOT_MADE when unknown, or negative. */
static int get_number(struct maker *maker, const char *what, int expression, double *ret)
{
    struct tw_result value;
    int result = evaluate(maker, what, expression, &value);
    if (result)
        return result;
    if (value.type == TW_RESULT_UNKNOWN)
        return NOT_MADE;
    if (value.type != TW_RESULT_NUMBER)
        return fail(maker, what, "is no number");
    *ret = value.number;
    return MADE;
}

/* A number or a text. */
static int get_value(struct maker *maker, const char *what, int expression, struct tw_value *ret)
{
    struct tw_result value;
    int result = evaluate(maker, what, expression, &value);
    if (result)
        return result;
    if (value.type == TW_RESULT_BOOL || value.type == TW_RESULT_OBJECT)
        return fail(maker, what, "is neither a number nor a text");
    if (value.type == TW_RESULT_TEXT && strlen(value.text) >= sizeof ret->text)
        return fail(maker, what, "is longer than 63 bytes");
    ret->type = value.type == TW_RESULT_NUMBER ? TW_VALUE_NUMBER
                : value.type == TW_RESULT_TEXT ? TW_VALUE_TEXT
                                               : TW_VALUE_NULL;
    ret->number = value.type == TW_RESULT_NUMBER ? value.number : 0;
    snprintf(ret->text, sizeof ret->text, "%.63s", value.text);
    return ret->type == TW_VALUE_NULL ? NOT_MADE : MADE;
}

/* ---- amounts ---- */

static bool is_whole(double value)
{
    return value == floor(value);
}

/* What `change` makes of `from`. Whole numbers stay whole (a batch of 4,096 doubles to 8,192);
 * all else is told in three digits. */
static double apply(enum tw_change_op op, double from, double amount)
{
    if (op == TW_CHANGE_SET)
        return amount;
    double to = op == TW_CHANGE_MULTIPLY ? from * amount : from + amount;
    return is_whole(from) && is_whole(to) ? to : tw_number_round(to, 3);
}

/* Keeps `*value` within the suggestion's min and max, as far as these are known. */
static int clamp(struct maker *maker, double *value)
{
    double limit;
    int result = MADE;
    if (maker->suggestion->min) {
        result = get_number(maker, "min", maker->suggestion->min, &limit);
        if (result == MADE && *value < limit)
            *value = limit;
    }
    if (result >= 0 && maker->suggestion->max) {
        result = get_number(maker, "max", maker->suggestion->max, &limit);
        if (result == MADE && *value > limit)
            *value = limit;
    }
    return result < 0 ? result : MADE;
}

/* `to` of numbers. Where a limit bites, `change` becomes "set": the document never says "multiply
 * by 2" beside a `to` that is something else. */
static int make_number(struct maker *maker, struct tw_suggestion *ret)
{
    bool is_relative = ret->op != TW_CHANGE_SET;
    if (is_relative && ret->from.type == TW_VALUE_NULL)
        return MADE;
    if (is_relative && ret->from.type == TW_VALUE_TEXT)
        return fail(maker, "from", "is no number");
    double wanted = apply(ret->op, ret->from.number, ret->change.number), to = wanted;
    int result = clamp(maker, &to);
    if (result < 0)
        return result;
    if (!isfinite(to))
        return not_made(maker, "the new value is no finite number");
    if (to != wanted) {
        ret->op = TW_CHANGE_SET;
        ret->change.number = to;
    }
    if (ret->from.type != TW_VALUE_NUMBER)
        return MADE;
    double from = ret->from.number;
    bool is_same = fabs(to - from) <= 1e-9 * fabs(from);
    if (is_same || (wanted - from) * (to - from) < 0)
        /* A limit must not turn a cut into a rise. */
        return not_made(maker, is_same ? "it would change nothing" : "a limit is in the way");
    ret->to = (struct tw_value){.type = TW_VALUE_NUMBER, .number = to};
    return MADE;
}

static int make_text(struct maker *maker, struct tw_suggestion *ret)
{
    if (ret->op != TW_CHANGE_SET)
        return fail(maker, "change", "is no number");
    if (ret->from.type == TW_VALUE_TEXT && !strcasecmp(ret->from.text, ret->change.text))
        return not_made(maker, "it would change nothing");
    if (ret->from.type != TW_VALUE_NULL)
        ret->to = ret->change;
    return MADE;
}

static int make_amounts(struct maker *maker, struct tw_suggestion *ret)
{
    const struct tw_rule_suggestion *suggestion = maker->suggestion;
    int result = MADE;
    ret->op = suggestion->op;
    if (suggestion->from)
        result = get_value(maker, "from", suggestion->from, &ret->from);
    if (result < 0)
        return result;
    maker->inputs.from = &ret->from;
    if (suggestion->change) {
        result = get_value(maker, "change", suggestion->change, &ret->change);
        if (result == NOT_MADE)
            return not_made(maker, "`change` is unknown");
        if (result < 0)
            return result;
    } else {
        ret->change.type = TW_VALUE_TEXT;
        memcpy(ret->change.text, suggestion->change_text, sizeof ret->change.text);
    }
    return ret->change.type == TW_VALUE_TEXT ? make_text(maker, ret) : make_number(maker, ret);
}

static int make_verify(struct maker *maker, const struct tw_rule_verify *verify,
                       struct tw_suggestion *ret)
{
    double limit, steps;
    int result = get_number(maker, "verify", verify->limit, &limit);
    if (result == MADE)
        result = get_number(maker, "within_steps", verify->within_steps, &steps);
    if (result != MADE)
        return result;
    memcpy(ret->verify.signal, verify->signal, sizeof ret->verify.signal);
    ret->verify.is_below = verify->is_below;
    ret->verify.limit = tw_number_round(limit, 6);
    ret->verify.within_steps = (uint64_t)ceil(fmin(fmax(steps, 1), STEPS_MAX));
    return MADE;
}

static int choose_verify(struct maker *maker, struct tw_suggestion *ret)
{
    int result = NOT_MADE;
    for (size_t i = 0; result == NOT_MADE && i < maker->suggestion->n_verify; i++)
        result = make_verify(maker, &maker->suggestion->verify[i], ret);
    return result == NOT_MADE ? not_made(maker, "no limit of `verify` is known") : result;
}

static int make_why(struct maker *maker, struct tw_suggestion *ret)
{
    struct tw_fault fault;
    maker->inputs.to = &ret->to;
    maker->inputs.change = &ret->change;
    int result = tw_template_render(&maker->suggestion->why, maker->sandbox, &maker->inputs,
                                    ret->why, sizeof ret->why, &fault);
    if (result < 0)
        return fail(maker, "why", fault.text);
    return result && ret->why[0] ? MADE : not_made(maker, "a number in `why` is unknown");
}

static int make(struct maker *maker, struct tw_suggestion *ret)
{
    maker->inputs.from = maker->inputs.to = maker->inputs.change = NULL;
    memset(ret, 0, sizeof *ret);
    int result = holds(maker, maker->suggestion->when);
    if (result < 0)
        return result;
    maker->missing = NULL;
    if (result == 0)
        return NOT_MADE;
    memcpy(ret->parameter, maker->suggestion->parameter, sizeof ret->parameter);
    memcpy(ret->rule, maker->rule->name, sizeof ret->rule);
    result = make_amounts(maker, ret);
    if (result == MADE)
        result = make_why(maker, ret);
    if (result == MADE)
        result = choose_verify(maker, ret);
    return result;
}

/* ---- rules ---- */

static bool has_parameter(const struct tw_suggestion *suggestions, size_t n, const char *parameter)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(suggestions[i].parameter, parameter))
            return true;
    }
    return false;
}

static bool is_taken(const struct maker *maker, const struct tw_suggestion *suggestions, size_t n)
{
    const char *parameter = maker->suggestion->parameter;
    for (size_t i = 0; i < maker->n_taken; i++) {
        if (!strcmp(maker->taken[i], parameter))
            return true;
    }
    return has_parameter(suggestions, n, parameter);
}

/* Adds a rule's suggestions to the `n` that are there. Returns their new number, or negative when
 * the rule failed: then it adds nothing. */
static long apply_rule(struct maker *maker, struct tw_suggestion *suggestions, size_t n, size_t max)
{
    for (size_t i = 0; i < maker->rule->n_suggestions && n < max; i++) {
        maker->suggestion = &maker->rule->suggestions[i];
        if (is_taken(maker, suggestions, n)) {
            trace(maker, TW_SUGGESTION_TAKEN, NULL, NULL);
            continue;
        }
        int result = make(maker, &suggestions[n]);
        if (result < 0)
            return result;
        if (result == MADE)
            trace(maker, TW_SUGGESTION_MADE, NULL, &suggestions[n++]);
        else
            trace(maker, maker->missing ? TW_SUGGESTION_NOT_MADE : TW_SUGGESTION_CONDITION_FALSE,
                  maker->missing, NULL);
    }
    return (long)n;
}

static bool is_for_severity(const struct maker *maker, const struct tw_finding *finding)
{
    if (maker->rule->severities >> finding->severity & 1)
        return true;
    trace(maker, TW_RULE_OTHER_SEVERITY, NULL, NULL);
    return false;
}

/* Whether the rule is for this finding, and its condition holds: 1, 0, or negative. */
static long matches_rule(struct maker *maker, const struct tw_finding *finding)
{
    maker->suggestion = NULL;
    maker->inputs.from = maker->inputs.to = maker->inputs.change = NULL;
    if (strcmp(maker->rule->detector, finding->detector) || !is_for_severity(maker, finding))
        return 0;
    int result = holds(maker, maker->rule->when);
    if (result >= 0)
        trace(maker, result ? TW_RULE_MATCHED : TW_RULE_CONDITION_FALSE, NULL, NULL);
    return result;
}

static void name_rule(const struct tw_rule *rule, struct tw_rule_name *ret)
{
    if (ret->name[0])
        return;
    memcpy(ret->name, rule->name, sizeof ret->name);
    tw_text_copy(ret->description, sizeof ret->description, rule->description,
                 strlen(rule->description));
}

void tw_rules_set_tracer(struct tw_rules *rules, tw_rules_tracer *tracer, void *closure)
{
    rules->tracer = tracer;
    rules->tracer_closure = closure;
}

size_t tw_rules_suggest(struct tw_rules *rules, const struct tw_finding *finding,
                        const struct tw_finding *others, size_t n_others,
                        const struct tw_facts *facts, const char *const *taken, size_t n_taken,
                        struct tw_suggestion *ret, size_t max, struct tw_rule_name *ret_rule,
                        size_t *ret_failed, struct tw_error *error)
{
    struct maker maker = {
        .rules = rules,
        .sandbox = rules->sandbox,
        .inputs = {.facts = facts, .finding = finding, .others = others, .n_others = n_others},
        .taken = taken,
        .n_taken = n_taken,
        .error = error,
    };
    size_t n = 0, failed = 0;
    memset(ret_rule, 0, sizeof *ret_rule);
    for (size_t i = 0; i < rules->n; i++) {
        maker.rule = rules->at[i];
        long matches = matches_rule(&maker, finding);
        long added = matches > 0 ? apply_rule(&maker, ret, n, max) : matches;
        if (added < 0) {
            failed++;
        } else if (matches > 0) {
            n = (size_t)added;
            name_rule(maker.rule, ret_rule);
        }
    }
    if (ret_failed)
        *ret_failed = failed;
    return n;
}
