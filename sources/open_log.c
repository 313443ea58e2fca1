/* open(2) for readers that nobody should notice. */
#include <config.h>

#include "sources/open_log.h"

#include <errno.h>
#include <fcntl.h>

#define FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

int tw_open_log(const char *path)
{
#ifdef O_NOATIME
    int fd = open(path, FLAGS | O_NOATIME);
    if (fd >= 0 || errno != EPERM) /* it is another user's: only its owner may */
        return fd;
#endif
    return open(path, FLAGS);
}
