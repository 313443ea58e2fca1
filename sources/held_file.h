/* A file that is followed: held open from look to look, so that it is read to its end whoever
 * renames or deletes it. So are as many files as half of the descriptors that the process may have;
 * those beyond that are closed after each look, and known again under their name or one that they
 * were given in the same folder. */
#ifndef TW_HELD_FILE_H
#define TW_HELD_FILE_H

#include "sources/file_identity.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct tw_held_file {
    int fd;          /* -1: not open */
    bool has_place;  /* it stays open */
    bool is_resting; /* it was closed after a look, and was this: */
    struct tw_file_identity identity;
    struct stat seen;
};

#define TW_HELD_FILE_INIT ((struct tw_held_file){.fd = -1})

/* Opens it unless it is open: the descriptor, or -1 with errno. `*ret_is_other`: at its name lies
 * another one than that which rested, which is nowhere beside it. */
int tw_held_file_open(struct tw_held_file *file, const char *path, bool *ret_is_other);

/* After a look: closes it, where others stay open. */
void tw_held_file_rest(struct tw_held_file *file);

/* It rests, was read up to its end (`place`), and nothing has happened to it since. */
bool tw_held_file_is_quiet(const struct tw_held_file *file, const char *path, int64_t place);

/* Closes it for good; nothing is known of it any more. */
void tw_held_file_close(struct tw_held_file *file);

#endif
