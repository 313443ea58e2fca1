/* A session's parts. For session*.c. OpenSSL's headers come before libesmtp's, which declares
 * smtp_starttls_set_ctx() only then. */
#ifndef TW_MAIL_SESSION_PARTS_H
#define TW_MAIL_SESSION_PARTS_H

#include "sinks/mail/dialogue.h"
#include "sinks/mail/session.h"

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

struct tw_esmtp {
    const struct tw_mail_server *server;
    const struct tw_mail_envelope *envelope; /* NULL: a probe */
    tw_mail_answer *answer;
    smtp_session_t session;
    smtp_message_t message;
    smtp_recipient_t recipient;
    auth_context_t login;
    SSL_CTX *tls;
    char host[256];
    long certificate_fault; /* X509_V_ERR_... */
    bool is_connected, has_no_starttls;
    struct tw_mail_dialogue dialogue;
};

/* TLS as it has to be, or none. False, with a reason: ca_file cannot be read. */
bool tw_esmtp_set_tls(struct tw_esmtp *esmtp, char *reason, size_t size);

#endif
