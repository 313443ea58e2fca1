/* The rules engine: findings and facts in, quantified suggestions out. Rules are YAML; conditions
 * and amounts are Lua expressions in a sandbox (text chunks only; no string, io, os, debug, load;
 * a limiting allocator; an instruction limit). A rule whose suggestion has no `change` does not
 * load. Format and every name that an expression may use: docs/rules.md. */
#ifndef TW_RULES_H
#define TW_RULES_H

#include "facts.h"
#include "suggestion.h"
#include "trace.h"

#include "telemetry/error.h"

struct tw_rules; /* not for several threads at once */

/* An empty set. NULL when out of memory. */
struct tw_rules *tw_rules_new(void);
/* NULL is allowed. */
void tw_rules_free(struct tw_rules *rules);

/* Each has the other's rules from now on: who holds a set goes on holding it. */
void tw_rules_exchange(struct tw_rules *a, struct tw_rules *b);

/* Adds the rules built into the program. */
int tw_rules_load_shipped(struct tw_rules *rules, struct tw_error *error);
/* Adds a YAML file, or each *.yaml and *.yml of a directory in order of name; a rule with a name
 * that is there already replaces it, wholly. Errors name file, line and column. A rule is checked
 * when it loads: unknown keys, unknown facts and Lua syntax are errors. */
int tw_rules_load(struct tw_rules *rules, const char *path, struct tw_error *error);
/* Same from memory; `place` names it in errors. */
int tw_rules_load_text(struct tw_rules *rules, const char *text, size_t size, const char *place,
                       struct tw_error *error);

/* What `rules list` and `explain` show. Borrowed until the next load. */
struct tw_rule_view {
    const char *name, *detector, *description, *place; /* place: "built in" or the file */
    const char *source;                                /* why these amounts: paper, measurement */
    const char *text;                                  /* the rule as it was written */
    const char *when;                                  /* the condition; empty = always */
};
size_t tw_rules_count(const struct tw_rules *rules);
/* In order of priority. `*ret` is set for index < count. */
void tw_rules_at(const struct tw_rules *rules, size_t index, struct tw_rule_view *ret);
/* Index of the rule called `name`, or -1. */
long tw_rules_find(const struct tw_rules *rules, const char *name);

/* Tells `tracer` every rule and suggestion that is tried from now on; NULL: nobody. */
void tw_rules_set_tracer(struct tw_rules *rules, tw_rules_tracer *tracer, void *closure);

/* Suggestions for one finding, best first, at most `max` (TW_SUGGESTIONS_MAX is enough); `others`
 * are the run's other findings that are open now. Two rules that name the same parameter: the
 * first wins. A parameter that is among the `n_taken` names of `taken` is suggested elsewhere (by
 * the advisory of a cause) and passed over. A rule that fails at run time (a Lua error, the
 * instruction limit) is skipped and counted in `*ret_failed` (may be NULL), the first failure is
 * told in `error`.
 * `*ret_rule` names the first rule that matched (name empty: none did). Returns how many. */
size_t tw_rules_suggest(struct tw_rules *rules, const struct tw_finding *finding,
                        const struct tw_finding *others, size_t n_others,
                        const struct tw_facts *facts, const char *const *taken, size_t n_taken,
                        struct tw_suggestion *ret, size_t max, struct tw_rule_name *ret_rule,
                        size_t *ret_failed, struct tw_error *error);

#endif
