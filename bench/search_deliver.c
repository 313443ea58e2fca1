/* What bench/search_bench.py measures with: the search sink's delivery loop over a prepared log,
 * and the very bodies that it sends, as files for curl.
 *
 *     trainward-bench-search deliver LOG_DIR URL PREFIX DOCUMENTS
 *     trainward-bench-search bodies LOG_DIR PREFIX FOLDER */
#include "sinks/delivery.h"
#include "sinks/elasticsearch_bulk.h"
#include "sinks/elasticsearch_client.h"
#include "sinks/elasticsearch_shipment.h"

#include "telemetry/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PATIENCE_SECONDS 600

static int fail(const char *what, const struct tw_error *error)
{
    char text[1024];
    fprintf(stderr, "%s: %s\n", what, tw_error_message(error, text, sizeof text));
    return 1;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Waits until all are delivered; how long that took. */
static double wait_for(struct tw_delivery *delivery, uint64_t documents, double begun)
{
    struct tw_delivery_counts counts = {0};
    /* Seldom enough to take no CPU from what is measured. */
    const struct timespec pause = {.tv_nsec = 5000000};
    while (counts.delivered < documents && tw_now_seconds() < begun + PATIENCE_SECONDS) {
        nanosleep(&pause, NULL);
        tw_delivery_counts(delivery, &counts);
    }
    return counts.delivered < documents ? -1 : tw_now_seconds() - begun;
}

static int deliver(const char *dir, char *url, char *prefix, uint64_t documents)
{
    struct tw_error error = {0};
    struct tw_delivery *delivery;
    struct tw_elasticsearch_config config = {
        .urls = {.n = 1, .at = &url}, .index_prefix = prefix, .timeout = 90};
    const struct tw_delivery_options options = {.name = prefix,
                                                .sink = tw_sink_find("elasticsearch"),
                                                .config = &config,
                                                .log = {.dir = dir},
                                                .dead_letter_dir = dir};
    double begun = tw_now_seconds(), cpu = cpu_seconds();
    if (tw_delivery_start(&delivery, &options, &error))
        return fail("deliver", &error);
    double seconds = wait_for(delivery, documents, begun);
    cpu = cpu_seconds() - cpu;
    tw_delivery_stop(delivery, 0);
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", seconds, cpu);
    return seconds < 0;
}

static int write_body(const char *folder, int number, const char *prefix,
                      const struct tw_log_item *items, long n)
{
    char path[4096], reason[TW_REASON_MAX];
    struct tw_document document;
    snprintf(path, sizeof path, "%s/%06d.ndjson", folder, number);
    FILE *file = fopen(path, "w");
    int result = file ? 0 : -1;
    for (long i = 0; i < n && !result; i++) {
        if (!tw_document_parse(&document, items[i].document, items[i].size, reason, sizeof reason))
            return -1;
        result = tw_bulk_add(file, prefix, &document, items[i].document, items[i].size);
        tw_document_release(&document);
    }
    return file && fclose(file) ? -1 : result;
}

static int bodies(const char *dir, const char *prefix, const char *folder)
{
    struct tw_error error = {0};
    struct tw_log_reader *reader;
    struct tw_log_item items[TW_SHIPMENT_DOCUMENTS_MAX]; /* as the sink takes them */
    const struct tw_log_location location = {.dir = dir};
    int number = 0, result = 0;
    long n;
    if (tw_log_reader_open(&reader, &location, "bodies", &error))
        return fail("bodies", &error);
    while (!result && (n = tw_log_read(reader, items, TW_SHIPMENT_DOCUMENTS_MAX, 0, &error)) > 0)
        result = write_body(folder, number++, prefix, items, n);
    tw_log_reader_close(reader);
    return error.code ? fail("bodies", &error) : result;
}

int main(int argc, char **argv)
{
    if (argc == 6 && !strcmp(argv[1], "deliver"))
        return deliver(argv[2], argv[3], argv[4], strtoull(argv[5], NULL, 10));
    if (argc == 5 && !strcmp(argv[1], "bodies"))
        return bodies(argv[2], argv[3], argv[4]);
    fputs("usage: deliver LOG_DIR URL PREFIX DOCUMENTS | bodies LOG_DIR PREFIX FOLDER\n", stderr);
    return 2;
}
