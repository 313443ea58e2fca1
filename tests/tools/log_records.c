/* Prints the records that the source "log" makes of a log, one JSON object a line, and behind them
 * how it was read:
 *
 *   log_records [--follow] PATH
 *
 *   {"run": ..., "kind": "step", "step": 1, "loss": 2.5, ...}
 *   format megatron
 *   skipped 0
 *
 * With --follow, a line "." tells that there is nothing more for now. Each line of the standard
 * input is one more look; at its end nothing more will come.
 */
#include "sources/source.h"
#include "telemetry/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct tw_source tw_source_log;

static bool print_record(const struct tw_record *record)
{
    char *line = tw_json_encode(record);
    if (line)
        puts(line);
    free(line);
    return line != NULL;
}

/* All that is there for now. */
static int print_records(void *log, unsigned *skipped, struct tw_error *error)
{
    struct tw_source_item item;
    int next;
    while ((next = tw_source_log.next(log, 0, &item, error)) == TW_NEXT_RECORD ||
           next == TW_NEXT_BROKEN) {
        *skipped += next == TW_NEXT_BROKEN;
        if (next == TW_NEXT_RECORD && !print_record(item.record))
            return tw_error_set(error, -ENOMEM, "out of memory");
    }
    return next;
}

static void wait_for_line(void *log)
{
    char line[16];
    puts(".");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        tw_source_log.no_more(log);
}

int main(int n_arguments, char **arguments)
{
    bool follow = n_arguments == 3 && !strcmp(arguments[1], "--follow");
    struct tw_source_request request = {.path = arguments[n_arguments - 1], .follow = follow};
    struct tw_error error = {0};
    void *log;
    unsigned skipped = 0;
    int next;
    if (n_arguments != (follow ? 3 : 2))
        return 2;
    if (tw_source_log.open(&log, &request, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    while ((next = print_records(log, &skipped, &error)) == TW_NEXT_WAIT)
        wait_for_line(log);
    printf("format %s\nskipped %u\n", tw_source_log.format(log), skipped);
    tw_source_log.close(log);
    if (next < 0)
        fprintf(stderr, "%s\n", error.text);
    return next < 0;
}
