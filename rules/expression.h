/* Expressions as rule files may write them: checked name by name, then compiled. A rule file is
 * held to single expressions without functions, so there is nothing in it that can loop. */
#ifndef TW_EXPRESSION_H
#define TW_EXPRESSION_H

#include "sandbox.h"

#define TW_NO_OFFSET ((size_t)-1)

/* What is wrong with an expression, and where: `offset` in bytes from its start, or TW_NO_OFFSET
 * and a 1-based `line`. */
struct tw_expression_fault {
    size_t offset;
    unsigned line;
    char text[320];
};

/* Checks that every name in `text` is known; `from`, `to` and `change` only where a suggestion is
 * being made. 0 or -EINVAL. */
int tw_expression_check(const char *text, size_t size, bool in_suggestion,
                        struct tw_expression_fault *fault);

/* Checks and compiles. 0, -EINVAL or -ENOMEM. */
int tw_expression_compile(struct tw_sandbox *sandbox, const char *text, size_t size,
                          bool in_suggestion, int *ret, struct tw_expression_fault *fault);

/* True for one bare word that no expression starts with: `bf16` in `set: bf16`. */
bool tw_expression_is_word(const char *text, size_t size);

#endif
