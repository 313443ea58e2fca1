/* Any bytes as a configuration file: mistakes, never a crash. Run: tests/fuzz/fuzz_config CORPUS */
#include "agent/config.h"

#include <sys/mman.h>
#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    struct tw_config config;
    struct tw_error error = {0};
    if (fd < 0) {
        fd = memfd_create("config", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        return 0;
    if (!tw_config_load(&config, path, NULL, 0, NULL, NULL, &error))
        tw_config_release(&config);
    return 0;
}
