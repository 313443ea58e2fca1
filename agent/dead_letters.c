/* Broken telemetry is kept for people to look at, and never stops the rest. */
#include "agent/dead_letters.h"

#include "advisories/json_text.h"

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

static void turn_over(const char *dir, const char *path)
{
    char old[4200];
    struct stat status;
    snprintf(old, sizeof old, "%s/telemetry.old.jsonl", dir);
    if (!stat(path, &status) && status.st_size >= FILE_MAX)
        rename(path, old);
}

int tw_dead_letter(const char *dir, const char *place, const char *reason, const void *data,
                   size_t size, struct tw_error *error)
{
    char path[4200];
    char *line = letter(place, reason, data, size);
    if (!line)
        return tw_error_set(error, -ENOMEM, "out of memory");
    mkdir(dir, 0700);
    snprintf(path, sizeof path, "%s/telemetry.jsonl", dir);
    turn_over(dir, path);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int failed = file < 0 || dprintf(file, "%s\n", line) < 0;
    int code = errno;
    if (file >= 0)
        close(file);
    free(line);
    if (failed)
        return tw_error_at(error, code ? -code : -EIO, path, 0, 0,
                           "cannot write the dead letter: %s", strerror(code));
    return 0;
}
