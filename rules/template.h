/* The text of a suggestion's `why`: words with {expression} or {expression:%.3g} in them. A part in
 * [brackets] is left out when a number in it is unknown. Doubled, the four signs stand for
 * themselves. */
#ifndef TW_TEMPLATE_H
#define TW_TEMPLATE_H

#include "expression.h"

struct tw_template_piece {
    char *literal;  /* owned; NULL: an expression */
    int expression; /* owned by the sandbox that compiled it */
    char format[8]; /* empty: the usual one */
    unsigned group; /* 0: always there; else the number of its [part] */
};

struct tw_template {
    size_t n;
    struct tw_template_piece *pieces;
};

/* 0, -EINVAL or -ENOMEM; after an error there is nothing to release. */
int tw_template_parse(struct tw_template *ret, struct tw_sandbox *sandbox, const char *text,
                      size_t size, struct tw_expression_fault *fault);
void tw_template_release(struct tw_template *text, struct tw_sandbox *sandbox);

/* Writes the text, cut to `size`. 1; 0 when a number outside of [parts] is unknown; -EINVAL when an
 * expression fails. */
int tw_template_render(const struct tw_template *text, struct tw_sandbox *sandbox,
                       const struct tw_inputs *inputs, char *ret, size_t size,
                       struct tw_fault *fault);

#endif
