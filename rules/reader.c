/* Values of a rule file: texts, identifiers and expressions, with errors that name their place. */
#include "rules/reader.h"

#include <errno.h>
#include <string.h>

int tw_rule_reader_no_memory(struct tw_rule_reader *reader)
{
    return tw_error_at(reader->document.error, -ENOMEM, reader->document.place, 0, 0,
                       "out of memory");
}

/* ---- scalars ---- */

/* A required scalar of `mapping`; its node in `*ret`. */
const char *tw_rule_reader_need_scalar(struct tw_rule_reader *reader, yaml_node_t *mapping,
                                       const char *what, const char *key, yaml_node_t **ret)
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
int tw_rule_reader_identifier(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *what,
                              const char *key, const char *signs, char *ret, size_t size)
{
    yaml_node_t *node;
    const char *value = tw_rule_reader_need_scalar(reader, mapping, what, key, &node);
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

int tw_rule_reader_text(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *what,
                        const char *key, bool is_required, char **ret)
{
    yaml_node_t *node = tw_yaml_document_find(&reader->document, mapping, key);
    const char *value = "";
    if (node || is_required) {
        value = tw_rule_reader_need_scalar(reader, mapping, what, key, &node);
        if (!value)
            return -EINVAL;
    }
    size_t length = strlen(value);
    while (length > 0 && strchr(" \t\r\n", value[length - 1]))
        length--;
    *ret = strndup(value, length);
    return *ret ? 0 : tw_rule_reader_no_memory(reader);
}

/* ---- expressions ---- */

int tw_rule_reader_fault(struct tw_rule_reader *reader, const yaml_node_t *node, const char *key,
                         const struct tw_expression_fault *fault)
{
    return tw_yaml_document_fail_inside(&reader->document, node, fault->offset, fault->line,
                                        "%s: %s", key, fault->text);
}

/* An expression under `key`; absent leaves `*ret` 0. */
int tw_rule_reader_expression(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *key,
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
    return result ? tw_rule_reader_fault(reader, node, key, &fault) : 0;
}

int tw_rule_reader_need_expression(struct tw_rule_reader *reader, yaml_node_t *mapping,
                                   const char *what, const char *key, int *ret)
{
    if (!tw_yaml_document_find(&reader->document, mapping, key))
        return tw_yaml_document_fail(&reader->document, mapping, "%s has no '%s'", what, key);
    return tw_rule_reader_expression(reader, mapping, key, true, ret);
}
