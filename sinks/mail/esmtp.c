/* The transport "esmtp": SMTP by libesmtp, in a process of its own (helper.h, session.h), since
 * libesmtp can hang for good. */
#include "sinks/mail/transport.h"

#include "sinks/mail/helper.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond the session's own time-out: then it is stuck. */
#define GRACE_SECONDS 5.0

struct by_esmtp {
    const struct tw_mail_server *server;
    struct tw_mail_helper helper;
    char path[4200];
};

static int check(const struct tw_mail_server *server, char *path, size_t size,
                 struct tw_error *error)
{
    int result = tw_mail_server_check(server, error);
    if (result)
        return result;
    if (tw_mail_server_is_implicit(server))
        return tw_error_set(error, -EINVAL,
                            "transport: libesmtp has STARTTLS only, not smtps://; use smtp:// or "
                            "transport: curl");
    if (strchr(server->url, '['))
        return tw_error_set(error, -EINVAL,
                            "server: libesmtp takes no IPv6 address; write the host's name, or use "
                            "transport: curl");
    if (server->login != TW_MAIL_LOGIN_AUTO)
        return tw_error_set(error, -EINVAL,
                            "login: libesmtp chooses by itself; leave it out, or use transport: "
                            "curl");
    if (!tw_mail_helper_find(server->helper, path, size))
        return tw_error_set(error, -ENOENT,
                            "transport: esmtp needs %s, which is not there: trainward was built "
                            "without libesmtp; use transport: curl",
                            path);
    return 0;
}

static int esmtp_open(void **ret, const struct tw_mail_server *server, struct tw_error *error)
{
    struct by_esmtp *by = calloc(1, sizeof *by);
    if (!by)
        return tw_error_set(error, -ENOMEM, "out of memory");
    by->server = server;
    int result = check(server, by->path, sizeof by->path, error);
    if (result) {
        free(by);
        return result;
    }
    *ret = by;
    return 0;
}

static void esmtp_close(void *opaque)
{
    struct by_esmtp *by = opaque;
    if (!by)
        return;
    tw_mail_helper_stop(&by->helper);
    free(by);
}

static void esmtp_interrupt(void *opaque)
{
    struct by_esmtp *by = opaque;
    tw_mail_helper_interrupt(&by->helper);
}

/* `envelope` NULL: a probe. */
static json_t *make_request(const struct tw_mail_server *server,
                            const struct tw_mail_envelope *envelope)
{
    json_t *request =
        json_pack("{s:s, s:i, s:s*, s:s*, s:s*, s:f}", "url", server->url, "tls",
                  (int)tw_mail_server_tls(server), "username", server->username, "password",
                  server->password, "ca_file", server->ca_file, "timeout", server->timeout);
    if (request && envelope &&
        (json_object_set_new(request, "from", json_string(envelope->from)) ||
         json_object_set_new(request, "recipient", json_string(envelope->recipient)) ||
         json_object_set_new(request, "message",
                             json_stringn(envelope->message, envelope->size)))) {
        json_decref(request);
        return NULL;
    }
    return request;
}

static enum tw_mail_result ask(struct by_esmtp *by, const struct tw_mail_envelope *envelope,
                               char *reason, size_t size)
{
    const char *why = NULL;
    int result = TW_MAIL_DOWN;
    char trouble[256];
    json_t *request = make_request(by->server, envelope);
    if (!request) {
        snprintf(reason, size, "out of memory");
        return TW_MAIL_DOWN;
    }
    json_t *answer =
        tw_mail_helper_ask(&by->helper, by->path, request, by->server->timeout + GRACE_SECONDS,
                           trouble, sizeof trouble);
    json_decref(request);
    if (!answer || json_unpack(answer, "{s:i, s:s}", "result", &result, "reason", &why) ||
        result < TW_MAIL_SENT || result > TW_MAIL_DOWN) {
        result = TW_MAIL_DOWN;
        snprintf(reason, size, "%s: %s", by->server->url, answer ? "no answer" : trouble);
    } else if (result != TW_MAIL_SENT) {
        snprintf(reason, size, "%s", why);
    }
    json_decref(answer);
    return (enum tw_mail_result)result;
}

static enum tw_mail_result esmtp_send(void *opaque, const struct tw_mail_envelope *envelope,
                                      char *reason, size_t reason_size)
{
    return ask(opaque, envelope, reason, reason_size);
}

static int esmtp_probe(void *opaque, struct tw_error *error)
{
    char reason[480];
    if (ask(opaque, NULL, reason, sizeof reason) == TW_MAIL_SENT)
        return 0;
    return tw_error_set(error, -EIO, "%s", reason);
}

const struct tw_mail_transport tw_mail_esmtp = {
    .name = "esmtp",
    .open = esmtp_open,
    .send = esmtp_send,
    .probe = esmtp_probe,
    .interrupt = esmtp_interrupt,
    .close = esmtp_close,
};
