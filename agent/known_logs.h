/* The logs that a directory source has come across, by path: those that are open, and thousands of
 * others, which take little. One thread. */
#ifndef TW_KNOWN_LOGS_H
#define TW_KNOWN_LOGS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

struct tw_known_log {
    char *path;
    void *open;        /* what reads it, the source's; NULL: it is closed */
    off_t size_at_end; /* of the telemetry when it was closed; another size: open it again */
    uint64_t look;     /* the newest that found it */
    UT_hash_handle hh;
};

struct tw_known_logs {
    struct tw_known_log *table; /* walk it by hh.next: in order of first sight */
    uint64_t look;              /* the present one's number */
};

/* A new look at the directory: what it does not find may be gone. */
void tw_known_logs_begin_look(struct tw_known_logs *logs);
/* The present look has found this. NULL: it is new. */
struct tw_known_log *tw_known_logs_found(struct tw_known_logs *logs, const char *path);
/* Adds what is new; to be opened in any case. NULL: out of memory. */
struct tw_known_log *tw_known_logs_add(struct tw_known_logs *logs, const char *path);

/* Forgets those that are closed, that the present look has not found, and of which nothing is left
 * at their path: a disk that cannot be read at the moment makes nothing gone. */
typedef void tw_known_logs_gone(void *closure, const char *path);
void tw_known_logs_forget(struct tw_known_logs *logs, tw_known_logs_gone *gone, void *closure);

size_t tw_known_logs_count(const struct tw_known_logs *logs);
void tw_known_logs_release(struct tw_known_logs *logs); /* of which none is open */

#endif
