/* Where silences are kept. */
#include "sinks/notify/silence_store.h"

#include "sinks/notify/notifications_topic.h"
#include "sinks/notify/silence_file.h"

int tw_silence_set(const struct tw_silence_place *place, const char *id, struct json_t *silence,
                   struct tw_error *error)
{
    return place->log->dir ? tw_silence_file_set(place->dir, id, silence, error)
                           : tw_silence_topic_set(place->log, id, silence, error);
}

int tw_silence_list(const struct tw_silence_place *place, struct tw_silences *ret,
                    struct tw_error *error)
{
    struct tw_silence_file file = {0};
    return place->log->dir ? tw_silence_file_look(&file, place->dir, ret, error)
                           : tw_silence_topic_list(place->log, ret, error);
}
