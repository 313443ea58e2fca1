/* Prometheus' text format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
#include <config.h>

#include "agent/metrics.h"

#include "agent/heartbeat.h"

#include "advisories/advisory.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Backslash, quote and line feed are escaped in a label's value, nothing else. */
static void print_label(FILE *stream, const char *name, const char *value)
{
    fprintf(stream, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            fprintf(stream, "\\%c", *value);
        else if (*value == '\n')
            fputs("\\n", stream);
        else
            fputc(*value, stream);
    }
    fputc('"', stream);
}

static void print_head(FILE *stream, const struct tw_metric_name *metric)
{
    size_t length = strlen(metric->name);
    bool is_counter = length > 6 && !strcmp(metric->name + length - 6, "_total");
    fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
            is_counter ? "counter" : "gauge");
}

/* False for an unknown figure, which is left out. */
static bool has_value(const struct tw_metric_name *metric, const void *base)
{
    const void *value = (const char *)base + metric->offset;
    return metric->type != TW_METRIC_I64 || *(const int64_t *)value >= 0;
}

static void print_value(FILE *stream, const struct tw_metric_name *metric, const void *base)
{
    const void *value = (const char *)base + metric->offset;
    if (metric->type == TW_METRIC_U64)
        fprintf(stream, " %" PRIu64 "\n", *(const uint64_t *)value);
    else if (metric->type == TW_METRIC_I64)
        fprintf(stream, " %" PRId64 "\n", *(const int64_t *)value);
    else
        fprintf(stream, " %.17g\n", *(const double *)value);
}

static void print_of_source(FILE *stream, const struct tw_metric_name *metric,
                            const struct tw_source_figures *source)
{
    bool is_source = metric->scope == TW_METRIC_SOURCE;
    size_t n = is_source ? 1 : source->n_partitions;
    for (size_t i = 0; i < n && source->is_used; i++) {
        const void *base = is_source ? (const void *)source : &source->partitions[i];
        if (!has_value(metric, base))
            continue;
        fprintf(stream, "%s{", metric->name);
        print_label(stream, "source", source->name);
        if (!is_source)
            fprintf(stream, ",partition=\"%d\"", (int)source->partitions[i].number);
        fputc('}', stream);
        print_value(stream, metric, base);
    }
}

static void print_of_sink(FILE *stream, const struct tw_metric_name *metric,
                          const struct tw_sink_figures *sink)
{
    if (!has_value(metric, sink))
        return;
    fprintf(stream, "%s{", metric->name);
    print_label(stream, "sink", sink->name);
    fputc(',', stream);
    print_label(stream, "kind", sink->kind);
    fputc('}', stream);
    print_value(stream, metric, sink);
}

static void print_metric(FILE *stream, const struct tw_metric_name *metric,
                         const struct tw_figures *figures)
{
    print_head(stream, metric);
    if (metric->scope == TW_METRIC_PROCESS) {
        fputs(metric->name, stream);
        print_value(stream, metric, figures);
    } else if (metric->scope == TW_METRIC_SINK) {
        for (size_t i = 0; i < figures->n_sinks; i++)
            print_of_sink(stream, metric, &figures->sinks[i]);
    } else {
        for (size_t i = 0; i < figures->n_sources; i++)
            print_of_source(stream, metric, figures->sources[i]);
    }
}

/* ---- what is computed here ---- */

static double resident_bytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static double open_descriptors(void)
{
    double n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and this one */
}

static void print_computed(FILE *stream, const char *name, double value)
{
    fprintf(stream, "%s %.17g\n", name, value);
}

/* Detectors that never spoke have no lines: 13 x 3 x 5 of zeros would drown the rest. */
static void print_told(FILE *stream, const char *name, const struct tw_tally *tally)
{
    for (size_t i = 0; tw_detectors[i]; i++) {
        for (int severity = 0; severity < TW_TALLY_SEVERITIES; severity++) {
            for (int action = 0; action < TW_TALLY_ACTIONS; action++) {
                uint64_t told = tally->told[i][severity][action];
                if (told)
                    fprintf(stream,
                            "%s{detector=\"%s\",severity=\"%s\",action=\"%s\"} %" PRIu64 "\n", name,
                            tw_detectors[i]->name, tw_severity_name(severity),
                            tw_action_name(action), told);
            }
        }
    }
}

static void print_open(FILE *stream, const char *name, const struct tw_tally *tally)
{
    for (size_t i = 0; tw_detectors[i]; i++) {
        for (int severity = 0; severity < TW_TALLY_SEVERITIES; severity++)
            fprintf(stream, "%s{detector=\"%s\",severity=\"%s\"} %" PRId64 "\n", name,
                    tw_detectors[i]->name, tw_severity_name(severity), tally->open[i][severity]);
    }
}

static void print_more(FILE *stream, const struct tw_metric_name *metric,
                       const struct tw_figures *figures)
{
    const char *name = metric->name;
    print_head(stream, metric);
    if (!strcmp(name, "trainward_build_info"))
        fprintf(stream, "%s{version=\"" PACKAGE_VERSION "\"} 1\n", name);
    else if (!strcmp(name, "process_resident_memory_bytes"))
        print_computed(stream, name, resident_bytes());
    else if (!strcmp(name, "process_cpu_seconds_total"))
        print_computed(stream, name, cpu_seconds());
    else if (!strcmp(name, "process_open_fds"))
        print_computed(stream, name, open_descriptors());
    else if (!strcmp(name, "trainward_last_progress_age_seconds"))
        print_computed(stream, name, tw_heartbeat_age());
    else if (!strcmp(name, "trainward_advisories_total"))
        print_told(stream, name, &figures->tally);
    else
        print_open(stream, name, &figures->tally);
}

char *tw_metrics_text(struct tw_metrics *metrics, size_t *ret_size)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, ret_size);
    if (!stream)
        return NULL;
    const struct tw_figures *figures = tw_metrics_take(metrics);
    for (size_t i = 0; i < tw_n_metric_more; i++)
        print_more(stream, &tw_metric_more[i], figures);
    for (size_t i = 0; i < tw_n_metrics; i++)
        print_metric(stream, &tw_metric_table[i], figures);
    tw_metrics_give(metrics);
    bool has_failed = ferror(stream);
    if (fclose(stream) || has_failed) {
        free(text);
        return NULL;
    }
    return text;
}
