/* One suggestion of a rule file: what to change, by how much, why, and how to see that it worked.
 */
#include "rules/names.h"
#include "rules/reader.h"

#include "telemetry/nearest.h"
#include "telemetry/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int read_set(struct tw_rule_reader *reader, yaml_node_t *change,
                    struct tw_rule_suggestion *ret)
{
    size_t size;
    yaml_node_t *node = tw_yaml_document_find(&reader->document, change, "set");
    const char *text = tw_yaml_document_scalar(node, &size);
    if (!text || !tw_expression_is_word(text, size))
        return tw_rule_reader_expression(reader, change, "set", true, &ret->change);
    if (size >= sizeof ret->change_text)
        return tw_yaml_document_fail(&reader->document, node, "'set' is longer than 63 bytes");
    memcpy(ret->change_text, text, size + 1);
    return 0;
}

static int read_change(struct tw_rule_reader *reader, yaml_node_t *mapping,
                       struct tw_rule_suggestion *ret)
{
    static const char *const operations[] = {"multiply", "add", "set"};
    yaml_node_t *change = tw_yaml_document_find(&reader->document, mapping, "change");
    if (!change)
        return tw_yaml_document_fail(
            &reader->document, mapping,
            "the suggestion for '%s' has no 'change': advice without an amount "
            "does not load",
            ret->parameter);
    int result = tw_yaml_document_check_keys(&reader->document, change, "a change", operations,
                                             COUNT(operations));
    if (result)
        return result;
    const char *operation = NULL;
    for (size_t i = 0; i < COUNT(operations); i++) {
        if (!tw_yaml_document_find(&reader->document, change, operations[i]))
            continue;
        if (operation)
            return tw_yaml_document_fail(&reader->document, change,
                                         "a change has '%s' or '%s', not both", operation,
                                         operations[i]);
        operation = operations[i];
        ret->op = (enum tw_change_op)i;
    }
    if (!operation)
        return tw_yaml_document_fail(&reader->document, change,
                                     "a change has one of multiply, add, set, and an amount");
    if (ret->op == TW_CHANGE_SET)
        return read_set(reader, change, ret);
    return tw_rule_reader_expression(reader, change, operation, true, &ret->change);
}

/* What can be looked at afterwards: a signal, a layer's figure, or an evaluation result. */
static int check_signal(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *signal)
{
    const char *names[TW_SIGNALS + TW_LAYER_COLUMNS];
    size_t n = 0;
    for (int i = 0; i < TW_SIGNALS; i++)
        names[n++] = tw_signal_name((enum tw_signal)i);
    for (int i = 0; i < TW_LAYER_COLUMNS; i++)
        names[n++] = tw_layer_column_name((enum tw_layer_column)i);
    if (tw_names_have(names, n, signal, strlen(signal)) || !strncmp(signal, "eval_", 5))
        return 0;
    const char *nearest = tw_nearest(signal, names, n);
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, "signal");
    if (nearest)
        return tw_yaml_document_fail(&reader->document, node,
                                     "unknown signal '%s'; did you mean '%s'?", signal, nearest);
    return tw_yaml_document_fail(&reader->document, node, "unknown signal '%s'", signal);
}

static int read_one_verify(struct tw_rule_reader *reader, yaml_node_t *node,
                           struct tw_rule_verify *ret)
{
    static const char *const keys[] = {"signal", "below", "above", "within_steps"};
    int result = tw_yaml_document_check_keys(&reader->document, node, "verify", keys, COUNT(keys));
    if (!result)
        result = tw_rule_reader_identifier(reader, node, "verify", "signal", "_-./", ret->signal,
                                           sizeof ret->signal);
    if (!result)
        result = check_signal(reader, node, ret->signal);
    if (result)
        return result;
    bool has_above = tw_yaml_document_find(&reader->document, node, "above");
    ret->is_below = tw_yaml_document_find(&reader->document, node, "below");
    if (ret->is_below == has_above)
        return tw_yaml_document_fail(&reader->document, node,
                                     "verify has one of 'below' and 'above'");
    result = tw_rule_reader_need_expression(reader, node, "verify", has_above ? "above" : "below",
                                            &ret->limit);
    if (!result)
        result = tw_rule_reader_need_expression(reader, node, "verify", "within_steps",
                                                &ret->within_steps);
    return result;
}

/* One mapping, or a list of them. */
static int read_verify(struct tw_rule_reader *reader, yaml_node_t *mapping,
                       struct tw_rule_suggestion *ret)
{
    yaml_node_t *verify = tw_yaml_document_find(&reader->document, mapping, "verify");
    if (!verify)
        return tw_yaml_document_fail(&reader->document, mapping,
                                     "the suggestion for '%s' has no 'verify'", ret->parameter);
    if (verify->type != YAML_SEQUENCE_NODE)
        return read_one_verify(reader, verify, &ret->verify[ret->n_verify++]);
    size_t n = tw_yaml_document_length(verify);
    if (n == 0 || n > TW_RULE_VERIFY_MAX)
        return tw_yaml_document_fail(&reader->document, verify,
                                     "'verify' holds 1 to %d ways to see it", TW_RULE_VERIFY_MAX);
    for (size_t i = 0; i < n; i++) {
        int result = read_one_verify(reader, tw_yaml_document_item(&reader->document, verify, i),
                                     &ret->verify[ret->n_verify++]);
        if (result)
            return result;
    }
    return 0;
}

static int read_why(struct tw_rule_reader *reader, yaml_node_t *mapping,
                    struct tw_rule_suggestion *ret)
{
    struct tw_expression_fault fault;
    yaml_node_t *node;
    const char *text = tw_rule_reader_need_scalar(reader, mapping, "a suggestion", "why", &node);
    if (!text)
        return -EINVAL;
    int result = tw_template_parse(&ret->why, reader->sandbox, text, strlen(text), &fault);
    return result ? tw_rule_reader_fault(reader, node, "why", &fault) : 0;
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
static int default_from(struct tw_rule_reader *reader, struct tw_rule_suggestion *ret)
{
    char text[80];
    struct tw_expression_fault fault;
    if (ret->from || !fact_called(ret->parameter))
        return 0;
    int length = snprintf(text, sizeof text, "facts.%s", ret->parameter);
    int result =
        tw_expression_compile(reader->sandbox, text, (size_t)length, false, &ret->from, &fault);
    return result ? tw_rule_reader_no_memory(reader) : 0;
}

int tw_rule_parse_suggestion(struct tw_rule_reader *reader, yaml_node_t *node,
                             struct tw_rule_suggestion *ret)
{
    static const char *const keys[] = {"parameter", "when", "from",   "change",
                                       "min",       "max",  "verify", "why"};
    int result =
        tw_yaml_document_check_keys(&reader->document, node, "a suggestion", keys, COUNT(keys));
    if (!result)
        result = tw_rule_reader_identifier(reader, node, "a suggestion", "parameter", "_-.",
                                           ret->parameter, sizeof ret->parameter);
    if (!result)
        result = read_change(reader, node, ret);
    if (!result)
        result = tw_rule_reader_expression(reader, node, "when", false, &ret->when);
    if (!result)
        result = tw_rule_reader_expression(reader, node, "from", false, &ret->from);
    if (!result)
        result = default_from(reader, ret);
    if (!result)
        result = tw_rule_reader_expression(reader, node, "min", true, &ret->min);
    if (!result)
        result = tw_rule_reader_expression(reader, node, "max", true, &ret->max);
    if (!result)
        result = read_why(reader, node, ret);
    return result ? result : read_verify(reader, node, ret);
}

void tw_rule_suggestion_release(struct tw_rule_suggestion *suggestion, struct tw_sandbox *sandbox)
{
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
