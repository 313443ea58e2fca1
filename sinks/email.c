/* The sink "email": one mail for each change of an episode that is grave enough, and for its end.
 */
#include "sinks/mail/transport.h"
#include "sinks/mail_text.h"
#include "sinks/mime.h"
#include "sinks/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECIPIENTS_MAX 100
#define BATCH_MAX 16

struct email_config {
    char *server, *username, *password, *from, *subject_prefix, *ca_file;
    struct tw_texts to, group_by;
    char *esmtp_helper;
    int tls, login, transport, min_severity;
    double timeout;
};

static const char *const tls_names[] = {"auto", "required", "opportunistic", "none", NULL};
static const char *const login_names[] = {"auto", "plain", "login", "cram-md5", "xoauth2", NULL};
static const char *const severity_names[] = {"info", "warning", "critical", NULL};

static const struct tw_option email_options[] = {
    {"server", TW_OPTION_TEXT, offsetof(struct email_config, server), .required = true,
     .help = "smtp://host:587 (STARTTLS) or smtps://host:465"},
    {"transport", TW_OPTION_CHOICE, offsetof(struct email_config, transport),
     .choices = tw_mail_transport_names, .help = "the library that talks to the server"},
    {"tls", TW_OPTION_CHOICE, offsetof(struct email_config, tls), TW_MAIL_TLS_AUTO,
     .choices = tls_names,
     .help = "whether smtp:// must switch to TLS; auto: required, but for this machine itself "
             "without a login"},
    {"login", TW_OPTION_CHOICE, offsetof(struct email_config, login), TW_MAIL_LOGIN_AUTO,
     .choices = login_names,
     .help = "how to log in; auto: the best that both sides know; xoauth2: the password is an "
             "access token"},
    {"username", TW_OPTION_TEXT, offsetof(struct email_config, username),
     .help = "for servers that ask for a login"},
    {"password", TW_OPTION_SECRET, offsetof(struct email_config, password),
     .help = "the password of username"},
    {"from", TW_OPTION_TEXT, offsetof(struct email_config, from), .required = true,
     .help = "the sender, trainward@example.org"},
    {"to", TW_OPTION_TEXTS, offsetof(struct email_config, to), .required = true,
     .help = "the recipients' addresses"},
    {"min_severity", TW_OPTION_CHOICE, offsetof(struct email_config, min_severity), 1,
     .choices = severity_names, .help = "the least severity that is worth a mail"},
    {"subject_prefix", TW_OPTION_TEXT, offsetof(struct email_config, subject_prefix),
     .initial_text = "[trainward]", .help = "what subjects begin with"},
    {"group_by", TW_OPTION_TEXTS, offsetof(struct email_config, group_by),
     .help = "labels that mails may be grouped by; each change of an episode is a mail of its own "
             "so far, threaded by episode"},
    {"ca_file", TW_OPTION_TEXT, offsetof(struct email_config, ca_file),
     .help = "PEM file of the authority that signed the server's certificate; default: the "
             "system's"},
    {"timeout", TW_OPTION_DURATION, offsetof(struct email_config, timeout), 30, 1, 300,
     .help = "how long handing over a mail may take"},
    {"esmtp_helper", TW_OPTION_TEXT, offsetof(struct email_config, esmtp_helper),
     .help = "path of trainward-esmtp, for transport: esmtp; default: beside trainward, or where "
             "it was installed"},
};

enum progress { PROGRESS_OPEN, PROGRESS_SENT, PROGRESS_REFUSED };

/* Which recipients already have a mail that is not done yet. Kept in memory only: after a restart
 * they get it again, with the same Message-ID. */
struct memory {
    char id[33];
    unsigned char progress[RECIPIENTS_MAX];
};

struct email {
    const struct email_config *config;
    struct tw_mail_server server;
    const struct tw_mail_transport *transport;
    void *open_transport;
    char sender[256];
    const char *domain; /* of the sender, for the ids of mails */
    char recipient[RECIPIENTS_MAX][256];
    struct memory memories[BATCH_MAX];
    size_t next_memory;
};

static void email_close(void *opaque)
{
    struct email *email = opaque;
    if (!email)
        return;
    email->transport->close(email->open_transport);
    free(email);
}

static int read_addresses(struct email *email, struct tw_error *error)
{
    const struct tw_texts *to = &email->config->to;
    if (!to->n || to->n > RECIPIENTS_MAX)
        return tw_error_set(error, -EINVAL, "to: give 1 to %d addresses", RECIPIENTS_MAX);
    if (!email->config->from)
        return tw_error_set(error, -EINVAL, "from: give the sender's address");
    int result =
        tw_mail_address(email->config->from, "from", email->sender, sizeof email->sender, error);
    for (size_t i = 0; i < to->n && !result; i++)
        result = tw_mail_address(to->at[i], "to", email->recipient[i], sizeof email->recipient[i],
                                 error);
    if (!result)
        email->domain = strchr(email->sender, '@') + 1;
    return result;
}

static int email_open(void **ret, const void *opaque, struct tw_error *error)
{
    const struct email_config *config = opaque;
    struct email *email = calloc(1, sizeof *email);
    if (!email)
        return tw_error_set(error, -ENOMEM, "out of memory");
    email->config = config;
    email->transport = tw_mail_transports[config->transport];
    email->server = (struct tw_mail_server){
        .url = config->server,
        .tls = (enum tw_mail_tls)config->tls,
        .login = (enum tw_mail_login)config->login,
        .username = config->username,
        .password = config->password,
        .ca_file = config->ca_file,
        .helper = config->esmtp_helper,
        .timeout = config->timeout,
    };
    int result = read_addresses(email, error);
    if (!result)
        result = email->transport->open(&email->open_transport, &email->server, error);
    if (result) {
        email_close(email);
        return result;
    }
    *ret = email;
    return 0;
}

/* What has been delivered of the document `id`, or a fresh memory in place of the oldest. */
static struct memory *recall(struct email *email, const char *id)
{
    for (size_t i = 0; i < BATCH_MAX; i++) {
        if (!strcmp(email->memories[i].id, id))
            return &email->memories[i];
    }
    struct memory *memory = &email->memories[email->next_memory];
    email->next_memory = (email->next_memory + 1) % BATCH_MAX;
    *memory = (struct memory){0};
    snprintf(memory->id, sizeof memory->id, "%s", id);
    return memory;
}

static char *make_message(const struct email *email, const struct tw_document *document,
                          const char *text, size_t *ret_size)
{
    char subject[256], date[64], id[384], thread_id[384], boundary[64];
    char *plain = tw_mail_plain(document, text), *html = tw_mail_html(document), *message = NULL;
    snprintf(id, sizeof id, "%s@trainward.%s", document->id, email->domain);
    snprintf(thread_id, sizeof thread_id, "%s@trainward.%s", document->episode_id, email->domain);
    snprintf(boundary, sizeof boundary, "=_%s", document->id);
    struct tw_mail mail = {
        .from = email->config->from,
        .to = &email->config->to,
        .subject =
            tw_mail_subject(document, email->config->subject_prefix, subject, sizeof subject),
        .date = tw_mail_date(document->timestamp, date),
        .id = id,
        .thread_id = thread_id,
        .boundary = boundary,
        .text = plain,
        .html = html,
    };
    if (plain && html)
        message = tw_mime_message(&mail, ret_size);
    free(plain);
    free(html);
    return message;
}

/* Sends to those who have not got it. Returns whether the server takes mail at all now. */
static bool send_to_all(struct email *email, struct memory *memory, const char *message,
                        size_t size, struct tw_sink_result *ret)
{
    size_t n = email->config->to.n, n_refused = 0;
    bool is_left = false;
    char refusal[TW_REASON_MAX] = "";
    for (size_t i = 0; i < n; i++) {
        if (memory->progress[i] == PROGRESS_OPEN) {
            char reason[TW_REASON_MAX];
            struct tw_mail_envelope envelope = {email->sender, email->recipient[i], message, size};
            switch (
                email->transport->send(email->open_transport, &envelope, reason, sizeof reason)) {
            case TW_MAIL_SENT:
                memory->progress[i] = PROGRESS_SENT;
                break;
            case TW_MAIL_REFUSED:
                memory->progress[i] = PROGRESS_REFUSED;
                snprintf(refusal, sizeof refusal, "%s", reason);
                break;
            case TW_MAIL_LATER:
                is_left = true;
                snprintf(ret->reason, sizeof ret->reason, "%s", reason);
                break;
            case TW_MAIL_DOWN:
                ret->outcome = TW_OUTCOME_RETRY;
                snprintf(ret->reason, sizeof ret->reason, "%s", reason);
                return false;
            }
        }
        n_refused += memory->progress[i] == PROGRESS_REFUSED;
    }
    ret->outcome = is_left          ? TW_OUTCOME_RETRY
                   : n_refused == n ? TW_OUTCOME_POISON
                                    : TW_OUTCOME_DONE;
    if (ret->outcome == TW_OUTCOME_POISON)
        snprintf(ret->reason, sizeof ret->reason, "%s",
                 refusal[0] ? refusal : "every recipient was refused");
    return true;
}

static bool is_wanted(const struct email *email, const struct tw_document *document)
{
    return document->is_episode && tw_document_severity(document) >= email->config->min_severity;
}

/* Delivers one. Returns false when the server takes no mail now, so that the rest need not try. */
static bool deliver_one(struct email *email, const struct tw_sink_item *item,
                        struct tw_sink_result *ret)
{
    struct tw_document document;
    bool is_up = true;
    size_t size = 0;
    *ret = (struct tw_sink_result){.outcome = TW_OUTCOME_DONE};
    char *text = strndup(item->document, item->size);
    if (!text) {
        ret->outcome = TW_OUTCOME_RETRY;
        snprintf(ret->reason, sizeof ret->reason, "out of memory");
        return true;
    }
    if (!tw_document_parse(&document, item->document, item->size, ret->reason, TW_REASON_MAX)) {
        ret->outcome = TW_OUTCOME_POISON;
        free(text);
        return true;
    }
    if (is_wanted(email, &document)) {
        char *message = make_message(email, &document, text, &size);
        ret->outcome = TW_OUTCOME_RETRY;
        snprintf(ret->reason, sizeof ret->reason, "out of memory");
        if (message)
            is_up = send_to_all(email, recall(email, document.id), message, size, ret);
        free(message);
    }
    tw_document_release(&document);
    free(text);
    return is_up;
}

static void email_deliver(void *opaque, const struct tw_sink_item *items, size_t n,
                          struct tw_sink_result *results)
{
    struct email *email = opaque;
    bool is_up = true;
    for (size_t i = 0; i < n; i++) {
        if (is_up)
            is_up = deliver_one(email, &items[i], &results[i]);
        else
            results[i] = results[i - 1];
    }
}

static void email_interrupt(void *opaque)
{
    struct email *email = opaque;
    email->transport->interrupt(email->open_transport);
}

static int send_test_mail(struct email *email, struct tw_error *error)
{
    char date[64], id[384], timestamp[40], reason[480];
    struct tm calendar;
    time_t now = time(NULL);
    gmtime_r(&now, &calendar);
    strftime(timestamp, sizeof timestamp, "%Y-%m-%dT%H:%M:%S", &calendar);
    snprintf(id, sizeof id, "test.%lld@trainward.%s", (long long)now, email->domain);
    struct tw_mail mail = {
        .from = email->config->from,
        .to = &email->config->to,
        .subject = "trainward: a test mail",
        .date = tw_mail_date(timestamp, date),
        .id = id,
        .boundary = "=_trainward_test",
        .text = "This is a test by trainward check. Advisories will reach you like this.\n",
        .html = "<p>This is a test by <b>trainward check</b>. Advisories will reach you like "
                "this.</p>\n",
    };
    size_t size;
    char *message = tw_mime_message(&mail, &size);
    int result = message ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < email->config->to.n && !result; i++) {
        struct tw_mail_envelope envelope = {email->sender, email->recipient[i], message, size};
        if (email->transport->send(email->open_transport, &envelope, reason, sizeof reason) !=
            TW_MAIL_SENT)
            result = tw_error_set(error, -EIO, "%s", reason);
    }
    free(message);
    return result;
}

static int email_check(void *opaque, bool send_test, struct tw_error *error)
{
    struct email *email = opaque;
    int result = email->transport->probe(email->open_transport, error);
    return result || !send_test ? result : send_test_mail(email, error);
}

const struct tw_sink tw_sink_email = {
    .name = "email",
    .description = "mails advisories, threaded by episode",
    .options = email_options,
    .n_options = sizeof email_options / sizeof *email_options,
    .config_size = sizeof(struct email_config),
    .batch_max = BATCH_MAX,
    .open = email_open,
    .deliver = email_deliver,
    .interrupt = email_interrupt,
    .check = email_check,
    .close = email_close,
};
