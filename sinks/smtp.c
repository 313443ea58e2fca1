/* SMTP through libcurl. */
#include "sinks/smtp.h"

#include "sinks/curl_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of the dialogue that decides what a refusal means. libcurl keeps the last reply's code
 * only, and not what it answered. */
struct dialogue {
    char verb[12];   /* of the last command: "RCPT", "DATA", ... */
    int code;        /* of the last reply to it; 0: none */
    char reply[128]; /* its text, code included */
    bool is_over;    /* QUIT was sent, whose reply is of no interest */
};

struct tw_smtp {
    const struct tw_smtp_config *config;
    CURL *curl;
    int is_interrupted;
    struct dialogue dialogue;
    const char *message; /* what is left to send */
    size_t size;
    char curl_error[CURL_ERROR_SIZE];
};

static void note_command(struct dialogue *dialogue, const char *line, size_t size)
{
    static const char *const verbs[] = {"EHLO", "HELO", "STARTTLS", "AUTH",
                                        "NOOP", "MAIL", "RCPT",     "DATA"};
    /* Lines that begin otherwise are answers of a login: they are secret and not looked at. */
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t n = strlen(verbs[i]);
        if (size < n || memcmp(line, verbs[i], n))
            continue;
        snprintf(dialogue->verb, sizeof dialogue->verb, "%s", verbs[i]);
        dialogue->code = 0;
        dialogue->reply[0] = '\0';
        dialogue->is_over = false;
        return;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void note_reply(struct dialogue *dialogue, const char *line, size_t size)
{
    if (size < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]))
        return;
    dialogue->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    size_t n = 0;
    while (n < size && n + 1 < sizeof dialogue->reply && (unsigned char)line[n] >= 0x20 &&
           (unsigned char)line[n] < 0x7f)
        n++;
    snprintf(dialogue->reply, sizeof dialogue->reply, "%.*s", (int)n, line);
}

static int on_debug(CURL *curl, curl_infotype type, char *line, size_t size, void *opaque)
{
    struct dialogue *dialogue = opaque;
    (void)curl;
    if (type == CURLINFO_HEADER_OUT && size >= 4 && !memcmp(line, "QUIT", 4))
        dialogue->is_over = true;
    else if (type == CURLINFO_HEADER_OUT)
        note_command(dialogue, line, size);
    else if (type == CURLINFO_HEADER_IN && !dialogue->is_over)
        note_reply(dialogue, line, size);
    return 0;
}

static size_t on_read(char *buffer, size_t one, size_t room, void *opaque)
{
    struct tw_smtp *smtp = opaque;
    size_t n = smtp->size < one * room ? smtp->size : one * room;
    memcpy(buffer, smtp->message, n);
    smtp->message += n;
    smtp->size -= n;
    return n;
}

/* What a probe's NOOP answers is nobody's to print. */
static size_t on_write(char *bytes, size_t one, size_t n, void *opaque)
{
    (void)bytes, (void)opaque;
    return one * n;
}

static bool is_local(const char *server)
{
    static const char *const names[] = {"localhost", "127.", "[::1]"};
    const char *host = strstr(server, "://") + 3;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strncmp(host, names[i], strlen(names[i])))
            return true;
    }
    return false;
}

static int check_config(const struct tw_smtp_config *config, struct tw_error *error)
{
    const char *server = config->server;
    bool is_implicit = server && !strncmp(server, "smtps://", 8);
    if (!server || (!is_implicit && strncmp(server, "smtp://", 7) != 0) || strpbrk(server, " \r\n"))
        return tw_error_set(error, -EINVAL,
                            "server: write smtp://host:587 for STARTTLS or smtps://host:465");
    if (strchr(server, '@'))
        return tw_error_set(error, -EINVAL,
                            "server: a password does not belong here; use username and "
                            "password_file");
    if ((!config->username) != (!config->password))
        return tw_error_set(error, -EINVAL, "username and password belong together");
    if (config->username && !is_implicit && config->tls != TW_SMTP_TLS_REQUIRED &&
        !is_local(server))
        return tw_error_set(error, -EINVAL,
                            "tls: must be 'required' with a password, which would otherwise travel "
                            "in the clear");
    return 0;
}

static void set_options(struct tw_smtp *smtp)
{
    static const long levels[] = {[TW_SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
                                  [TW_SMTP_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
                                  [TW_SMTP_TLS_NONE] = CURLUSESSL_NONE};
    CURL *curl = smtp->curl;
    curl_easy_setopt(curl, CURLOPT_URL, smtp->config->server);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, levels[smtp->config->tls]);
    if (smtp->config->username) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, smtp->config->username);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, smtp->config->password);
    }
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &smtp->dialogue);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, smtp);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    tw_curl_stop_on(curl, &smtp->is_interrupted);
}

int tw_smtp_open(struct tw_smtp **ret, const struct tw_smtp_config *config, struct tw_error *error)
{
    int result = check_config(config, error);
    if (result)
        return result;
    struct tw_smtp *smtp = calloc(1, sizeof *smtp);
    if (!smtp)
        return tw_error_set(error, -ENOMEM, "out of memory");
    smtp->config = config;
    smtp->curl = tw_curl_new(smtp->curl_error, config->ca_file, config->timeout);
    if (!smtp->curl) {
        free(smtp);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    set_options(smtp);
    *ret = smtp;
    return 0;
}

void tw_smtp_close(struct tw_smtp *smtp)
{
    if (!smtp)
        return;
    curl_easy_cleanup(smtp->curl);
    free(smtp);
}

void tw_smtp_interrupt(struct tw_smtp *smtp)
{
    __atomic_store_n(&smtp->is_interrupted, 1, __ATOMIC_RELAXED);
}

static CURLcode perform(struct tw_smtp *smtp)
{
    smtp->dialogue = (struct dialogue){0};
    smtp->curl_error[0] = '\0';
    return curl_easy_perform(smtp->curl);
}

/* What a transfer that failed means, by the command that was refused (RFC 5321, 4.2.1). */
static enum tw_smtp_result judge(const struct dialogue *dialogue, CURLcode code)
{
    bool is_permanent = dialogue->code >= 500 && dialogue->code <= 599;
    bool is_recipient = !strcmp(dialogue->verb, "RCPT");
    bool is_mail = !strcmp(dialogue->verb, "DATA");
    /* 530 asks for a login; a server that is slow for one is slow for all. */
    if (dialogue->code == 530 || code == CURLE_OPERATION_TIMEDOUT ||
        code == CURLE_ABORTED_BY_CALLBACK)
        return TW_SMTP_DOWN;
    if (is_permanent && (is_recipient || is_mail))
        return TW_SMTP_REFUSED;
    if (!strcmp(dialogue->verb, "MAIL") && dialogue->code == 552)
        return TW_SMTP_REFUSED; /* larger than the server takes */
    /* A server that hangs up on one recipient may take the next. */
    return is_recipient || is_mail ? TW_SMTP_LATER : TW_SMTP_DOWN;
}

static void explain(struct tw_smtp *smtp, CURLcode code, char *reason, size_t size)
{
    const struct dialogue *dialogue = &smtp->dialogue;
    if (code == CURLE_LOGIN_DENIED && dialogue->code >= 400)
        snprintf(reason, size, "%s: the server refused the login, check username and password: %s",
                 smtp->config->server, dialogue->reply);
    else if (dialogue->code >= 400)
        snprintf(reason, size, "%s refused %s: %s", smtp->config->server, dialogue->verb,
                 dialogue->reply);
    else
        tw_curl_reason(code, smtp->curl_error, smtp->config->server, reason, size);
}

enum tw_smtp_result tw_smtp_send(struct tw_smtp *smtp, const char *from, const char *recipient,
                                 const char *message, size_t size, char *reason, size_t reason_size)
{
    struct curl_slist *recipients = curl_slist_append(NULL, recipient);
    if (!recipients) {
        snprintf(reason, reason_size, "out of memory");
        return TW_SMTP_DOWN;
    }
    smtp->message = message;
    smtp->size = size;
    curl_easy_setopt(smtp->curl, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(smtp->curl, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(smtp->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(smtp->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, recipients);
    CURLcode code = perform(smtp);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
    if (code == CURLE_OK)
        return TW_SMTP_SENT;
    explain(smtp, code, reason, reason_size);
    return judge(&smtp->dialogue, code);
}

int tw_smtp_probe(struct tw_smtp *smtp, struct tw_error *error)
{
    char reason[480];
    curl_easy_setopt(smtp->curl, CURLOPT_UPLOAD, 0L);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_easy_setopt(smtp->curl, CURLOPT_CUSTOMREQUEST, "NOOP");
    CURLcode code = perform(smtp);
    if (code == CURLE_OK)
        return 0;
    explain(smtp, code, reason, sizeof reason);
    return tw_error_set(error, code == CURLE_LOGIN_DENIED ? -EACCES : -EIO, "%s", reason);
}
