/* Names and evidence of findings. */
#include "detectors/finding.h"

#include <stdio.h>
#include <string.h>

static const char *const severity_names[] = {"info", "warning", "critical"};
static const char *const state_names[] = {"suspect", "open", "recovered", "withdrawn",
                                          "still_open"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *tw_severity_name(enum tw_severity severity)
{
    return (size_t)severity < COUNT(severity_names) ? severity_names[severity] : "unknown";
}

const char *tw_state_name(enum tw_state state)
{
    return (size_t)state < COUNT(state_names) ? state_names[state] : "unknown";
}

int tw_severity_parse(const char *name, enum tw_severity *ret)
{
    for (size_t i = 0; i < COUNT(severity_names); i++) {
        if (!strcmp(name, severity_names[i])) {
            *ret = (enum tw_severity)i;
            return 0;
        }
    }
    return -1;
}

static struct tw_evidence_extra *add_extra(struct tw_evidence *evidence, const char *name)
{
    if (evidence->n_extras >= TW_EVIDENCE_EXTRAS)
        return NULL;
    struct tw_evidence_extra *extra = &evidence->extras[evidence->n_extras++];
    memset(extra, 0, sizeof *extra);
    snprintf(extra->name, sizeof extra->name, "%s", name);
    return extra;
}

void tw_evidence_add(struct tw_evidence *evidence, const char *name, double value)
{
    struct tw_evidence_extra *extra = add_extra(evidence, name);
    if (extra)
        extra->value = value;
}

void tw_evidence_add_text(struct tw_evidence *evidence, const char *name, const char *text)
{
    struct tw_evidence_extra *extra = add_extra(evidence, name);
    if (extra)
        snprintf(extra->text, sizeof extra->text, "%s", text);
}
