/* trainward: finds the command that was asked for. */
#include <config.h>

#include "agent/command.h"
#include "telemetry/nearest.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static void print_help(void)
{
    puts("trainward watches training runs and says which parameter to change, and by how much.\n"
         "\nusage: trainward COMMAND [OPTIONS] [ARGUMENTS]\n");
    for (size_t i = 0; tw_commands[i]; i++)
        printf("  %-9s %s\n", tw_commands[i]->name, tw_commands[i]->summary);
    puts("\n'trainward COMMAND --help' lists a command's options.");
}

static int unknown(const char *typed)
{
    const char *names[32];
    size_t n = 0;
    for (; tw_commands[n] && n < 32; n++)
        names[n] = tw_commands[n]->name;
    const char *nearest = tw_nearest(typed, names, n);
    fprintf(stderr, "trainward: no command '%s'%s%s%s (trainward --help lists them)\n", typed,
            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return 2;
}

int main(int argc, const char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        fputs("trainward: name a command (trainward --help lists them)\n", stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help();
        return 0;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
        puts("trainward " PACKAGE_VERSION);
        return 0;
    }
    for (size_t i = 0; tw_commands[i]; i++) {
        if (!strcmp(tw_commands[i]->name, argv[1]))
            return tw_commands[i]->run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
