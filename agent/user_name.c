/* Who runs this program. */
#include "config.h"

#include "agent/user_name.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *tw_user_name(char *buffer, size_t size)
{
    struct passwd entry, *found = NULL;
    char room[1024];
    if (!getpwuid_r(geteuid(), &entry, room, sizeof room, &found) && found)
        snprintf(buffer, size, "%s", entry.pw_name);
    else
        snprintf(buffer, size, "uid %ld", (long)geteuid());
    return buffer;
}
