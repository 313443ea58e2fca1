/* The sink "email": notifications as mails. */
#include "sinks/document.h"
#include "sinks/mail_notification.h"
#include "sinks/mime.h"
#include "sinks/notify/notification.h"
#include "sinks/notify/options.h"
#include "sinks/sink.h"
#include "sinks/smtp.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECIPIENTS_MAX 100
#define MEMORIES 16

struct email_config {
    char *server, *username, *password, *from, *subject_prefix, *ca_file;
    struct tw_notify_config notify;
    int tls;
    double timeout;
};

static const char *const tls_names[] = {"required", "opportunistic", "none", NULL};

static const struct tw_option route_options[] = {
    TW_ROUTE_ROWS(TW_ROUTE_TO),
};
static const struct tw_option_entries routes = {
    route_options, sizeof route_options / sizeof *route_options, sizeof(struct tw_route_config)};

static const struct tw_option email_options[] = {
    {"server", TW_OPTION_TEXT, offsetof(struct email_config, server), .required = true,
     .help = "smtp://host:587 (STARTTLS) or smtps://host:465"},
    {"tls", TW_OPTION_CHOICE, offsetof(struct email_config, tls), TW_SMTP_TLS_REQUIRED,
     .choices = tls_names, .help = "whether smtp:// must switch to TLS"},
    {"username", TW_OPTION_TEXT, offsetof(struct email_config, username),
     .help = "for servers that ask for a login"},
    {"password", TW_OPTION_SECRET, offsetof(struct email_config, password),
     .help = "the password of username"},
    {"from", TW_OPTION_TEXT, offsetof(struct email_config, from), .required = true,
     .help = "the sender, trainward@example.org"},
    {"to", TW_OPTION_TEXTS, offsetof(struct email_config, notify.to), .required = true,
     .help = "the recipients' addresses"},
    TW_NOTIFY_ROWS(struct email_config, &routes),
    {"subject_prefix", TW_OPTION_TEXT, offsetof(struct email_config, subject_prefix),
     .initial_text = "[trainward]", .help = "what subjects begin with"},
    {"ca_file", TW_OPTION_TEXT, offsetof(struct email_config, ca_file),
     .help = "PEM file of the authority that signed the server's certificate; default: the "
             "system's"},
    {"timeout", TW_OPTION_DURATION, offsetof(struct email_config, timeout), 30, 1, 300,
     .help = "how long handing over a mail may take"},
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
    struct tw_smtp_config smtp_config;
    struct tw_smtp *smtp;
    char sender[256];
    const char *domain; /* of the sender, for the ids of mails */
    struct memory memories[MEMORIES];
    size_t next_memory;
};

static void email_close(void *opaque)
{
    struct email *email = opaque;
    if (!email)
        return;
    tw_smtp_close(email->smtp);
    free(email);
}

static int check_recipients(const struct tw_texts *to, struct tw_error *error)
{
    char address[256];
    int result = 0;
    if (to->n > RECIPIENTS_MAX)
        return tw_error_set(error, -EINVAL, "to: give at most %d addresses", RECIPIENTS_MAX);
    for (size_t i = 0; i < to->n && !result; i++)
        result = tw_mail_address(to->at[i], "to", address, sizeof address, error);
    return result;
}

static int read_addresses(struct email *email, struct tw_error *error)
{
    const struct tw_notify_config *notify = &email->config->notify;
    const struct tw_route_config *to = notify->routes.at;
    if (!notify->to.n)
        return tw_error_set(error, -EINVAL, "to: give 1 to %d addresses", RECIPIENTS_MAX);
    if (!email->config->from)
        return tw_error_set(error, -EINVAL, "from: give the sender's address");
    int result =
        tw_mail_address(email->config->from, "from", email->sender, sizeof email->sender, error);
    if (!result)
        result = check_recipients(&notify->to, error);
    for (size_t i = 0; i < notify->routes.n && !result; i++)
        result = check_recipients(&to[i].to, error);
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
    email->smtp_config = (struct tw_smtp_config){
        .server = config->server,
        .tls = (enum tw_smtp_tls)config->tls,
        .username = config->username,
        .password = config->password,
        .ca_file = config->ca_file,
        .timeout = config->timeout,
    };
    int result = read_addresses(email, error);
    if (!result)
        result = tw_smtp_open(&email->smtp, &email->smtp_config, error);
    if (result) {
        email_close(email);
        return result;
    }
    *ret = email;
    return 0;
}

/* What has been delivered of the notification `id`, or a fresh memory in place of the oldest. */
static struct memory *recall(struct email *email, const char *id)
{
    for (size_t i = 0; i < MEMORIES; i++) {
        if (!strcmp(email->memories[i].id, id))
            return &email->memories[i];
    }
    struct memory *memory = &email->memories[email->next_memory];
    email->next_memory = (email->next_memory + 1) % MEMORIES;
    *memory = (struct memory){0};
    snprintf(memory->id, sizeof memory->id, "%s", id);
    return memory;
}

static char *make_message(const struct email *email, const json_t *notification,
                          const struct tw_texts *to, size_t *ret_size)
{
    char subject[400], date[64], id[384], thread_id[384], boundary[64];
    const char *prefix = email->config->subject_prefix;
    const char *name = tw_document_text(notification, "id");
    char *plain = tw_notification_plain(notification), *html = tw_notification_html(notification),
         *message = NULL;
    snprintf(id, sizeof id, "%s@trainward.%s", name, email->domain);
    snprintf(thread_id, sizeof thread_id, "%s@trainward.%s",
             tw_document_text(notification, "thread_id"), email->domain);
    snprintf(boundary, sizeof boundary, "=_%s", name);
    snprintf(subject, sizeof subject, "%s%s%s", prefix ? prefix : "",
             prefix && prefix[0] ? " " : "", tw_document_text(notification, "title"));
    struct tw_mail mail = {
        .from = email->config->from,
        .to = to,
        .subject = subject,
        .date = tw_mail_date(tw_document_text(notification, "time"), date),
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

/* Sends to one of those who have not got it. False when the server takes no mail at all now. */
static bool send_to_one(struct email *email, const char *recipient, unsigned char *progress,
                        const char *message, size_t size, struct tw_sink_result *ret)
{
    char address[256];
    struct tw_error error = {0};
    if (tw_mail_address(recipient, "to", address, sizeof address, &error)) {
        *progress = PROGRESS_REFUSED;
        snprintf(ret->reason, sizeof ret->reason, "%.*s", TW_REASON_MAX - 1, error.text);
        return true;
    }
    switch (tw_smtp_send(email->smtp, email->sender, address, message, size, ret->reason,
                         sizeof ret->reason)) {
    case TW_SMTP_SENT:
        *progress = PROGRESS_SENT;
        return true;
    case TW_SMTP_REFUSED:
        *progress = PROGRESS_REFUSED;
        return true;
    case TW_SMTP_LATER:
        return true;
    case TW_SMTP_DOWN:
        break;
    }
    return false;
}

/* Done once each has it or is refused for good, poison when all are. */
static void send_to_all(struct email *email, struct memory *memory, const struct tw_texts *to,
                        const char *message, size_t size, struct tw_sink_result *ret)
{
    size_t n_open = 0, n_refused = 0;
    bool is_up = true;
    for (size_t i = 0; i < to->n && i < RECIPIENTS_MAX; i++) {
        if (memory->progress[i] == PROGRESS_OPEN && is_up)
            is_up = send_to_one(email, to->at[i], &memory->progress[i], message, size, ret);
        n_open += memory->progress[i] == PROGRESS_OPEN;
        n_refused += memory->progress[i] == PROGRESS_REFUSED;
    }
    ret->outcome = n_open                            ? TW_OUTCOME_RETRY
                   : n_refused && n_refused == to->n ? TW_OUTCOME_POISON
                                                     : TW_OUTCOME_DONE;
    if (ret->outcome == TW_OUTCOME_POISON && !ret->reason[0])
        snprintf(ret->reason, sizeof ret->reason, "every recipient was refused");
}

/* Borrows the texts. */
static struct tw_texts recipients_of(const json_t *notification, char *at[RECIPIENTS_MAX])
{
    struct tw_texts to = {.at = at};
    size_t i;
    json_t *address;
    json_array_foreach(json_object_get(notification, "to"), i, address)
    {
        if (json_is_string(address) && to.n < RECIPIENTS_MAX)
            at[to.n++] = (char *)(uintptr_t)json_string_value(address);
    }
    return to;
}

static void email_notify(void *opaque, const json_t *notification, struct tw_sink_result *ret)
{
    struct email *email = opaque;
    char *at[RECIPIENTS_MAX];
    size_t size = 0;
    struct tw_texts to = recipients_of(notification, at);
    char *message = make_message(email, notification, &to, &size);
    *ret = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
    if (message)
        send_to_all(email, recall(email, tw_document_text(notification, "id")), &to, message, size,
                    ret);
    else
        snprintf(ret->reason, sizeof ret->reason, "out of memory");
    free(message);
}

static void email_interrupt(void *opaque)
{
    struct email *email = opaque;
    tw_smtp_interrupt(email->smtp);
}

static int send_test_mail(struct email *email, struct tw_error *error)
{
    struct tw_sink_result result = {.outcome = TW_OUTCOME_RETRY};
    json_t *notification =
        tw_notification_test("trainward check", &email->config->notify.to, tw_wall_ms());
    if (!notification)
        return tw_error_set(error, -ENOMEM, "out of memory");
    email_notify(email, notification, &result);
    json_decref(notification);
    return result.outcome == TW_OUTCOME_DONE && !result.reason[0]
               ? 0
               : tw_error_set(error, -EIO, "%s", result.reason);
}

static int email_check(void *opaque, bool send_test, struct tw_error *error)
{
    struct email *email = opaque;
    int result = tw_smtp_probe(email->smtp, error);
    return result || !send_test ? result : send_test_mail(email, error);
}

const struct tw_sink tw_sink_email = {
    .name = "email",
    .description = "notifications as mails, threaded by group",
    .options = email_options,
    .n_options = sizeof email_options / sizeof *email_options,
    .config_size = sizeof(struct email_config),
    .batch_max = 1,
    .open = email_open,
    .notify = email_notify,
    .notify_offset = offsetof(struct email_config, notify),
    .interrupt = email_interrupt,
    .check = email_check,
    .close = email_close,
};
