/* The words that a rule file may use. */
#include "rules/names.h"

#include <string.h>

const char *const tw_rule_detectors[] = {
    "gradient-explosion", "overflow",
    "saturation",         "divergence",
    "overfitting",        "underfitting",
    "loss-spike",         "vanishing-gradient",
    "dead-units",         "resume-discontinuity",
    "stalled-run",        "learning-rate",
    "converged",
};
const size_t tw_n_rule_detectors = sizeof tw_rule_detectors / sizeof *tw_rule_detectors;

const char *const tw_finding_fields[] = {
    "detector",   "scope",         "layer",      "severity",
    "onset_step", "detected_step", "confidence", "evidence",
};
const size_t tw_n_finding_fields = sizeof tw_finding_fields / sizeof *tw_finding_fields;

const char *const tw_math_names[] = {
    "abs", "ceil", "exp", "floor", "fmod", "huge", "log", "max", "min", "pi", "sqrt", "tointeger",
};
const size_t tw_n_math_names = sizeof tw_math_names / sizeof *tw_math_names;

const char *const tw_helper_names[] = {"clamp", "contains", "known", "max", "min", "round_to"};
const size_t tw_n_helper_names = sizeof tw_helper_names / sizeof *tw_helper_names;

bool tw_names_have(const char *const *names, size_t n, const char *name, size_t length)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) == length && !memcmp(names[i], name, length))
            return true;
    }
    return false;
}
