/* The part of an SMTP dialogue that decides what a refusal means: the last command and what was
 * answered. Libraries tell no more than a code, if that. */
#ifndef TW_MAIL_DIALOGUE_H
#define TW_MAIL_DIALOGUE_H

#include "sinks/mail/transport.h"

/* Start with {0}. */
struct tw_mail_dialogue {
    char verb[12];   /* of the last command: "RCPT", "DATA", ...; empty: none yet */
    int code;        /* of the last reply to it, or of the greeting; 0: none */
    char reply[128]; /* its text, code included, printable ASCII */
    bool is_over;    /* QUIT was sent, whose reply is of no interest */
};

/* One line that was sent, or received; `size` bytes, with or without its line end. Secrets that a
 * login sends are not looked at. */
void tw_mail_dialogue_command(struct tw_mail_dialogue *dialogue, const char *line, size_t size);
void tw_mail_dialogue_reply(struct tw_mail_dialogue *dialogue, const char *line, size_t size);

/* What a transfer that failed at this point means (RFC 5321, 4.2.1). Never SENT. */
enum tw_mail_result tw_mail_dialogue_judge(const struct tw_mail_dialogue *dialogue);

/* Says what was refused, what to do and the server's words. False, and nothing written, where the
 * server refused nothing. `envelope` may be NULL. */
bool tw_mail_dialogue_explain(const struct tw_mail_dialogue *dialogue,
                              const struct tw_mail_server *server,
                              const struct tw_mail_envelope *envelope, char *reason, size_t size);

#endif
