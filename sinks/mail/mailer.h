/* Notifications out by mail: rendered, handed to a transport, one recipient after the other. One
 * thread, but for interrupt. */
#ifndef TW_MAILER_H
#define TW_MAILER_H

#include "sinks/mail/templates.h"
#include "sinks/mail/transport.h"
#include "sinks/sink.h"

/* All borrowed while the mailer is open. */
struct tw_mailer_config {
    const struct tw_mail_transport *transport;
    struct tw_mail_server server;
    const char *from, *subject_prefix;
    struct tw_mail_template_files templates;
};

#define TW_MAIL_RECIPIENTS_MAX 100

struct tw_mailer;

/* Checks everything that can be checked without a connection. */
int tw_mailer_open(struct tw_mailer **ret, const struct tw_mailer_config *config,
                   struct tw_error *error);
void tw_mailer_close(struct tw_mailer *mailer); /* NULL is allowed */

/* Sends a notification to its recipients (`to`), but for those who are done already: each that has
 * it, or is refused for good, is kept in `progress` (NULL: nowhere) before the next one's turn.
 * DONE once each has it or is refused, POISON when all are refused, RETRY while some are left. */
void tw_mailer_send(struct tw_mailer *mailer, const struct json_t *notification,
                    const struct tw_sink_progress *progress, struct tw_sink_result *ret);
/* Connects and logs in. */
int tw_mailer_probe(struct tw_mailer *mailer, struct tw_error *error);
void tw_mailer_interrupt(struct tw_mailer *mailer); /* any thread */

#endif
