/* Which file it is, by whatever name. */
#ifndef TW_FILE_IDENTITY_H
#define TW_FILE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What was deleted may leave its number to what is made next: that is younger. */
struct tw_file_identity {
    dev_t device;
    ino_t inode;
    int64_t born; /* 0 where the file system does not tell */
};

/* False, and nothing is written, where there is none. */
bool tw_file_identity_at(struct tw_file_identity *ret, const char *path);
bool tw_file_identity_of(struct tw_file_identity *ret, int fd);

bool tw_file_identity_is_same(const struct tw_file_identity *a, const struct tw_file_identity *b);

#endif
