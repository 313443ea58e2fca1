/* Rule files: YAML to checked, compiled rules. The format is in docs/rules.md. */
#include "rules/names.h"
#include "rules/reader.h"
#include "telemetry/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int read_suggestions(struct tw_rule_reader *reader, yaml_node_t *mapping,
                            struct tw_rule *rule)
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
        int result =
            tw_rule_parse_suggestion(reader, tw_yaml_document_item(&reader->document, list, i),
                                     &rule->suggestions[rule->n_suggestions++]);
        if (result)
            return result;
    }
    return 0;
}

static int read_detector(struct tw_rule_reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    int result = tw_rule_reader_identifier(reader, mapping, "a rule", "detector", "-",
                                           rule->detector, sizeof rule->detector);
    size_t length = strlen(rule->detector);
    if (result || tw_names_have(tw_rule_detectors, tw_n_rule_detectors, rule->detector, length))
        return result;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, "detector");
    const char *nearest =
        tw_nearest_bytes(rule->detector, length, tw_rule_detectors, tw_n_rule_detectors);
    if (nearest)
        return tw_yaml_document_fail(&reader->document, node,
                                     "unknown detector '%s'; did you mean '%s'?", rule->detector,
                                     nearest);
    return tw_yaml_document_fail(&reader->document, node, "unknown detector '%s'", rule->detector);
}

static int read_one_severity(struct tw_rule_reader *reader, const yaml_node_t *node,
                             enum tw_severity *ret)
{
    const char *name = tw_yaml_document_scalar(node, NULL);
    if (name && !tw_severity_parse(name, ret))
        return 0;
    return tw_yaml_document_fail(&reader->document, node,
                                 "a severity is one of info, warning, critical");
}

/* One severity is the least that the rule is for; a list is exactly those. */
static int read_severity(struct tw_rule_reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
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
    return rule->severities ? 0
                            : tw_yaml_document_fail(&reader->document, node, "'severity' is empty");
}

static int read_priority(struct tw_rule_reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
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

static int read_when(struct tw_rule_reader *reader, yaml_node_t *mapping, struct tw_rule *rule)
{
    int result = tw_rule_reader_expression(reader, mapping, "when", false, &rule->when);
    if (!result)
        result = tw_rule_reader_text(reader, mapping, "a rule", "when", false, &rule->when_text);
    return result;
}

static int read_rule(struct tw_rule_reader *reader, yaml_node_t *node, struct tw_rule *rule)
{
    static const char *const keys[] = {"name",     "detector", "description", "source",
                                       "severity", "when",     "priority",    "suggestions"};
    int result = tw_yaml_document_check_keys(&reader->document, node, "a rule", keys, COUNT(keys));
    if (!result)
        result = tw_rule_reader_identifier(reader, node, "a rule", "name", "-_.", rule->name,
                                           sizeof rule->name);
    if (!result)
        result = read_detector(reader, node, rule);
    if (!result)
        result =
            tw_rule_reader_text(reader, node, "a rule", "description", true, &rule->description);
    if (!result)
        result = tw_rule_reader_text(reader, node, "a rule", "source", false, &rule->source);
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
    return rule->text && rule->place ? 0 : tw_rule_reader_no_memory(reader);
}

void tw_rule_free(struct tw_rule *rule, struct tw_sandbox *sandbox)
{
    if (!rule)
        return;
    for (size_t i = 0; i < rule->n_suggestions; i++)
        tw_rule_suggestion_release(&rule->suggestions[i], sandbox);
    tw_sandbox_release(sandbox, rule->when);
    free(rule->description);
    free(rule->source);
    free(rule->place);
    free(rule->text);
    free(rule->when_text);
    free(rule);
}

/* ---- the list ---- */

static int read_list(struct tw_rule_reader *reader, struct tw_rule **rules, size_t *n)
{
    yaml_node_t *root = reader->document.root;
    if (!root)
        return 0;
    if (root->type != YAML_SEQUENCE_NODE)
        return tw_yaml_document_fail(&reader->document, root,
                                     "a file of rules is a list (- name: ...)");
    if (tw_yaml_document_length(root) > TW_RULES_MAX)
        return tw_yaml_document_fail(&reader->document, root, "more than %d rules", TW_RULES_MAX);
    for (size_t i = 0; i < tw_yaml_document_length(root); i++) {
        yaml_node_t *node = tw_yaml_document_item(&reader->document, root, i);
        rules[*n] = calloc(1, sizeof **rules);
        if (!rules[*n])
            return tw_rule_reader_no_memory(reader);
        struct tw_rule *rule = rules[(*n)++];
        int result = read_rule(reader, node, rule);
        for (size_t j = 0; !result && j + 1 < *n; j++) {
            if (!strcmp(rules[j]->name, rule->name))
                result = tw_yaml_document_fail(&reader->document, node, "a second rule '%s'",
                                               rule->name);
        }
        if (result)
            return result;
    }
    return 0;
}

int tw_rule_parse_all(struct tw_sandbox *sandbox, const char *text, size_t size, const char *place,
                      struct tw_rule ***ret, size_t *ret_n, struct tw_error *error)
{
    struct tw_rule_reader reader = {.sandbox = sandbox};
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
