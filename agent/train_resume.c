/* What a run directory keeps of the command line, and of the attempt before. */
#include <config.h>

#include "agent/train_resume.h"

#include "telemetry/wire.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "options"

static int write_lines(const char *path, const struct tw_texts *given)
{
    FILE *file = fopen(path, "we");
    bool failed = !file;
    for (size_t i = 0; file && i < given->n; i++)
        failed |= fprintf(file, "%s\n", given->at[i]) < 0;
    if (file)
        failed |= fclose(file) != 0;
    return failed ? -errno : 0;
}

int tw_train_resume_save(const char *run_dir, const struct tw_texts *given, struct tw_error *error)
{
    char path[4096], temporary[sizeof path + 8];
    if ((size_t)snprintf(path, sizeof path, "%s/" FILE_NAME, run_dir) >= sizeof path)
        return tw_error_at(error, -ENAMETOOLONG, run_dir, 0, 0, "the path is too long");
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int result = write_lines(temporary, given);
    if (!result && rename(temporary, path))
        result = -errno;
    if (!result)
        return 0;
    unlink(temporary);
    return tw_error_at(error, result, path, 0, 0, "cannot write: %s", strerror(-result));
}

static int read_lines(FILE *file, struct tw_texts *ret)
{
    char *line = NULL;
    size_t room = 0;
    int result = 0;
    while (!result && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        result = tw_texts_add(ret, line);
    }
    if (!result && ferror(file))
        result = -errno;
    free(line);
    return result;
}

int tw_train_resume_load(const char *run_dir, struct tw_texts *ret, struct tw_error *error)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/" FILE_NAME, run_dir) >= sizeof path)
        return tw_error_at(error, -ENAMETOOLONG, run_dir, 0, 0, "the path is too long");
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    int result = file ? read_lines(file, ret) : -errno;
    if (file)
        fclose(file);
    return result ? tw_error_at(error, result, path, 0, 0, "cannot read: %s", strerror(-result))
                  : 0;
}

int tw_train_resume_newest(char **ret, const char *dir, struct tw_error *error)
{
    struct timespec newest = {0};
    DIR *listing = opendir(dir);
    *ret = NULL;
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        char path[4096], *found;
        struct stat status;
        snprintf(path, sizeof path, "%s/%s/checkpoints", dir, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &status) ||
            status.st_mtim.tv_sec < newest.tv_sec ||
            (status.st_mtim.tv_sec == newest.tv_sec && status.st_mtim.tv_nsec <= newest.tv_nsec))
            continue;
        if (asprintf(&found, "%s/%s", dir, entry->d_name) < 0)
            continue;
        newest = status.st_mtim;
        free(*ret);
        *ret = found;
    }
    if (listing)
        closedir(listing);
    return *ret ? 0
                : tw_error_set(error, -ENOENT,
                               "resume: %s holds no run with checkpoints; name one by --run-dir",
                               dir);
}

void tw_train_resume_attempt(const char *run_dir, char ret[TW_ATTEMPT_MAX + 1])
{
    char path[4096];
    struct tw_record header;
    ret[0] = '\0';
    snprintf(path, sizeof path, "%s/run.json", run_dir);
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(TW_RECORD_BYTES_MAX) : NULL;
    tw_record_init(&header);
    if (text) {
        size_t size = fread(text, 1, TW_RECORD_BYTES_MAX, file);
        if (tw_json_decode(text, size, &header, NULL) > 0)
            memcpy(ret, header.attempt, sizeof header.attempt);
    }
    tw_record_clear(&header);
    free(text);
    if (file)
        fclose(file);
}
