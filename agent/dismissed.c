/* A tree of ids: people say this now and then. */
#include "config.h"

#include "agent/dismissed.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct tw_dismissed {
    void *ids; /* tsearch(), each for free() */
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct tw_dismissed *tw_dismissed_new(void)
{
    return calloc(1, sizeof(struct tw_dismissed));
}

void tw_dismissed_free(struct tw_dismissed *dismissed)
{
    if (!dismissed)
        return;
    tdestroy(dismissed->ids, free);
    free(dismissed);
}

bool tw_dismissed_has(const struct tw_dismissed *dismissed, const char *episode)
{
    return dismissed && tfind(episode, &dismissed->ids, by_text);
}

int tw_dismissed_add(struct tw_dismissed *dismissed, const char *episode)
{
    if (tw_dismissed_has(dismissed, episode))
        return 0;
    char *id = strdup(episode);
    if (id && tsearch(id, &dismissed->ids, by_text))
        return 0;
    free(id);
    return -ENOMEM;
}
