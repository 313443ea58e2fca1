/* The helper program trainward-esmtp, as its parent sees it: a child process that sends mails one
 * after the other and can be killed at any moment. It gets lines of JSON on its standard input and
 * answers each with a line of JSON; with "is_last": true it ends then. One thread, but for
 * interrupt. */
#ifndef TW_MAIL_HELPER_H
#define TW_MAIL_HELPER_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct json_t; /* jansson's */

struct tw_mail_helper {
    pid_t pid; /* 0: none runs */
    int fd;    /* our end of the socket that is its standard input and output */
    int is_interrupted;
};

/* Where trainward-esmtp is: `configured`, else beside this program, else where it was installed.
 * False: nowhere. */
bool tw_mail_helper_find(const char *configured, char *ret, size_t size);

/* Sends one request and waits for the answer, starting the helper if need be. NULL, with a reason,
 * when it gives none within `seconds`, dies, or is interrupted: then it is gone, and the next
 * request starts a new one. */
struct json_t *tw_mail_helper_ask(struct tw_mail_helper *helper, const char *path,
                                  const struct json_t *request, double seconds, char *reason,
                                  size_t reason_size);
/* Any thread. */
void tw_mail_helper_interrupt(struct tw_mail_helper *helper);
void tw_mail_helper_stop(struct tw_mail_helper *helper);

#endif
