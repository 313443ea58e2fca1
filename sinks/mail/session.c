/* libesmtp's session, with the faults of its release 1.1.0 worked round. */
#include "sinks/mail/session_parts.h"

#include "sinks/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The session ends here and now: libesmtp has no other way to leave one in the middle. */
static void answer_and_exit(struct tw_esmtp *esmtp, enum tw_mail_result result, const char *reason)
{
    esmtp->answer(result, reason, true);
    _exit(0);
}

/* After a refused login libesmtp would go on without one, and the mail be sent by nobody's leave.
 */
static void look_at_reply(struct tw_esmtp *esmtp)
{
    char reason[480];
    if (strcmp(esmtp->dialogue.verb, "AUTH"))
        return;
    if (esmtp->dialogue.code < 400)
        return;
    tw_mail_dialogue_explain(&esmtp->dialogue, esmtp->server, esmtp->envelope, reason,
                             sizeof reason);
    answer_and_exit(esmtp, TW_MAIL_DOWN, reason);
}

/* The same where it knows none of the ways that the server offers. (Debian's looks for CRAM-MD5
 * under another name than that of its file.) */
static void look_at_command(struct tw_esmtp *esmtp)
{
    char reason[480];
    if (strcmp(esmtp->dialogue.verb, "MAIL"))
        return;
    if (tw_mail_dialogue_lacks_login(&esmtp->dialogue, esmtp->server)) {
        tw_mail_dialogue_explain_login(&esmtp->dialogue, esmtp->server,
                                       "libesmtp knows PLAIN and LOGIN; use transport: curl",
                                       reason, sizeof reason);
        answer_and_exit(esmtp, TW_MAIL_DOWN, reason);
    }
    if (!esmtp->envelope)
        answer_and_exit(esmtp, TW_MAIL_SENT, "");
}

static void on_line(struct tw_esmtp *esmtp, const char *line, size_t size, bool is_writing)
{
    if (is_writing) {
        tw_mail_dialogue_command(&esmtp->dialogue, line, size);
        look_at_command(esmtp);
    } else {
        tw_mail_dialogue_reply(&esmtp->dialogue, line, size);
        look_at_reply(esmtp);
    }
}

static void on_monitor(const char *buffer, int length, int writing, void *opaque)
{
    struct tw_esmtp *esmtp = opaque;
    const char *end = buffer + length;
    while (buffer < end) {
        const char *newline = memchr(buffer, '\n', (size_t)(end - buffer));
        const char *next = newline ? newline + 1 : end;
        on_line(esmtp, buffer, (size_t)(next - buffer), writing);
        buffer = next;
    }
}

static int on_login(auth_client_request_t request, char **result, int fields, void *opaque)
{
    const struct tw_esmtp *esmtp = opaque;
    for (int i = 0; i < fields; i++) {
        const char *text = request[i].flags & AUTH_USER   ? esmtp->server->username
                           : request[i].flags & AUTH_PASS ? esmtp->server->password
                                                          : NULL;
        result[i] = (char *)(size_t)text; /* not written to */
    }
    return 1;
}

static void set_login(struct tw_esmtp *esmtp)
{
    if (!esmtp->server->username)
        return;
    auth_client_init();
    esmtp->login = auth_create_context();
    auth_set_mechanism_flags(esmtp->login, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(esmtp->login, on_login, esmtp);
    smtp_auth_set_context(esmtp->session, esmtp->login);
}

static void set_timeouts(struct tw_esmtp *esmtp)
{
    long milliseconds = (long)(esmtp->server->timeout * 1000);
    for (int which = Timeout_GREETING; which <= Timeout_DATA2; which++)
        smtp_set_timeout(esmtp->session, which | Timeout_OVERRIDE_RFC2822_MINIMUM, milliseconds);
}

static bool set_up(struct tw_esmtp *esmtp)
{
    char host[256], server[300];
    tw_mail_server_host(esmtp->server, host, sizeof host);
    snprintf(server, sizeof server, "%s:%u", host, tw_mail_server_port(esmtp->server));
    esmtp->session = smtp_create_session();
    if (!esmtp->session || !smtp_set_server(esmtp->session, server))
        return false;
    smtp_set_monitorcb(esmtp->session, on_monitor, esmtp, 0);
    set_timeouts(esmtp);
    set_login(esmtp);
    return true;
}

static bool add_mail(struct tw_esmtp *esmtp)
{
    static const struct tw_mail_envelope nothing = {"", "postmaster", "\r\n", 2};
    const struct tw_mail_envelope *envelope = esmtp->envelope ? esmtp->envelope : &nothing;
    esmtp->message = smtp_add_message(esmtp->session);
    if (!esmtp->message)
        return false;
    esmtp->recipient = smtp_add_recipient(esmtp->message, envelope->recipient);
    return esmtp->recipient && smtp_set_reverse_path(esmtp->message, envelope->from) &&
           smtp_set_message_str(esmtp->message, (void *)(size_t)envelope->message);
}

static bool refuses(const smtp_status_t *status)
{
    return status && status->code >= 400;
}

static void use_status(struct tw_esmtp *esmtp, const char *verb, const smtp_status_t *status)
{
    char reply[256];
    int n = snprintf(reply, sizeof reply, "%d %s", status->code, status->text ? status->text : "");
    esmtp->dialogue = (struct tw_mail_dialogue){0};
    snprintf(esmtp->dialogue.verb, sizeof esmtp->dialogue.verb, "%s", verb);
    tw_mail_dialogue_reply(&esmtp->dialogue, reply,
                           n < (int)sizeof reply ? (size_t)n : sizeof reply - 1);
}

/* With pipelining, the last reply is not that of the last command: the statuses are. */
static void find_refusal(struct tw_esmtp *esmtp)
{
    const smtp_status_t *sender = smtp_reverse_path_status(esmtp->message),
                        *recipient = smtp_recipient_status(esmtp->recipient),
                        *transfer = smtp_message_transfer_status(esmtp->message);
    if (refuses(sender))
        use_status(esmtp, "MAIL", sender);
    else if (refuses(recipient))
        use_status(esmtp, "RCPT", recipient);
    else if (refuses(transfer))
        use_status(esmtp, "DATA", transfer);
}

static void explain(struct tw_esmtp *esmtp, int error, char *reason, size_t size)
{
    char text[128] = "", fault[256], host[256];
    const char *url = esmtp->server->url;
    if (tw_mail_dialogue_explain(&esmtp->dialogue, esmtp->server, esmtp->envelope, reason, size))
        return;
    tw_mail_server_host(esmtp->server, host, sizeof host);
    if (esmtp->certificate_fault != X509_V_OK)
        snprintf(reason, size, "%s: %s", url,
                 tw_tls_fault(esmtp->certificate_fault, host, fault, sizeof fault));
    else if (esmtp->has_no_starttls)
        snprintf(reason, size,
                 "%s: the server offers no STARTTLS: use another port, or transport: curl with "
                 "smtps://",
                 url);
    else if (!esmtp->is_connected && error < 0)
        snprintf(reason, size, "%s: %s", url, tw_connect_fault(-error));
    else if (!strcmp(esmtp->dialogue.verb, "STARTTLS"))
        snprintf(reason, size, "%s: TLS did not come about; does it know TLS 1.2?", url);
    else
        snprintf(reason, size, "%s: %s", url,
                 error ? smtp_strerror(error, text, sizeof text) : "it hung up");
}

/* A session that "succeeded" may have sent nothing: what counts is the two statuses. */
static bool is_sent(const struct tw_esmtp *esmtp)
{
    const smtp_status_t *recipient = smtp_recipient_status(esmtp->recipient),
                        *transfer = smtp_message_transfer_status(esmtp->message);
    return recipient && recipient->code / 100 == 2 && transfer && transfer->code / 100 == 2;
}

static void run(struct tw_esmtp *esmtp)
{
    char reason[480];
    int error = 0;
    if (!smtp_start_session(esmtp->session))
        error = smtp_errno();
    if (is_sent(esmtp)) {
        esmtp->answer(TW_MAIL_SENT, "", false);
        return;
    }
    find_refusal(esmtp);
    explain(esmtp, error, reason, sizeof reason);
    esmtp->answer(tw_mail_dialogue_judge(&esmtp->dialogue), reason, false);
}

void tw_mail_session(const struct tw_mail_server *server, const struct tw_mail_envelope *envelope,
                     tw_mail_answer *answer)
{
    struct tw_esmtp esmtp = {.server = server, .envelope = envelope, .answer = answer};
    char reason[300] = "out of memory";
    if (!set_up(&esmtp) || !add_mail(&esmtp) || !tw_esmtp_set_tls(&esmtp, reason, sizeof reason))
        answer(TW_MAIL_DOWN, reason, false);
    else
        run(&esmtp);
    if (esmtp.session)
        smtp_destroy_session(esmtp.session);
    if (esmtp.login) {
        auth_destroy_context(esmtp.login);
        auth_client_exit();
    }
    SSL_CTX_free(esmtp.tls);
}
