/* Command lines read the same way by every command: options by a libpopt table, one line on
 * standard error for a mistake. */
#ifndef TW_USAGE_H
#define TW_USAGE_H

#include "agent/command.h"
#include "agent/config.h"

#include <popt.h>

enum tw_usage {
    TW_USAGE_GO_ON,
    TW_USAGE_HELPED, /* --help was printed: exit 0 */
    TW_USAGE_WRONG   /* the mistake was told: exit TW_EXIT_WRONG */
};

/* Reads the options; every row stores its value itself (`val` 0). With GO_ON, `*ret` is to be freed
 * by poptFreeContext() and poptGetArgs() tells what was no option. */
enum tw_usage tw_usage_parse(poptContext *ret, const struct tw_command *command, int argc,
                             const char **argv, const struct poptOption *options);

/* "trainward check: place:1:2: text" on standard error. */
void tw_usage_error(const char *command, const struct tw_error *error);

/* The options of every command that reads a configuration: rows for its table. */
struct tw_common_options {
    const char *config;     /* NULL: none given */
    const char **overrides; /* NULL-terminated; NULL: none given */
    const char **rules;     /* likewise */
    const char **map;       /* likewise */
};
extern struct tw_common_options tw_common_options;

/* clang-format off */
#define TW_COMMON_OPTIONS \
    {"config", 'c', POPT_ARG_STRING, &tw_common_options.config, 0, "the configuration file", "FILE"}, \
    {NULL, 'o', POPT_ARG_ARGV, &tw_common_options.overrides, 0, \
     "set one key of the configuration; may be repeated", "KEY.PATH=VALUE"}, \
    {"rules", '\0', POPT_ARG_ARGV, &tw_common_options.rules, 0, \
     "further rules, a file or a directory; may be repeated", "PATH"}
#define TW_MAP_OPTION \
    {"map", 'm', POPT_ARG_ARGV, &tw_common_options.map, 0, \
     "what a name in a log means, such as train/foo=loss; may be repeated", "NAME=SIGNAL"}
/* clang-format on */

/* Loads what these options name; every mistake is told to `mistake`. */
int tw_common_load_telling(struct tw_config *ret, tw_config_mistake *mistake, void *closure);
/* Loads what these options name. Tells the first mistake on standard error, or every one. */
int tw_common_load(struct tw_config *ret, const char *command, bool tells_all);

#endif
