/* The directory of feedback. */
#include "config.h"

#include "agent/feedback_files.h"

#include "advisories/log_file.h"
#include "sinks/document.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "feedback"
#define ENDING ".json"
#define BYTES_MAX (1 << 20)
/* At one go: the loop goes on in between. */
#define TAKE_MAX 100

/* ---- leaving ---- */

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result = fd < 0 ? -errno : tw_write_all(fd, text, strlen(text));
    if (!result && fsync(fd))
        result = -errno;
    if (fd >= 0)
        close(fd);
    return result;
}

int tw_feedback_leave(const char *state_dir, const char *id, const char *document,
                      struct tw_error *error)
{
    char leaf[64], fresh[96];
    char *dir = tw_path_join(state_dir, DIRECTORY, NULL);
    snprintf(leaf, sizeof leaf, "%.40s" ENDING, id);
    snprintf(fresh, sizeof fresh, ".%.40s.%ld", id, (long)getpid());
    char *path = tw_path_join(state_dir, DIRECTORY, leaf);
    char *temporary = tw_path_join(state_dir, DIRECTORY, fresh);
    int result = dir && path && temporary ? tw_make_directory(dir, error)
                                          : tw_error_set(error, -ENOMEM, "out of memory");
    if (!result && (result = write_file(temporary, document)))
        tw_error_at(error, result, temporary, 0, 0, "cannot be written: %s", strerror(-result));
    if (!result && rename(temporary, path))
        result = tw_error_at(error, -errno, path, 0, 0, "cannot be written: %s", strerror(errno));
    if (!result)
        result = tw_sync_directory(dir, error);
    free(dir);
    free(path);
    free(temporary);
    return result;
}

/* ---- taking ---- */

/* What is in one file, one line without its end; NULL: too long, or not to be read. */
static char *read_file(const char *path)
{
    char *text = malloc(BYTES_MAX + 1);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = text && fd >= 0 ? read(fd, text, BYTES_MAX + 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n < 0 || n > BYTES_MAX) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

struct taking {
    struct tw_log *log;
    struct tw_feedback_counts counts;
    void (*tell)(const char *path, const char *reason);
};

static int append(struct taking *taking, const char *path, const char *text, struct tw_error *error)
{
    struct tw_document document;
    char reason[160] = "it cannot be read";
    bool is_fine = text && tw_document_parse(&document, text, strlen(text), reason, sizeof reason);
    if (is_fine && !document.is_feedback) {
        snprintf(reason, sizeof reason, "it is no feedback");
        tw_document_release(&document);
        is_fine = false;
    }
    if (is_fine && strchr(text, '\n')) {
        snprintf(reason, sizeof reason, "it is not one line");
        tw_document_release(&document);
        is_fine = false;
    }
    if (!is_fine) {
        taking->tell(path, reason);
        return 0;
    }
    uint64_t repeats = tw_log_repeats(taking->log);
    int result = tw_log_append(taking->log, document.id, document.run, text, error);
    bool is_false = !strcmp(document.action, "false-alarm");
    bool is_new = !result && tw_log_repeats(taking->log) == repeats; /* said twice, it is one */
    taking->counts.false_alarms += is_new && is_false;
    taking->counts.useful += is_new && !is_false;
    tw_document_release(&document);
    return result;
}

static bool is_ours(const char *name)
{
    size_t length = strlen(name), ending = strlen(ENDING);
    return name[0] != '.' && length > ending && !strcmp(name + length - ending, ENDING);
}

static int take_files(struct taking *taking, const char *dir, DIR *stream, struct tw_texts *taken,
                      struct tw_error *error)
{
    const struct dirent *entry;
    int result = 0;
    while (!result && taken->n < TAKE_MAX && (entry = readdir(stream))) {
        char *path = is_ours(entry->d_name) ? tw_path_join(dir, entry->d_name, NULL) : NULL;
        if (!path)
            continue;
        char *text = read_file(path);
        result = append(taking, path, text, error);
        if (!result && tw_texts_add(taken, path))
            result = tw_error_set(error, -ENOMEM, "out of memory");
        free(text);
        free(path);
    }
    return result;
}

int tw_feedback_take(const char *state_dir, struct tw_log *log, double flush_seconds,
                     struct tw_feedback_counts *counts,
                     void (*tell)(const char *path, const char *reason), struct tw_error *error)
{
    struct taking taking = {.log = log, .tell = tell};
    struct tw_texts taken = {0};
    char *dir = tw_path_join(state_dir, DIRECTORY, NULL);
    DIR *stream = dir ? opendir(dir) : NULL; /* mostly there is none */
    int result = stream ? take_files(&taking, dir, stream, &taken, error) : 0;
    if (!result && taken.n)
        result = tw_log_flush(log, flush_seconds, error);
    for (size_t i = 0; i < taken.n && !result; i++)
        unlink(taken.at[i]);
    if (!result) {
        counts->false_alarms += taking.counts.false_alarms;
        counts->useful += taking.counts.useful;
    }
    if (stream)
        closedir(stream);
    tw_texts_release(&taken);
    free(dir);
    return result;
}
