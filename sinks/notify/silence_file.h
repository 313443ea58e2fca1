/* The silences of one machine: STATE_DIR/silences.json, written by `trainward silence` while the
 * agent reads. */
#ifndef TW_NOTIFY_SILENCE_FILE_H
#define TW_NOTIFY_SILENCE_FILE_H

#include "sinks/notify/silences.h"

#include <sys/stat.h>

struct tw_silence_file {
    struct stat seen; /* of the file that was read last; zero: none was */
    bool has_told;    /* that it cannot be read */
};

/* Reads it anew when it is another one than last time. A file that is not there holds none; one
 * that cannot be read leaves what there was, and is an error once. */
int tw_silence_file_look(struct tw_silence_file *file, const char *dir,
                         struct tw_silences *silences, struct tw_error *error);
/* Sets or (NULL) removes one; those that ended a week ago go. One process at a time. */
int tw_silence_file_set(const char *dir, const char *id, struct json_t *silence,
                        struct tw_error *error);

#endif
