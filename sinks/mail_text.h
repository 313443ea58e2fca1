/* What a mail says: subject, plain text and HTML of one advisory. */
#ifndef TW_MAIL_TEXT_H
#define TW_MAIL_TEXT_H

#include "sinks/document.h"

/* "[trainward] CRITICAL gradient explosion in run exp7: learning_rate 0.3 -> 0.03". */
const char *tw_mail_subject(const struct tw_document *document, const char *prefix, char *buffer,
                            size_t size);
/* New strings for free(), NULL when out of memory. */
char *tw_mail_plain(const struct tw_document *document, const char *text);
char *tw_mail_html(const struct tw_document *document);

#endif
