/* The words that a rule file may use, for the loader's checks and its "did you mean". */
#ifndef TW_RULES_NAMES_H
#define TW_RULES_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Detectors that a rule may be for. */
extern const char *const tw_rule_detectors[];
extern const size_t tw_n_rule_detectors;

/* What `finding` and each of `others` have, evidence apart. */
extern const char *const tw_finding_fields[];
extern const size_t tw_n_finding_fields;

/* Functions and constants of `math` that expressions may use, and our own functions. */
extern const char *const tw_math_names[];
extern const size_t tw_n_math_names;
extern const char *const tw_helper_names[];
extern const size_t tw_n_helper_names;

bool tw_names_have(const char *const *names, size_t n, const char *name, size_t length);

#endif
