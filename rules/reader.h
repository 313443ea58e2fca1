/* Reading the values of a rule file; shared by the parsers of rules and of suggestions. */
#ifndef TW_RULE_READER_H
#define TW_RULE_READER_H

#include "document.h"
#include "rule.h"

struct tw_rule_reader {
    struct tw_yaml_document document;
    struct tw_sandbox *sandbox;
};

/* Records that memory ran out. Returns -ENOMEM. */
int tw_rule_reader_no_memory(struct tw_rule_reader *reader);
/* Records what is wrong with the expression or text that is the value of `key`. -EINVAL. */
int tw_rule_reader_fault(struct tw_rule_reader *reader, const yaml_node_t *node, const char *key,
                         const struct tw_expression_fault *fault);

/* The scalar under `key`, its node in `*ret`; an error and NULL when it is not there. `what` names
 * the mapping in errors. */
const char *tw_rule_reader_need_scalar(struct tw_rule_reader *reader, yaml_node_t *mapping,
                                       const char *what, const char *key, yaml_node_t **ret);
/* A needed identifier: letters, digits and the signs given, shorter than `size`. */
int tw_rule_reader_identifier(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *what,
                              const char *key, const char *signs, char *ret, size_t size);
/* A text without blanks at its end; new string, empty when it is neither there nor required. */
int tw_rule_reader_text(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *what,
                        const char *key, bool is_required, char **ret);
/* An expression; one that is not there leaves `*ret` as it is. */
int tw_rule_reader_expression(struct tw_rule_reader *reader, yaml_node_t *mapping, const char *key,
                              bool in_suggestion, int *ret);
/* A needed expression inside of a suggestion. */
int tw_rule_reader_need_expression(struct tw_rule_reader *reader, yaml_node_t *mapping,
                                   const char *what, const char *key, int *ret);

/* Reads one entry of `suggestions` into a zeroed `*ret`. */
int tw_rule_parse_suggestion(struct tw_rule_reader *reader, yaml_node_t *node,
                             struct tw_rule_suggestion *ret);
/* Releases the expressions that a suggestion holds. */
void tw_rule_suggestion_release(struct tw_rule_suggestion *suggestion, struct tw_sandbox *sandbox);

#endif
