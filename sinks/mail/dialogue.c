/* Following an SMTP dialogue. */
#include "sinks/mail/dialogue.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void tw_mail_dialogue_go_on(struct tw_mail_dialogue *dialogue)
{
    *dialogue = (struct tw_mail_dialogue){.offers_login = dialogue->offers_login,
                                          .is_logged_in = dialogue->is_logged_in};
}

/* What a connection has agreed on is void with a new greeting. */
static void begin_command(struct tw_mail_dialogue *dialogue, const char *verb)
{
    tw_mail_dialogue_go_on(dialogue);
    snprintf(dialogue->verb, sizeof dialogue->verb, "%s", verb);
    if (!strcmp(verb, "EHLO") || !strcmp(verb, "HELO"))
        dialogue->offers_login = dialogue->is_logged_in = false;
}

void tw_mail_dialogue_command(struct tw_mail_dialogue *dialogue, const char *line, size_t size)
{
    static const char *const verbs[] = {"EHLO", "HELO", "STARTTLS", "AUTH",
                                        "NOOP", "MAIL", "RCPT",     "DATA"};
    if (size >= 4 && !memcmp(line, "QUIT", 4))
        dialogue->is_over = true;
    /* Lines that begin otherwise are answers of a login. */
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t n = strlen(verbs[i]);
        if (size < n || memcmp(line, verbs[i], n))
            continue;
        begin_command(dialogue, verbs[i]);
        return;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_at(const struct tw_mail_dialogue *dialogue, const char *verb)
{
    return !strcmp(dialogue->verb, verb);
}

/* "250-AUTH PLAIN LOGIN", or "250-AUTH=..." of old servers. */
static void look_for_login(struct tw_mail_dialogue *dialogue, const char *line, size_t size)
{
    if (is_at(dialogue, "EHLO"))
        dialogue->offers_login |= size >= 8 && !strncasecmp(line + 4, "AUTH", 4);
    else if (is_at(dialogue, "AUTH"))
        dialogue->is_logged_in = dialogue->code / 100 == 2;
}

void tw_mail_dialogue_reply(struct tw_mail_dialogue *dialogue, const char *line, size_t size)
{
    if (dialogue->is_over || size < 3 || !is_digit(line[0]) || !is_digit(line[1]) ||
        !is_digit(line[2]))
        return;
    dialogue->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    size_t n = 0;
    while (n < size && n + 1 < sizeof dialogue->reply && (unsigned char)line[n] >= 0x20 &&
           (unsigned char)line[n] < 0x7f)
        n++;
    snprintf(dialogue->reply, sizeof dialogue->reply, "%.*s", (int)n, line);
    look_for_login(dialogue, line, size);
}

enum tw_mail_result tw_mail_dialogue_judge(const struct tw_mail_dialogue *dialogue)
{
    bool is_permanent = dialogue->code >= 500 && dialogue->code <= 599;
    bool is_this_one = is_at(dialogue, "RCPT") || is_at(dialogue, "DATA");
    if (dialogue->code == 530) /* asks for a login, or for TLS */
        return TW_MAIL_DOWN;
    if (is_permanent && is_this_one)
        return TW_MAIL_REFUSED;
    if (is_at(dialogue, "MAIL") && dialogue->code == 552)
        return TW_MAIL_REFUSED; /* larger than the server takes */
    /* A server that hangs up on one recipient may take the next. */
    return is_this_one ? TW_MAIL_LATER : TW_MAIL_DOWN;
}

bool tw_mail_dialogue_explain(const struct tw_mail_dialogue *dialogue,
                              const struct tw_mail_server *server,
                              const struct tw_mail_envelope *envelope, char *reason, size_t size)
{
    const char *url = server->url, *reply = dialogue->reply;
    if (dialogue->code < 400)
        return false;
    if (is_at(dialogue, "AUTH"))
        snprintf(reason, size, "%s refused the login, check username and password: %s", url, reply);
    else if (dialogue->code == 530)
        snprintf(reason, size, "%s wants %s first: %s", url,
                 strstr(reply, "TLS") ? "TLS (tls: required)" : "a login (username and password)",
                 reply);
    else if (is_at(dialogue, "MAIL") && envelope)
        snprintf(reason, size, "%s refused the sender %s, check from: %s", url, envelope->from,
                 reply);
    else if (is_at(dialogue, "RCPT") && envelope)
        snprintf(reason, size, "%s refused the recipient %s: %s", url, envelope->recipient, reply);
    else if (is_at(dialogue, "DATA"))
        snprintf(reason, size, "%s refused the mail: %s", url, reply);
    else if (!dialogue->verb[0])
        snprintf(reason, size, "%s takes no mail from here: %s", url, reply);
    else
        snprintf(reason, size, "%s refused %s: %s", url, dialogue->verb, reply);
    return true;
}

bool tw_mail_dialogue_lacks_login(const struct tw_mail_dialogue *dialogue,
                                  const struct tw_mail_server *server)
{
    return server->username && !dialogue->is_logged_in;
}

void tw_mail_dialogue_explain_login(const struct tw_mail_dialogue *dialogue,
                                    const struct tw_mail_server *server, const char *remedy,
                                    char *reason, size_t size)
{
    if (dialogue->offers_login)
        snprintf(reason, size, "%s offers no login that is known here: %s", server->url, remedy);
    else
        snprintf(reason, size,
                 "%s offers no login: is the port right, or does it want TLS first? If it needs no "
                 "login, leave out username",
                 server->url);
}
