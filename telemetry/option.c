/* Option tables: parsing one value, in one place, for the file, the command line and the checks. */
#include "telemetry/option.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MEMBER(type, config, option) ((type *)(void *)((char *)(config) + (option)->offset))

int tw_texts_add(struct tw_texts *texts, const char *text)
{
    char **grown = realloc(texts->at, (texts->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    texts->at = grown;
    texts->at[texts->n] = strdup(text);
    if (!texts->at[texts->n])
        return -ENOMEM;
    texts->n++;
    return 0;
}

void tw_texts_release(struct tw_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->at[i]);
    free(texts->at);
    *texts = (struct tw_texts){0};
}

int tw_duration_parse(const char *text, double *ret)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number) || number < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!strcmp(end, units[i].unit)) {
            *ret = number * units[i].seconds;
            return 0;
        }
    }
    return -EINVAL;
}

int tw_bytes_parse(const char *text, double *ret)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"", 1},         {"B", 1},        {"KiB", 0x1p10},
                 {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    char *end;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number) || number < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!strcmp(end, units[i].unit) && number * units[i].bytes <= 0x1p53) {
            *ret = floor(number * units[i].bytes);
            return 0;
        }
    }
    return -EINVAL;
}

static int check_range(const struct tw_option *option, double value, const char *text,
                       struct tw_error *error)
{
    if (option->min == option->max || (value >= option->min && value <= option->max))
        return 0;
    return tw_error_set(error, -ERANGE, "%s: %s is outside %g to %g", option->name, text,
                        option->min, option->max);
}

static int set_number(const struct tw_option *option, void *config, const char *text,
                      struct tw_error *error)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return tw_error_set(error, -EINVAL, "%s: '%s' is not a number", option->name, text);
    int result = check_range(option, value, text, error);
    if (result)
        return result;
    if (option->type == TW_OPTION_NUMBER) {
        *MEMBER(double, config, option) = value;
        return 0;
    }
    if (value < 0 || value != floor(value) || value > 9007199254740992.0)
        return tw_error_set(error, -EINVAL, "%s: '%s' is not a whole number", option->name, text);
    *MEMBER(uint64_t, config, option) = (uint64_t)value;
    return 0;
}

static int set_bool(const struct tw_option *option, void *config, const char *text,
                    struct tw_error *error)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    for (size_t i = 0; i < 3; i++) {
        if (!strcasecmp(text, yes[i]) || !strcasecmp(text, no[i])) {
            *MEMBER(bool, config, option) = !strcasecmp(text, yes[i]);
            return 0;
        }
    }
    return tw_error_set(error, -EINVAL, "%s: '%s' is neither true nor false", option->name, text);
}

static int set_duration(const struct tw_option *option, void *config, const char *text,
                        struct tw_error *error)
{
    double seconds;
    if (tw_duration_parse(text, &seconds))
        return tw_error_set(error, -EINVAL, "%s: '%s' is not a duration such as 250ms, 30s or 5m",
                            option->name, text);
    int result = check_range(option, seconds, text, error);
    if (!result)
        *MEMBER(double, config, option) = seconds;
    return result;
}

static int set_bytes(const struct tw_option *option, void *config, const char *text,
                     struct tw_error *error)
{
    double bytes;
    if (tw_bytes_parse(text, &bytes))
        return tw_error_set(error, -EINVAL, "%s: '%s' is not a size such as 64KiB, 512MiB or 8GiB",
                            option->name, text);
    int result = check_range(option, bytes, text, error);
    if (!result)
        *MEMBER(uint64_t, config, option) = (uint64_t)bytes;
    return result;
}

static int set_choice(const struct tw_option *option, void *config, const char *text,
                      struct tw_error *error)
{
    char known[200] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (!strcmp(option->choices[i], text)) {
            *MEMBER(int, config, option) = i;
            return 0;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return tw_error_set(error, -EINVAL, "%s: '%s' is none of %s", option->name, text, known);
}

static int set_text(const struct tw_option *option, void *config, const char *text,
                    struct tw_error *error)
{
    char *copy = strdup(text);
    if (!copy)
        return tw_error_set(error, -ENOMEM, "out of memory");
    free(*MEMBER(char *, config, option));
    *MEMBER(char *, config, option) = copy;
    return 0;
}

static int add_text(const struct tw_option *option, void *config, const char *text,
                    struct tw_error *error)
{
    if (option->type == TW_OPTION_PROPERTIES && (*text == '=' || !strchr(text, '=')))
        return tw_error_set(error, -EINVAL, "%s: '%s' is not key=value", option->name, text);
    if (tw_texts_add(MEMBER(struct tw_texts, config, option), text))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

int tw_option_set(const struct tw_option *option, void *config, const char *text,
                  struct tw_error *error)
{
    switch (option->type) {
    case TW_OPTION_NUMBER:
    case TW_OPTION_COUNT:
        return set_number(option, config, text, error);
    case TW_OPTION_BOOL:
        return set_bool(option, config, text, error);
    case TW_OPTION_DURATION:
        return set_duration(option, config, text, error);
    case TW_OPTION_BYTES:
        return set_bytes(option, config, text, error);
    case TW_OPTION_CHOICE:
        return set_choice(option, config, text, error);
    case TW_OPTION_TEXT:
    case TW_OPTION_SECRET:
        return set_text(option, config, text, error);
    case TW_OPTION_TEXTS:
    case TW_OPTION_PROPERTIES:
        return add_text(option, config, text, error);
    case TW_OPTION_LIST:
        return tw_error_set(error, -EINVAL, "%s: must be a list of mappings", option->name);
    }
    return tw_error_set(error, -EINVAL, "%s: no such type of option", option->name);
}

int tw_options_initialise(const struct tw_option *options, size_t n, void *config,
                          struct tw_error *error)
{
    for (size_t i = 0; i < n; i++) {
        const struct tw_option *option = &options[i];
        switch (option->type) {
        case TW_OPTION_NUMBER:
        case TW_OPTION_DURATION:
            *MEMBER(double, config, option) = option->initial;
            break;
        case TW_OPTION_COUNT:
        case TW_OPTION_BYTES:
            *MEMBER(uint64_t, config, option) = (uint64_t)option->initial;
            break;
        case TW_OPTION_BOOL:
            *MEMBER(bool, config, option) = option->initial != 0;
            break;
        case TW_OPTION_CHOICE:
            *MEMBER(int, config, option) = (int)option->initial;
            break;
        case TW_OPTION_TEXT:
            if (option->initial_text && set_text(option, config, option->initial_text, error))
                return -ENOMEM;
            break;
        case TW_OPTION_SECRET:
        case TW_OPTION_TEXTS:
        case TW_OPTION_PROPERTIES:
        case TW_OPTION_LIST:
            break;
        }
    }
    return 0;
}

const struct tw_option *tw_option_find(const struct tw_option *options, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(options[i].name, name))
            return &options[i];
    }
    return NULL;
}

int tw_option_set_file(const struct tw_option *option, void *config, const char *path,
                       struct tw_error *error)
{
    char line[4096];
    struct stat status;
    FILE *file = fopen(path, "re");
    if (!file)
        return tw_error_set(error, -errno, "%s_file: cannot read %s: %s", option->name, path,
                            strerror(errno));
    int result = 0;
    if (!fstat(fileno(file), &status) && (status.st_mode & S_IROTH))
        result = tw_error_set(error, -EPERM, "%s_file: %s can be read by everybody; chmod 600 it",
                              option->name, path);
    else if (!fgets(line, sizeof line, file))
        result = tw_error_set(error, -EINVAL, "%s_file: %s is empty", option->name, path);
    fclose(file);
    if (result)
        return result;
    line[strcspn(line, "\r\n")] = '\0';
    result = set_text(option, config, line, error);
    explicit_bzero(line, sizeof line);
    return result;
}

static void *entry_of(const struct tw_option *option, const struct tw_list *list, size_t index)
{
    return (char *)list->at + index * option->entries->size;
}

int tw_option_list_add(const struct tw_option *option, void *config, void **ret,
                       struct tw_error *error)
{
    const struct tw_option_entries *entries = option->entries;
    struct tw_list *list = MEMBER(struct tw_list, config, option);
    if (list->n == TW_LIST_MAX)
        return tw_error_set(error, -E2BIG, "%s: more than %d entries", option->name, TW_LIST_MAX);
    if (!list->at && !(list->at = calloc(TW_LIST_MAX, entries->size)))
        return tw_error_set(error, -ENOMEM, "out of memory");
    *ret = entry_of(option, list, list->n++);
    return tw_options_initialise(entries->options, entries->n_options, *ret, error);
}

void *tw_option_list_find(const struct tw_option *option, const void *config, const char *name)
{
    const struct tw_option_entries *entries = option->entries;
    const struct tw_option *by = tw_option_find(entries->options, entries->n_options, "name");
    const struct tw_list *list =
        (const struct tw_list *)(const void *)((const char *)config + option->offset);
    for (size_t i = 0; by && i < list->n; i++) {
        void *entry = entry_of(option, list, i);
        const char *found = *MEMBER(char *, entry, by);
        if (found && !strcmp(found, name))
            return entry;
    }
    return NULL;
}

static void release_list(const struct tw_option *option, struct tw_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        tw_options_release(option->entries->options, option->entries->n_options,
                           entry_of(option, list, i));
    free(list->at);
    *list = (struct tw_list){0};
}

void tw_options_release(const struct tw_option *options, size_t n, void *config)
{
    for (size_t i = 0; config && i < n; i++) {
        const struct tw_option *option = &options[i];
        if (option->type == TW_OPTION_TEXT || option->type == TW_OPTION_SECRET) {
            free(*MEMBER(char *, config, option));
            *MEMBER(char *, config, option) = NULL;
        } else if (option->type == TW_OPTION_TEXTS || option->type == TW_OPTION_PROPERTIES) {
            tw_texts_release(MEMBER(struct tw_texts, config, option));
        } else if (option->type == TW_OPTION_LIST) {
            release_list(option, MEMBER(struct tw_list, config, option));
        }
    }
}
