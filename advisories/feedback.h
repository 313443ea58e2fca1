/* What a person says of an episode, as a document of the advisory log. */
#ifndef TW_FEEDBACK_H
#define TW_FEEDBACK_H

#include "advisories/advisory.h"

struct tw_feedback {
    const char *verdict;          /* "false-alarm" or "useful" */
    const char *author, *comment; /* comment may be empty */
    int64_t time_ms;
};

/* The document: the episode's newest one with `trainward.kind` "feedback" and `trainward.feedback`,
 * so that it can stand for the episode's present state. Its id is a function of episode, verdict
 * and author: said twice, it is one. `*ret` is for free(), `*ret_run` too. -EINVAL: `document` is
 * no episode's. */
int tw_feedback_document(char **ret, char ret_id[TW_EVENT_ID_SIZE], char **ret_run,
                         const char *document, const struct tw_feedback *feedback,
                         struct tw_error *error);

#endif
