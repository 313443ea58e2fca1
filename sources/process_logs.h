/* Where the logs of a job may lie: the files that its processes write, and the folders that they
 * work in or were told of. What lies there is not looked at here. Best places first. */
#ifndef TW_PROCESS_LOGS_H
#define TW_PROCESS_LOGS_H

#include "sources/process.h"

enum tw_place_reason {
    TW_PLACE_OPEN,        /* a file that it has open for writing */
    TW_PLACE_OUTPUT,      /* ... that its standard output or error goes into */
    TW_PLACE_PIPED,       /* ... that is written by who reads its output from a pipe: tee, script */
    TW_PLACE_ARGUMENT,    /* a file or folder named on its command line */
    TW_PLACE_ENVIRONMENT, /* ... named by a variable such as TENSORBOARD_LOGGING_DIR */
    TW_PLACE_FOLDER,      /* its working directory */
    TW_PLACE_REASONS
};

struct tw_process_place {
    char *path; /* as we can open it */
    enum tw_place_reason reason;
    bool is_folder;
    long pid;
};

struct tw_process_places {
    size_t n;
    struct tw_process_place *at; /* owned; each path once, by its best reason */
    /* Where standard output and error go that cannot be read: bits 1 << enum tw_process_file_kind.
     */
    unsigned lost_outputs;
};

/* The places of all processes of a family. One that may not be looked into is passed over, unless
 * it is the first: -EACCES. 1,024 files at most, half of
 * them empty, and all folders. */
int tw_process_places_find(struct tw_process_places *ret, const char *proc,
                           const struct tw_processes *family, struct tw_error *error);
void tw_process_places_release(struct tw_process_places *places);

/* "an open file", "its output": for people. */
const char *tw_place_reason_name(enum tw_place_reason reason);

#endif
