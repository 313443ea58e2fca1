/* Option tables: one row a setting, read by the configuration file, `-o key=value`, `check` and
 * the documentation alike. Detectors, sinks and sources each end in a struct that has one. */
#ifndef TW_OPTION_H
#define TW_OPTION_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of strings, owned. */
struct tw_texts {
    size_t n;
    char **at;
};

/* A list of structs, owned. */
struct tw_list {
    size_t n;
    void *at;
};
#define TW_LIST_MAX 64 /* entries; room for all is made with the first, so that none ever moves */

enum tw_option_type {
    TW_OPTION_NUMBER,     /* double */
    TW_OPTION_COUNT,      /* uint64_t */
    TW_OPTION_BOOL,       /* bool */
    TW_OPTION_DURATION,   /* double, seconds; "250ms", "30s", "5m", "1h", "2d" or a bare number */
    TW_OPTION_BYTES,      /* uint64_t; "64KiB", "512MiB", "8GiB" or a bare number */
    TW_OPTION_TEXT,       /* char *, owned, NULL when unset */
    TW_OPTION_SECRET,     /* char *, owned; also settable by the twin key NAME_file; never shown */
    TW_OPTION_CHOICE,     /* int, index into `choices` */
    TW_OPTION_TEXTS,      /* struct tw_texts; a YAML sequence, or one scalar */
    TW_OPTION_PROPERTIES, /* struct tw_texts of "key=value"; a YAML mapping */
    TW_OPTION_LIST,       /* struct tw_list by `entries`; a YAML sequence of mappings */
};

struct tw_option_entries;

struct tw_option {
    const char *name;
    enum tw_option_type type;
    size_t offset;              /* offsetof(struct <module>_config, field) */
    double initial, min, max;   /* numbers, counts, bools (0/1), durations, choices; min < max or
                                 * both 0 for "any" */
    const char *initial_text;   /* TEXT only; NULL = unset */
    const char *const *choices; /* CHOICE only, NULL-terminated */
    const struct tw_option_entries *entries; /* LIST only */
    bool required;
    const char *help; /* one line; for a threshold: its source */
};

/* What an entry of a list is. The option "name", where it has one, is what `-o` finds it by. */
struct tw_option_entries {
    const struct tw_option *options;
    size_t n_options, size; /* of one entry's struct */
};

/* Sets every option of a zeroed `config` to its initial value. */
int tw_options_initialise(const struct tw_option *options, size_t n, void *config,
                          struct tw_error *error);

/* Sets one option from text, as written in YAML or behind `-o`. TEXTS and PROPERTIES append.
 * An out-of-range or malformed value is an error whose text names the option and its range. */
int tw_option_set(const struct tw_option *option, void *config, const char *text,
                  struct tw_error *error);

/* The row called `name` (a SECRET also answers to NAME_file, see `tw_option_set_file`), or NULL. */
const struct tw_option *tw_option_find(const struct tw_option *options, size_t n, const char *name);

/* Sets a SECRET from the first line of a file, which must not be readable by others. */
int tw_option_set_file(const struct tw_option *option, void *config, const char *path,
                       struct tw_error *error);

/* Adds an initialised entry to a LIST: `*ret` is it. -E2BIG beyond TW_LIST_MAX. */
int tw_option_list_add(const struct tw_option *option, void *config, void **ret,
                       struct tw_error *error);
/* The entry of a LIST that is called `name`, or NULL. */
void *tw_option_list_find(const struct tw_option *option, const void *config, const char *name);

/* Frees what the options own; leaves the pointers NULL. */
void tw_options_release(const struct tw_option *options, size_t n, void *config);

/* Appends a copy of `text`. Returns 0 or -ENOMEM. */
int tw_texts_add(struct tw_texts *texts, const char *text);
void tw_texts_release(struct tw_texts *texts);

/* "1.5s", "250ms", "2d" or a bare number of seconds; 0, or -EINVAL and `*ret` untouched. */
int tw_duration_parse(const char *text, double *ret);
/* "512MiB" or a bare number of bytes; 0, or -EINVAL and `*ret` untouched. */
int tw_bytes_parse(const char *text, double *ret);

#endif
