/* Whole files, packed by gzip or not. */
#include "trainer/datasets/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* 4 GiB, and where addresses have 32 bits, 1 GiB: the room is doubled. */
#define CONTENT_MAX ((size_t)1 << (sizeof(size_t) > 4 ? 32 : 30))
#define CHUNK ((size_t)1 << 20)

static int damaged(gzFile file, const char *path, struct tw_error *error)
{
    int code;
    const char *text = gzerror(file, &code);
    if (code == Z_ERRNO)
        return tw_error_at(error, -errno, path, 0, 0, "cannot read: %s", strerror(errno));
    return tw_error_at(error, -EBADMSG, path, 0, 0, "this gzip file is damaged: %s", text);
}

/* Grows by doubling; a header that claims much costs nothing until the bytes are there. */
static int read_all(gzFile file, unsigned char **bytes, size_t *size, const char *path,
                    struct tw_error *error)
{
    for (size_t room = 0;;) {
        if (room - *size < CHUNK) {
            room = 2 * room + CHUNK;
            unsigned char *grown = realloc(*bytes, room);
            if (!grown)
                return tw_error_at(error, -ENOMEM, path, 0, 0, "out of memory");
            *bytes = grown;
        }
        int got = gzread(file, *bytes + *size, CHUNK);
        if (got < 0)
            return damaged(file, path, error);
        *size += (size_t)got;
        if (*size > CONTENT_MAX)
            return tw_error_at(error, -EFBIG, path, 0, 0, "more than %zu MiB", CONTENT_MAX >> 20);
        if (got == 0)
            break;
    }
    int code;
    gzerror(file, &code); /* a packed file that is cut short reads to its end first */
    return code == Z_OK ? 0 : damaged(file, path, error);
}

int tw_bytes_read(unsigned char **ret, size_t *ret_size, const char *path, struct tw_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb");
    *ret = NULL;
    *ret_size = 0;
    if (!file) {
        int code = errno ? errno : ENOMEM;
        if (fd >= 0)
            close(fd);
        return tw_error_at(error, -code, path, 0, 0, "cannot read: %s", strerror(code));
    }
    int result = read_all(file, ret, ret_size, path, error);
    gzclose(file);
    if (result) {
        free(*ret);
        *ret = NULL;
        *ret_size = 0;
    }
    return result;
}
