/* Answers of webhooks: what becomes of the notification, and what somebody has to do. */
#include "sinks/webhook/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What only a person can mend (a login, an address that is gone) is not asked for every minute. */
#define PARKED_SECONDS 300.0
/* A far end that asks for more is asked again after this. */
#define PAUSE_MAX 3600.0
/* A reason has room for so much of a host, and of what it says. */
#define PLACE_MAX 56
#define SAID_MAX 48

/* What Slack says in one word, and Mattermost and others after it. */
static const char *word_remedy(const char *body)
{
    static const struct {
        const char *word, *remedy;
    } words[] = {
        {"invalid_payload", "the body is not what it takes: check format and template_file"},
        {"no_text", "the body is not what it takes: check format and template_file"},
        {"invalid_token", "the address is not whole: copy it anew"},
        {"no_service", "the webhook was switched off: make a new one there"},
        {"no_active_hooks", "the webhook was switched off: make a new one there"},
        {"no_team", "the workspace is gone"},
        {"team_disabled", "the workspace is gone"},
        {"channel_not_found", "its channel is gone: choose another one there"},
        {"channel_is_archived", "its channel was archived: choose another one there"},
        {"action_prohibited", "an administrator there has forbidden it"},
        {"posting_to_general_channel_denied", "an administrator there has forbidden it"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strncmp(body, words[i].word, strlen(words[i].word)))
            return words[i].remedy;
    }
    return NULL;
}

static const char *status_remedy(long status)
{
    switch (status) {
    case 401:
        return "it refuses the login: check bearer_token or headers";
    case 403:
        return "it refuses the login, or the address: check both";
    case 404:
    case 410:
        return "the address is gone, make a new webhook there";
    case 405:
        return "it does not take this method there: check url and method";
    case 408:
    case 504:
        return "it, or what is behind it, is slow";
    case 413:
        return "the message is too large for it";
    case 429:
        return "it gets too much";
    default:
        return status >= 500 ? "it has trouble of its own"
                             : "it does not take such a body: check format and template_file";
    }
}

static bool is_redirect(long status)
{
    return status >= 300 && status < 400;
}

/* Somebody has to mend something, and then it goes. */
static bool is_parked(long status)
{
    return status == 401 || status == 403 || status == 404 || status == 410 ||
           is_redirect(status) || status < 200;
}

static const char *remedy(const struct tw_webhook_answer *answer, char *buffer, size_t size)
{
    const char *word = word_remedy(answer->body);
    if (is_redirect(answer->status))
        snprintf(buffer, size, "it points to %.40s: redirects are not followed, mend url",
                 answer->redirect ? answer->redirect : "elsewhere");
    else if (answer->status < 200)
        snprintf(buffer, size, "that is no webhook: check url");
    else if (answer->status == 429 && answer->pause > 0)
        snprintf(buffer, size, "it gets too much, and asks for a pause of %.0f s", answer->pause);
    else
        snprintf(buffer, size, "%s", word ? word : status_remedy(answer->status));
    return buffer;
}

/* ---- secrets ---- */

/* What is shorter is no secret, and of what is longer so many letters tell too much. */
#define PART_MIN 4
#define PART_MAX 8

static bool holds(const char *body, const char *part, size_t size)
{
    for (; *body; body++) {
        if (!strncasecmp(body, part, size))
            return true;
    }
    return false;
}

/* A part of n letters, or a piece of a long one: answers cut short what they repeat. */
static bool holds_piece(const char *body, const char *part, size_t n)
{
    size_t size = n < PART_MAX ? n : PART_MAX;
    for (size_t i = 0; size >= PART_MIN && i + size <= n; i++) {
        if (holds(body, part + i, size))
            return true;
    }
    return false;
}

/* Whether an answer repeats something of the address: all but scheme and host may be secret. */
static bool repeats(const char *body, const char *url)
{
    const char *at = strstr(url, "://"), *host;
    if (!at)
        return false;
    at += strlen("://");
    host = at + strcspn(at, "/?#");
    while (host > at && host[-1] != '@')
        host--;
    for (size_t n; *at; at += n + (at[n] != '\0')) {
        n = strcspn(at, "/?#&=:@%");
        bool is_host = at >= host && at < host + strcspn(host, "/?#");
        if (!is_host && holds_piece(body, at, n))
            return true;
    }
    return false;
}

/* In one line. */
static void quote(const char *body, char *buffer, size_t size)
{
    size_t n = 0;
    for (; *body && n + 1 < size; body++)
        buffer[n++] = (unsigned char)*body < ' ' || *body == 0x7f ? ' ' : *body;
    buffer[n] = '\0';
}

void tw_webhook_judge(const struct tw_webhook_answer *answer, const char *place,
                      struct tw_sink_result *ret)
{
    char said[SAID_MAX], what_to_do[110];
    long status = answer->status;
    if (status >= 200 && status < 300) {
        ret->outcome = TW_OUTCOME_DONE;
        return;
    }
    bool is_passing = status >= 500 || status == 408 || status == 429;
    ret->outcome = is_parked(status) || is_passing ? TW_OUTCOME_RETRY : TW_OUTCOME_POISON;
    ret->retry_after = is_parked(status)            ? PARKED_SECONDS
                       : answer->pause <= PAUSE_MAX ? answer->pause
                                                    : PAUSE_MAX;
    quote(repeats(answer->body, answer->url) ? "" : answer->body, said, sizeof said);
    snprintf(ret->reason, sizeof ret->reason, "%.*s answers %ld%s%s%s: %s", PLACE_MAX, place,
             status, said[0] ? " (" : "", said, said[0] ? ")" : "",
             remedy(answer, what_to_do, sizeof what_to_do));
}
