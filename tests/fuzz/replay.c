/* Feeds the files of the corpus to a fuzz target, so that what a fuzzer once found stays found.
 * Arguments are files and directories; without any, all of tests/fuzz/corpus. Prints TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of just that size, so that a sanitizer sees a read beyond the end. */
static int feed_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    if (!file || !bytes) {
        if (file)
            fclose(file);
        free(bytes);
        return -1;
    }
    size_t size = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    uint8_t *exact = malloc(size ? size : 1);
    if (exact) {
        memcpy(exact, bytes, size);
        LLVMFuzzerTestOneInput(exact, size);
    }
    free(exact);
    free(bytes);
    return exact ? 1 : -1;
}

/* Returns how many files were fed, -1 when one could not be. */
static int feed(const char *path)
{
    char inner[4096];
    int n = 0;
    DIR *dir = opendir(path);
    struct dirent *entry;
    if (!dir)
        return feed_file(path);
    while ((entry = readdir(dir)) && n >= 0) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        int fed = feed(inner);
        n = fed < 0 ? -1 : n + fed;
    }
    closedir(dir);
    return n;
}

int main(int n_arguments, char **arguments)
{
    const char *source = getenv("TW_SRCDIR");
    char corpus[4096];
    int n = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..1\n");
    snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus", source ? source : ".");
    if (n_arguments < 2)
        n = feed(corpus);
    for (int i = 1; i < n_arguments && n >= 0; i++) {
        int fed = feed(arguments[i]);
        n = fed < 0 ? -1 : n + fed;
    }
    printf("%s 1 - %d files of the corpus pass\n", n > 0 ? "ok" : "not ok", n);
    return n > 0 ? 0 : 1;
}
