/* Handing one mail for one recipient to a server. libcurl does the talking: of the mail libraries
 * at hand it is the one with STARTTLS and implicit TLS, SNI, checked names and working TLS 1.3. */
#ifndef TW_SMTP_H
#define TW_SMTP_H

#include "telemetry/error.h"

enum tw_smtp_tls { TW_SMTP_TLS_REQUIRED, TW_SMTP_TLS_OPPORTUNISTIC, TW_SMTP_TLS_NONE };

/* Borrowed while the client is open. */
struct tw_smtp_config {
    const char *server; /* "smtp://host:587" (STARTTLS) or "smtps://host:465" */
    enum tw_smtp_tls tls;
    const char *username, *password, *ca_file; /* may be NULL */
    double timeout;
};

enum tw_smtp_result {
    TW_SMTP_SENT,
    TW_SMTP_REFUSED, /* for good: there is no such recipient, or the mail is not taken */
    TW_SMTP_LATER,   /* this recipient now; another may work */
    TW_SMTP_DOWN     /* no mail at all now: not reachable, the login or the sender refused */
};

struct tw_smtp;

int tw_smtp_open(struct tw_smtp **ret, const struct tw_smtp_config *config, struct tw_error *error);
void tw_smtp_close(struct tw_smtp *smtp); /* NULL is allowed */
/* Any thread: transfers fail from now on. */
void tw_smtp_interrupt(struct tw_smtp *smtp);

/* Sends; for anything but SENT `reason` says why, in the server's words where it said some. The
 * connection is kept for the next. */
enum tw_smtp_result tw_smtp_send(struct tw_smtp *smtp, const char *from, const char *recipient,
                                 const char *message, size_t size, char *reason,
                                 size_t reason_size);
/* Connects, greets, starts TLS and logs in, and sends nothing. */
int tw_smtp_probe(struct tw_smtp *smtp, struct tw_error *error);

#endif
