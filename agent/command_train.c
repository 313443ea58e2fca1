/* trainward train: the trainer is a program of its own; this finds and becomes it. */
#include "agent/commands.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRAINER "trainward-train"

/* Beside ourselves first, so that a build runs in place; then wherever PATH says. */
static int run(int argc, const char **argv)
{
    char self[4096], path[4200];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    const char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
    if (!arguments)
        return 2;
    memcpy(arguments, argv, (size_t)argc * sizeof *arguments);
    arguments[0] = TRAINER;
    if (length > 0) {
        self[length] = '\0';
        snprintf(path, sizeof path, "%s/" TRAINER, dirname(self));
        arguments[0] = path;
        execv(path, (char *const *)(size_t)arguments);
        arguments[0] = TRAINER;
    }
    execvp(TRAINER, (char *const *)(size_t)arguments);
    fprintf(stderr,
            "trainward train: cannot start " TRAINER ": %s; is it beside trainward or on "
            "PATH?\n",
            strerror(errno));
    free(arguments);
    return 2;
}

const struct tw_command tw_command_train = {
    .name = "train",
    .arguments = "[OPTIONS]",
    .summary = "train a network that tells everything about itself, and watch it",
    .run = run,
};
