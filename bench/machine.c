/* The machine, as Linux and OpenBLAS tell. */
#include "bench/machine.h"

#include "telemetry/statistics/kernel.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The first "model name" of /proc/cpuinfo; what it is called elsewhere, this does not know. */
static void find_cpu(char *ret, size_t size)
{
    char line[256];
    snprintf(ret, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        snprintf(ret, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

static const char *statistics_kernel(void)
{
    size_t i = 0;
    while (!tw_statistics_kernels[i]->is_supported())
        i++;
    return tw_statistics_kernels[i]->name;
}

json_t *bench_machine(void)
{
    char cpu[128], now[32];
    struct utsname system = {0};
    double load = 0;
    time_t seconds = time(NULL);
    struct tm utc;
    find_cpu(cpu, sizeof cpu);
    uname(&system);
    getloadavg(&load, 1);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    return json_pack("{s:s, s:I, s:s, s:f, s:s, s:s, s:s}", "cpu", cpu, "cpus",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "kernel", system.release, "load",
                     load, "statistics_kernel", statistics_kernel(), "blas", openblas_get_config(),
                     "time", now);
}
