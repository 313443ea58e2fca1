/* The mail transports. */
#include "sinks/mail/transport.h"

#include <stddef.h>

const struct tw_mail_transport *const tw_mail_transports[] = {&tw_mail_curl, &tw_mail_esmtp, NULL};
const char *const tw_mail_transport_names[] = {"curl", "esmtp", NULL};
