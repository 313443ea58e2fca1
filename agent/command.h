/* A command of `trainward` is one file command_<name>.c that ends in its struct; the table is in
 * commands.c. */
#ifndef TW_COMMAND_H
#define TW_COMMAND_H

/* Exit status of every command for wrong usage, wrong configuration and unreadable input. */
#define TW_EXIT_WRONG 2

struct tw_command {
    const char *name;
    const char *arguments; /* for its usage line: "--config FILE [OPTIONS]" */
    const char *summary;   /* one line without a full stop */
    /* argv[0] is the command's name. Returns the exit status. */
    int (*run)(int argc, const char **argv);
};

extern const struct tw_command *const tw_commands[]; /* NULL-terminated */

#endif
