/* The three templates of a mail: those built in, or files of the user's. */
#ifndef TW_MAIL_TEMPLATES_H
#define TW_MAIL_TEMPLATES_H

#include "telemetry/error.h"

struct tw_mail_templates {
    char *subject, *text, *html; /* owned */
};

/* Paths of files, NULL for what is built in. */
struct tw_mail_template_files {
    const char *subject, *text, *html;
};

/* Reads them, and tries each on a notification with nothing in it. An error names the file, and the
 * line and column of what is wrong in it. */
int tw_mail_templates_load(struct tw_mail_templates *ret,
                           const struct tw_mail_template_files *files, struct tw_error *error);
void tw_mail_templates_release(struct tw_mail_templates *templates);

#endif
