/* Any bytes as a folder of logs that is read, and goes on being written. The input is a list of
 * changes, a line each, with what the file gets behind it up to the next one:
 *
 *   @@@ NAME    writes the file, with what follows
 *   @@@ +NAME   writes that behind what the file has
 *   @@@ -NAME   removes it
 *   @@@ .       reads what there is now, 1.5 seconds later
 *   @@@ !       the same, while files cannot be read as those of a network cannot at times
 *
 * An input that does not begin so is the only file. The log is the folder, or else the file that
 * was changed last, as `analyze` would read it; with "@@@ ." in it, as `attach` would. */
#include "sources/logs/crc32c.h"
#include "sources/logs/format_probe.h"
#include "sources/logs/tree.h"
#include "sources/source.h"
#include "tests/unit/failing_files.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "@@@ "
#define PATH_SIZE 512
#define NAME_BYTES_MAX 100
#define CHANGES_MAX 40
/* Half of them may be files of one log: fewer than there may be changes. */
#define DESCRIPTORS_MAX 64
#define SECONDS_A_LOOK 1.5
/* A reader that goes round in circles is a bug; no input has so many records. */
#define RECORDS_MAX 100000

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* ---- the folder ---- */

static char root[64], newest[PATH_SIZE];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind;
    return where->level ? remove(path) : 0;
}

static void clear_root(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_root(void)
{
    clear_root();
    rmdir(root);
}

static void make_root(void)
{
    if (root[0])
        return;
    strcpy(root, access("/dev/shm", W_OK) ? "/tmp/logsXXXXXX" : "/dev/shm/logsXXXXXX");
    must(mkdtemp(root) != NULL);
    atexit(remove_root);
    struct rlimit limit;
    must(!getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = DESCRIPTORS_MAX;
    must(!setrlimit(RLIMIT_NOFILE, &limit));
}

/* Letters, digits and what file names have beside them; nothing leads out of the folder. */
static bool is_name(const char *name, size_t size)
{
    if (!size || size > NAME_BYTES_MAX || name[0] == '/' || name[size - 1] == '/')
        return false;
    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] == 0x7f)
            return false;
        if (name[i] == '.' && (i + 1 == size || name[i + 1] == '.' || name[i + 1] == '/'))
            return false;
    }
    return true;
}

static void make_folders(char *path)
{
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void write_file(const char *name, size_t n_name, const char *mode,
                       const unsigned char *bytes, size_t size)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%.*s", root, (int)n_name, name);
    make_folders(path);
    FILE *file = fopen(path, mode);
    if (!file)
        return; /* a folder has the name, or a file has a folder's */
    fwrite(bytes, 1, size, file);
    fclose(file);
    strcpy(newest, path);
}

static void remove_file(const char *name, size_t n_name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%.*s", root, (int)n_name, name);
    remove(path);
}

/* ---- changes ---- */

/* Where the next mark is; the end where there is none. */
static const unsigned char *next_mark(const unsigned char *at, const unsigned char *end)
{
    const unsigned char *mark = memmem(at, (size_t)(end - at), MARK, strlen(MARK));
    return mark ? mark : end;
}

/* Does what one change says; true when it was "@@@ ." or "@@@ !". */
static bool change(const unsigned char *at, const unsigned char *end)
{
    const char *name = (const char *)at + strlen(MARK);
    const unsigned char *line = memchr(name, '\n', (size_t)((const char *)end - name));
    const unsigned char *content = line ? line + 1 : end;
    size_t n_name = (size_t)((line ? line : end) - (const unsigned char *)name);
    size_t size = (size_t)(end - content);
    if (n_name == 1 && strchr(".!", name[0])) {
        seconds_pass(SECONDS_A_LOOK);
        reading_fails(name[0] == '!' ? EIO : 0);
        return true;
    }
    bool has_sign = n_name && strchr("+-", name[0]);
    if (!is_name(name + has_sign, n_name - has_sign))
        return false;
    if (has_sign && name[0] == '-')
        remove_file(name + 1, n_name - 1);
    else
        write_file(name + has_sign, n_name - has_sign, has_sign ? "ab" : "wb", content, size);
    return false;
}

/* ---- what is in it ---- */

/* As a search for logs goes through the folder. */
static int look_at(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    char folder[PATH_SIZE];
    struct stat log;
    (void)status;
    snprintf(folder, sizeof folder, "%.*s", where->base - 1, path);
    must((tw_log_shape_of(path) != TW_SHAPE_NONE) == (tw_log_group_probe(path, NULL) > 0));
    if (kind == FTW_D && where->level && !tw_log_is_passed_over(path + where->base, true))
        (void)tw_log_is_folder_of_group(folder, path + where->base);
    if (kind == FTW_F && !tw_log_is_passed_over(path + where->base, false) &&
        !tw_log_is_part_of_group(folder, path + where->base))
        must(tw_log_group_stat(path, &log) == (tw_log_group_probe(path, NULL) > 0));
    return 0;
}

/* ---- reading ---- */

struct reading {
    const struct tw_source *source;
    void *handle;
};

/* What reports ask of a run. */
static void ask(const struct reading *reading, const char *run)
{
    must(reading->source->format(reading->handle) != NULL);
    must(!reading->source->axis(reading->handle, "no such run"));
    for (int signal = 0; signal < TW_SIGNALS; signal++) {
        const char *raw = reading->source->raw_name(reading->handle, run, (enum tw_signal)signal);
        must(!raw || *raw);
    }
}

static void read_on(struct reading *reading)
{
    struct tw_source_item item;
    struct tw_error error = {0};
    char run[TW_RUN_ID_MAX + 1] = "";
    int next;
    size_t n = 0;
    do {
        next = reading->source->next(reading->handle, 0, &item, &error);
        must(next >= 0 || error.text[0]);
        must(next != TW_NEXT_RECORD || (item.record && item.record->run[0]));
        must(next != TW_NEXT_BROKEN || item.reason[0]);
        must(n++ < RECORDS_MAX);
        if (next == TW_NEXT_RECORD)
            strcpy(run, item.record->run);
    } while (next == TW_NEXT_RECORD || next == TW_NEXT_BROKEN);
    if (run[0])
        ask(reading, run);
    files_are_well();
}

static void start(struct reading *reading, bool follow)
{
    const char *path = reading->source->probe(root, NULL) ? root : newest;
    struct tw_source_request request = {.path = path, .run = "fuzz", .follow = follow};
    struct tw_error error = {0};
    int sure = reading->source->probe(path, NULL);
    must(sure >= 0 && sure <= 100);
    int result = reading->source->open(&reading->handle, &request, &error);
    must(result ? error.text[0] && !reading->handle : reading->handle != NULL);
    error = (struct tw_error){0};
    must(!tw_log_format_fault(path, &error) || error.text[0]);
}

static void read_folder(const unsigned char *bytes, const unsigned char *end)
{
    struct reading reading = {.source = tw_source_find("log")};
    const unsigned char *at = bytes;
    for (int i = 0; at < end && i < CHANGES_MAX; i++) {
        const unsigned char *next = next_mark(at + 1, end);
        if (change(at, next) && !reading.handle)
            start(&reading, true);
        else if (reading.handle)
            read_on(&reading);
        at = next;
    }
    if (reading.handle)
        reading.source->no_more(reading.handle);
    else
        start(&reading, false);
    if (reading.handle)
        read_on(&reading);
    reading.source->close(reading.handle);
}

static void read_file(const unsigned char *bytes, size_t size)
{
    struct reading reading = {.source = tw_source_find("log")};
    write_file("log", 3, "wb", bytes, size);
    start(&reading, false);
    if (reading.handle)
        read_on(&reading);
    reading.source->close(reading.handle);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    make_root();
    must(tw_crc32c(bytes, size) == tw_crc32c_by_tables(bytes, size));
    if (size >= strlen(MARK) && !memcmp(bytes, MARK, strlen(MARK)))
        read_folder(bytes, bytes + size);
    else
        read_file(bytes, size);
    nftw(root, look_at, 16, FTW_PHYS);
    clear_root();
    return 0;
}
