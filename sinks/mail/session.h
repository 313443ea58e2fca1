/* One SMTP session by libesmtp, for the helper program trainward-esmtp: it is linked with nothing
 * else, has one thread, and may be killed at any moment. */
#ifndef TW_MAIL_SESSION_H
#define TW_MAIL_SESSION_H

#include "sinks/mail/transport.h"

/* `is_last`: the process ends now, and takes no further request. */
typedef void tw_mail_answer(enum tw_mail_result result, const char *reason, bool is_last);

/* Sends one mail; without an envelope (NULL) it goes as far as the login. Does not return when that
 * is how to end a session that libesmtp would go on with (a refused login, a probe's end):
 * `answer` is called in any case, once. */
void tw_mail_session(const struct tw_mail_server *server, const struct tw_mail_envelope *envelope,
                     tw_mail_answer *answer);

#endif
