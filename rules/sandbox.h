/* The sandbox: one Lua state in which expressions of rule files are compiled once and evaluated
 * many times. No standard library but a part of math, text chunks only, a ceiling on memory and on
 * instructions for each evaluation, and names that can be read and not written. Every call into
 * Lua is protected: no expression can end the process or leave the state unusable. */
#ifndef TW_SANDBOX_H
#define TW_SANDBOX_H

#include "facts.h"
#include "suggestion.h"

#include <stdbool.h>

/* Memory of the whole state, with every compiled expression in it. */
#define TW_SANDBOX_BYTES (4u << 20)
/* What one evaluation may use beyond that, and how many Lua instructions. A shipped expression
 * needs under 1 KiB and 40 instructions; the two together bound an evaluation to about 0.1 s. */
#define TW_SANDBOX_EVALUATION_BYTES (64u << 10)
#define TW_SANDBOX_INSTRUCTIONS 20000
#define TW_EXPRESSION_MAX 2000 /* bytes of one expression */

struct tw_sandbox;

/* What an expression sees; borrowed for the evaluation. `facts` and `finding` may be NULL: then
 * all of it is unknown. */
struct tw_inputs {
    const struct tw_facts *facts;
    const struct tw_finding *finding;
    const struct tw_finding *others;
    size_t n_others;
    const struct tw_value *from, *to, *change; /* of the suggestion that is being made, or NULL */
};

enum tw_result_type {
    TW_RESULT_UNKNOWN, /* nil, or a number that is not finite */
    TW_RESULT_BOOL,
    TW_RESULT_NUMBER,
    TW_RESULT_TEXT,
    TW_RESULT_OBJECT /* a finding, a table: nothing but true */
};

struct tw_result {
    enum tw_result_type type;
    bool is_true;
    double number;
    char text[128]; /* cut at a character boundary */
};

/* What went wrong in an expression: `line` counts from 1 inside the expression, 0 = unknown. */
struct tw_fault {
    unsigned line;
    char text[200];
};

/* NULL when out of memory. */
struct tw_sandbox *tw_sandbox_new(void);
void tw_sandbox_free(struct tw_sandbox *sandbox);

/* Compiles `text` and keeps it; `*ret` (never 0) names it from then on. 0, -EINVAL or -ENOMEM. */
int tw_sandbox_compile(struct tw_sandbox *sandbox, const char *text, size_t size, int *ret,
                       struct tw_fault *fault);
/* Forgets a compiled expression; 0 is allowed. */
void tw_sandbox_release(struct tw_sandbox *sandbox, int expression);

/* 0, or -EINVAL with what Lua said. */
int tw_sandbox_evaluate(struct tw_sandbox *sandbox, int expression, const struct tw_inputs *inputs,
                        struct tw_result *ret, struct tw_fault *fault);

/* Bytes in use by the state. */
size_t tw_sandbox_bytes(const struct tw_sandbox *sandbox);

#endif
