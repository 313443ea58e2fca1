/* The dead letters of one sink. */
#include "config.h"

#include "sinks/dead_letters.h"

#include "advisories/json_text.h"
#include "advisories/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct tw_dead_letters {
    int fd;
    char *path, *sink;
};

static int fail(const struct tw_dead_letters *letters, int code, const char *what,
                struct tw_error *error)
{
    return tw_error_at(error, code, letters->path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

int tw_dead_letters_open(struct tw_dead_letters **ret, const char *dir, const char *name,
                         struct tw_error *error)
{
    int result = tw_make_directory(dir, error);
    if (result)
        return result;
    struct tw_dead_letters *letters = calloc(1, sizeof *letters);
    if (!letters)
        return tw_error_set(error, -ENOMEM, "out of memory");
    letters->fd = -1;
    letters->sink = strdup(name);
    if (!letters->sink || asprintf(&letters->path, "%s/%s.jsonl", dir, name) < 0) {
        letters->path = NULL;
        tw_dead_letters_close(letters);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    letters->fd = open(letters->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (letters->fd < 0) {
        result = fail(letters, -errno, "open the dead letters", error);
        tw_dead_letters_close(letters);
        return result;
    }
    result = tw_sync_directory(dir, error);
    if (result) {
        tw_dead_letters_close(letters);
        return result;
    }
    *ret = letters;
    return 0;
}

static json_t *document_json(const char *document, size_t size)
{
    json_t *parsed = json_loadb(document, size, JSON_DECODE_ANY, NULL);
    if (parsed)
        return parsed;
    char *text = strndup(document, size);
    json_t *string = text ? tw_json_string(text) : NULL;
    free(text);
    return string;
}

static char *letter_text(const struct tw_dead_letters *letters, const char *position,
                         const char *reason, const char *document, size_t size)
{
    char now[40];
    struct tm calendar;
    time_t seconds = time(NULL);
    gmtime_r(&seconds, &calendar);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &calendar);
    json_t *letter = json_object();
    bool is_complete = !json_object_set_new(letter, "time", json_string(now)) &&
                       !json_object_set_new(letter, "sink", tw_json_string(letters->sink)) &&
                       !json_object_set_new(letter, "position", tw_json_string(position)) &&
                       !json_object_set_new(letter, "reason", tw_json_string(reason)) &&
                       !json_object_set_new(letter, "document", document_json(document, size));
    char *text = is_complete ? tw_json_text(letter) : NULL;
    json_decref(letter);
    return text;
}

int tw_dead_letters_add(struct tw_dead_letters *letters, const char *position, const char *reason,
                        const char *document, size_t size, struct tw_error *error)
{
    char *text = letter_text(letters, position, reason, document, size);
    if (!text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of NUL: one write a line */
    int result = tw_end_torn_line(letters->fd);
    if (!result)
        result = tw_write_all(letters->fd, text, length + 1);
    if (!result && fdatasync(letters->fd))
        result = -errno;
    free(text);
    return result ? fail(letters, result, "write a dead letter", error) : 0;
}

void tw_dead_letters_close(struct tw_dead_letters *letters)
{
    if (!letters)
        return;
    if (letters->fd >= 0)
        close(letters->fd);
    free(letters->path);
    free(letters->sink);
    free(letters);
}
