/* trainward-bench: runs the benchmarks, writes their figures as JSON, and prints them beside their
 * goals. Missing a goal is no failure: the machine may be busy. */
#include <config.h>

#include "bench/harness.h"
#include "bench/machine.h"

#include <errno.h>
#include <ftw.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_PROBLEM = 1, EXIT_USAGE = 2 };

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void print_row(const struct bench_benchmark *benchmark, double value)
{
    bool is_met =
        benchmark->is_goal_a_minimum ? value >= benchmark->goal : value <= benchmark->goal;
    printf("%-22s %10.4g  goal %s %-6g %-6s %s\n", benchmark->name, value,
           benchmark->is_goal_a_minimum ? ">=" : "<=", benchmark->goal, is_met ? "met" : "MISSED",
           benchmark->unit);
    fflush(stdout);
}

static int run_one(const struct bench_benchmark *benchmark, const struct bench_settings *settings,
                   json_t *results)
{
    struct bench_figure figure = {0};
    struct tw_error error = {0};
    if (benchmark->run(settings, &figure, &error)) {
        fprintf(stderr, "%s: %s\n", benchmark->name, error.text);
        return -1;
    }
    json_object_set_new(figure.raw, "goal", json_real(benchmark->goal));
    json_object_set_new(figure.raw, "machine", bench_machine());
    json_array_append_new(results,
                          json_pack("{s:s, s:f, s:s, s:s, s:o}", "name", benchmark->name, "value",
                                    figure.value, "unit", benchmark->unit, "description",
                                    benchmark->description, "raw", figure.raw));
    print_row(benchmark, figure.value);
    return 0;
}

static bool is_wanted(const struct bench_benchmark *benchmark, const char *const *names)
{
    for (size_t i = 0; names && names[i]; i++) {
        if (!strcmp(names[i], benchmark->name))
            return true;
    }
    return !names || !names[0];
}

static const char *unknown_name(const char *const *names)
{
    for (size_t i = 0; names && names[i]; i++) {
        size_t k = 0;
        while (bench_benchmarks[k] && strcmp(bench_benchmarks[k]->name, names[i]))
            k++;
        if (!bench_benchmarks[k])
            return names[i];
    }
    return NULL;
}

static int run_all(const struct bench_settings *settings, const char *const *names,
                   const char *output)
{
    int result = 0;
    json_t *results = json_array();
    for (size_t i = 0; bench_benchmarks[i]; i++) {
        if (is_wanted(bench_benchmarks[i], names) &&
            run_one(bench_benchmarks[i], settings, results))
            result = EXIT_PROBLEM;
    }
    if (output && json_dump_file(results, output, JSON_INDENT(2))) {
        fprintf(stderr, "%s: %s\n", output, strerror(errno));
        result = EXIT_PROBLEM;
    }
    json_decref(results);
    return result;
}

static int run_in_new_directory(struct bench_settings *settings, const char *const *names,
                                const char *output)
{
    char dir[] = "/tmp/trainward-bench-XXXXXX";
    settings->dir = mkdtemp(dir);
    if (!settings->dir) {
        perror(dir);
        return EXIT_PROBLEM;
    }
    int result = run_all(settings, names, output);
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return result;
}

int main(int argc, const char **argv)
{
    int smoke = 0, rounds = 0;
    char *output = NULL;
    const struct poptOption options[] = {
        {"smoke", 0, POPT_ARG_NONE, &smoke, 0, "tiny sizes: does everything run?", NULL},
        {"rounds", 0, POPT_ARG_INT, &rounds, 0, "of each benchmark", "N"},
        {"output", 'o', POPT_ARG_STRING, &output, 0, "figures as JSON", "FILE"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("trainward-bench", argc, argv, options, 0);
    poptSetOtherOptionHelp(context, "[OPTION...] [BENCHMARK...]");
    int result = poptGetNextOpt(context);
    const char *const *names = (const char *const *)poptGetArgs(context);
    const char *unknown = unknown_name(names);
    if (result < -1 || rounds < 0) {
        fprintf(stderr, "trainward-bench: %s\n",
                rounds < 0 ? "--rounds is negative" : poptStrerror(result));
        result = EXIT_USAGE;
    } else if (unknown) {
        fprintf(stderr, "trainward-bench: there is no benchmark '%s'\n", unknown);
        result = EXIT_USAGE;
    } else {
        struct bench_settings settings = {.is_smoke = smoke,
                                          .rounds = smoke && !rounds ? 2 : (unsigned)rounds};
        result = run_in_new_directory(&settings, names, output);
    }
    free(output);
    poptFreeContext(context);
    return result;
}
