/* Broken telemetry is kept for people to look at, and never stops the rest. */
#include "agent/dead_letters.h"

#include "advisories/json_text.h"
#include "advisories/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DATA_MAX 65536
/* Beyond this the file becomes telemetry.old.jsonl, in the place of the one before it: who sends
 * nothing but rubbish does not fill the disk. */
#define FILE_MAX ((off_t)64 << 20)

static char *base64(const void *data, size_t size)
{
    size_t kept = size < DATA_MAX ? size : DATA_MAX;
    unsigned char *text = malloc(4 * ((kept + 2) / 3) + 1);
    if (text && kept)
        EVP_EncodeBlock(text, data, (int)kept);
    else if (text)
        *text = '\0';
    return (char *)text;
}

static char *letter(const char *place, const char *reason, const void *data, size_t size)
{
    char time_text[32];
    time_t now = time(NULL);
    struct tm utc;
    char *encoded = base64(data, data ? size : 0);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    /* A reason may quote the bytes, or be cut inside a character. */
    json_t *object = json_pack("{s:s, s:o, s:o, s:s, s:I}", "time", time_text, "place",
                               tw_json_string(place), "reason", tw_json_string(reason), "data",
                               encoded ? encoded : "", "size", (json_int_t)size);
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(object);
    free(encoded);
    return line;
}

static int fail(struct tw_error *error, int code, const char *path, const char *what)
{
    return tw_error_at(error, code, path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

static void path_of(const char *dir, char ret[4200])
{
    snprintf(ret, 4200, "%s/telemetry.jsonl", dir);
}

static int turn_over(const char *dir, const char *path, struct tw_error *error)
{
    char old[4200];
    struct stat status;
    if (stat(path, &status) || status.st_size < FILE_MAX)
        return 0;
    int result = tw_dead_letters_sync(dir, error); /* the next sync is the new file's */
    snprintf(old, sizeof old, "%s/telemetry.old.jsonl", dir);
    if (!result)
        rename(path, old);
    return result;
}

/* In one write with its newline: `line` is the caller's to spoil. */
static int append(const char *path, char *line)
{
    size_t size = strlen(line);
    line[size] = '\n';
    int file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    int result = tw_end_torn_line(file);
    if (!result)
        result = tw_write_all(file, line, size + 1);
    close(file);
    return result;
}

int tw_dead_letter(const char *dir, const char *place, const char *reason, const void *data,
                   size_t size, struct tw_error *error)
{
    char path[4200];
    char *line = letter(place, reason, data, size);
    if (!line)
        return tw_error_set(error, -ENOMEM, "out of memory");
    mkdir(dir, 0700);
    path_of(dir, path);
    int result = turn_over(dir, path, error);
    int failed = result ? 0 : append(path, line);
    free(line);
    return failed ? fail(error, failed, path, "write the dead letter") : result;
}

int tw_dead_letters_sync(const char *dir, struct tw_error *error)
{
    char path[4200];
    path_of(dir, path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int result = file < 0 || fdatasync(file) ? -errno : 0;
    if (file >= 0)
        close(file);
    if (result)
        return fail(error, result, path, "sync the dead letters");
    return tw_sync_directory(dir, error);
}
