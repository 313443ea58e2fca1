/* For how long a followed log may fail before it counts as failed: servers of files come back,
 * rights are set behind a rename, and writers replace a file by deleting it first. */
#ifndef TW_LOG_PATIENCE_H
#define TW_LOG_PATIENCE_H

#include <stdbool.h>

/* Zeros: nothing has failed. */
struct tw_patience {
    double since;
    int seconds; /* 0: nothing has failed */
};

/* It failed with this errno, maybe not for the first time. False: it will not pass, or has not for
 * 60 seconds (what a network or a disk does), or for 2 (what is missing or not allowed). */
bool tw_patience_lasts(struct tw_patience *patience, int error);
/* It was well again. */
void tw_patience_restore(struct tw_patience *patience);

#endif
