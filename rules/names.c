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

#define WORD_MAX 48

/* Levenshtein's distance, one row of the table at a time. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

const char *tw_names_nearest(const char *const *names, size_t n, const char *typed, size_t length)
{
    const char *nearest = NULL;
    size_t limit = length / 3 > 2 ? length / 3 : 2, best = limit + 1;
    if (length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > WORD_MAX)
            continue;
        size_t distance = edit_distance(typed, length, names[i], name_length);
        if (distance < best && distance < length) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
