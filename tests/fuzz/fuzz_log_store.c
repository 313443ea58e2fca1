/* Any bytes as a log of a format that opens files itself (TW_FUZZ_FORMAT): a database, or a folder,
 * whose files stand in the input behind lines "=== PATH". It is read while half of each file is
 * there, and once more when all of it is. */
#include "tests/fuzz/log_sink.h"

#include "tests/unit/temporary_directory.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 16
#define PATH_SIZE 400

extern const struct tw_log_format TW_FUZZ_FORMAT, tw_log_format_mlflow_sqlite;
static const struct tw_log_format *const format = &TW_FUZZ_FORMAT;

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

struct store {
    char *folder;
    char root[100];
    bool is_whole; /* else the first half of each file is written */
};

static void make_folders(char *path, size_t from)
{
    for (char *slash = path + from; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void put(const struct store *store, const char *name, const unsigned char *bytes,
                size_t size)
{
    char path[PATH_SIZE + 200];
    size_t length = (size_t)snprintf(path, sizeof path, "%s", store->root);
    if (*name) {
        snprintf(path + length, sizeof path - length, "/%s", name);
        make_folders(path, length + 1);
    }
    FILE *file = fopen(path, "w");
    if (!file)
        return; /* a folder has the name */
    fwrite(bytes, 1, store->is_whole ? size : size / 2, file);
    fclose(file);
}

/* "0/a1/metrics/loss" and nothing that leads elsewhere. */
static bool is_name(const char *name)
{
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("_-./", *at))
            return false;
    }
    return *name && *name != '/' && !strstr(name, "..") && name[strlen(name) - 1] != '/' &&
           !strstr(name, "//");
}

static const unsigned char *find_head(const unsigned char *at, const unsigned char *end)
{
    return memmem(at, (size_t)(end - at), "=== ", 4);
}

static void put_folder(const struct store *store, const unsigned char *at, const unsigned char *end)
{
    char name[PATH_SIZE];
    mkdir(store->root, 0700);
    for (int i = 0; i < FILES_MAX && (at = find_head(at, end)); i++) {
        const unsigned char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line || line - at - 4 >= PATH_SIZE)
            return;
        snprintf(name, sizeof name, "%.*s", (int)(line - at - 4), (const char *)at + 4);
        const unsigned char *next = find_head(line + 1, end);
        at = next ? next : end;
        if (is_name(name))
            put(store, name, line + 1, (size_t)(at - line - 1));
    }
}

static void read_store(struct store *store, const unsigned char *bytes, size_t size)
{
    struct tw_assemble *assemble = new_assemble();
    struct tw_log_sink sink = log_sink(assemble);
    void *state = calloc(1, format->state_size);
    bool is_database = format == &tw_log_format_mlflow_sqlite;
    must(state && !format->start(state, store->root, NULL));
    for (int round = 0; round < 2; round++) {
        store->is_whole = round || is_database;
        if (is_database)
            put(store, "", bytes, size);
        else
            put_folder(store, bytes, bytes + size);
        struct tw_log_sample sample = {store->root, (const char *)bytes, size, true, NULL};
        int sure = format->probe(&sample), result = format->poll(state, &sink, NULL);
        must(sure >= 0 && sure <= 100 && result <= 0 && result != -ENOMEM);
    }
    format->done(state);
    free(state);
    finish_assemble(assemble);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct store store = {.folder = make_directory()};
    must(store.folder != NULL);
    snprintf(store.root, sizeof store.root, "%s/log", store.folder);
    read_store(&store, bytes, size);
    remove_directory(store.folder);
    return 0;
}
