/* ${NAME} in the configuration's values. */
#include "agent/config_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPANDED_MAX 65536u
#define NAME_MAX_LENGTH 128

static bool is_name(const char *text, size_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    for (size_t i = 0; i < n; i++) {
        if (!text[i] || !strchr(letters, text[i]))
            return false;
    }
    return n > 0 && n < NAME_MAX_LENGTH && (text[0] < '0' || text[0] > '9');
}

/* The value of "${NAME}" at `text`; moves `text` behind it. NULL: `reason` says why. */
static const char *take_variable(const char **text, char *reason, size_t size)
{
    char name[NAME_MAX_LENGTH];
    const char *start = *text + 2, *end = strchr(start, '}');
    if (!end || !is_name(start, (size_t)(end - start))) {
        snprintf(reason, size, "'${' needs NAME} behind it; a literal '${' is written '$${'");
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)(end - start), start);
    *text = end + 1;
    const char *value = getenv(name);
    if (!value)
        snprintf(reason, size, "the environment variable %s is not set", name);
    return value;
}

char *tw_config_expand(const char *text, char *reason, size_t size)
{
    char *expanded = NULL;
    size_t n = 0;
    bool is_broken = false;
    FILE *out = open_memstream(&expanded, &n);
    if (!out) {
        snprintf(reason, size, "out of memory");
        return NULL;
    }
    while (*text && !is_broken && ftell(out) < (long)EXPANDED_MAX) {
        const char *value;
        if (!strncmp(text, "$${", 3)) {
            fputs("${", out);
            text += 3;
        } else if (strncmp(text, "${", 2)) {
            fputc(*text++, out);
        } else if ((value = take_variable(&text, reason, size))) {
            fputs(value, out);
        } else {
            is_broken = true;
        }
    }
    fclose(out);
    if (!is_broken && (*text || n > EXPANDED_MAX)) {
        snprintf(reason, size, "a value longer than %u bytes", EXPANDED_MAX);
        is_broken = true;
    }
    if (is_broken) {
        free(expanded);
        return NULL;
    }
    return expanded;
}
