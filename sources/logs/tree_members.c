/* How many files a group has, and which. */
#include "sources/logs/tree_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct dated {
    struct tw_log_member member;
    int64_t time; /* seconds since 1970 */
};

/* The writer's clock tells which of its files is the newest, whatever was copied since:
 * "events.out.tfevents.<seconds>.<host>...". Negative where the name has no time. */
static int64_t time_in_name(const char *path)
{
    static const char before[] = "tfevents.";
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *found = strstr(name, before);
    const char *digits = found ? found + strlen(before) : "";
    size_t n = strspn(digits, "0123456789");
    return n && n <= 10 && (digits[n] == '.' || !digits[n]) ? strtoll(digits, NULL, 10) : -1;
}

static int64_t time_of(const char *path)
{
    struct stat status;
    int64_t time = time_in_name(path);
    if (time >= 0)
        return time;
    return stat(path, &status) ? 0 : (int64_t)status.st_mtime;
}

/* Those of one second in the order of their names, so that each look chooses the same. */
static int newest_first(const void *a, const void *b)
{
    const struct dated *left = a, *right = b;
    if (left->time != right->time)
        return left->time > right->time ? -1 : 1;
    return strcmp(right->member.path, left->member.path);
}

static size_t members_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / 2 > TW_LOG_MEMBERS_MAX)
        return TW_LOG_MEMBERS_MAX;
    return limit.rlim_cur > 2 ? (size_t)limit.rlim_cur / 2 : 1;
}

int tw_tree_keep_newest(struct tw_log_group *group)
{
    size_t max = members_max();
    if (group->n <= max)
        return 0;
    struct dated *dated = calloc(group->n, sizeof *dated);
    if (!dated)
        return -ENOMEM;
    for (size_t i = 0; i < group->n; i++)
        dated[i] = (struct dated){group->members[i], time_of(group->members[i].path)};
    qsort(dated, group->n, sizeof *dated, newest_first);
    for (size_t i = 0; i < group->n; i++) {
        group->members[i] = dated[i].member;
        if (i >= max)
            free(dated[i].member.path);
    }
    group->left_out += group->n - max;
    group->n = max;
    free(dated);
    return 0;
}
