/* The one list of sources. */
#include "sources/source.h"

#include <string.h>

extern const struct tw_source tw_source_run_directory, tw_source_log, tw_source_kafka;

const struct tw_source *const tw_sources[] = {&tw_source_run_directory, &tw_source_log,
                                              &tw_source_kafka, NULL};

const struct tw_source *tw_source_find(const char *name)
{
    for (const struct tw_source *const *source = tw_sources; *source; source++) {
        if (!strcmp((*source)->name, name))
            return *source;
    }
    return NULL;
}

const struct tw_source *tw_source_probe(const char *path, const struct tw_texts *map)
{
    const struct tw_source *surest = NULL;
    int most = 0;
    for (const struct tw_source *const *source = tw_sources; *source; source++) {
        int sure = (*source)->probe ? (*source)->probe(path, map) : 0;
        if (sure > most) {
            most = sure;
            surest = *source;
        }
    }
    return surest;
}
