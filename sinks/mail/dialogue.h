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
    /* Of the connection, from one command to the next. */
    bool offers_login, is_logged_in;
};

/* Before the next mail of a connection. */
void tw_mail_dialogue_go_on(struct tw_mail_dialogue *dialogue);

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

/* A login is configured and has not taken place: without it nothing may be sent. */
bool tw_mail_dialogue_lacks_login(const struct tw_mail_dialogue *dialogue,
                                  const struct tw_mail_server *server);
/* Says so; `remedy` is what to do where the server offers ways to log in, but none that is known.
 */
void tw_mail_dialogue_explain_login(const struct tw_mail_dialogue *dialogue,
                                    const struct tw_mail_server *server, const char *remedy,
                                    char *reason, size_t size);

#endif
