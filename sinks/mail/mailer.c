/* Sending notifications by mail. */
#include "sinks/mail/mailer.h"

#include "sinks/document.h"
#include "sinks/mail/message.h"
#include "sinks/mail/mime.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORIES 16

enum progress { PROGRESS_OPEN, PROGRESS_SENT, PROGRESS_REFUSED };

struct memory {
    char id[65];
    unsigned char progress[TW_MAIL_RECIPIENTS_MAX]; /* in the order of `to` */
};

struct tw_mailer {
    const struct tw_mailer_config *config;
    struct tw_mail_templates templates;
    struct tw_mail_style style;
    void *transport;
    char sender[256];
    struct memory memories[MEMORIES];
    size_t next_memory;
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

/* What has been sent of the notification `id`, or a fresh memory in place of the oldest. */
static struct memory *recall(struct tw_mailer *mailer, const char *id)
{
    for (size_t i = 0; i < MEMORIES; i++) {
        if (!strcmp(mailer->memories[i].id, id))
            return &mailer->memories[i];
    }
    struct memory *memory = &mailer->memories[mailer->next_memory];
    mailer->next_memory = (mailer->next_memory + 1) % MEMORIES;
    *memory = (struct memory){0};
    snprintf(memory->id, sizeof memory->id, "%s", id);
    return memory;
}

struct letter {
    const char *message;
    size_t size;
};

/* False when the server takes no mail at all now. */
static bool send_to_one(struct tw_mailer *mailer, const char *recipient, unsigned char *progress,
                        const struct letter *letter, struct tw_sink_result *ret)
{
    char address[256], reason[480] = "";
    struct tw_error error = {0};
    enum tw_mail_result result = TW_MAIL_REFUSED;
    if (tw_mail_address(recipient, "to", address, sizeof address, &error)) {
        snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, error.text);
    } else {
        struct tw_mail_envelope envelope = {mailer->sender, address, letter->message, letter->size};
        result =
            mailer->config->transport->send(mailer->transport, &envelope, reason, sizeof reason);
    }
    if (result == TW_MAIL_SENT || result == TW_MAIL_REFUSED)
        *progress = result == TW_MAIL_SENT ? PROGRESS_SENT : PROGRESS_REFUSED;
    if (result != TW_MAIL_SENT)
        snprintf(ret->reason, sizeof ret->reason, "%.*s", TW_REASON_MAX - 1, reason);
    return result != TW_MAIL_DOWN;
}

static void send_to_all(struct tw_mailer *mailer, struct memory *memory, const json_t *to,
                        const struct letter *letter, struct tw_sink_result *ret)
{
    size_t i, n_open = 0, n_refused = 0, n = json_array_size(to);
    bool is_up = true;
    json_t *recipient;
    json_array_foreach(to, i, recipient)
    {
        const char *text = json_string_value(recipient);
        if (i >= TW_MAIL_RECIPIENTS_MAX)
            break;
        if (memory->progress[i] == PROGRESS_OPEN && is_up)
            is_up = send_to_one(mailer, text ? text : "", &memory->progress[i], letter, ret);
        n_open += memory->progress[i] == PROGRESS_OPEN;
        n_refused += memory->progress[i] == PROGRESS_REFUSED;
    }
    ret->outcome = n_open                 ? TW_OUTCOME_RETRY
                   : !n || n_refused == n ? TW_OUTCOME_POISON
                                          : TW_OUTCOME_DONE;
    if (ret->outcome == TW_OUTCOME_POISON && !ret->reason[0])
        snprintf(ret->reason, sizeof ret->reason, "%s",
                 n ? "every recipient was refused" : "it has no recipient");
}

void tw_mailer_send(struct tw_mailer *mailer, const struct json_t *notification,
                    struct tw_sink_result *ret)
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
    send_to_all(mailer, recall(mailer, tw_document_text(notification, "id")),
                json_object_get(notification, "to"), &letter, ret);
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
