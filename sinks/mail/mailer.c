/* Sending notifications by mail. */
#include "sinks/mail/mailer.h"

#include "sinks/mail/message.h"
#include "sinks/mail/mime.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tw_mailer {
    const struct tw_mailer_config *config;
    struct tw_mail_templates templates;
    struct tw_mail_style style;
    void *transport;
    char sender[256];
};

static int open_parts(struct tw_mailer *mailer, struct tw_error *error)
{
    const struct tw_mailer_config *config = mailer->config;
    int result = tw_mail_address(config->from ? config->from : "", "from", mailer->sender,
                                 sizeof mailer->sender, error);
    if (!result)
        result = tw_mail_templates_load(&mailer->templates, &config->templates, error);
    if (!result)
        result = config->transport->open(&mailer->transport, &config->server, error);
    if (result)
        return result;
    mailer->style = (struct tw_mail_style){
        .from = config->from,
        .domain = strchr(mailer->sender, '@') + 1,
        .subject_prefix = config->subject_prefix,
        .templates = &mailer->templates,
    };
    return 0;
}

int tw_mailer_open(struct tw_mailer **ret, const struct tw_mailer_config *config,
                   struct tw_error *error)
{
    struct tw_mailer *mailer = calloc(1, sizeof *mailer);
    if (!mailer)
        return tw_error_set(error, -ENOMEM, "out of memory");
    mailer->config = config;
    int result = open_parts(mailer, error);
    if (result) {
        tw_mailer_close(mailer);
        return result;
    }
    *ret = mailer;
    return 0;
}

void tw_mailer_close(struct tw_mailer *mailer)
{
    if (!mailer)
        return;
    mailer->config->transport->close(mailer->transport);
    tw_mail_templates_release(&mailer->templates);
    free(mailer);
}

struct letter {
    const char *message;
    size_t size;
};

static enum tw_mail_result send_to_one(struct tw_mailer *mailer, const char *recipient,
                                       const struct letter *letter, char *reason,
                                       size_t reason_size)
{
    char address[256];
    struct tw_error error = {0};
    if (tw_mail_address(recipient, "to", address, sizeof address, &error)) {
        snprintf(reason, reason_size, "%.*s", (int)reason_size - 1, error.text);
        return TW_MAIL_REFUSED;
    }
    struct tw_mail_envelope envelope = {mailer->sender, address, letter->message, letter->size};
    return mailer->config->transport->send(mailer->transport, &envelope, reason, reason_size);
}

/* How it went with all of them. */
struct tally {
    size_t n, n_sent, n_refused;
    bool is_up; /* the server takes mail */
};

/* What an earlier call came to. */
static bool count_done(struct tally *tally, const json_t *done, const char *recipient,
                       struct tw_sink_result *ret)
{
    const json_t *outcome = json_object_get(done, recipient);
    const char *refusal = json_string_value(outcome);
    tally->n_sent += json_is_true(outcome);
    tally->n_refused += refusal != NULL;
    if (refusal)
        snprintf(ret->reason, sizeof ret->reason, "%s", refusal);
    return json_is_true(outcome) || refusal;
}

/* A mailbox that is full for days must not keep a notification for ever. */
static void put_off(struct tally *tally, const char *recipient, const char *reason,
                    const struct tw_sink_progress *progress)
{
    int answer = progress ? progress->put_off(progress->closure, recipient, reason) : 0;
    tally->n_refused += answer == 1;
    if (answer < 0)
        tally->is_up = false;
}

static void try_one(struct tw_mailer *mailer, struct tally *tally, const char *recipient,
                    const struct letter *letter, const struct tw_sink_progress *progress,
                    struct tw_sink_result *ret)
{
    char reason[TW_REASON_MAX] = "";
    enum tw_mail_result result = send_to_one(mailer, recipient, letter, reason, sizeof reason);
    bool is_refused = result == TW_MAIL_REFUSED, is_done = is_refused || result == TW_MAIL_SENT;
    if (result != TW_MAIL_SENT)
        snprintf(ret->reason, sizeof ret->reason, "%s", reason);
    tally->n_sent += result == TW_MAIL_SENT;
    tally->n_refused += is_refused;
    tally->is_up = result != TW_MAIL_DOWN;
    if (is_done && progress && tally->n > 1 &&
        progress->keep(progress->closure, recipient, is_refused ? reason : NULL))
        tally->is_up = false;
    if (!is_done && tally->is_up)
        put_off(tally, recipient, reason, progress);
}

static void send_to_all(struct tw_mailer *mailer, const json_t *to, const struct letter *letter,
                        const struct tw_sink_progress *progress, struct tw_sink_result *ret)
{
    struct tally tally = {.n = json_array_size(to), .is_up = true};
    size_t i;
    json_t *recipient;
    json_array_foreach(to, i, recipient)
    {
        const char *text = json_string_value(recipient);
        if (!text)
            text = "";
        if (!count_done(&tally, progress ? progress->done : NULL, text, ret) && tally.is_up)
            try_one(mailer, &tally, text, letter, progress, ret);
    }
    ret->outcome = tally.n_sent + tally.n_refused < tally.n ? TW_OUTCOME_RETRY
                   : tally.n_sent                           ? TW_OUTCOME_DONE
                                                            : TW_OUTCOME_POISON;
    ret->is_partial = ret->outcome == TW_OUTCOME_RETRY && tally.is_up && tally.n_sent;
    if (!tally.n)
        snprintf(ret->reason, sizeof ret->reason, "it has no recipient");
}

void tw_mailer_send(struct tw_mailer *mailer, const struct json_t *notification,
                    const struct tw_sink_progress *progress, struct tw_sink_result *ret)
{
    struct tw_error error = {0};
    struct letter letter;
    char *message = NULL;
    int result = tw_mail_message(&message, &letter.size, &mailer->style, notification, &error);
    *ret = (struct tw_sink_result){.outcome = TW_OUTCOME_RETRY};
    if (result) {
        ret->outcome = result == -ENOMEM ? TW_OUTCOME_RETRY : TW_OUTCOME_POISON;
        snprintf(ret->reason, sizeof ret->reason, "%.*s", TW_REASON_MAX - 1, error.text);
        return;
    }
    letter.message = message;
    send_to_all(mailer, json_object_get(notification, "to"), &letter, progress, ret);
    free(message);
}

int tw_mailer_probe(struct tw_mailer *mailer, struct tw_error *error)
{
    return mailer->config->transport->probe(mailer->transport, error);
}

void tw_mailer_interrupt(struct tw_mailer *mailer)
{
    mailer->config->transport->interrupt(mailer->transport);
}
