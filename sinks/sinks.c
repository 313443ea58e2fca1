/* The one list of sinks. */
#include "sinks/sink.h"

#include <string.h>

extern const struct tw_sink tw_sink_terminal, tw_sink_elasticsearch, tw_sink_email, tw_sink_webhook;

const struct tw_sink *const tw_sinks[] = {&tw_sink_terminal, &tw_sink_elasticsearch, &tw_sink_email,
                                          &tw_sink_webhook, NULL};

const struct tw_sink *tw_sink_find(const char *name)
{
    for (const struct tw_sink *const *sink = tw_sinks; *sink; sink++) {
        if (!strcmp((*sink)->name, name))
            return *sink;
    }
    return NULL;
}
