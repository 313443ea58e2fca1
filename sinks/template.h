/* Mustache templates (https://mustache.github.io/mustache.5.html): texts of mails and webhooks that
 * users can replace. Variables, sections, inverted sections and comments; no partials and no
 * lambdas, so that nothing in the context is ever read as a template, and no other delimiters. */
#ifndef TW_TEMPLATE_H
#define TW_TEMPLATE_H

#include "telemetry/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t; /* jansson's */

/* What {{name}} does to a value; {{{name}}} and {{&name}} put it in as it is. */
enum tw_template_escape {
    TW_TEMPLATE_PLAIN, /* as it is */
    TW_TEMPLATE_HTML,  /* & < > " ' become entities; control characters go */
    TW_TEMPLATE_JSON,  /* for inside a JSON string: backslash escapes, without the quotes */
};

/* Renders the template `text`, UTF-8, with the object `context`. A key that is missing, null,
 * false, an empty list or an empty string renders nothing, and a section of it is passed over;
 * numbers are written as JSON does. Lines with nothing but sections' tags leave no empty line.
 * `*ret` is a new string for free().
 *
 * A template that is none (a section that is not closed, bytes that are no UTF-8, a partial) is
 * -EINVAL, with the line and the column; the caller adds the place (tw_error_add_place()). Any
 * thread. */
int tw_mustache_render(char **ret, const char *text, const struct json_t *context,
                       enum tw_template_escape escape, struct tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
