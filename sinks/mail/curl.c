/* The transport "curl": SMTP by libcurl. The connection is kept from one mail to the next. */
#include "sinks/mail/transport.h"

#include "sinks/curl_client.h"
#include "sinks/fault.h"
#include "sinks/mail/dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct by_curl {
    const struct tw_mail_server *server;
    CURL *curl;
    int is_interrupted;
    bool lacks_login; /* why the last transfer was given up */
    struct tw_mail_dialogue dialogue;
    const char *message; /* what is left to send */
    size_t size;
    char curl_error[CURL_ERROR_SIZE];
};

static int on_debug(CURL *curl, curl_infotype type, char *line, size_t size, void *opaque)
{
    (void)curl;
    if (type == CURLINFO_HEADER_OUT)
        tw_mail_dialogue_command(opaque, line, size);
    else if (type == CURLINFO_HEADER_IN)
        tw_mail_dialogue_reply(opaque, line, size);
    return 0;
}

static size_t on_read(char *buffer, size_t one, size_t room, void *opaque)
{
    struct by_curl *by = opaque;
    size_t n = by->size < one * room ? by->size : one * room;
    memcpy(buffer, by->message, n);
    by->message += n;
    by->size -= n;
    return n;
}

/* libcurl goes on without a login where the server offers none at all. Called when the connection
 * stands, before the mail or the probe. */
static int on_connected(void *opaque, char *peer, char *own, int peer_port, int own_port)
{
    struct by_curl *by = opaque;
    (void)peer, (void)own, (void)peer_port, (void)own_port;
    by->lacks_login = tw_mail_dialogue_lacks_login(&by->dialogue, by->server);
    return by->lacks_login ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* What a probe's NOOP answers is nobody's to print. */
static size_t on_write(char *bytes, size_t one, size_t n, void *opaque)
{
    (void)bytes, (void)opaque;
    return one * n;
}

static void set_login(struct by_curl *by)
{
    static const char *const methods[] = {NULL, "AUTH=PLAIN", "AUTH=LOGIN", "AUTH=CRAM-MD5",
                                          "AUTH=XOAUTH2"};
    const struct tw_mail_server *server = by->server;
    if (!server->username)
        return;
    curl_easy_setopt(by->curl, CURLOPT_USERNAME, server->username);
    curl_easy_setopt(by->curl,
                     server->login == TW_MAIL_LOGIN_XOAUTH2 ? CURLOPT_XOAUTH2_BEARER
                                                            : CURLOPT_PASSWORD,
                     server->password);
    curl_easy_setopt(by->curl, CURLOPT_LOGIN_OPTIONS, methods[server->login]);
}

static void set_options(struct by_curl *by)
{
    static const long levels[] = {[TW_MAIL_TLS_REQUIRED] = CURLUSESSL_ALL,
                                  [TW_MAIL_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
                                  [TW_MAIL_TLS_NONE] = CURLUSESSL_NONE};
    CURL *curl = by->curl;
    curl_easy_setopt(curl, CURLOPT_URL, by->server->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, levels[tw_mail_server_tls(by->server)]);
    set_login(by);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &by->dialogue);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, by);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, by);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    tw_curl_stop_on(curl, &by->is_interrupted);
}

static int curl_open(void **ret, const struct tw_mail_server *server, struct tw_error *error)
{
    int result = tw_mail_server_check(server, error);
    if (result)
        return result;
    struct by_curl *by = calloc(1, sizeof *by);
    if (!by)
        return tw_error_set(error, -ENOMEM, "out of memory");
    by->server = server;
    by->curl = tw_curl_new(by->curl_error, server->ca_file, server->timeout);
    if (!by->curl) {
        free(by);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    set_options(by);
    *ret = by;
    return 0;
}

static void curl_close(void *opaque)
{
    struct by_curl *by = opaque;
    if (!by)
        return;
    curl_easy_cleanup(by->curl);
    free(by);
}

static void curl_interrupt(void *opaque)
{
    struct by_curl *by = opaque;
    __atomic_store_n(&by->is_interrupted, 1, __ATOMIC_RELAXED);
}

static CURLcode perform(struct by_curl *by)
{
    tw_mail_dialogue_go_on(&by->dialogue);
    by->lacks_login = false;
    by->curl_error[0] = '\0';
    return curl_easy_perform(by->curl);
}

static void explain(const struct by_curl *by, const struct tw_mail_envelope *envelope,
                    CURLcode code, char *reason, size_t size)
{
    long number = 0;
    if (tw_mail_dialogue_explain(&by->dialogue, by->server, envelope, reason, size))
        return;
    curl_easy_getinfo(by->curl, CURLINFO_OS_ERRNO, &number);
    bool knows_no_way = code == CURLE_LOGIN_DENIED && by->dialogue.offers_login;
    if (by->lacks_login || knows_no_way)
        tw_mail_dialogue_explain_login(&by->dialogue, by->server, "choose another with login",
                                       reason, size);
    else if (code == CURLE_COULDNT_CONNECT)
        snprintf(reason, size, "%s: %s", by->server->url, tw_connect_fault((int)number));
    else
        tw_curl_reason(by->curl, code, by->curl_error, by->server->url, reason, size);
}

static enum tw_mail_result judge(const struct by_curl *by, CURLcode code)
{
    /* A server that is slow for one is slow for all. */
    if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK)
        return TW_MAIL_DOWN;
    return tw_mail_dialogue_judge(&by->dialogue);
}

static enum tw_mail_result curl_send(void *opaque, const struct tw_mail_envelope *envelope,
                                     char *reason, size_t reason_size)
{
    struct by_curl *by = opaque;
    struct curl_slist *recipients = curl_slist_append(NULL, envelope->recipient);
    if (!recipients) {
        snprintf(reason, reason_size, "out of memory");
        return TW_MAIL_DOWN;
    }
    by->message = envelope->message;
    by->size = envelope->size;
    curl_easy_setopt(by->curl, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(by->curl, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(by->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(by->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)envelope->size);
    curl_easy_setopt(by->curl, CURLOPT_MAIL_FROM, envelope->from);
    curl_easy_setopt(by->curl, CURLOPT_MAIL_RCPT, recipients);
    CURLcode code = perform(by);
    curl_easy_setopt(by->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
    if (code == CURLE_OK)
        return TW_MAIL_SENT;
    explain(by, envelope, code, reason, reason_size);
    return judge(by, code);
}

static int curl_probe(void *opaque, struct tw_error *error)
{
    struct by_curl *by = opaque;
    char reason[480];
    curl_easy_setopt(by->curl, CURLOPT_UPLOAD, 0L);
    curl_easy_setopt(by->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_easy_setopt(by->curl, CURLOPT_CUSTOMREQUEST, "NOOP");
    CURLcode code = perform(by);
    if (code == CURLE_OK)
        return 0;
    explain(by, NULL, code, reason, sizeof reason);
    return tw_error_set(error, code == CURLE_LOGIN_DENIED ? -EACCES : -EIO, "%s", reason);
}

const struct tw_mail_transport tw_mail_curl = {
    .name = "curl",
    .open = curl_open,
    .send = curl_send,
    .probe = curl_probe,
    .interrupt = curl_interrupt,
    .close = curl_close,
};
