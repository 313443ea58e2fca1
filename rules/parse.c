/* Rule files: YAML to checked, compiled rules. The format is in docs/rules.md. */
#include "rules/document.h"
#include "rules/expression.h"
#include "rules/names.h"
#include "rules/rule.h"

#include "telemetry/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct reader {
    struct tw_yaml_document document;
    struct tw_sandbox *sandbox;
};

static int no_memory(struct reader *reader)
{
    return tw_error_at(reader->document.error, -ENOMEM, reader->document.place, 0, 0,
                       "out of memory");
}

/* ---- scalars ---- */

/* A required scalar of `mapping`; its node in `*ret`. */
static const char *need_scalar(struct reader *reader, yaml_node_t *mapping, const char *what,
                               const char *key, yaml_node_t **ret)
{
    *ret = tw_yaml_document_find(&reader->document, mapping, key);
    if (!*ret) {
        tw_yaml_document_fail(&reader->document, mapping, "%s has no '%s'", what, key);
        return NULL;
    }
    const char *value = tw_yaml_document_scalar(*ret, NULL);
    if (!value || !*value) {
        tw_yaml_document_fail(&reader->document, *ret, "'%s' must be a text", key);
        return NULL;
    }
    return value;
}

/* An identifier: letters, digits and the signs given, shorter than `size`. */
static int read_identifier(struct reader *reader, yaml_node_t *mapping, const char *what,
                           const char *key, const char *signs, char *ret, size_t size)
{
    yaml_node_t *node;
    const char *value = need_scalar(reader, mapping, what, key, &node);
    if (!value)
        return -EINVAL;
    for (const char *c = value; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr(signs, *c);
        if (!is_plain)
            return tw_yaml_document_fail(&reader->document, node,
                                    "'%s' may hold letters, digits and any of %s", key, signs);
    }
    if (strlen(value) >= size)
        return tw_yaml_document_fail(&reader->document, node, "'%s' is longer than %zu bytes", key,
                                size - 1);
    memcpy(ret, value, strlen(value) + 1);
    return 0;
}

static int read_text(struct reader *reader, yaml_node_t *mapping, const char *what, const char *key,
                     bool is_required, char **ret)
{
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, key);
    const char *value = "";
    if (node || is_required) {
        value = need_scalar(reader, mapping, what, key, &node);
        if (!value)
            return -EINVAL;
    }
    size_t length = strlen(value);
    while (length > 0 && strchr(" \t\r\n", value[length - 1]))
        length--;
    *ret = strndup(value, length);
    return *ret ? 0 : no_memory(reader);
}

/* ---- expressions ---- */

static int fault_at(struct reader *reader, const yaml_node_t *node, const char *key,
                    const struct tw_expression_fault *fault)
{
    return tw_yaml_document_fail_inside(&reader->document, node, fault->offset, fault->line, "%s: %s",
                                   key, fault->text);
}

/* An expression under `key`; absent leaves `*ret` 0. */
static int read_expression(struct reader *reader, yaml_node_t *mapping, const char *key,
                           bool in_suggestion, int *ret)
{
    struct tw_expression_fault fault;
    size_t size;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, key);
    if (!node)
        return 0;
    const char *text = tw_yaml_document_scalar(node, &size);
    if (!text)
        return tw_yaml_document_fail(&reader->document, node, "'%s' must be an expression", key);
    int result = tw_expression_compile(reader->sandbox, text, size, in_suggestion, ret, &fault);
    return result ? fault_at(reader, node, key, &fault) : 0;
}

static int need_expression(struct reader *reader, yaml_node_t *mapping, const char *what,
                           const char *key, int *ret)
{
    if (!tw_yaml_document_find(&reader->document, mapping, key))
        return tw_yaml_document_fail(&reader->document, mapping, "%s has no '%s'", what, key);
    return read_expression(reader, mapping, key, true, ret);
}

/* ---- a suggestion ---- */

static int read_set(struct reader *reader, yaml_node_t *change, struct tw_rule_suggestion *ret)
{
    size_t size;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, change, "set");
    const char *text = tw_yaml_document_scalar(node, &size);
    if (!text || !tw_expression_is_word(text, size))
        return read_expression(reader, change, "set", true, &ret->change);
    if (size >= sizeof ret->change_text)
        return tw_yaml_document_fail(&reader->document, node, "'set' is longer than 63 bytes");
    memcpy(ret->change_text, text, size + 1);
    return 0;
}

static int read_change(struct reader *reader, yaml_node_t *mapping, struct tw_rule_suggestion *ret)
{
    static const char *const operations[] = {"multiply", "add", "set"};
    yaml_node_t *change = tw_yaml_document_find(&reader->document, mapping, "change");
    if (!change)
        return tw_yaml_document_fail(&reader->document, mapping,
                                "the suggestion for '%s' has no 'change': advice without an amount "
                                "does not load",
                                ret->parameter);
    int result =
        tw_yaml_document_check_keys(&reader->document, change, "a change", operations, COUNT(operations));
    if (result)
        return result;
    const char *operation = NULL;
    for (size_t i = 0; i < COUNT(operations); i++) {
        if (!tw_yaml_document_find(&reader->document, change, operations[i]))
            continue;
        if (operation)
            return tw_yaml_document_fail(&reader->document, change, "a change has '%s' or '%s', not both",
                                    operation, operations[i]);
        operation = operations[i];
        ret->op = (enum tw_change_op)i;
    }
    if (!operation)
        return tw_yaml_document_fail(&reader->document, change,
                                "a change has one of multiply, add, set, and an amount");
    if (ret->op == TW_CHANGE_SET)
        return read_set(reader, change, ret);
    return read_expression(reader, change, operation, true, &ret->change);
}

/* What can be looked at afterwards: a signal, a layer's figure, or an evaluation result. */
static int check_signal(struct reader *reader, yaml_node_t *mapping, const char *signal)
{
    const char *names[TW_SIGNALS + TW_LAYER_COLUMNS];
    size_t n = 0;
    for (int i = 0; i < TW_SIGNALS; i++)
        names[n++] = tw_signal_name((enum tw_signal)i);
    for (int i = 0; i < TW_LAYER_COLUMNS; i++)
        names[n++] = tw_layer_column_name((enum tw_layer_column)i);
    if (tw_names_have(names, n, signal, strlen(signal)) || !strncmp(signal, "eval_", 5))
        return 0;
    const char *nearest = tw_names_nearest(names, n, signal, strlen(signal));
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, "signal");
    if (nearest)
        return tw_yaml_document_fail(&reader->document, node, "unknown signal '%s'; did you mean '%s'?",
                                signal, nearest);
    return tw_yaml_document_fail(&reader->document, node, "unknown signal '%s'", signal);
}

static int read_one_verify(struct reader *reader, yaml_node_t *node, struct tw_rule_verify *ret)
{
    static const char *const keys[] = {"signal", "below", "above", "within_steps"};
    int result = tw_yaml_document_check_keys(&reader->document, node, "verify", keys, COUNT(keys));
    if (!result)
        result = read_identifier(reader, node, "verify", "signal", "_-./", ret->signal,
                                 sizeof ret->signal);
    if (!result)
        result = check_signal(reader, node, ret->signal);
    if (result)
        return result;
    bool has_above = tw_yaml_document_find(&reader->document, node, "above");
    ret->is_below = tw_yaml_document_find(&reader->document, node, "below");
    if (ret->is_below == has_above)
        return tw_yaml_document_fail(&reader->document, node, "verify has one of 'below' and 'above'");
    result = need_expression(reader, node, "verify", has_above ? "above" : "below", &ret->limit);
    if (!result)
        result = need_expression(reader, node, "verify", "within_steps", &ret->within_steps);
    return result;
}

/* One mapping, or a list of them. */
static int read_verify(struct reader *reader, yaml_node_t *mapping, struct tw_rule_suggestion *ret)
{
    yaml_node_t *verify = tw_yaml_document_find(&reader->document, mapping, "verify");
    if (!verify)
        return tw_yaml_document_fail(&reader->document, mapping, "the suggestion for '%s' has no 'verify'",
                                ret->parameter);
    if (verify->type != YAML_SEQUENCE_NODE)
        return read_one_verify(reader, verify, &ret->verify[ret->n_verify++]);
    size_t n = tw_yaml_document_length(verify);
    if (n == 0 || n > TW_RULE_VERIFY_MAX)
        return tw_yaml_document_fail(&reader->document, verify, "'verify' holds 1 to %d ways to see it",
                                TW_RULE_VERIFY_MAX);
    for (size_t i = 0; i < n; i++) {
        int result = read_one_verify(reader, tw_yaml_document_item(&reader->document, verify, i),
                                     &ret->verify[ret->n_verify++]);
        if (result)
            return result;
    }
    return 0;
}

static int read_why(struct reader *reader, yaml_node_t *mapping, struct tw_rule_suggestion *ret)
{
    struct tw_expression_fault fault;
    yaml_node_t *node;
    const char *text = need_scalar(reader, mapping, "a suggestion", "why", &node);
    if (!text)
        return -EINVAL;
    int result = tw_template_parse(&ret->why, reader->sandbox, text, strlen(text), &fault);
    return result ? fault_at(reader, node, "why", &fault) : 0;
}

static const char *fact_called(const char *name)
{
    for (size_t i = 0; i < tw_n_facts; i++) {
        if (!strcmp(tw_fact_table[i].name, name))
            return tw_fact_table[i].name;
    }
    return NULL;
}

/* `from` when it is not written: the fact of the parameter's name, if there is one. */
static int default_from(struct reader *reader, struct tw_rule_suggestion *ret)
{
    char text[80];
    struct tw_expression_fault fault;
    if (ret->from || !fact_called(ret->parameter))
        return 0;
    int length = snprintf(text, sizeof text, "facts.%s", ret->parameter);
    int result = tw_expression_compile(reader->sandbox, text, (size_t)length, false, &ret->from,
                                       &fault);
    return result ? no_memory(reader) : 0;
}

static int read_suggestion(struct reader *reader, yaml_node_t *node, struct tw_rule_suggestion *ret)
{
    static const char *const keys[] = {"parameter", "when", "from",   "change",
                                       "min",       "max",  "verify", "why"};
    int result = tw_yaml_document_check_keys(&reader->document, node, "a suggestion", keys, COUNT(keys));
    if (!result)
        result = read_identifier(reader, node, "a suggestion", "parameter", "_-.", ret->parameter,
                                 sizeof ret->parameter);
    if (!result)
        result = read_change(reader, node, ret);
    if (!result)
        result = read_expression(reader, node, "when", false, &ret->when);
    if (!result)
        result = read_expression(reader, node, "from", false, &ret->from);
    if (!result)
        result = default_from(reader, ret);
    if (!result)
        result = read_expression(reader, node, "min", true, &ret->min);
    if (!result)
        result = read_expression(reader, node, "max", true, &ret->max);
    if (!result)
        result = read_why(reader, node, ret);
    return result ? result : read_verify(reader, node, ret);
}

/* ---- a rule ---- */

static int read_suggestions(struct reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    yaml_node_t *list = tw_yaml_document_find(&reader->document, mapping, "suggestions");
    if (!list)
        return tw_yaml_document_fail(&reader->document, mapping, "rule '%s' has no 'suggestions'",
                                rule->name);
    if (list->type != YAML_SEQUENCE_NODE || tw_yaml_document_length(list) == 0)
        return tw_yaml_document_fail(&reader->document, list, "'suggestions' must be a list");
    if (tw_yaml_document_length(list) > TW_RULE_SUGGESTIONS_MAX)
        return tw_yaml_document_fail(&reader->document, list, "more than %d suggestions in a rule",
                                TW_RULE_SUGGESTIONS_MAX);
    for (size_t i = 0; i < tw_yaml_document_length(list); i++) {
        int result = read_suggestion(reader, tw_yaml_document_item(&reader->document, list, i),
                                     &rule->suggestions[rule->n_suggestions++]);
        if (result)
            return result;
    }
    return 0;
}

static int read_detector(struct reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    int result = read_identifier(reader, mapping, "a rule", "detector", "-", rule->detector,
                                 sizeof rule->detector);
    size_t length = strlen(rule->detector);
    if (result || tw_names_have(tw_rule_detectors, tw_n_rule_detectors, rule->detector, length))
        return result;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, "detector");
    const char *nearest =
        tw_names_nearest(tw_rule_detectors, tw_n_rule_detectors, rule->detector, length);
    if (nearest)
        return tw_yaml_document_fail(&reader->document, node, "unknown detector '%s'; did you mean '%s'?",
                                rule->detector, nearest);
    return tw_yaml_document_fail(&reader->document, node, "unknown detector '%s'", rule->detector);
}

static int read_one_severity(struct reader *reader, const yaml_node_t *node, enum tw_severity *ret)
{
    const char *name = tw_yaml_document_scalar(node, NULL);
    if (name && !tw_severity_parse(name, ret))
        return 0;
    return tw_yaml_document_fail(&reader->document, node,
                            "a severity is one of info, warning, critical");
}

/* One severity is the least that the rule is for; a list is exactly those. */
static int read_severity(struct reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    const unsigned all = (1u << (TW_SEVERITY_CRITICAL + 1)) - 1;
    enum tw_severity severity;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, "severity");
    rule->severities = all;
    if (!node)
        return 0;
    if (node->type != YAML_SEQUENCE_NODE) {
        int result = read_one_severity(reader, node, &severity);
        if (!result)
            rule->severities = all & ~((1u << severity) - 1);
        return result;
    }
    rule->severities = 0;
    for (size_t i = 0; i < tw_yaml_document_length(node); i++) {
        int result =
            read_one_severity(reader, tw_yaml_document_item(&reader->document, node, i), &severity);
        if (result)
            return result;
        rule->severities |= 1u << severity;
    }
    return rule->severities ? 0 : tw_yaml_document_fail(&reader->document, node, "'severity' is empty");
}

static int read_priority(struct reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    struct tw_expression_fault fault;
    struct tw_result value = {0};
    struct tw_fault ignored;
    struct tw_inputs nothing = {0};
    int expression = 0;
    size_t size;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, "priority");
    rule->priority = 50;
    if (!node)
        return 0;
    /* Lua reads the number, as it reads all others: one notation, no locale. */
    const char *text = tw_yaml_document_scalar(node, &size);
    if (text && !tw_expression_compile(reader->sandbox, text, size, false, &expression, &fault))
        tw_sandbox_evaluate(reader->sandbox, expression, &nothing, &value, &ignored);
    tw_sandbox_release(reader->sandbox, expression);
    if (value.type != TW_RESULT_NUMBER)
        return tw_yaml_document_fail(&reader->document, node, "'priority' must be a number");
    rule->priority = value.number;
    return 0;
}

static int read_when(struct reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    int result = read_expression(reader, mapping, "when", false, &rule->when);
    if (!result)
        result = read_text(reader, mapping, "a rule", "when", false, &rule->when_text);
    return result;
}

static int read_rule(struct reader *reader, yaml_node_t *node, struct tw_rule *rule)
{
    static const char *const keys[] = {"name",     "detector", "description", "source",
                                       "severity", "when",     "priority",    "suggestions"};
    int result = tw_yaml_document_check_keys(&reader->document, node, "a rule", keys, COUNT(keys));
    if (!result)
        result = read_identifier(reader, node, "a rule", "name", "-_.", rule->name,
                                 sizeof rule->name);
    if (!result)
        result = read_detector(reader, node, rule);
    if (!result)
        result = read_text(reader, node, "a rule", "description", true, &rule->description);
    if (!result)
        result = read_text(reader, node, "a rule", "source", false, &rule->source);
    if (!result)
        result = read_severity(reader, node, rule);
    if (!result)
        result = read_priority(reader, node, rule);
    if (!result)
        result = read_when(reader, node, rule);
    if (!result)
        result = read_suggestions(reader, node, rule);
    if (result)
        return result;
    rule->text = tw_yaml_document_excerpt(&reader->document, node);
    rule->place = strndup(reader->document.place, strlen(reader->document.place));
    return rule->text && rule->place ? 0 : no_memory(reader);
}

void tw_rule_free(struct tw_rule *rule, struct tw_sandbox *sandbox)
{
    if (!rule)
        return;
    for (size_t i = 0; i < rule->n_suggestions; i++) {
        struct tw_rule_suggestion *suggestion = &rule->suggestions[i];
        int expressions[] = {suggestion->when, suggestion->from, suggestion->min, suggestion->max,
                             suggestion->change};
        for (size_t j = 0; j < COUNT(expressions); j++)
            tw_sandbox_release(sandbox, expressions[j]);
        for (size_t j = 0; j < suggestion->n_verify; j++) {
            tw_sandbox_release(sandbox, suggestion->verify[j].limit);
            tw_sandbox_release(sandbox, suggestion->verify[j].within_steps);
        }
        tw_template_release(&suggestion->why, sandbox);
    }
    tw_sandbox_release(sandbox, rule->when);
    free(rule->description);
    free(rule->source);
    free(rule->place);
    free(rule->text);
    free(rule->when_text);
    free(rule);
}

/* ---- the list ---- */

static int read_list(struct reader *reader, struct tw_rule **rules, size_t *n)
{
    yaml_node_t *root = reader->document.root;
    if (!root)
        return 0;
    if (root->type != YAML_SEQUENCE_NODE)
        return tw_yaml_document_fail(&reader->document, root, "a file of rules is a list (- name: ...)");
    if (tw_yaml_document_length(root) > TW_RULES_MAX)
        return tw_yaml_document_fail(&reader->document, root, "more than %d rules", TW_RULES_MAX);
    for (size_t i = 0; i < tw_yaml_document_length(root); i++) {
        yaml_node_t *node = tw_yaml_document_item(&reader->document, root, i);
        rules[*n] = calloc(1, sizeof **rules);
        if (!rules[*n])
            return no_memory(reader);
        struct tw_rule *rule = rules[(*n)++];
        int result = read_rule(reader, node, rule);
        for (size_t j = 0; !result && j + 1 < *n; j++) {
            if (!strcmp(rules[j]->name, rule->name))
                result = tw_yaml_document_fail(&reader->document, node, "a second rule '%s'", rule->name);
        }
        if (result)
            return result;
    }
    return 0;
}

int tw_rule_parse_all(struct tw_sandbox *sandbox, const char *text, size_t size, const char *place,
                      struct tw_rule ***ret, size_t *ret_n, struct tw_error *error)
{
    struct reader reader = {.sandbox = sandbox};
    size_t n = 0;
    if (size > TW_RULES_BYTES_MAX)
        return tw_error_at(error, -E2BIG, place, 0, 0, "larger than %u KiB",
                           TW_RULES_BYTES_MAX >> 10);
    struct tw_rule **rules = calloc(TW_RULES_MAX, sizeof *rules);
    if (!rules)
        return tw_error_at(error, -ENOMEM, place, 0, 0, "out of memory");
    int result = tw_yaml_document_load(&reader.document, text, size, place, error);
    if (!result)
        result = read_list(&reader, rules, &n);
    tw_yaml_document_release(&reader.document);
    if (!result) {
        *ret = rules;
        *ret_n = n;
        return 0;
    }
    while (n > 0)
        tw_rule_free(rules[--n], sandbox);
    free(rules);
    return result;
}
