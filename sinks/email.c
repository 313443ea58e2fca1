/* The sink "email": notifications as mails. */
#include "sinks/mail/mailer.h"
#include "sinks/mail/mime.h"
#include "sinks/notify/groups.h"
#include "sinks/notify/notification.h"
#include "sinks/notify/options.h"
#include "sinks/sink.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct email_config {
    char *server, *username, *password, *from, *subject_prefix, *ca_file;
    char *subject_template, *text_template, *html_template, *esmtp_helper;
    struct tw_notify_config notify;
    int tls, login, transport;
    double timeout;
};

static const char *const tls_names[] = {"auto", "required", "opportunistic", "none", NULL};
static const char *const login_names[] = {"auto", "plain", "login", "cram-md5", "xoauth2", NULL};

static const struct tw_option route_options[] = {
    TW_ROUTE_ROWS(TW_ROUTE_TO),
};
static const struct tw_option_entries routes = {
    route_options, sizeof route_options / sizeof *route_options, sizeof(struct tw_route_config)};

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
    {"subject_template", TW_OPTION_TEXT, offsetof(struct email_config, subject_template),
     .help = "file with a mustache template of the subject, in place of ours"},
    {"text_template", TW_OPTION_TEXT, offsetof(struct email_config, text_template),
     .help = "the same for the plain text"},
    {"html_template", TW_OPTION_TEXT, offsetof(struct email_config, html_template),
     .help = "the same for the HTML"},
    {"esmtp_helper", TW_OPTION_TEXT, offsetof(struct email_config, esmtp_helper),
     .help = "path of trainward-esmtp, for transport: esmtp; default: beside trainward, or where "
             "it was installed"},
};

struct email {
    const struct email_config *config;
    struct tw_mailer_config mailer_config;
    struct tw_mailer *mailer;
};

static void email_close(void *opaque)
{
    struct email *email = opaque;
    if (!email)
        return;
    tw_mailer_close(email->mailer);
    free(email);
}

static int check_recipients(const struct tw_texts *to, struct tw_error *error)
{
    char address[256];
    int result = 0;
    if (to->n > TW_MAIL_RECIPIENTS_MAX)
        return tw_error_set(error, -EINVAL, "to: give at most %d addresses",
                            TW_MAIL_RECIPIENTS_MAX);
    for (size_t i = 0; i < to->n && !result; i++)
        result = tw_mail_address(to->at[i], "to", address, sizeof address, error);
    return result;
}

static int check_all_recipients(const struct tw_notify_config *notify, struct tw_error *error)
{
    const struct tw_route_config *route = notify->routes.at;
    if (!notify->to.n)
        return tw_error_set(error, -EINVAL, "to: give 1 to %d addresses", TW_MAIL_RECIPIENTS_MAX);
    int result = check_recipients(&notify->to, error);
    for (size_t i = 0; i < notify->routes.n && !result; i++)
        result = check_recipients(&route[i].to, error);
    return result;
}

static void configure(struct tw_mailer_config *ret, const struct email_config *config)
{
    *ret = (struct tw_mailer_config){
        .transport = tw_mail_transports[config->transport],
        .server =
            {
                .url = config->server,
                .tls = (enum tw_mail_tls)config->tls,
                .login = (enum tw_mail_login)config->login,
                .username = config->username,
                .password = config->password,
                .ca_file = config->ca_file,
                .helper = config->esmtp_helper,
                .timeout = config->timeout,
            },
        .from = config->from,
        .subject_prefix = config->subject_prefix,
        .templates = {config->subject_template, config->text_template, config->html_template},
    };
}

static int email_open(void **ret, const void *opaque, struct tw_error *error)
{
    const struct email_config *config = opaque;
    struct email *email = calloc(1, sizeof *email);
    if (!email)
        return tw_error_set(error, -ENOMEM, "out of memory");
    email->config = config;
    configure(&email->mailer_config, config);
    int result = check_all_recipients(&config->notify, error);
    if (!result)
        result = tw_groups_check(&config->notify, error);
    if (!result)
        result = tw_mailer_open(&email->mailer, &email->mailer_config, error);
    if (result) {
        email_close(email);
        return result;
    }
    *ret = email;
    return 0;
}

static void email_notify(void *opaque, const json_t *notification,
                         const struct tw_sink_progress *progress, struct tw_sink_result *ret)
{
    struct email *email = opaque;
    tw_mailer_send(email->mailer, notification, progress, ret);
}

static void email_interrupt(void *opaque)
{
    struct email *email = opaque;
    tw_mailer_interrupt(email->mailer);
}

static bool has(const struct tw_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->n; i++) {
        if (!strcmp(texts->at[i], text))
            return true;
    }
    return false;
}

static int add_new(struct tw_texts *all, const struct tw_texts *some)
{
    int result = 0;
    for (size_t i = 0; i < some->n && all->n < TW_MAIL_RECIPIENTS_MAX && !result; i++)
        result = has(all, some->at[i]) ? 0 : tw_texts_add(all, some->at[i]);
    return result;
}

/* The sink's and its routes', each once. */
static int all_recipients(struct tw_texts *ret, const struct tw_notify_config *notify)
{
    const struct tw_route_config *route = notify->routes.at;
    int result = add_new(ret, &notify->to);
    for (size_t i = 0; i < notify->routes.n && !result; i++)
        result = add_new(ret, &route[i].to);
    return result;
}

static int send_test_mail(struct email *email, struct tw_error *error)
{
    struct tw_sink_result result = {.outcome = TW_OUTCOME_RETRY};
    struct tw_texts to = {0};
    json_t *notification = NULL;
    if (!all_recipients(&to, &email->config->notify))
        notification = tw_notification_test("trainward check", &to, tw_wall_ms());
    tw_texts_release(&to);
    if (!notification)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_mailer_send(email->mailer, notification, NULL, &result);
    json_decref(notification);
    return result.outcome == TW_OUTCOME_DONE && !result.reason[0]
               ? 0
               : tw_error_set(error, -EIO, "%s", result.reason);
}

static int email_check(void *opaque, bool send_test, struct tw_error *error)
{
    struct email *email = opaque;
    int result = tw_mailer_probe(email->mailer, error);
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
