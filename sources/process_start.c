/* What a process was started with: its place, its arguments, some of its environment. */
#include "sources/process.h"

#include "sources/process_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 65536u
/* The environment may be larger than the arguments (modules, clusters); Linux's own limit is far
 * above what any job has. */
#define ENVIRONMENT_SIZE (1u << 20)
#define PATH_SIZE 4200

static bool have_same_link(const char *proc, long pid, const char *name)
{
    char path[300], ours[300], theirs[300];
    snprintf(path, sizeof path, "%.200s/self/%.64s", proc, name);
    ssize_t n = readlink(path, ours, sizeof ours);
    snprintf(path, sizeof path, "%.200s/%ld/%.64s", proc, pid, name);
    return n > 0 && readlink(path, theirs, sizeof theirs) == n && !memcmp(ours, theirs, (size_t)n);
}

/* Where it cannot be told, its names are taken for ours. */
static bool is_elsewhere(const char *proc, long pid)
{
    char path[300];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "%.200s/%ld/root/", proc, pid);
    if (stat(path, &theirs))
        return false;
    bool is_same_root =
        !stat("/", &ours) && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
    return !is_same_root || !have_same_link(proc, pid, "ns/mnt");
}

bool tw_process_path(char *ret, size_t size, const char *proc, long pid, const char *path)
{
    char folder[PATH_SIZE];
    int length;
    if (path[0] != '/') {
        if (tw_process_folder(folder, sizeof folder, proc, pid, NULL))
            return false;
        while (!strncmp(path, "./", 2))
            path += 2;
        bool is_folder = !*path || !strcmp(path, ".");
        length = snprintf(ret, size, "%s%s%s", folder, is_folder ? "" : "/", is_folder ? "" : path);
    } else if (is_elsewhere(proc, pid)) {
        length = snprintf(ret, size, "%s/%ld/root%s", proc, pid, path);
    } else {
        length = snprintf(ret, size, "%s", path);
    }
    return length > 0 && (size_t)length < size;
}

int tw_process_folder(char *ret, size_t size, const char *proc, long pid, struct tw_error *error)
{
    char path[300], link[PATH_SIZE];
    snprintf(path, sizeof path, "%.200s/%ld/cwd", proc, pid);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n <= 0)
        return tw_process_failed(error, proc, pid, n ? errno : ENOENT);
    link[n] = '\0';
    if (link[0] != '/' || !tw_process_path(ret, size, proc, pid, link))
        return tw_process_failed(error, proc, pid, ENAMETOOLONG);
    return 0;
}

static int add_texts(struct tw_texts *ret, const char *text, size_t size, const char *const *names)
{
    const char *end = text + size;
    int result = 0;
    for (; text < end && !result; text += strlen(text) + 1) {
        bool is_wanted = !names;
        for (const char *const *name = names; !is_wanted && *name; name++) {
            size_t length = strlen(*name);
            is_wanted = !strncmp(text, *name, length) && text[length] == '=';
        }
        result = is_wanted ? tw_texts_add(ret, text) : 0;
    }
    return result;
}

static int read_texts(struct tw_texts *ret, const char *proc, long pid, const char *name,
                      size_t size, const char *const *names, struct tw_error *error)
{
    char *text = malloc(size);
    if (!text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    long n = tw_process_text(text, size, proc, pid, name);
    int result = n < 0 ? tw_process_failed(error, proc, pid, (int)-n)
                       : add_texts(ret, text, (size_t)n, names);
    explicit_bzero(text, size); /* secrets stay no longer than they must */
    free(text);
    return result == -ENOMEM ? tw_error_set(error, result, "out of memory") : result;
}

int tw_process_arguments(struct tw_texts *ret, const char *proc, long pid, struct tw_error *error)
{
    return read_texts(ret, proc, pid, "cmdline", TEXT_SIZE, NULL, error);
}

int tw_process_environment(struct tw_texts *ret, const char *proc, long pid,
                           const char *const *names, struct tw_error *error)
{
    return read_texts(ret, proc, pid, "environ", ENVIRONMENT_SIZE, names, error);
}
