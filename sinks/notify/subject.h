/* What an alert is about, as routes, groups and silences look at it: a flat object of texts. */
#ifndef TW_NOTIFY_SUBJECT_H
#define TW_NOTIFY_SUBJECT_H

#include "sinks/document.h"

#include "telemetry/option.h"

struct json_t; /* jansson's */

/* {run, run_name, attempt, project, group, user, host, detector, scope, severity, episode,
 * "label.NAME"}; what is not known is left out. New reference, NULL when out of memory. */
struct json_t *tw_subject_of(const struct tw_document *document);
/* A field's text, empty when it is not known. */
const char *tw_subject_text(const struct json_t *subject, const char *field);
/* Whether a matcher, a route or a group may name this field. */
bool tw_subject_has_field(const char *field);
/* Whether all "field=pattern" match (none: always). Patterns as a shell's, with @(a|b). A run is
 * matched by its id or its name. */
bool tw_subject_matches(const struct json_t *subject, const struct tw_texts *matchers);
/* The same of one field. */
bool tw_subject_field_matches(const struct json_t *subject, const char *field, const char *pattern);
/* Refuses a pattern that none of the severities or detectors matches, the fields whose texts are
 * known before; `place` names the option. */
int tw_subject_check_pattern(const char *field, const char *pattern, const char *place,
                             struct tw_error *error);
/* Checks the fields that matchers or a group_by name, and the matchers' patterns. */
int tw_subject_check(const struct tw_texts *names, const char *place, struct tw_error *error);

#endif
