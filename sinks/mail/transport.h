/* A mail transport hands one mail for one recipient to a server. There are two of them, each in one
 * file that ends in a struct tw_mail_transport, listed in transports.c; docs/email.md tells how
 * they differ. One transaction for each recipient, so that one who is refused, or on whom the
 * server hangs up, keeps the mail from nobody else. */
#ifndef TW_MAIL_TRANSPORT_H
#define TW_MAIL_TRANSPORT_H

#include "telemetry/error.h"

#include <stdbool.h>

enum tw_mail_tls {
    TW_MAIL_TLS_AUTO, /* required, but for this machine itself without a login */
    TW_MAIL_TLS_REQUIRED,
    TW_MAIL_TLS_OPPORTUNISTIC,
    TW_MAIL_TLS_NONE
};

enum tw_mail_login {
    TW_MAIL_LOGIN_AUTO, /* the best that both sides know */
    TW_MAIL_LOGIN_PLAIN,
    TW_MAIL_LOGIN_LOGIN,
    TW_MAIL_LOGIN_CRAM_MD5,
    TW_MAIL_LOGIN_XOAUTH2 /* the password is the access token */
};

/* Borrowed while a transport is open with it. */
struct tw_mail_server {
    const char *url; /* "smtp://host:587" (STARTTLS) or "smtps://host:465" */
    enum tw_mail_tls tls;
    enum tw_mail_login login;
    const char *username, *password, *ca_file; /* may be NULL */
    const char *helper; /* path of trainward-esmtp; NULL: where it was installed */
    double timeout;     /* seconds for one mail */
};

enum tw_mail_result {
    TW_MAIL_SENT,
    TW_MAIL_REFUSED, /* for good: there is no such recipient, or the mail is not taken */
    TW_MAIL_LATER,   /* this recipient now; another may work */
    TW_MAIL_DOWN     /* no mail at all now: not reachable, the login or the sender refused */
};

/* All borrowed. Addresses are bare ones, checked by tw_mail_address(). */
struct tw_mail_envelope {
    const char *from, *recipient;
    const char *message; /* with CRLF line ends and no dot-stuffing */
    size_t size;
};

struct tw_mail_transport {
    const char *name;
    /* Checks the server's settings; connects to nothing. */
    int (*open)(void **ret, const struct tw_mail_server *server, struct tw_error *error);
    /* Sends, within the time-out; for anything but SENT `reason` says why, in the server's words
     * where it said some, and never a secret. */
    enum tw_mail_result (*send)(void *transport, const struct tw_mail_envelope *envelope,
                                char *reason, size_t reason_size);
    /* Connects, greets, starts TLS and logs in, and sends nothing. */
    int (*probe)(void *transport, struct tw_error *error);
    /* Any thread: transfers fail soon, and from now on. */
    void (*interrupt)(void *transport);
    void (*close)(void *transport); /* NULL is allowed */
};

extern const struct tw_mail_transport tw_mail_curl, tw_mail_esmtp;
extern const struct tw_mail_transport *const tw_mail_transports[]; /* NULL-terminated */
extern const char *const tw_mail_transport_names[];                /* likewise, in that order */

/* What every transport wants of the settings. */
int tw_mail_server_check(const struct tw_mail_server *server, struct tw_error *error);
/* The level in force, never AUTO. */
enum tw_mail_tls tw_mail_server_tls(const struct tw_mail_server *server);
/* "smtps://": TLS from the first byte. */
bool tw_mail_server_is_implicit(const struct tw_mail_server *server);
/* The host alone, without the brackets of an IPv6 address. Returns `buffer`. */
const char *tw_mail_server_host(const struct tw_mail_server *server, char *buffer, size_t size);
unsigned tw_mail_server_port(const struct tw_mail_server *server);

#endif
