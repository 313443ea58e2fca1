/* A command line as text that a shell reads back as it was. */
#ifndef TW_SHELL_COMMAND_H
#define TW_SHELL_COMMAND_H

/* `argv` with `option` set to `value` (replaced where it stands, else appended; NULL: a flag, which
 * takes none) and, where a --run-dir is named, another one beside it ("runs/a" -> "runs/a-2", "-3",
 * ...: the first that is not there). New string for free(), NULL when out of memory. */
char *tw_shell_command_with(int argc, const char *const *argv, const char *option,
                            const char *value);

#endif
