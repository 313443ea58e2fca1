/* What was told of a log's episodes. One that was renamed is read again from its start under its
 * new name, after which its runs are named, and tells only what is new in it. */
#include "agent/attach_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same of the same bytes, whatever their run is called. */
static void name_change(char ret[TW_EVENT_ID_SIZE], const struct tw_episode_advisory *advisory)
{
    const struct tw_finding *finding = advisory->finding;
    char episode[TW_EVENT_ID_SIZE];
    tw_episode_id(episode, "", advisory->run.attempt, finding->detector, finding->scope,
                  finding->detected_step);
    tw_transition_id(ret, episode, advisory->transition);
}

static bool drop(struct tw_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->n; i++) {
        if (strcmp(texts->at[i], text))
            continue;
        free(texts->at[i]);
        texts->at[i] = texts->at[--texts->n];
        return true;
    }
    return false;
}

bool tw_attach_is_news(struct tw_followed *log, const struct tw_episode_advisory *advisory)
{
    char name[TW_EVENT_ID_SIZE];
    name_change(name, advisory);
    bool is_known = drop(&log->changes_before, name);
    tw_texts_add(&log->changes, name); /* out of memory: it may be told twice */
    return !is_known;
}

void tw_attach_take_over(struct tw_followed *log, struct tw_followed *before)
{
    tw_texts_release(&log->changes_before);
    if (before->is_mapped) { /* what was held was never told */
        log->changes_before = before->changes;
        before->changes = (struct tw_texts){0};
    }
}

void tw_attach_release_changes(struct tw_followed *log)
{
    tw_texts_release(&log->changes);
    tw_texts_release(&log->changes_before);
}
