/* A notification as the bytes of a mail. */
#ifndef TW_MAIL_MESSAGE_H
#define TW_MAIL_MESSAGE_H

#include "sinks/mail/templates.h"

struct json_t; /* jansson's */

/* Borrowed. */
struct tw_mail_style {
    const char *from;           /* as in the configuration, "Training <t@example.org>" is allowed */
    const char *domain;         /* of the sender's address, for Message-ID and List-Id */
    const char *subject_prefix; /* may be NULL */
    const struct tw_mail_templates *templates;
};

/* The mail: the same notification gives the same bytes, so that one that is sent twice is the same
 * mail. `*ret` is a new string for free(), with CRLF line ends. */
int tw_mail_message(char **ret, size_t *ret_size, const struct tw_mail_style *style,
                    const struct json_t *notification, struct tw_error *error);

#endif
