/* A command line as text that a shell reads back as it was. */
#include "agent/shell_command.h"

#include "advisories/shell_word.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The directory beside `dir` that is not there yet. */
static void next_directory(const char *dir, char *ret, size_t size)
{
    int length = (int)strlen(dir);
    while (length > 1 && dir[length - 1] == '/')
        length--;
    for (int i = 2; i < 1000; i++) {
        snprintf(ret, size, "%.*s-%d", length, dir, i);
        if (access(ret, F_OK))
            return;
    }
}

/* Whether `argument` is `option`, or `option=...`. */
static bool names(const char *argument, const char *option)
{
    size_t length = strlen(option);
    return !strncmp(argument, option, length) &&
           (argument[length] == '\0' || argument[length] == '=');
}

static void put_option(FILE *out, const char *option, const char *value)
{
    fprintf(out, " %s", option);
    if (!value)
        return;
    fputc(' ', out);
    tw_shell_put_word(out, value);
}

char *tw_shell_command_with(int argc, const char *const *argv, const char *option,
                            const char *value)
{
    char *text = NULL, dir[4096];
    size_t size;
    bool is_set = false;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    tw_shell_put_word(out, argv[0]);
    for (int i = 1; i < argc; i++) {
        bool is_dir = names(argv[i], "--run-dir"), is_option = names(argv[i], option);
        const char *equals = strchr(argv[i], '=');
        if (!is_dir && !is_option) {
            fputc(' ', out);
            tw_shell_put_word(out, argv[i]);
            continue;
        }
        bool has_next =
            i + 1 < argc && (is_dir || value); /* what stands behind a flag is not its */
        const char *old = equals ? equals + 1 : has_next ? argv[++i] : "";
        if (is_dir)
            next_directory(old, dir, sizeof dir);
        put_option(out, is_dir ? "--run-dir" : option, is_dir ? dir : value);
        is_set |= is_option;
    }
    if (!is_set)
        put_option(out, option, value);
    return fclose(out) ? (free(text), NULL) : text;
}
