/* libesmtp's TLS. What its release 1.1.0 does wrong, and what is done about it:
 * - it frees the SSL_CTX that its next session uses again: each session has one of its own;
 * - it waits for ever for a message that TLS 1.3 sends after the handshake: 1.2 is the newest;
 * - it sends no server name, and compares the certificate with the name that an alias stands for,
 *   and never with an address: OpenSSL does all that here. */
#include "sinks/mail/session_parts.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int index_of_session = -1;

static bool is_address(const char *host)
{
    unsigned char buffer[16];
    return inet_pton(AF_INET, host, buffer) == 1 || inet_pton(AF_INET6, host, buffer) == 1;
}

/* Before the first message of the handshake is made. */
static void on_handshake(const SSL *ssl, int where, int result)
{
    (void)result;
    const struct tw_esmtp *esmtp = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_session);
    if (where & SSL_CB_HANDSHAKE_START && !is_address(esmtp->host))
        SSL_set_tlsext_host_name((SSL *)(size_t)ssl, esmtp->host);
}

static int on_verified(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tw_esmtp *esmtp = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_session);
    if (!is_good && esmtp->certificate_fault == X509_V_OK)
        esmtp->certificate_fault = X509_STORE_CTX_get_error(store);
    return is_good;
}

static void on_event(smtp_session_t session, int event, void *opaque, ...)
{
    struct tw_esmtp *esmtp = opaque;
    va_list arguments;
    (void)session;
    va_start(arguments, opaque);
    if (event == SMTP_EV_CONNECT)
        esmtp->is_connected = true;
    else if (event == SMTP_EV_EXTNA_STARTTLS)
        esmtp->has_no_starttls = true; /* it then ends the session, where TLS is required */
    else if (event == SMTP_EV_WRONG_PEER_CERTIFICATE)
        *va_arg(arguments, int *) = 1; /* OpenSSL has compared the name */
    va_end(arguments);
}

static bool set_name(struct tw_esmtp *esmtp)
{
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(esmtp->tls);
    return is_address(esmtp->host) ? X509_VERIFY_PARAM_set1_ip_asc(parameters, esmtp->host)
                                   : X509_VERIFY_PARAM_set1_host(parameters, esmtp->host, 0);
}

static bool make_context(struct tw_esmtp *esmtp)
{
    if (index_of_session < 0)
        index_of_session = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    esmtp->tls = SSL_CTX_new(TLS_client_method());
    if (!esmtp->tls || !SSL_CTX_set_ex_data(esmtp->tls, index_of_session, esmtp) ||
        !SSL_CTX_set_min_proto_version(esmtp->tls, TLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(esmtp->tls, TLS1_2_VERSION) || !set_name(esmtp))
        return false;
    SSL_CTX_set_info_callback(esmtp->tls, on_handshake);
    SSL_CTX_set_verify(esmtp->tls, SSL_VERIFY_PEER, on_verified);
    return true;
}

bool tw_esmtp_set_tls(struct tw_esmtp *esmtp, char *reason, size_t size)
{
    static const enum starttls_option options[] = {[TW_MAIL_TLS_REQUIRED] = Starttls_REQUIRED,
                                                   [TW_MAIL_TLS_OPPORTUNISTIC] = Starttls_ENABLED,
                                                   [TW_MAIL_TLS_NONE] = Starttls_DISABLED};
    enum tw_mail_tls level = tw_mail_server_tls(esmtp->server);
    const char *ca_file = esmtp->server->ca_file;
    smtp_set_eventcb(esmtp->session, on_event, esmtp);
    smtp_starttls_enable(esmtp->session, options[level]);
    if (level == TW_MAIL_TLS_NONE)
        return true;
    tw_mail_server_host(esmtp->server, esmtp->host, sizeof esmtp->host);
    if (!make_context(esmtp))
        return false;
    if (ca_file ? !SSL_CTX_load_verify_locations(esmtp->tls, ca_file, NULL)
                : !SSL_CTX_set_default_verify_paths(esmtp->tls)) {
        snprintf(reason, size, "ca_file cannot be read as PEM certificates: %s",
                 ca_file ? ca_file : "the system's");
        return false;
    }
    smtp_starttls_set_ctx(esmtp->session, esmtp->tls);
    return true;
}
