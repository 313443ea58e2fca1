/* Commands for people to paste. */
#include "config.h"

#include "sinks/notify/pasted.h"

#include "advisories/shell_word.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_config(FILE *out, const char *config)
{
    if (!config)
        return;
    fputs(" --config ", out);
    tw_shell_put_word(out, config);
}

/* NULL when it is not whole, or memory ran out. */
static char *finish(FILE *out, char **text, bool is_whole)
{
    if (!fclose(out) && is_whole)
        return *text;
    free(*text);
    return NULL;
}

/* ---- patterns ---- */

/* The pattern (fnmatch(3) with FNM_EXTMATCH, as in subject.c) that matches this text alone; for
 * free(). Without its bracket, @( and its like are ordinary. */
static char *pattern_of(const char *text)
{
    char *pattern = malloc(2 * strlen(text) + 1), *at = pattern;
    for (; pattern && *text; text++) {
        if (strchr("*?[\\(", *text))
            *at++ = '\\';
        *at++ = *text;
    }
    if (pattern)
        *at = '\0';
    return pattern;
}

/* " --OPTION [NAME=]VALUE" */
static bool put_value(FILE *out, const char *option, const char *name, const char *value)
{
    char *pattern = pattern_of(value), *word = NULL;
    bool is_put = pattern && asprintf(&word, "%s%s%s", name, *name ? "=" : "", pattern) >= 0;
    if (is_put) {
        fprintf(out, " --%s ", option);
        tw_shell_put_word(out, word);
        free(word);
    }
    free(pattern);
    return is_put;
}

/* False: a silence has no such option. */
static bool put_option(FILE *out, const char *field, const char *value)
{
    static const char *const fields[] = {"project", "group",    "user",   "host",
                                         "run",     "detector", "episode"};
    static const char label[] = "label.";
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!strcmp(fields[i], field))
            return put_value(out, field, "", value);
    }
    /* NAME=VALUE ends at the first sign. */
    return !strncmp(field, label, strlen(label)) && !strchr(field, '=') &&
           put_value(out, "label", field + strlen(label), value);
}

/* ---- the commands ---- */

static void put_silence(FILE *out, const char *config)
{
    fputs("trainward silence add", out);
    put_config(out, config);
}

static void put_end(FILE *out)
{
    fputs(" --for 4h --reason ...", out);
}

char *tw_pasted_silence_run(const char *config, const char *run)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    put_silence(out, config);
    bool is_whole = put_option(out, "run", run);
    put_end(out);
    return finish(out, &text, is_whole);
}

static bool put_unknown(FILE *out, const json_t *labels, const struct tw_texts *group_by)
{
    bool is_whole = true;
    for (size_t i = 0; group_by && i < group_by->n; i++) {
        if (!json_object_get(labels, group_by->at[i]))
            is_whole &= put_option(out, group_by->at[i], "");
    }
    return is_whole;
}

char *tw_pasted_silence_group(const char *config, const json_t *labels,
                              const struct tw_texts *group_by)
{
    char *text = NULL;
    const char *field;
    json_t *value;
    size_t size;
    bool is_whole = json_object_size(labels) > 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    put_silence(out, config);
    json_object_foreach((json_t *)(uintptr_t)labels, field, value) is_whole &=
        put_option(out, field, json_string_value(value));
    is_whole &= put_unknown(out, labels, group_by);
    put_end(out);
    return finish(out, &text, is_whole);
}

char *tw_pasted_feedback(const char *config, const char *episode)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs("trainward feedback", out);
    put_config(out, config);
    fprintf(out, " %s false-alarm", episode);
    return finish(out, &text, true);
}
