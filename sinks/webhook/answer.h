/* What a far end's answer to a notification means. */
#ifndef TW_WEBHOOK_ANSWER_H
#define TW_WEBHOOK_ANSWER_H

#include "sinks/sink.h"

struct tw_webhook_answer {
    long status;
    const char *body;     /* its beginning */
    const char *url;      /* what was asked; what it may hold of secrets is not quoted */
    const char *redirect; /* scheme and host of where it points to; NULL: nowhere */
    double pause;         /* seconds that it asks for; 0: none */
};

/* Fills in the outcome and, unless that is DONE, what to do, with the far end's words. `place` is
 * what may be told of the address. */
void tw_webhook_judge(const struct tw_webhook_answer *answer, const char *place,
                      struct tw_sink_result *ret);

#endif
